{{ config(materialized = 'table', partition_by = ['month(scheduled_departure)'],
          sort_by = ['origin', 'scheduled_departure'], tags = ['daily']) }}
-- Each flight with its airline, plane, weather at departure and, where the destination's time zone
-- is known, its arrival as a point in time.
with placed as (
    select
        f.*,
        d.name as destination_name,
        d.time_zone as destination_zone,
        -- the scheduled arrival on the day of departure, in the destination's own time
        f.local_date
            + to_hours(f.scheduled_arrival_clock // 100)
            + to_minutes(f.scheduled_arrival_clock % 100) as arrival_local
    from {{ ref('cleansed.flights') }} as f
    left join {{ ref('cleansed.airports') }} as d on d.code = f.destination
),
scheduled as (
    select
        *,
        -- An arrival before the departure is one of the next day. The day is added to the local time:
        -- in UTC it would be an hour wrong in the nights when the clocks change.
        case
            when arrival_local at time zone destination_zone > scheduled_departure
                then arrival_local at time zone destination_zone
            else (arrival_local + interval 1 day) at time zone destination_zone
        end as scheduled_arrival
    from placed
)
select
    s.scheduled_departure,
    s.departure,
    s.scheduled_arrival,
    s.scheduled_arrival + to_minutes(s.arrival_delay) as arrival,
    s.local_date,
    s.local_hour,
    s.carrier,
    a.name as airline,
    s.flight_number,
    s.tail_number,
    p.manufacturer,
    p.model,
    p.seats,
    cast(year(s.local_date) - p.built as integer) as plane_age,
    s.origin,
    s.destination,
    s.destination_name,
    s.distance_miles,
    s.air_minutes,
    s.departure_delay,
    s.arrival_delay,
    s.status,
    w.temperature_c,
    w.wind_kmh,
    w.precipitation_mm,
    w.visibility_km
from scheduled as s
join {{ ref('cleansed.airlines') }} as a on a.carrier = s.carrier
left join {{ ref('cleansed.planes') }} as p on p.tail_number = s.tail_number
left join {{ ref('cleansed.weather') }} as w
    on w.origin = s.origin and w.observed_at = s.weather_hour
