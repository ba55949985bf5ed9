-- Drafts of sets of packs, kept to be rehearsed. A draft is no version: nobody signs for it, and it never comes into force.

create table policy.draft (
    number  bigint generated always as identity primary key,
    by_person text not null,
    at      timestamptz not null,                              -- domain time
    against bigint references policy.applied_set (version),    -- the set in force whose files it was put into
    kept_at timestamptz not null default clock_timestamp()     -- mechanism time: forgotten after a quarter
);
create table policy.draft_source (
    draft bigint not null references policy.draft (number) on delete cascade,
    name  text not null,
    body  text not null,
    primary key (draft, name)
);
