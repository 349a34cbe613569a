{{ config(materialized = 'table', tags = ['daily']) }}
select
    local_hour,
    count(*) as flights,
    round(100.0 * count(*) filter (where status = 'cancelled') / count(*), 1) as cancelled_percent,
    round(avg(departure_delay), 1) as departure_delay_avg,
    round(avg(arrival_delay), 1) as arrival_delay_avg
from curated.flights
group by local_hour
order by local_hour
