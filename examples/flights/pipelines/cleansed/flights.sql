{{ config(materialized = 'table', partition_by = ['month(scheduled_departure)'], tags = ['daily']) }}
-- One row a flight. Times of the source are local to New York, written as numbers (1745 is a
-- quarter to six in the evening); here they are points in time. "NA" becomes null.
with parsed as (
    select
        *,
        make_timestamp(year, month, day, hour, minute, 0.0)
            at time zone 'America/New_York' as scheduled
    from raw.flights
)
select
    scheduled as scheduled_departure,
    -- the departure as flown: the schedule and the delay, since dep_time has no date
    scheduled + to_minutes(dep_delay) as departure,
    cast(make_date(year, month, day) as date) as local_date,
    cast(hour as integer) as local_hour,
    time_hour as weather_hour,
    carrier,
    cast(flight as integer) as flight_number,
    nullif(tailnum, 'NA') as tail_number,
    origin,
    dest as destination,
    cast(distance as integer) as distance_miles,
    cast(air_time as integer) as air_minutes,
    cast(dep_time as integer) as departure_clock,
    cast(dep_delay as integer) as departure_delay,
    cast(sched_arr_time as integer) as scheduled_arrival_clock,
    cast(arr_time as integer) as arrival_clock,
    cast(arr_delay as integer) as arrival_delay,
    case
        when dep_time is null then 'cancelled'
        when arr_delay is null then 'unresolved'
        else 'arrived'
    end as status
from parsed
