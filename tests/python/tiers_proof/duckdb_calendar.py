"""Days, months and periods in a zone, as macros of DuckDB on instants in microseconds.

Wall times are TIMESTAMPs. Assumes what holds of the zones used: clocks change on a full hour, by
one.
"""

from __future__ import annotations

_HOUR = 3_600_000_000

_MACROS = f"""
create macro wall(us) as timezone('ZONE', make_timestamptz(us));
create macro raw_instant(t) as epoch_us(timezone('ZONE', t));

-- A time that clocks leave out is the instant of the change; of one that comes twice, the first.
create macro instant(t) as
    case
        when timezone('ZONE', timezone('ZONE', t)) <> t then raw_instant(date_trunc('hour', t))
        when wall(raw_instant(t) - {_HOUR}) = t then raw_instant(t) - {_HOUR}
        else raw_instant(t)
    end;

create macro add_days(us, n) as instant(wall(us) + to_days(cast(n as integer)));
create macro add_months(us, n) as instant(wall(us) + to_months(cast(n as integer)));

create macro start_of(us, unit) as instant(date_trunc(unit, wall(us)));
create macro unit_length(unit) as
    case unit
        when 'day' then interval 1 day
        when 'month' then interval 1 month
        when 'quarter' then interval 3 month
        else interval 1 year
    end;
-- The first end of a unit at or after an instant.
create macro end_of(us, unit) as
    case
        when unit = 'none' then us
        when start_of(us, unit) = us then us
        else instant(date_trunc(unit, wall(us)) + unit_length(unit))
    end;

create macro months_between(early, late) as
    (year(late) - year(early)) * 12 + month(late) - month(early);
-- Whole months of the calendar from one instant to another.
create macro whole_months(from_us, to_us) as
    months_between(wall(from_us), wall(to_us))
    - case
        when add_months(from_us, months_between(wall(from_us), wall(to_us))) > to_us then 1 else 0
      end;

-- The start of a period of so many months, counted from a day on.
create macro period_start(day, months, number) as
    instant(day + to_months(cast(number * months as integer)));

-- The ends of 30 June and 31 December.
create macro half_year_end(us) as
    instant(
        date_trunc('year', wall(us)) + to_months(case when month(wall(us)) > 6 then 12 else 6 end));
"""


def macros(zone: str) -> str:
    """The statements that define them."""
    return _MACROS.replace("ZONE", zone)


# All periods that may be asked for, by what their window says. Requires tables of metrics and of
# entries.
PERIODS = """
create table periods as
with days as (
    select distinct model, months, start, 0::bigint as anchor_us,
           case when model = 'cycle' then cast(start as timestamp) else timestamp '2000-01-01' end
               as day,
           coalesce(months, 12) as length
    from metrics where model in ('calendar_year', 'cycle')
    union all
    select distinct 'anniversary', null::bigint, null, effective_us // 60000000 * 60000000,
           date_trunc('day', wall(effective_us)), 12
    from entries where kind = 'open_member'
), starts as (
    select days.*, number, period_start(day, length, number) as from_us
    from days, range(-60, 140) numbers(number)
    where number * length between -120 and 360
)
select model, months, start, anchor_us, from_us,
       lead(from_us) over (partition by model, months, start, anchor_us order by number) as to_us
from starts;
"""
