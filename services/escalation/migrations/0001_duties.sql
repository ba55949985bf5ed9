-- Duties, what closes them, and the alerts that they raise. Stands in the service's own schema.
-- Every time is domain time unless its comment says otherwise.

create table duty (
    id              uuid primary key,              -- derived from rule, key and opening event: the same event opens it once
    pack            text not null,
    rule            text not null,
    key             text not null,                 -- what opening and closing events have in common, e.g. case/<id>
    case_id         uuid,
    title           text not null,
    title_zh        text not null,
    owed_by         text not null,                 -- the post, as found when it was opened or moved
    policy          bigint not null,
    run             integer not null,
    by_hand         boolean not null,              -- closed by who owes it, not by an event
    shadowed        boolean not null,              -- opened while an earlier one of its matter stood; nobody is told of it
    closes_case     boolean not null,              -- its due time is what the public is told
    terms           jsonb not null,                -- what was settled at its opening: article, link, who owes it to whom, plan

    -- What its subject's newest event says of where it belongs.
    unit            text not null,
    handler         text,
    excluded_people jsonb not null,
    excluded_units  jsonb not null,
    facts_version   bigint not null,

    opened_at       timestamptz not null,
    opened_subject  text not null,
    opened_version  bigint not null,
    opened_by       uuid not null,                 -- the event
    due_at          timestamptz not null,
    closed_at       timestamptz,
    closed_subject  text,
    closed_version  bigint,
    closed_by       uuid,                          -- the event, or the request of who closed it by hand
    closed_person   text,
    note            text,                          -- of who closed it by hand
    cancelled       boolean,
    breached_at     timestamptz,
    withdrawn_at    timestamptz,
    state           text not null check (state in ('pending', 'due_soon', 'breached', 'closed_in_time', 'closed_late', 'cancelled')),
    open            boolean generated always as (state in ('pending', 'due_soon', 'breached')) stored,
    late            boolean not null,

    reminders       integer not null,              -- how many were raised
    rung            integer,                       -- the newest that was raised, with its repetition and when
    repetition      integer,
    raised_at       timestamptz,
    acknowledged_at timestamptz,                   -- when that rung was acknowledged as it asks
    next_at         timestamptz,                   -- the one timer: reminder, breach, rung or repetition

    traceparent     text,
    version         bigint not null,
    check (next_at is null or state in ('pending', 'due_soon', 'breached'))
);
-- The tick reads the head of this one and nothing else.
create index duty_next on duty (next_at) where next_at is not null;
create index duty_key on duty (key, rule, pack);
create index duty_case on duty (case_id) where case_id is not null;
create index duty_number on duty ((terms ->> 'number')) where open and closes_case;
create index duty_open_of_unit on duty (unit, due_at, id) where open;
create index duty_open on duty (due_at, id) where open;
create index duty_ended on duty (closed_at desc, id) where not open;

-- Closes are remembered, so that an open that is read late finds the one that ended it.
create table closing (
    key       text not null,
    rule      text not null,
    pack      text not null,
    event     uuid not null,
    subject   text not null,
    version   bigint not null,
    at        timestamptz not null,
    cancelled boolean not null,                    -- not done but fallen away
    seen_at   timestamptz not null default clock_timestamp(),   -- mechanism time: forgotten when nothing that old can still arrive
    primary key (key, rule, pack, event)
);
create index closing_seen on closing using brin (seen_at);

-- What a subject's newest event says of where it belongs: own copy, so that an open that is read late is not judged by old facts.
create table subject (
    about           text primary key,
    version         bigint not null,
    unit            text,
    handler         text,
    excluded_people jsonb not null,
    excluded_units  jsonb not null
);

create table alert (
    id          uuid primary key,                  -- derived from duty, run, rung and repetition
    duty        uuid not null references duty (id),
    run         integer not null,
    rung        integer not null,                  -- negative: a reminder
    repetition  integer not null,
    sort        text not null check (sort in ('reminder', 'notice', 'breach', 'escalation')),
    until       text not null check (until in ('any', 'all')),
    urgent      boolean not null,
    recipients  jsonb not null,
    next        jsonb,
    late        boolean not null,
    state       text not null check (state in ('open', 'acknowledged', 'closed')),
    due_at      timestamptz not null,
    raised_at   timestamptz not null,
    ended_at    timestamptz,
    version     bigint not null,
    traceparent text,
    unique (duty, run, rung, repetition)
);
create index alert_recent on alert (raised_at desc, id);
create index alert_open on alert (raised_at desc, id) where state = 'open';

create table recipient (
    alert     uuid not null references alert (id),
    person    text not null,
    raised_at timestamptz not null,
    primary key (person, raised_at, alert)
);

create table acknowledgement (
    alert  uuid not null references alert (id),
    person text not null,
    at     timestamptz not null,
    link   uuid,
    primary key (alert, person)
);

-- Up to when recurring duties have been opened.
create table recurrence (
    one          boolean primary key default true check (one),
    opened_until timestamptz not null
);

-- Own events that rules listen to, on their way back in: written with the outbox row, taken out with what they open and close.
create table own_event (
    seq         bigint generated always as identity primary key,
    id          uuid not null,
    subject     text not null,
    time        timestamptz not null,
    about       text not null,
    version     bigint not null,
    policy      bigint not null,
    case_id     uuid,
    traceparent text,
    body        bytea not null
);
