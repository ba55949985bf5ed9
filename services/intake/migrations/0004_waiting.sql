-- A report that could not be joined or registered is tried again later and later, and holds up no other. `failures`: its own, not the
-- database's; `trouble`: the last reason, without personal text.
alter table waiting
    add column asleep_until timestamptz,
    add column failures     integer not null default 0,
    add column trouble      text;

-- Those that became cases of their own are looked at seldom, and go in the end.
create index waiting_alone on waiting (since) where alone is not null;
create index waiting_parked on waiting (receipt) where failures > 0;
