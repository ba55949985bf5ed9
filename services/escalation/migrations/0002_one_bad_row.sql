-- An own event that could not be handled is left for a while, so that it holds up no other. Mechanism time.
alter table own_event add column attempts integer not null default 0, add column retry_at timestamptz;
