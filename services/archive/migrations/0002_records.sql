-- Records, their content sealed under a key each. The wrapped keys are a table of their own, to be backed up on its own and only in its
-- newest state: a key that was destroyed must not come back with an old copy.

create table index_counter (
    unit text not null,
    year smallint not null,
    last bigint not null,
    primary key (unit, year)
);

create table record (
    id            uuid primary key,
    index_number  text not null unique,
    case_id       uuid not null,
    edition       integer not null,
    closing       uuid not null unique references filing,
    number        text not null,
    unit          text not null,
    title         text not null,
    title_zh      text not null,
    content       bytea not null,
    -- SHA-256 of the content as it was before sealing.
    content_hash  bytea not null,
    content_bytes bigint not null,
    filed_at      timestamptz not null,
    policy        bigint not null,
    version       bigint not null default 1,
    unique (case_id, edition)
);
create index record_newest on record (filed_at desc, id desc);

create table record_key (
    record  uuid primary key references record,
    wrapped bytea not null
);
