create table cases (
    id              uuid primary key,
    number          text not null,
    -- the pattern that the number was made by, with all but its sequence filled in
    number_scope    text not null,
    -- of the report that opened it; one case for each is what the table identity sees to
    receipt         uuid not null,
    pack            text not null,
    kind            text not null,
    unit            text not null,
    severity        text not null,
    stage           text not null,
    channel         text not null,
    producer        text not null,
    title           text not null,
    title_zh        text not null,
    unsorted        boolean not null,
    -- its severity is one that the pack marks as major
    major           boolean not null,
    -- a person has set the severity: it is not judged anew
    severity_set    boolean not null default false,
    -- steps made since it was opened or reopened
    done            text[] not null default '{}',
    anonymous       boolean not null,
    closed          boolean not null default false,
    outcome         text,
    occurred_at     timestamptz not null,
    received_at     timestamptz not null,
    registered_at   timestamptz not null,
    -- who reported it, where the directory knows the reporter
    reported_by     text,
    handler         text,
    -- people complained about: they never see it
    excluded_people text[] not null default '{}',
    -- units complained about, where the pack says that they do not see it
    excluded_units  text[] not null default '{}',
    -- declared fields that are not personal
    fields          jsonb not null default '{}',
    -- the personal ones, and the report's subject, sealed
    sealed_fields   bytea,
    sealed_subject  bytea,
    -- e.g. 138****2345
    phone_masked    text,
    repeats         bigint not null default 0,
    -- why this kind and this severity, with articles
    reasons         jsonb not null default '[]',
    merged_into     uuid,
    policy          bigint not null,
    version         bigint not null,
    -- ce-time of its latest event: the next is later
    last_event_at   timestamptz not null,
    traceparent     text,
    unique (number, number_scope)
);
create index cases_by_unit on cases (unit, id desc);
create index cases_by_handler on cases (handler, id desc) where handler is not null;
create index cases_by_reporter on cases (reported_by, id desc) where reported_by is not null;
create index cases_unsorted on cases (id desc) where unsorted;

-- By what reports are recognised as repeating a matter: keyed hashes of the pack's keys, e.g. of telephone, unit and kind. Never of
-- anonymous reporters.
create table matter (
    key         bytea not null,
    case_id     uuid not null,
    received_at timestamptz not null,
    primary key (key, received_at, case_id)
);
create index matter_of_case on matter (case_id);

-- The next number of each scope (a pattern with everything but its sequence filled in). Blocks are taken outside the transaction that
-- registers, so that two copies do not wait for each other: gaps are allowed, repetition is not.
create table numbering (
    scope text primary key,
    next  bigint not null
);

-- Everything that happened to a case, as its timeline shows it. Free text of people is sealed.
-- (The tables that every registration writes have no foreign keys: one transaction writes them together, and each check would cost.)
create table timeline (
    id          uuid not null,
    case_id     uuid not null,
    version     bigint not null,
    at          timestamptz not null,
    event       text not null,
    text        text not null,
    text_zh     text not null,
    by          text not null default '',
    sealed_note bytea,
    article     text,
    primary key (case_id, id)
);

create table link (
    case_id   uuid not null references cases (id),
    other     uuid not null references cases (id),
    -- repeats: case_id repeats the matter of other; merged_into; follows
    sort      text not null check (sort in ('repeats', 'merged_into', 'follows')),
    at        timestamptz not null,
    undone_at timestamptz,
    undone_by text,
    primary key (case_id, other, sort)
);
create index link_other on link (other);

-- People who see a case by name: added, or because they decided something of it. It lasts until it is ended.
create table involvement (
    case_id  uuid not null references cases (id),
    person   text not null,
    sort     text not null check (sort in ('added', 'decided')),
    since    timestamptz not null,
    ended_at timestamptz,
    by       text not null,
    primary key (case_id, person, sort)
);
create index involvement_of_person on involvement (person, case_id) where ended_at is null;

-- Who exported what: an export leaves the building, so it leaves a trace.
create table exported (
    id     uuid primary key,
    person text not null,
    at     timestamptz not null,
    filter jsonb not null,
    cases  bigint not null
);
