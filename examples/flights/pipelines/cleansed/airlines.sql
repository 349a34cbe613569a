select carrier, trim(name) as name
from raw.airlines
