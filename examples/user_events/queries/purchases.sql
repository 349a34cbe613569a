-- One day of a table that is partitioned by day: one file is read, whatever the table's size.
select user_id, event_type, timestamp
from curated.user_events
where event_type = 'purchase'
  and cast(timestamp as date) = date '2024-03-06'
order by timestamp
