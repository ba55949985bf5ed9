-- For how long a producer may send nothing before its silence is told, as a duration of its unit's calendar (`4wh`); null: it is not watched.
alter table producer add column silent_after text;
