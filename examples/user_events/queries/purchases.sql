-- One day of a table that is partitioned by day: one file is read, whatever the table's size.
select user_id, event_type, timestamp
from curated.user_events
where event_type = 'purchase'
  and timestamp >= timestamptz '2024-03-06 00:00:00+00'
  and timestamp < timestamptz '2024-03-07 00:00:00+00'
order by timestamp
