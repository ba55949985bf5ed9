-- Who is away, and who acts for whom (schema identity). Domain time. Rows stay: they are the history of who was away when and who said so.

create table absence (
    id        uuid primary key,               -- derived from who set it and his request
    person    text not null references person (id),
    from_at   timestamptz not null,
    until_at  timestamptz,                    -- null: until further notice
    reason    text not null,                  -- stays here: neither directory nor history has it
    set_by    text not null,
    set_at    timestamptz not null,
    -- Ended before its time; withdrawn: before it began, so that it never was.
    ended_by  text,
    ended_at  timestamptz,
    withdrawn bool not null default false,
    check (until_at > from_at)
);
create index absence_of on absence (person, from_at desc);
create index absence_newest on absence (from_at desc, id desc);

create table delegation (
    id        uuid primary key,
    -- Whose part: a person's, or a post's.
    person    text references person (id),
    post      text,
    delegate  text not null references person (id),
    from_at   timestamptz not null,
    until_at  timestamptz not null,
    reason    text not null,
    set_by    text not null,
    set_at    timestamptz not null,
    ended_by  text,
    ended_at  timestamptz,
    withdrawn bool not null default false,
    check (num_nonnulls(person, post) = 1),
    check (until_at > from_at)
);
create index delegation_newest on delegation (from_at desc, id desc);
