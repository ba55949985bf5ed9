-- When a row was first published: publishing it again changes published_at, not this. Consuming services' floors are compared by it, so that a
-- floor never passes what is still to be published again. Null for rows of before, whose published_at stands for it.
alter table outbox add column first_published_at timestamptz;
