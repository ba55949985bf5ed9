-- A correction of a calendar or a rule reaches duties that stand, each once: a duty says how many corrections its time follows.

alter table duty add column corrections integer not null default 0;
-- Those that have one before them are at its head; while there is none, looking costs one read.
create index duty_corrections on duty (corrections, id) where open;

alter table duty_act add column corrected jsonb;   -- by which correction its time was counted anew: version, what of it, who approved

-- What a submitted correction would change, listed before it is approved. One list for each version.
create table foreseen (
    version  bigint primary key,
    against  bigint not null,                      -- the version in force of which it is taken
    corrects text[] not null,
    state    text not null check (state in ('looking', 'done', 'failed')),
    fault    text,
    -- Up to where the open duties have been looked at.
    behind   integer not null default 0,
    reached  uuid not null default '00000000-0000-0000-0000-000000000000',
    looked   bigint not null default 0,
    moved    bigint not null default 0,
    stays    bigint not null default 0,            -- concerned, and it cannot be told what would become of them
    digest   bytea not null default '',            -- of what was found so far
    taken_at timestamptz not null,                 -- domain time
    asked_at timestamptz not null default clock_timestamp()   -- mechanism time
);
create table foreseen_change (
    version     bigint not null references foreseen (version) on delete cascade,
    duty        uuid not null references duty (id),
    concerns    text not null,                     -- what of the correction
    due_before  timestamptz not null,
    due_after   timestamptz not null,
    owed_before text not null,
    owed_after  text not null,
    stages      jsonb not null,                    -- reminders and rungs that change
    primary key (version, duty)
);
create index foreseen_change_due on foreseen_change (version, due_before, duty);
