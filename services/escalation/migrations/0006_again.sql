-- Opened because a kind or a severity was put right: then what was done before is not asked for again.
alter table duty add column again boolean not null default false;
