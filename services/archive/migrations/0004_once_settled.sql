-- A case is filed at its close. Where duties outlive the close, its file is filed once more when they have ended: the same close, a job and an
-- edition of its own.

alter table filing
    -- The event that owners must have handled: the close, also for the later edition.
    add column after uuid,
    -- The later edition: it waits until no duty of the case is open.
    add column settled boolean not null default false;

update filing set after = closing;
alter table filing alter column after set not null;
