{{ config(materialized = 'table', partition_by = ['month(observed_at)']) }}
-- Hourly weather at the three airports, in metric units. The local hour is not a key: on 3 November
-- it exists twice. The hour in UTC is.
select
    origin,
    time_hour as observed_at,
    round((temp - 32) * 5 / 9, 1) as temperature_c,
    round((dewp - 32) * 5 / 9, 1) as dew_point_c,
    humid as humidity_percent,
    cast(wind_dir as integer) as wind_direction,
    round(wind_speed * 1.609344, 1) as wind_kmh,
    round(wind_gust * 1.609344, 1) as gust_kmh,
    round(precip * 25.4, 2) as precipitation_mm,
    pressure as pressure_hpa,
    round(visib * 1.609344, 2) as visibility_km
from raw.weather
