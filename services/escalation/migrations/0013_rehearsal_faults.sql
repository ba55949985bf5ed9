-- Why a rehearsal failed, in Chinese too.
alter table rehearsal add column fault_zh text not null default '';
