"""Runs of ladders in DuckDB's SQL: each step is a statement over all members and ladders.

Instants are integer microseconds since 1970 UTC; levels are told by their place on the ladder.
"""

from __future__ import annotations

from typing import cast

import duckdb
import polars as pl
import pyarrow as pa

from .course import Run
from .duckdb_calendar import PERIODS, macros
from .duckdb_facts import STATEMENTS
from .plan import Plan

_TABLES = """
create table matches as
select f.slot, f.phase, f.known_us, f.at_us, m.ladder, m.metric,
       case m.of
           when 'points' then if(f.kind in ('redeem', 'capture'), -f.points, f.points)
           when 'money' then f.money
           else f.visits
       end as value,
       case when m.of = 'days' then cast(wall(f.at_us) as date) end as day
from facts f join metrics m on list_contains(m.kinds, f.kind)
    and (m.currency is null or m.currency = f.currency)
    and (m.rules is null or list_contains(m.rules, f.rule))
    and (m.channels is null or list_contains(m.channels, f.channel))
    and (m.locations is null or list_contains(m.locations, f.location))
    and (m.categories is null or list_contains(m.categories, f.category));

create table standings as
select e.member, l.ladder, 0::bigint as level, null::bigint as since_us, null::bigint as until_us,
       null::bigint as lifetime_us, null::bigint as kept,
       null::bigint as given, null::bigint as given_until_us
from entries e cross join ladders l where e.kind = 'open_member' and e.ok;

create table changes(
    run bigint, member bigint, ladder varchar, from_level bigint, to_level bigint,
    effective_us bigint, assessed_us bigint, until_us bigint, metrics varchar);

create table gifts as
select s.slot as member, e.ladder, l.lifetime_level, e.phase, v.level as given, e.effective_us,
       coalesce(e.expires_us, 9223372036854775807) as given_until_us,
       row_number() over (partition by s.slot, e.ladder, e.phase order by e.number) as place
from entries e join slots s using (number)
join ladders l using (ladder) join levels v on v.ladder = e.ladder and v.name = e.level
where e.kind = 'set_level' and e.ok;
"""

# Levels given by hand since the run before; the last of several to one member comes last.
_GIVE = """
update standings s
set level = g.given, given = g.given, given_until_us = g.given_until_us,
    until_us = case when s.level = g.given then s.until_us end,
    since_us = case when s.level = g.given then s.since_us else g.effective_us end,
    lifetime_us = case when g.given >= g.lifetime_level
                       then coalesce(s.lifetime_us, g.effective_us) end,
    kept = case when g.given >= s.kept then s.kept end
from gifts g
where g.member = s.member and g.ladder = s.ladder and g.phase = $phase and g.place = $place;
"""

# Who a slot's entries are counted for, and who is assessed: neither merged into another nor closed.
_PEOPLE = """
create or replace table roots as
with recursive led(slot, member, hops) as (
    select member, member, 0 from entries where kind = 'open_member' and ok and phase <= $phase
    union all
    select led.slot, leads.into_member, hops + 1
    from led join leads on leads.member = led.member
        and leads.phase <= $phase and coalesce(leads.until_phase, 9e18) > $phase
)
select slot, arg_max(member, hops) as member from led group by slot;

create or replace table people as
select r.member, min(e.effective_us // 60000000 * 60000000) as opened_us
from roots r join entries e on e.kind = 'open_member' and e.ok and e.member = r.slot
where r.member not in (
    select member from entries
    where kind in ('close_member', 'reopen_member') and ok and phase <= $phase
    group by member having arg_max(kind, number) = 'close_member')
group by r.member;

create or replace table assessed as
select s.*, p.opened_us
from standings s join people p using (member)
where s.since_us is null or s.since_us <= $at;

-- Whose level was given: its validity counts from when he came to it.
create or replace table decided as
select * exclude (until_us), since_us as valid_from_us
from assessed where until_us is null and level > 0;
"""

# Validities that have ended, their grace over; each member's and ladder's present one.
_DUE = """
create or replace table due as
select * from (
    select a.*, coalesce(a.until_us, g.valid_until_us) as end_us,
           add_days(end_us, l.grace_days) as lost_us
    from assessed a join ladders l using (ladder)
    left join given_ends g on a.until_us is null and g.member = a.member and g.ladder = a.ladder
        and g.level = a.level and g.since_us = a.since_us
    where end_us is not null
) where lost_us <= $at;
"""

_NOW = "create or replace table due as select *, $at as end_us, $at as lost_us from assessed;"

# Of `due`: who has been on the lifetime level, or above it, for long enough.
_LIFETIME = """
create or replace table moved as
select d.member, d.ladder, d.opened_us, d.level, d.since_us, d.until_us, d.lifetime_us,
       l.lifetime_level as kept,
       d.given, d.given_until_us, d.level as from_level,
       add_months(d.lifetime_us, l.lifetime_months) as effective_us,
       add_months(d.lifetime_us, l.lifetime_months) as asked_us
from due d join ladders l using (ladder)
where d.lifetime_us is not null and d.kept is null
    and add_months(d.lifetime_us, l.lifetime_months) <= d.lost_us;

create or replace table asks as
select member, ladder, opened_us, asked_us, since_us as changed_us from moved;
"""

_ASK_ENDS = """
create or replace table asks as
select member, ladder, opened_us, end_us - 1 as asked_us, since_us as changed_us from due;
"""

_ASK_NOW = """
create or replace table asks as
select member, ladder, opened_us, $at as asked_us, since_us as changed_us from due;
"""

# The metrics of each ask, and the highest level whose condition they meet.
_EVALUATE = """
create or replace table wanted as
select a.member, a.ladder, a.asked_us, a.opened_us, a.changed_us, m.* exclude (ladder),
       case when m.model = 'anniversary' then a.opened_us else 0 end as anchor_us
from asks a join metrics m using (ladder) where m.model is not null;

-- When windows begin: few are asked for, but anniversaries.
create or replace table starts as
select w.*, case w.model
        when 'trailing' then
            case when days > 0 then add_days(asked_us + 1, -days)
                else add_months(asked_us + 1, -w.months) end
        when 'lifetime' then -9223372036854775808
        else p.from_us
    end as from_us
from (
    select distinct ladder, metric, model, days, months, start, asked_us, anchor_us
    from wanted where model <> 'since_change'
) w
left join periods p on p.model = w.model and p.months is not distinct from w.months
    and p.start is not distinct from w.start and p.anchor_us = w.anchor_us
    and p.from_us <= w.asked_us and w.asked_us < p.to_us;

create or replace table spans as
select w.member, w.ladder, w.metric, w.of, w.asked_us, s.from_us
from wanted w join starts s using (ladder, metric, asked_us, anchor_us)
union all
select member, ladder, metric, of, asked_us, coalesce(changed_us + 1, opened_us)
from wanted where model = 'since_change';

create or replace table measured as
with seen as (
    select s.member, s.ladder, s.metric, s.of, f.day, sum(f.value) as value
    from spans s join roots r on r.member = s.member
    join matches f on f.slot = r.slot and f.ladder = s.ladder and f.metric = s.metric
        and f.at_us between s.from_us and s.asked_us
        and f.known_us <= s.asked_us and f.phase <= $phase
    group by all
), counted as (
    select member, ladder, metric,
           case when of = 'days' then (value > 0)::bigint else value end as n
    from seen
    union all
    select a.member, a.ladder, m.metric, v.points
    from asks a join metrics m on m.ladder = a.ladder and m.of = 'balance'
    join roots r on r.member = a.member
    join moves v on v.slot = r.slot and v.currency = m.currency and v.phase <= $phase
        and v.from_us <= a.asked_us and a.asked_us < v.until_us
    union all
    select a.member, a.ladder, m.metric, greatest(0, whole_months(a.opened_us, a.asked_us))
    from asks a join metrics m on m.ladder = a.ladder and m.of = 'tenure_months'
)
select a.member, a.ladder, m.metric,
       greatest(-9223372036854775808, least(9223372036854775807, coalesce(sum(c.n), 0)))::bigint
           as value
from asks a join metrics m on m.ladder = a.ladder
left join counted c on c.member = a.member and c.ladder = a.ladder and c.metric = m.metric
group by a.member, a.ladder, m.metric;

create or replace table found as
with met as (
    select v.member, v.ladder, c.level
    from measured v join conditions c on c.ladder = v.ladder and c.metric = v.metric
    group by v.member, v.ladder, c.level, c.alternative having bool_and(v.value >= c.least)
)
select a.member, a.ladder, coalesce(max(met.level), 0) as level
from asks a left join met using (member, ladder) group by a.member, a.ladder;
"""

# What ends of validity come to: it is renewed, or lost once the grace is over.
_END = """
create or replace table decided as
select member, ladder, opened_us, to_level as level,
       case when to_level = level then since_us else lost_us end as since_us,
       case when to_level >= lifetime_level then lifetime_us end as lifetime_us, kept,
       given, given_until_us, level as from_level,
       case when to_level = level then greatest(end_us, coalesce(since_us, end_us))
            else lost_us end as effective_us,
       end_us - 1 as asked_us, end_us as valid_from_us
from (
    select d.*, l.lifetime_level, if(d.given_until_us > d.end_us, d.given, 0) as given_now,
           greatest(f.level, coalesce(d.kept, 0), given_now) as reached,
           case when reached >= d.level then d.level
                when l.downgrade = 'one_level' then greatest(reached, b.below)
                else reached end as to_level
    from due d join found f using (member, ladder) join ladders l using (ladder)
    join levels b on b.ladder = d.ladder and b.level = d.level
);
"""

# What an assessment as of now comes to: a higher level, or for want of validity a lower one.
_ASSESS = """
create or replace table decided as
select member, ladder, opened_us, to_level as level, $at as since_us,
       case when to_level >= lifetime_level then coalesce(lifetime_us, $at) end as lifetime_us,
       kept, given, given_until_us, level as from_level, $at as effective_us, $at as asked_us,
       $at as valid_from_us
from (
    select d.*, l.lifetime_level, if(d.given_until_us > d.end_us, d.given, 0) as given_now,
           greatest(f.level, coalesce(d.kept, 0), given_now) as reached,
           case when reached >= d.level then reached
                when l.downgrade = 'never' or b.valid_days is not null then d.level
                when d.since_us = $at then d.level  -- one level a run
                when l.downgrade = 'one_level' then greatest(reached, b.below)
                else reached end as to_level
    from due d join found f using (member, ladder) join ladders l using (ladder)
    join levels b on b.ladder = d.ladder and b.level = d.level
)
where to_level <> level;
"""

# Until when the levels that were decided on are valid.
_VALIDITY = """
create or replace table validities as
select d.member, d.ladder, d.opened_us, v.round_up, l.period_model, l.period_months, l.period_start,
       case when v.valid_days > 0 then add_days(d.valid_from_us, v.valid_days)
            else add_months(d.valid_from_us, v.valid_months) end as counted_us
from decided d join ladders l using (ladder)
join levels v on v.ladder = d.ladder and v.level = d.level
where v.valid_days is not null and l.downgrade <> 'never';

create or replace table moved as
select d.* exclude (valid_from_us),
       case when v.round_up = 'period' then p.to_us else end_of(v.counted_us, v.round_up) end
           as until_us
from decided d left join validities v using (member, ladder)
left join periods p on v.round_up = 'period' and p.model = v.period_model
    and p.months is not distinct from v.period_months
    and p.start is not distinct from v.period_start
    and p.anchor_us = case when v.period_model = 'anniversary' then v.opened_us else 0 end
    and p.from_us < v.counted_us and v.counted_us <= p.to_us;
"""

_GIVEN_ENDS = """
create or replace table given_ends as
select member, ladder, level, since_us, until_us as valid_until_us from moved;
"""

_TAKE = """
insert into changes
select $run, m.member, m.ladder, m.from_level, m.level, m.effective_us, m.asked_us,
       m.until_us, v.metrics
from moved m join (
    select member, ladder, string_agg(metric || '=' || value, ' ' order by metric) as metrics
    from measured group by member, ladder
) v using (member, ladder);

create or replace table standings as
from standings s anti join moved m on m.member = s.member and m.ladder = s.ladder
union all by name
select member, ladder, level, since_us, until_us, lifetime_us, kept, given, given_until_us
from moved;

create or replace table assessed as
from assessed s anti join moved m on m.member = s.member and m.ladder = s.ladder
union all by name
select member, ladder, level, since_us, until_us, lifetime_us, kept, given, given_until_us,
       opened_us
from moved;

-- With what has changed, for the step that follows.
create or replace table due as
select a.*, d.end_us, d.lost_us from due d join assessed a using (member, ladder);
"""


class DuckEngine:
    """The standings of all members, advanced run by run.

    Parameters
    ----------
    plan : Plan
        The programme.
    entries : polars.DataFrame
        All that will be posted, with phases, and how each posting ended.
    """

    def __init__(self, plan: Plan, entries: pl.DataFrame) -> None:
        self._db = duckdb.connect(config={"threads": 2})
        tables = {"entries": entries, "rules": plan.rules, "ladders": plan.ladders}
        tables |= {"levels": plan.levels, "metrics": plan.metrics, "conditions": plan.conditions}
        for name, table in tables.items():
            self._db.register(f"{name}_given", table.to_arrow())
            self._db.execute(f"create table {name} as from {name}_given")
        self._db.execute(macros(plan.zone))
        for statements in (PERIODS, *STATEMENTS, _TABLES):
            self._db.execute(statements)
        most = self._db.execute("select coalesce(max(place), 0) from gifts").fetchall()
        self._gifts_most = int(most[0][0])

    def run(self, run: Run) -> None:
        """Assess all members as of the run's instant, with what was posted before it."""
        self._given = {"$phase": run.number, "$at": run.at_us, "$run": run.number}
        for place in range(self._gifts_most):
            self._do(_GIVE.replace("$place", str(place + 1)))
        self._do(_PEOPLE + _VALIDITY + _GIVEN_ENDS)
        while self._count(_DUE, "due"):
            if self._count(_LIFETIME, "moved"):
                self._do(_EVALUATE + _TAKE)
            self._do(_ASK_ENDS + _EVALUATE + _END + _VALIDITY + _TAKE)
        self._do(_NOW)
        if self._count(_LIFETIME, "moved"):
            self._do(_EVALUATE + _TAKE)
        self._do(_ASK_NOW + _EVALUATE + _ASSESS + _VALIDITY + _TAKE)

    def standings(self) -> pl.DataFrame:
        """``member``, ``ladder``, ``level``, ``since_us``, ``until_us``, and what is kept."""
        return self.table("standings")

    def changes(self) -> pl.DataFrame:
        """All changes of all runs so far."""
        return self.table("changes")

    def table(self, name: str) -> pl.DataFrame:
        """One of the engine's tables."""
        found = self._db.sql(f"from {name}").to_arrow_table()
        return cast(pl.DataFrame, pl.from_arrow(cast(pa.Table, found)))

    def _do(self, statements: str) -> None:
        for name, value in self._given.items():
            statements = statements.replace(name, f"{value}::bigint")
        self._db.execute(statements)

    def _count(self, statements: str, table: str) -> int:
        self._do(statements)
        rows = self._db.execute(f"select count(*) from {table}").fetchall()
        return int(rows[0][0])
