{{ config(materialized = 'table', tags = ['daily']) }}
select
    carrier,
    airline,
    count(*) as flights,
    count(*) filter (where status = 'cancelled') as cancelled,
    round(avg(departure_delay), 1) as departure_delay_avg,
    round(avg(arrival_delay), 1) as arrival_delay_avg,
    median(arrival_delay) as arrival_delay_median,
    round(100.0 * count(*) filter (where arrival_delay > 15) / count(arrival_delay), 1) as late_percent
from curated.flights
group by carrier, airline
order by flights desc
