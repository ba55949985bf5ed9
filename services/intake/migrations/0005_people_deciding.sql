-- Who decides of a case, beside the table of involvement: its events name everybody who sees it by name.
alter table cases add column people_deciding text[] not null default '{}';
update cases set people_deciding = (
    select coalesce(array_agg(person order by person), '{}') from involvement
    where involvement.case_id = cases.id and involvement.sort = 'decided' and involvement.ended_at is null);
