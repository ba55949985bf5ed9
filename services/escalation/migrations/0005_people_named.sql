-- Not only who was added to a matter sees its duties by name: so do who reported it and who decides of it.
alter table duty rename column people_added to people_named;
alter table subject rename column people_added to people_named;
