{{ config(materialized = 'table', partition_by = ['day(timestamp)'],
          sort_by = ['event_type', 'timestamp']) }}
-- Events with the visit they belong to: a new visit begins after half an hour of silence.
with marked as (
    select
        *,
        case
            when timestamp - lag(timestamp) over (partition by user_id order by timestamp, event_id)
                <= interval 30 minute then 0
            else 1
        end as begins_visit
    from {{ ref('cleansed.user_events') }}
)
select
    event_id,
    user_id,
    event_type,
    timestamp,
    page,
    amount,
    cast(sum(begins_visit) over (
        partition by user_id order by timestamp, event_id
        rows between unbounded preceding and current row) as integer) as visit
from marked
