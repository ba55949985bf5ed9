-- Why a message was given up, in Chinese too; empty for letters from before.
alter table dead_letter add column reason_zh text not null default '';
