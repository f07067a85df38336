"""What counts, from the postings: facts and moves of a balance, as DuckDB's tables.

``facts`` has what metrics add up: at which time and under whose codes it counts, and from when on
it is known. ``moves`` has what stars do to a balance: from when until when so many of them are
active. Both are by the member that a posting was made to, ``slot``; ``roots`` says who he is as of
a phase.
"""

from __future__ import annotations

# Who leads to whom, by the numbers of postings. A member's postings while he is merged are the
# survivor's for good.
LEADS = """
create table leads as
select m.other as member, m.member as into_member, m.number as since, m.phase,
       u.number as until, u.phase as until_phase
from entries m
left join entries u on u.kind = 'unmerge_members' and u.ok and u.related = m.number
where m.kind = 'merge_members' and m.ok;

create table slots as
with recursive led(number, slot, hops) as (
    select number, member, 0 from entries
    union all
    select led.number, leads.into_member, hops + 1
    from led join leads on leads.member = led.slot
        and led.number > leads.since and led.number < coalesce(leads.until, 9e18)
)
select number, arg_max(slot, hops) as slot from led group by number;
"""

# How reversals and cancellations of a posting go on, one after the other: what is left of its
# points, of its money.
UNDONE = """
create macro ratio(money, n, d, rounding) as
    case rounding
        when 'floor' then money * n // d
        when 'ceil' then (money * n + d - 1) // d
        else money * n // d
            + case
                when 2 * (money * n % d) > d then 1
                when 2 * (money * n % d) = d then money * n // d % 2
                else 0
              end
    end;

create table undoings as
select r.*, row_number() over (partition by r.related order by r.number) as place,
       r.kind = 'reverse' and r.points is null and r.money > 0 as by_money,
       r.kind = 'cancel' or coalesce(r.points, 0) = 0 as all_left
from entries r
where r.kind in ('reverse', 'cancel') and r.ok;

create table undone as
with recursive steps as (
    select o.number as original, 0::bigint as number, 0::bigint as place,
           abs(o.moved) as points_left, o.money as money_left,
           0::bigint as points, 0::bigint as money, false as whole
    from entries o
    where o.ok and o.kind in ('earn', 'adjust', 'redeem', 'capture')
    union all
    select original, number, place, points_left - points,
           greatest(0, case when whole then 0 else money_left - paid_back end), points,
           case when whole then money_left else least(money_left, paid_back) end, whole
    from (
        select *, case when by_money then points = points_left and paid_back = money_left
                       else points = points_left end as whole
        from (
            select s.original, u.number, u.place, s.points_left, s.money_left, u.by_money,
                   u.money as paid_back,
                   case
                       when u.by_money then greatest(0, s.points_left - case
                           when o.kind = 'earn' and o.points is null
                               then ratio(s.money_left - u.money, rule.numerator, rule.denominator,
                                          rule.rounding)
                           when o.money = 0 then 0
                           else abs(o.moved) * (s.money_left - u.money)::hugeint // o.money
                       end)
                       when u.all_left then s.points_left
                       else u.points
                   end::bigint as points
            from steps s
            join undoings u on u.related = s.original and u.place = s.place + 1
            join entries o on o.number = s.original
            left join rules rule on rule.rule = o.rule
        )
    )
)
select * from steps where place > 0;
"""

# What waits for its confirmation counts from that on, with what is left of it then.
FACTS = """
create table waiting as
select e.number, c.number as confirmed, c.effective_us as confirmed_us, c.phase as confirmed_phase
from entries e
left join rules on rules.rule = e.rule
left join entries c on c.kind = 'confirm' and c.ok and c.related = e.number
where e.ok and e.kind in ('earn', 'adjust') and e.moved > 0 and e.activates_us is null
    and (e.deadline_us is not null or (e.kind = 'earn' and coalesce(rules.waits, false)));

create table facts as
with counted as (
    select e.number as original, e.number, e.effective_us as known_us, e.moved as points,
           e.money, 1 as visits
    from entries e
    where e.ok and e.kind in ('earn', 'adjust', 'redeem', 'capture')
        and e.number not in (select number from waiting)
    union all
    select u.original, u.number, r.effective_us, -sign(o.moved) * u.points, -u.money,
           case when u.whole then -1 else 0 end
    from undone u
    join entries r on r.number = u.number
    join entries o on o.number = u.original
    left join waiting w on w.number = u.original
    where w.number is null or u.number > w.confirmed
    union all
    select w.number, w.confirmed, w.confirmed_us, o.moved - coalesce(sum(u.points), 0)::bigint,
           greatest(0, o.money - coalesce(sum(u.money), 0))::bigint, 1
    from waiting w
    join entries o on o.number = w.number
    left join undone u on u.original = w.number and u.number < w.confirmed
    where w.confirmed is not null
    group by w.number, w.confirmed, w.confirmed_us, o.moved, o.money
)
select slots.slot, made.phase, o.effective_us as at_us, c.known_us, c.points::bigint as points,
       c.money, c.visits, o.kind, o.currency, o.rule, o.channel, o.location, o.category
from counted c
join entries o on o.number = c.original
join entries made on made.number = c.number
join slots on slots.number = c.number;
"""

# Stars expire with their half-year, and a posting's are of the half-year of its lots (see the
# generator): those of a credit where it becomes active, of a debit where it is.
MOVES = """
create table lots as
select e.number, coalesce(w.confirmed_us, e.activates_us, e.effective_us) as active_us
from entries e left join waiting w on w.number = e.number
where e.ok and e.currency is not null and (w.number is null or w.confirmed is not null);

create table moves as
with moved as (
    select e.number, l.active_us as from_us, half_year_end(l.active_us) as until_us,
           e.moved as points
    from entries e join lots l on l.number = e.number
    where e.kind in ('earn', 'adjust', 'redeem')
        and e.number not in (select number from waiting)
    union all
    select r.number, greatest(r.effective_us, l.active_us),
           half_year_end(coalesce(h.effective_us, l.active_us)), r.moved
    from entries r
    join lots l on l.number = r.related
    join entries o on o.number = r.related
    left join waiting w on w.number = r.related
    left join entries h on h.number = o.related and o.kind = 'capture'
    where r.ok and r.kind in ('reverse', 'cancel')
        and (w.number is null or r.number > w.confirmed)
    union all
    select w.confirmed, w.confirmed_us, half_year_end(w.confirmed_us),
           o.moved - coalesce(sum(u.points), 0)
    from waiting w
    join entries o on o.number = w.number
    left join undone u on u.original = w.number and u.number < w.confirmed
    where w.confirmed is not null
    group by w.number, w.confirmed, w.confirmed_us, o.moved, o.money
    union all
    select h.number, h.effective_us, least(half_year_end(h.effective_us), h.deadline_us), -h.points
    from entries h where h.kind = 'hold' and h.ok
    union all  -- what a hold has no more, and what its capture took
    select c.number, greatest(h.effective_us, c.effective_us),
           least(half_year_end(h.effective_us), h.deadline_us), h.points
    from entries c join entries h on h.number = c.related
    where c.kind in ('capture', 'release') and c.ok
    union all
    select c.number, greatest(h.effective_us, c.effective_us), half_year_end(h.effective_us),
           c.moved
    from entries c join entries h on h.number = c.related
    where c.kind = 'capture' and c.ok
)
select slots.slot, made.phase, made.currency, m.from_us, m.until_us, m.points::bigint as points
from moved m join entries made on made.number = m.number join slots on slots.number = m.number
where made.currency = 'stars' and m.until_us > m.from_us and m.points <> 0;
"""

STATEMENTS = (LEADS, UNDONE, FACTS, MOVES)
