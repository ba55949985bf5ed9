-- In whose place an alert went to others, and who has been told on his return what of that still stands. Domain time.

create table diverted (
    alert     uuid not null references alert (id),
    person    text not null,
    raised_at timestamptz not null,
    primary key (person, raised_at, alert)
);

-- One row for each absence that is over: it is told once, by whichever copy.
create table return_noticed (
    person     text not null,
    since      timestamptz not null,
    until      timestamptz not null,
    noticed_at timestamptz not null,
    primary key (person, since)
);
