-- When each producer was heard last, and which of those that are watched are silent. Domain time.
create table source (
    producer    text primary key,
    counts_from timestamptz not null,              -- first heard, or first watched: while nothing was heard, silence counts from here
    heard_at    timestamptz,                       -- when its newest report was received, to the second; null: none ever was
    silent_at   timestamptz,                       -- since when it counts as silent; null: it does not
    version     bigint not null default 0          -- rises with each silence and each end of one
);
