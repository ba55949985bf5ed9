-- The engine audits itself: the timers of open duties are held against their plans, by all copies together.

-- It could not be raised and its timer was set to later: nobody has lost it.
alter table duty add column put_off boolean not null default false;

-- Whose turn it is and up to where this round has looked, in the order of due times.
create table audit (
    one           boolean primary key default true check (one),
    due_at        timestamptz,                     -- null: a round begins
    duty          uuid,
    looked        bigint not null default 0,
    next_round_at timestamptz not null default clock_timestamp()   -- mechanism time
);
insert into audit default values;

-- What was found and set right. Domain time.
create table lost_timer (
    duty      uuid not null references duty (id),
    found_at  timestamptz not null,
    should_at timestamptz not null,                -- when it should have run out, or should yet
    was_at    timestamptz,                         -- what it was set to; null: to nothing
    audit     uuid not null,                       -- what was found together
    primary key (duty, found_at)
);
