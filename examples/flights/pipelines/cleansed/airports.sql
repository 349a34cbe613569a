select
    faa as code,
    name,
    lat as latitude,
    lon as longitude,
    cast(alt as integer) as altitude_feet,
    nullif(tzone, 'NA') as time_zone
from raw.airports
