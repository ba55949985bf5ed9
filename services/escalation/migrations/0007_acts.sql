-- What people do with a duty besides doing it: pauses, extensions, handing over, urging; and what counted its time anew.
-- Every time is domain time.

alter table duty
    add column shifts    jsonb,                    -- pauses and extension; null: none
    add column handed_to text;                     -- the person who owes it before the post does
create index duty_handed on duty (handed_to) where handed_to is not null and open;

create table duty_act (
    seq        bigint generated always as identity primary key,
    duty       uuid not null references duty (id),
    at         timestamptz not null,
    act        text not null check (act in ('paused', 'resumed', 'extended', 'handed_over', 'urged', 'retimed')),
    by_person  text,                               -- null: nobody, it came of itself
    reason     text not null,                      -- stays here: events do not tell it
    until      timestamptz,
    person     text,                               -- whom it was handed to, or who is waited for
    due_before timestamptz not null,
    due_after  timestamptz not null
);
create index duty_act_of on duty_act (duty, seq);

alter table alert drop constraint alert_sort_check;
alter table alert add constraint alert_sort_check check (sort in ('reminder', 'notice', 'breach', 'escalation', 'urge', 'awaited'));
