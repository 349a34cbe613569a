select
    cast(timestamp as date) as day,
    count(distinct user_id) as users,
    count(*) as events,
    count(*) filter (where event_type = 'purchase') as purchases,
    sum(amount) as revenue
from {{ ref('curated.user_events') }}
group by day
order by day
