-- One message per alert and person, one delivery per channel of that person, one row per attempt.

create table message (
    alert          uuid not null references alert,
    person         text not null,
    language       text not null,
    told_at        timestamptz not null,
    -- Every channel has failed, or there was none.
    unreachable_at timestamptz,
    primary key (alert, person)
);
create index message_unreachable on message (unreachable_at) where unreachable_at is not null;

-- A place that deliveries go to, each with its own share of the work: all mail is one, every webhook endpoint another.
create table destination (
    id      text primary key,
    channel text not null check (channel in ('email', 'webhook'))
);

create table delivery (
    id          uuid primary key,
    alert       uuid not null,
    person      text not null,
    channel     text not null check (channel in ('email', 'webhook')),
    destination text not null references destination,
    -- Masked. The address itself is looked up in the directory at every attempt and never kept here.
    address     text not null,
    state       text not null default 'waiting' check (state in ('waiting', 'sent', 'failed', 'cancelled')),
    attempts    integer not null default 0,
    created_at  timestamptz not null,
    sent_at     timestamptz,
    ended_at    timestamptz,
    -- Mechanism time: when the next attempt may begin; until when, and by which claim, one is under way.
    next_at     timestamptz not null,
    lease       uuid,
    lease_until timestamptz,
    last_error  text,
    version     bigint not null default 1,
    foreign key (alert, person) references message
);
create index delivery_due on delivery (destination, next_at, id) where state = 'waiting';
create index delivery_by_message on delivery (alert, person);
create index delivery_newest on delivery (created_at desc, id desc);

create table attempt (
    delivery   uuid not null references delivery,
    number     integer not null,
    -- Domain time of its end.
    at         timestamptz not null,
    took_ms    integer not null,
    outcome    text not null check (outcome in ('sent', 'try_again', 'failed')),
    error      text,
    primary key (delivery, number)
);
