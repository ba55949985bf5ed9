-- What a version of the policies corrects for open matters too, and who approved it.
alter table policy_copy
    add column corrects    text[] not null default '{}',
    add column approved_by text;
