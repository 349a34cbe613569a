select origin, destination, destination_name, flights, late_percent
from consumption.delay_by_route
order by flights desc
limit 5
