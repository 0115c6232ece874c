-- What a collection holds: 0 = nothing yet, 1 = records (a Store), 2 = events (a History). Its first fact declares it. Those
-- that have facts already are what their last one says.
alter table sync.collection add column shape smallint not null default 0 check (shape between 0 and 2);

update sync.collection c
set shape = case when (select f.op from sync.fact f where f.feed = v.feed and f.position = c.last_position) = 2 then 2 else 1 end
from sync.vault v where v.id = c.vault and c.last_position > 0;
