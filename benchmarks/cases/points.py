"""What the rules of points cost: open lots, redemptions over many, holds, captures, expiry."""

from __future__ import annotations

from benchmarks.harness.context import Context
from benchmarks.harness.results import Result

LOTS = (1, 4, 16)
NAMES = (
    *(f"points_lots_{lots}" for lots in LOTS),
    "points_redeem_16_lots",
    "points_hold",
    "points_capture",
    "points_expire",
)


def measure(context: Context) -> list[Result]:
    """Run all parts once, in one process; posting with one open lot a member is their peer."""
    context.say("points: open lots, holds, expiry")
    with context.directory("points") as directory:
        run = context.program(
            "points_bench",
            dir=directory,
            members=context.sizes.points_members,
            postings=context.sizes.points_postings,
            lots=context.sizes.points_lots,
        )
    plain = run["lots1_per_s"]

    def against_plain(name: str, key: str) -> Result:
        return Result(name, run[key], "postings/s", "1 open lot a member", plain)

    return [
        *(against_plain(f"points_lots_{lots}", f"lots{lots}_per_s") for lots in LOTS),
        against_plain("points_redeem_16_lots", "redeem_many_per_s"),
        against_plain("points_hold", "hold_per_s"),
        against_plain("points_capture", "capture_per_s"),
        Result(
            "points_expire", run["expire_per_s"], "lots/s", "a dry run", run["expire_dry_per_s"]
        ),
    ]
