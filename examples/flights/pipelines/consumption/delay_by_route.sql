{{ config(materialized = 'table', tags = ['daily']) }}
select
    origin,
    destination,
    any_value(destination_name) as destination_name,
    any_value(distance_miles) as distance_miles,
    count(*) as flights,
    count(*) filter (where status = 'cancelled') as cancelled,
    round(avg(arrival_delay), 1) as arrival_delay_avg,
    round(100.0 * count(*) filter (where arrival_delay > 15) / nullif(count(arrival_delay), 0), 1)
        as late_percent
from curated.flights
group by origin, destination
order by origin, flights desc, destination
