-- Schema identity (first in the role's search_path): who is who, who may what, who sends.
-- Times named *_at are domain time where they are told to people (changes), real time where they are mechanism (sessions, tokens).

-- One row: the version of the directory, raised with every change of it.
create table directory_version (
    single bool primary key default true check (single),
    version bigint not null
);
insert into directory_version (version) values (0);

create table unit (
    id text primary key,
    body jsonb not null
);

create table post (
    id text primary key,
    body jsonb not null
);

create table person (
    id text primary key,
    body jsonb not null,
    -- Cannot log in and is told nothing; never deleted, since histories name him.
    disabled bool not null default false
);

-- The organisation file as it was last applied, so that the next one can be made from it.
create table organisation_file (
    single bool primary key default true check (single),
    body text not null,
    applied_by text not null,
    applied_at timestamptz not null
);

-- The post that is told when nobody else is left.
create table fallback (
    single bool primary key default true check (single),
    post text not null
);

-- Credentials, tokens, sessions and producers made while DUBAN_DEMONSTRATION was on are good nowhere else (column demonstration).

-- argon2id, PHC string. A person without a row cannot log in by password.
create table credential (
    person text primary key references person (id),
    password_hash text not null,
    demonstration bool not null,
    changed_at timestamptz not null default clock_timestamp()
);

-- Tokens of people for the API: only their SHA-256 is kept.
create table api_token (
    id uuid primary key,
    person text not null references person (id),
    name text not null,
    token_hash text not null unique,
    demonstration bool not null,
    created_at timestamptz not null default clock_timestamp(),
    created_by text not null,
    expires_at timestamptz not null,
    revoked_at timestamptz
);
create index api_token_of_person on api_token (person);

create table session (
    id uuid primary key,
    person text not null references person (id),
    token_hash text not null unique,
    csrf text not null,
    demonstration bool not null,
    created_at timestamptz not null default clock_timestamp(),
    used_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz not null
);
create index session_of_person on session (person);
create index session_expiry on session (expires_at);

create table producer (
    id text primary key,
    name text not null,
    unit text not null,
    token_hash text not null unique,
    disabled bool not null default false,
    demonstration bool not null
);

-- Every change of rights, posts, people, producers and policies: who, when, what it was and what it is. Never deleted.
create table change (
    id uuid primary key,
    at timestamptz not null,
    by text not null,
    -- unit, post, person, producer, token, policy
    what text not null,
    which text not null,
    before jsonb,
    after jsonb
);
create index change_of on change (what, which, id desc);

-- Reports refused over NATS, sealed: their sender may not have looked at the reply.
create table refused_report (
    id uuid primary key,
    producer text not null,
    refused_at timestamptz not null,
    problem jsonb not null,
    sealed bytea not null,
    keep_until timestamptz not null
);
create index refused_report_age on refused_report (keep_until);
