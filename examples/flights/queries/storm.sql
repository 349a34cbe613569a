-- The 8th of February 2013 (a snow storm), one day of a table partitioned by month.
select origin, count(*) as flights, count(*) filter (where status = 'cancelled') as cancelled,
       round(avg(departure_delay), 1) as departure_delay_avg
from curated.flights
where scheduled_departure >= timestamptz '2013-02-08 05:00:00+00'
  and scheduled_departure < timestamptz '2013-02-09 05:00:00+00'
group by origin
order by origin
