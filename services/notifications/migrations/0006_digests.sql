-- What waits in a heap for one person on one channel goes out as one message, a digest: a delivery of its own that the others go out in.

alter table delivery add column digest uuid references delivery;   -- the digest that it goes out in; a digest names itself
alter table delivery
    drop constraint delivery_tells_one_thing,
    add constraint delivery_tells_one_thing
        check (num_nonnulls(alert, notice) = 1 or (num_nonnulls(alert, notice) = 0 and digest is not distinct from id));

-- What goes out by itself.
drop index delivery_due;
create index delivery_due on delivery (destination, next_at, id) where state = 'waiting' and (digest is null or digest = id);
create index delivery_of_digest on delivery (digest) where digest is not null;
-- What could be gathered: alerts that nobody has tried to send yet.
create index delivery_heap on delivery (person, channel, next_at) where state = 'waiting' and digest is null and alert is not null and attempts = 0;

-- How much a person was sent on a channel of late. Mechanism time.
create table pace (
    person   text not null,
    channel  text not null,
    began_at timestamptz not null,                 -- of the window that is counted in
    singly   integer not null,                     -- alerts that went out by themselves; as many as may, once there was a digest
    digests  integer not null,
    primary key (person, channel)
);
