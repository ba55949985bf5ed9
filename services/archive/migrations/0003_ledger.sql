-- The ledger 保管台账: one chain of entries over all records. Each entry's hash covers the one before it; see src/ledger.rs.

create table ledger (
    sequence      bigint primary key,
    record        uuid not null references record,
    act           text not null,
    at            timestamptz not null,
    by            text not null,
    content_hash  bytea not null,
    previous_hash bytea not null,
    hash          bytea not null unique
);
create index ledger_by_record on ledger (record, sequence);

-- The end of the chain. Whoever appends locks it, so entries get their numbers in the order of their commits, without a gap.
create table ledger_head (
    one      boolean primary key default true check (one),
    sequence bigint not null,
    hash     bytea not null
);
insert into ledger_head (sequence, hash) values (0, decode(repeat('00', 32), 'hex'));

create function ledger_is_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'the ledger is append-only';
end
$$;

create trigger ledger_no_change before update or delete on ledger for each row execute function ledger_is_append_only();
create trigger ledger_no_truncate before truncate on ledger for each statement execute function ledger_is_append_only();
revoke update, delete, truncate on ledger from current_user;
