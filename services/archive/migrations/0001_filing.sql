-- What is to be filed, and the copy of each case's standing by which rights are decided.

create table case_copy (
    id              uuid primary key,
    unit            text not null,
    handler         text,
    excluded_people text[] not null,
    excluded_units  text[] not null,
    version         bigint not null
);

-- One row per closing event: the job of fetching the case's file from its owners.
create table filing (
    closing     uuid primary key,
    case_id     uuid not null,
    -- Event time and version of the close; a case that was closed again has another row with a higher version.
    closed_at   timestamptz not null,
    version     bigint not null,
    -- The closing event's body, as in contracts::case::CaseEvent. No personal text.
    body        jsonb not null,
    traceparent text,
    state       text not null default 'waiting' check (state in ('waiting', 'filed')),
    attempts    integer not null default 0,
    last_error  text,
    -- Mechanism time: when the next attempt may begin; until when, and by which claim, one is under way.
    next_at     timestamptz not null default clock_timestamp(),
    lease       uuid,
    lease_until timestamptz
);
create index filing_due on filing (next_at, closing) where state = 'waiting';
create index filing_by_case on filing (case_id, version);
