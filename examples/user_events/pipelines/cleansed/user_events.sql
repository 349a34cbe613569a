{{ config(materialized = 'table', partition_by = ['day(timestamp)']) }}
-- Each event once, although some were sent twice; event types in one spelling.
select
    event_id,
    user_id,
    lower(trim(event_type)) as event_type,
    timestamp,
    page,
    amount
from raw.user_events
qualify row_number() over (partition by event_id order by timestamp, _ingest_row) = 1
