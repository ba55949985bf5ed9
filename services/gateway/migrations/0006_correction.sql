-- A set may correct calendars and rules for open matters too; who signs it signs the list of what that changes.
alter table policy.applied_set add column corrects text[] not null default '{}';
alter table policy.signature add column list jsonb;   -- digest, figures and time of the list that was signed
