-- Trials (试运行): duties that live as others do, and alerts that went to nobody.

alter table duty add column trial boolean not null default false;
alter table alert add column trial boolean not null default false;

-- What is looked through when a trial ends, and listed as trial.
create index duty_on_trial on duty (id) where trial;
create index alert_on_trial on alert (raised_at desc, id) where trial;
