-- Rehearsals (推演): a draft of a set of packs, run over what really happened.

-- Every event of others to which rules could listen, as it came, so that a draft can be asked what it would have made of them. Events hold no
-- personal text. Kept for as many days as the service is told.
create table past_event (
    at      timestamptz not null,                  -- domain time
    id      uuid not null,
    subject text not null,
    about   text not null,
    version bigint not null,
    policy  bigint not null,
    case_id uuid,
    body    bytea not null
);
create index past_event_at on past_event (at, id);

-- What people did is played with them, in the order of time.
create index acknowledgement_at on acknowledgement using brin (at);
create index duty_act_at on duty_act using brin (at);

create table rehearsal (
    id           uuid primary key,
    draft        bigint,
    version      bigint,
    packs        text[] not null,                  -- empty: all
    state        text not null check (state in ('waiting', 'running', 'done', 'failed')),
    fault        text,
    asked_by     text not null,
    asked_at     timestamptz not null,             -- domain time, and the next three
    since        timestamptz not null,
    until        timestamptz not null,
    reached      timestamptz not null,
    played       bigint not null default 0,
    left_out     bigint not null default 0,
    made         jsonb,                            -- what the draft made and what really was made, once it is done
    attempts     integer not null default 0,
    leased_until timestamptz,                      -- mechanism time: whoever has it in hand says so
    begun_at     timestamptz not null default clock_timestamp(),
    check ((draft is null) <> (version is null))
);
create index rehearsal_open on rehearsal (begun_at) where state in ('waiting', 'running');
