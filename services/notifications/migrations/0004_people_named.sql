-- Who reported a case, decides of it or was added to it sees its deliveries by name, as he sees the case.
alter table case_copy add column people_named text[] not null default '{}';
