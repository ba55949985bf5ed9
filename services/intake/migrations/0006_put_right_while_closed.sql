-- What a closed case was taken for before it was put right: told when it is opened again, so that what it is then owes is opened.
alter table cases add column taken_for_at_close jsonb;
