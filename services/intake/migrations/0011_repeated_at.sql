-- When the earlier reports of the same matter were received: a condition may count those within a window of its own.
alter table cases add column repeated_at timestamptz[] not null default '{}';
