-- The identity of every report that was ever accepted: (producer, idempotency key) as its receipt. It outlives case and erasure, so it
-- holds hashes only.
create table identity (
    receipt    uuid primary key,
    producer   text not null,
    -- keyed hash of the parsed body
    body_hash  bytea not null,
    -- the 54 bits of the tracking code; two reports may share them
    code       bigint not null,
    -- registered: opened a case; supplement: joined one; waiting: for the report that it follows
    state      text not null check (state in ('registered', 'supplement', 'waiting')),
    case_id    uuid,
    first_seen timestamptz not null,
    check ((state = 'waiting') = (case_id is null))
);
create index identity_by_code on identity (code);
create index identity_by_case on identity (case_id) where state = 'supplement';

-- What was sent, sealed under this service's key. Erasing a report's text is deleting its row.
create table report (
    receipt     uuid primary key,
    received_at timestamptz not null,
    sealed      bytea not null
);

-- Reports that follow one that is not known (yet). `alone`: waited for too long or stood in a cycle, and became a case of its own; kept,
-- so that the two can be linked when the target comes after all.
create table waiting (
    receipt     uuid primary key references identity (receipt),
    target      uuid,
    target_code bigint,
    -- real time, not domain time: how long a message may take does not depend on a demonstration's clock
    since       timestamptz not null default clock_timestamp(),
    alone       uuid,
    traceparent text,
    check (num_nonnulls(target, target_code) = 1)
);
create index waiting_by_target on waiting (target) where target is not null;
create index waiting_by_code on waiting (target_code) where target_code is not null;
create index waiting_since on waiting (since) where alone is null;

-- Reports that were accepted and cannot be registered.
create table rejected (
    id              uuid primary key,
    receipt         uuid not null,
    producer        text not null,
    unit            text not null,
    channel         text not null,
    -- stable code, e.g. idempotency-conflict
    reason          text not null,
    problem         jsonb not null,
    body_hash       bytea not null,
    received_at     timestamptz not null,
    rejected_at     timestamptz not null,
    -- null once its time has passed
    sealed          bytea,
    state           text not null default 'open' check (state in ('open', 'admitted', 'dismissed')),
    decided_by      text,
    decided_at      timestamptz,
    sealed_decision bytea,
    case_id         uuid,
    version         bigint not null default 1,
    -- the trace that the report came with
    traceparent     text,
    -- transactions commit out of order; a producer that reads on from a cursor is shown only what no running one can still precede
    written_by      xid8 not null default pg_current_xact_id(),
    unique (receipt, body_hash)
);
create index rejected_by_producer on rejected (producer, written_by, id);
create index rejected_by_state on rejected (state, id);
create index rejected_text on rejected (decided_at) where sealed is not null;
