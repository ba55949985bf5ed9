-- Lists of all duties, whatever their state, in the order of due times.
create index duty_all on duty (due_at, id) where not shadowed;
