-- At which of its versions the case was last closed or opened again: a later edition of an earlier close is not filed any more.
alter table case_copy add column turned bigint not null default 0;
