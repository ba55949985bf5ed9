-- What was wrong with a refused report quotes from it: it is sealed as the report is. Code and status stay open, to be counted. Of those
-- that were kept before, only these two are left.
alter table refused_report add column code text, add column status int2, add column sealed_problem bytea;
update refused_report set code = problem ->> 'code', status = (problem ->> 'status')::int2;
alter table refused_report alter column code set not null, alter column status set not null, drop column problem;
