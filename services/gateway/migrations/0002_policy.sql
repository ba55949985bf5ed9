-- Schema policy: the sets of packs that were, are and will be in force. A set is whole: all packs, calendars and bindings.

create table policy.applied_set (
    version bigint generated always as identity primary key,
    -- submitted: waits for a second person; announced: waits for its time and for every service to hold it; applied; withdrawn.
    state text not null check (state in ('submitted', 'announced', 'applied', 'withdrawn')),
    note text not null default '',
    submitted_by text not null,
    submitted_at timestamptz not null,
    approved_by text,
    approved_at timestamptz,
    effective_from timestamptz,
    withdrawn_by text,
    withdrawn_at timestamptz
);
create index applied_set_state on policy.applied_set (state);

create table policy.source (
    version bigint not null references policy.applied_set (version),
    name text not null,
    body text not null,
    primary key (version, name)
);

-- What each service says of a version: that it holds it compiled, or why it cannot.
create table policy.holding (
    version bigint not null references policy.applied_set (version),
    service text not null,
    error text,
    told_at timestamptz not null default clock_timestamp(),
    primary key (version, service)
);
