{{ config(materialized = 'table', tags = ['daily']) }}
select
    case
        when visibility_km is null then 'unknown'
        when visibility_km < 5 then 'fog'
        when precipitation_mm > 0 then 'rain or snow'
        when wind_kmh >= 40 then 'strong wind'
        else 'fair'
    end as weather,
    count(*) as flights,
    round(100.0 * count(*) filter (where status = 'cancelled') / count(*), 1) as cancelled_percent,
    round(avg(departure_delay), 1) as departure_delay_avg,
    round(avg(arrival_delay), 1) as arrival_delay_avg
from curated.flights
group by weather
order by departure_delay_avg desc
