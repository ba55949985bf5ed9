-- 'Not ours, returned' (退回): how often a case was returned since it was opened or reopened, and the unit from which a correction last took it to
-- where it is, to which it goes back.
alter table cases
    add column returns   bigint not null default 0 check (returns >= 0),
    add column came_from text;
