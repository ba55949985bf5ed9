-- Somebody is back: what others were alerted of in his place and still stands, told in one message over the usual deliveries.

create table return_notice (
    id          uuid primary key,
    person      text not null,
    -- As in contracts::absence::ReturnNoticed. No personal text.
    body        jsonb not null,
    noticed_at  timestamptz not null,
    traceparent text
);

alter table delivery
    alter column alert drop not null,
    add column notice uuid references return_notice,
    add constraint delivery_tells_one_thing check (num_nonnulls(alert, notice) = 1);
create index delivery_by_notice on delivery (notice) where notice is not null;
