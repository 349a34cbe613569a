-- One row a plane. Makers are written in several ways in the source; the common ones are united.
select
    tailnum as tail_number,
    cast(year as integer) as built,
    type,
    case
        when manufacturer like 'AIRBUS%' then 'AIRBUS'
        when manufacturer like 'MCDONNELL DOUGLAS%' then 'MCDONNELL DOUGLAS'
        else manufacturer
    end as manufacturer,
    model,
    cast(engines as integer) as engines,
    cast(seats as integer) as seats,
    engine
from raw.planes
