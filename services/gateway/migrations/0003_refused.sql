-- Before a refused report is kept it is counted how many of its producer there are, and lists may name a producer: neither may read the
-- whole table.
create index refused_report_of_producer on refused_report (producer, id desc);
