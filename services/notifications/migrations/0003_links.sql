-- Acknowledgement links. The token is never stored, only its hash.

create table link (
    id         uuid primary key,
    alert      uuid not null,
    person     text not null,
    token_hash bytea not null unique,
    expires_at timestamptz not null,
    used_at    timestamptz,
    foreign key (alert, person) references message
);
