-- Whoever is complained about in a rejected report neither reads it nor decides about it.
alter table rejected
    add column excluded_people text[] not null default '{}',
    add column excluded_units  text[] not null default '{}';

-- Events tell who was added to a case by name, so that other services let them see what hangs on it.
alter table cases add column people_added text[] not null default '{}';
update cases set people_added = added.people
from (
    select case_id, array_agg(person order by person) as people from involvement where sort = 'added' and ended_at is null group by case_id
) as added
where added.case_id = cases.id;

-- Who would not be known is not to be known by part of his number either.
update cases set phone_masked = null where anonymous and phone_masked is not null;

-- The other case that an entry is about. Its number stands in the text as '{other}' and is put there for who may see that case.
alter table timeline add column other uuid;
update timeline
set other = there.id, text = replace(text, there.number, '{other}'), text_zh = replace(text_zh, there.number, '{other}')
from (
    select case_id as here, other as id from link union select other, case_id from link
) as pair
join cases as there on there.id = pair.id
where timeline.case_id = pair.here
  and timeline.event in ('case.linked', 'case.unlinked', 'case.merged')
  and there.number <> ''
  and position(there.number in timeline.text) > 0;
