-- A master case (主案) stands for many reports of one incident. What is attached to it names it; the master counts them, so that a list need not
-- look for them. A master is not attached to another.
alter table cases
    add column carried_by uuid,
    add column carries    bigint not null default 0 check (carries >= 0),
    add constraint cases_one_level check (carried_by is null or carries = 0);
create index cases_carried on cases (carried_by, id) where carried_by is not null;
create index cases_masters on cases (id desc) where carries > 0;
