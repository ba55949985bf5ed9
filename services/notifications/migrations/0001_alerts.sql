-- What notifications knows of the world, from events: its own copy, asked once more just before anything is sent.

create table duty (
    id              uuid primary key,
    owed_by         text not null,
    excluded_people text[] not null,
    version         bigint not null,
    -- The latest end by event time: an alert raised before it is no longer wanted, one raised after a reopening is.
    ended_at        timestamptz
);

create table alert (
    id          uuid primary key,
    duty        uuid not null,
    case_id     uuid,
    unit        text not null,
    -- The newest body by version, as in contracts::alert::AlertEvent. No personal text.
    body        jsonb not null,
    state       text not null check (state in ('open', 'acknowledged', 'closed')),
    version     bigint not null,
    -- Event time and trace of `alert.raised`; null while only a later event has been read.
    raised_at   timestamptz,
    traceparent text
);
create index alert_by_duty on alert (duty);
create index alert_by_case on alert (case_id) where case_id is not null;

-- Number, unit and who must not see it: for the words of messages and for rights.
create table case_copy (
    id              uuid primary key,
    number          text not null,
    unit            text not null,
    handler         text,
    excluded_people text[] not null,
    excluded_units  text[] not null,
    version         bigint not null
);

-- Closing events that were read: archive's question is answered only after them.
create table case_closing (
    event   uuid primary key,
    case_id uuid not null
);
