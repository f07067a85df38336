"""What counts, from the postings, worked out with Polars: see `duckdb_facts` for the columns."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from .plan import Plan
from .polars_calendar import Calendar

_CREDITS = ["earn", "adjust"]
_COUNTED = ["earn", "adjust", "redeem", "capture"]
_CODES = ["kind", "currency", "rule", "channel", "location", "category"]
_FOREVER = 2**62


@dataclass(frozen=True)
class Facts:
    """What metrics add up, what stars do to a balance, who was merged into whom, and gifts."""

    facts: pl.DataFrame
    moves: pl.DataFrame
    leads: pl.DataFrame
    gifts: pl.DataFrame  # levels given by hand, in order


def make_facts(plan: Plan, entries: pl.DataFrame) -> Facts:
    """Work it out for all postings, whenever they are made."""
    calendar = Calendar(plan.zone)
    posted = entries.filter("ok").join(plan.rules, on="rule", how="left", maintain_order="left")
    leads = _leads(posted)
    made = posted.select("number", "phase", slot=_slots(posted, leads))
    undone = _undone(posted)
    waiting = _waiting(posted)
    kept = _kept_until_confirmed(posted, waiting, undone)
    facts = pl.concat(
        [_plain(posted, waiting), _corrections(posted, waiting, undone), _confirmations(kept)]
    )
    at = pl.col("effective_us")
    day = calendar.wall(at).dt.date()
    codes = posted.select(*_CODES, original="number", at_us=at, day=day)
    facts = facts.join(codes, on="original").join(made, on="number")
    moves = _moves(calendar, posted, waiting, kept).join(made, on="number")
    gifts = posted.filter(pl.col("kind") == "set_level").drop("phase").join(made, on="number")
    return Facts(facts, moves, leads, gifts.sort("number"))


def _leads(posted: pl.DataFrame) -> pl.DataFrame:
    merges = posted.filter(pl.col("kind") == "merge_members")
    parted = posted.filter(pl.col("kind") == "unmerge_members")
    return (
        merges.select("number", "phase", slot="other", into="member")
        .join(
            parted.select(number="related", until="number", until_phase="phase"),
            on="number",
            how="left",
        )
        .with_columns(pl.col("until", "until_phase").fill_null(_FOREVER))
        .rename({"number": "since"})
    )


def _slots(posted: pl.DataFrame, leads: pl.DataFrame) -> pl.Series:
    """Who each posting was made to: the survivor of then."""
    slots = posted.select("number", slot="member")
    while True:
        led = slots.join(leads, on="slot").filter(
            (pl.col("number") > pl.col("since")) & (pl.col("number") < pl.col("until"))
        )
        if led.is_empty():
            return slots["slot"]
        slots = slots.join(
            led.select("number", "into"), on="number", how="left", maintain_order="left"
        ).select("number", slot=pl.coalesce("into", "slot"))


def roots(facts: Facts, members: pl.Series, phase: int) -> pl.DataFrame:
    """Who each of the members is as of a phase."""
    leads = facts.leads.filter((pl.col("phase") <= phase) & (pl.col("until_phase") > phase))
    found = pl.DataFrame({"slot": members, "member": members})
    into = leads.select("into", member="slot")
    while found["member"].is_in(leads["slot"].implode()).any():
        found = found.join(into, on="member", how="left", maintain_order="left").select(
            "slot", member=pl.coalesce("into", "member")
        )
    return found


def _undone(posted: pl.DataFrame) -> pl.DataFrame:
    """What each reversal or cancellation undoes of its original's points and money."""
    left = posted.filter(pl.col("kind").is_in(_COUNTED)).select(
        "numerator",
        "denominator",
        "rounding",
        original="number",
        size=pl.col("moved").abs(),
        paid="money",
        by_rule=(pl.col("kind") == "earn") & pl.col("points").is_null(),
        points_left=pl.col("moved").abs(),
        money_left="money",
    )
    steps = posted.filter(pl.col("kind").is_in(["reverse", "cancel"])).select(
        "number",
        "kind",
        "points",
        "money",
        original="related",
        place=pl.col("number").rank("ordinal").over("related"),
    )
    done = []
    for now in [steps.clear(), *steps.sort("place").partition_by("place", maintain_order=True)]:
        step = _undo(now.join(left, on="original"))
        done.append(step.select("number", "original", "undone", "off", "whole"))
        after = step.select(
            "original",
            now_points=pl.col("points_left") - pl.col("undone"),
            now_money=pl.max_horizontal(0, pl.col("money_left") - pl.col("money")),
        )
        left = (
            left.join(after, on="original", how="left")
            .with_columns(
                points_left=pl.coalesce("now_points", "points_left"),
                money_left=pl.coalesce("now_money", "money_left"),
            )
            .drop("now_points", "now_money")
        )
    return pl.concat(done)


def _undo(steps: pl.DataFrame) -> pl.DataFrame:
    reverses = pl.col("kind") == "reverse"
    by_money = reverses & pl.col("points").is_null() & (pl.col("money") > 0)
    all_left = ~reverses | (pl.col("points").fill_null(0) == 0)
    money = pl.col("money_left") - pl.col("money")
    by_proportion = pl.when(pl.col("paid") > 0).then(
        pl.col("size") * money // pl.max_horizontal(1, "paid")
    )
    worth = pl.when("by_rule").then(_by_rule(money)).otherwise(by_proportion.fill_null(0))
    return (
        steps.with_columns(by_money=by_money)
        .with_columns(
            undone=pl.when("by_money")
            .then(pl.max_horizontal(0, pl.col("points_left") - worth))
            .when(all_left)
            .then("points_left")
            .otherwise("points")
        )
        .with_columns(
            whole=(pl.col("undone") == pl.col("points_left"))
            & (~pl.col("by_money") | (pl.col("money") == pl.col("money_left")))
        )
        .with_columns(
            off=pl.when("whole")
            .then("money_left")
            .otherwise(pl.min_horizontal("money_left", "money"))
        )
    )


def _by_rule(money: pl.Expr) -> pl.Expr:
    product, unit = money * pl.col("numerator"), pl.col("denominator")
    down, rest = product // unit, product % unit
    up = (rest > 0).cast(pl.Int64)
    even = ((2 * rest > unit) | ((2 * rest == unit) & (down % 2 == 1))).cast(pl.Int64)
    return (
        pl.when(pl.col("rounding") == "floor")
        .then(down)
        .when(pl.col("rounding") == "ceil")
        .then(down + up)
        .otherwise(down + even)
    )


def _waiting(posted: pl.DataFrame) -> pl.DataFrame:
    """Credits that wait for a confirmation, and when it came."""
    ruled = (pl.col("kind") == "earn") & pl.col("waits").fill_null(False)
    waits = posted.filter(
        pl.col("kind").is_in(_CREDITS)
        & (pl.col("moved") > 0)
        & pl.col("activates_us").is_null()
        & (pl.col("deadline_us").is_not_null() | ruled)
    )
    confirmations = posted.filter(pl.col("kind") == "confirm").select(
        original="related", confirmed="number", confirmed_us="effective_us"
    )
    return waits.select(original="number").join(confirmations, on="original", how="left")


def _kept_until_confirmed(
    posted: pl.DataFrame, waiting: pl.DataFrame, undone: pl.DataFrame
) -> pl.DataFrame:
    """What was left of each credit when it was confirmed."""
    confirmed = waiting.filter(pl.col("confirmed").is_not_null())
    before = (
        undone.join(confirmed, on="original")
        .filter(pl.col("number") < pl.col("confirmed"))
        .group_by("original")
        .agg(pl.col("undone", "off").sum())
    )
    originals = posted.select("moved", "money", original="number")
    return (
        confirmed.join(originals, on="original")
        .join(before, on="original", how="left")
        .with_columns(
            left=pl.col("moved") - pl.col("undone").fill_null(0),
            money_left=pl.col("money") - pl.col("off").fill_null(0),
        )
    )


_FACT = ("original", "number", "known_us", "points", "money", "visits")


def _plain(posted: pl.DataFrame, waiting: pl.DataFrame) -> pl.DataFrame:
    return (
        posted.filter(pl.col("kind").is_in(_COUNTED))
        .join(waiting.select(number="original"), on="number", how="anti")
        .select(
            "number",
            "money",
            original="number",
            known_us="effective_us",
            points="moved",
            visits=pl.lit(1, pl.Int64),
        )
        .select(_FACT)
    )


def _corrections(posted: pl.DataFrame, waiting: pl.DataFrame, undone: pl.DataFrame) -> pl.DataFrame:
    return (
        undone.join(waiting.with_columns(waits=True), on="original", how="left")
        .filter(pl.col("waits").is_null() | (pl.col("number") > pl.col("confirmed")))
        .join(posted.select("number", known_us="effective_us"), on="number")
        .join(posted.select(original="number", moved="moved"), on="original")
        .select(
            "original",
            "number",
            "known_us",
            points=-pl.col("moved").sign() * pl.col("undone"),
            money=-pl.col("off"),
            visits=-pl.col("whole").cast(pl.Int64),
        )
    )


def _confirmations(kept: pl.DataFrame) -> pl.DataFrame:
    return kept.select(
        "original",
        number="confirmed",
        known_us="confirmed_us",
        points="left",
        money="money_left",
        visits=pl.lit(1, pl.Int64),
    )


def _moves(
    calendar: Calendar, posted: pl.DataFrame, waiting: pl.DataFrame, kept: pl.DataFrame
) -> pl.DataFrame:
    """When so many stars are active: from an instant until another one, less where below 0."""
    stars = posted.filter(pl.col("currency") == "stars")
    plain = (
        stars.filter(pl.col("kind").is_in(["earn", "adjust", "redeem"]))
        .join(waiting.select(number="original"), on="number", how="anti")
        .with_columns(lot_us=pl.coalesce("activates_us", "effective_us"))
        .select("number", "lot_us", from_us="lot_us", points="moved", held_until=pl.lit(_FOREVER))
    )
    confirmed = (
        kept.select("original", "left", "confirmed_us", number="confirmed")
        .join(stars.select(original="number"), on="original", how="semi")
        .with_columns(lot_us="confirmed_us")
        .select("number", "lot_us", from_us="lot_us", points="left", held_until=pl.lit(_FOREVER))
    )
    holds = stars.filter(pl.col("kind") == "hold").select(
        hold="number", lot_us="effective_us", deadline_us="deadline_us", held="points"
    )
    held = holds.select(
        "lot_us", number="hold", from_us="lot_us", points=-pl.col("held"), held_until="deadline_us"
    )
    closed = stars.filter(pl.col("kind").is_in(["capture", "release"])).join(
        holds, left_on="related", right_on="hold", suffix="_hold"
    )
    closed = closed.with_columns(from_us=pl.max_horizontal("effective_us", "lot_us"))
    returned = closed.select(
        "number", "lot_us", "from_us", points="held", held_until="deadline_us_hold"
    )
    captured = closed.filter(pl.col("kind") == "capture").select(
        "number", "lot_us", "from_us", points="moved", held_until=pl.lit(_FOREVER)
    )
    lots = pl.concat(
        [
            plain.select("number", "lot_us", "from_us", confirmed=pl.lit(0, pl.Int64)),
            captured.select(
                "number", "lot_us", from_us=pl.lit(0, pl.Int64), confirmed=pl.lit(0, pl.Int64)
            ),
            kept.select(
                lot_us="confirmed_us",
                number="original",
                from_us="confirmed_us",
                confirmed="confirmed",
            ).select("number", "lot_us", "from_us", "confirmed"),
        ],
        how="vertical_relaxed",
    ).rename({"number": "related", "from_us": "lot_from_us"})
    undone = (
        stars.filter(pl.col("kind").is_in(["reverse", "cancel"]))
        .join(lots, on="related")
        .filter(pl.col("number") > pl.col("confirmed"))
        .select(
            "number",
            "lot_us",
            from_us=pl.max_horizontal("effective_us", "lot_from_us"),
            points="moved",
            held_until=pl.lit(_FOREVER),
        )
    )
    parts = [plain, confirmed, held, returned, captured, undone]
    columns = ["number", "lot_us", "from_us", "points", "held_until"]
    moves = pl.concat([part.select(columns) for part in parts], how="vertical_relaxed")
    until = pl.min_horizontal("held_until", calendar.half_year_end(pl.col("lot_us")))
    return moves.with_columns(until_us=until, currency=pl.lit("stars"))
