-- People added to a matter by name: they see its duties whatever their posts.
alter table duty add column people_added jsonb not null default '[]';
alter table subject add column people_added jsonb not null default '[]';
