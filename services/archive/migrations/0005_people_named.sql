-- Who reported a case, decided of it or was added to it sees its record by name, as he saw the case.
alter table case_copy add column people_named text[] not null default '{}';
