-- What every service keeps besides its own tables. Stands in the service's own schema (the role's search path).
-- Times of mechanism (created, published, seen, leases, retries) are the database's real clock; only outbox.time is domain time.

create table outbox (
    id           uuid primary key,
    seq          bigint generated always as identity,
    subject      text not null,
    time         timestamptz not null,
    about        text not null,
    version      bigint not null,
    policy       bigint not null,
    case_id      uuid,
    traceparent  text,
    body         text not null,
    created_at   timestamptz not null default clock_timestamp(),
    published_at timestamptz,
    publication  integer
);
create index outbox_waiting on outbox (seq) where published_at is null;
create index outbox_published on outbox (published_at, seq) where published_at is not null;

-- Where rows were published to: a server and a stream, each with its identity, so that another server or a stream made anew is noticed.
create table publication (
    id             integer generated always as identity primary key,
    stream         text not null,
    stream_created timestamptz not null,
    server         text not null,
    last_at        timestamptz not null default clock_timestamp(),
    unique (stream, stream_created, server)
);

-- What must be published again: rows acknowledged between the two instants under another publication than the present one.
create table republication (
    id        integer generated always as identity primary key,
    from_time timestamptz not null,
    to_time   timestamptz not null,
    begun_at  timestamptz not null default clock_timestamp(),
    done_at   timestamptz
);

-- One copy relays at a time. The epoch fences: a holder whose lease was taken over can mark nothing any more.
create table relay_lease (
    name   text primary key,
    holder text not null,
    epoch  bigint not null,
    until  timestamptz not null
);

-- Up to which event each consuming service has handled all, and when that event was published: rows published earlier may go.
create table outbox_floor (
    consumer     text primary key,
    event        uuid not null,
    time         timestamptz not null,
    published_at timestamptz not null,
    told_at      timestamptz not null default clock_timestamp()
);

create table inbox (
    id      uuid primary key,
    stream  text not null,
    time    timestamptz not null,
    seen_at timestamptz not null default clock_timestamp()
);
create index inbox_seen on inbox using brin (seen_at);

-- The oldest row that each stream's owner still keeps and may publish again: inbox rows younger than that must stay.
create table inbox_floor (
    stream  text primary key,
    oldest  timestamptz not null,
    told_at timestamptz not null default clock_timestamp()
);

-- Messages that could not be handled when they came: acknowledged into this table, retried from it. Sealed.
create table set_aside (
    id       uuid primary key,
    event    uuid not null,
    stream   text not null,
    subject  text not null,
    sealed   bytea not null,
    attempts integer not null,
    reason   text not null,
    first_at timestamptz not null default clock_timestamp(),
    next_at  timestamptz not null
);
create index set_aside_next on set_aside (next_at);

-- Messages that can never succeed as things stand. No inbox row, so that a replay under the same id works.
create table dead_letter (
    id          uuid primary key,
    event       uuid not null,
    stream      text not null,
    subject     text not null,
    sealed      bytea not null,
    attempts    integer not null,
    reason      text not null,
    first_at    timestamptz not null,
    died_at     timestamptz not null default clock_timestamp(),
    replayed_at timestamptz
);
create index dead_letter_died on dead_letter (died_at);

-- Who opened or replayed which letter and when; outlives the letter.
create table dead_letter_act (
    id          bigint generated always as identity primary key,
    dead_letter uuid not null,
    act         text not null check (act in ('shown', 'replayed')),
    at          timestamptz not null default clock_timestamp(),
    by          text not null
);
create index dead_letter_act_of on dead_letter_act (dead_letter, at);

-- Answers to requests that acted, so that a repetition is answered and not done again.
create table kept_answer (
    space     text not null,
    request   uuid not null,
    body_hash bytea not null,
    answer    jsonb,
    at        timestamptz not null default clock_timestamp(),
    primary key (space, request)
);
create index kept_answer_at on kept_answer (at);

create table directory_copy (
    version    bigint primary key,
    directory  jsonb not null,
    fetched_at timestamptz not null default clock_timestamp()
);

create table policy_copy (
    version        bigint primary key,
    state          text not null,
    effective_from timestamptz not null,
    sources        jsonb not null,
    fetched_at     timestamptz not null default clock_timestamp()
);
