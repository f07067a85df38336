"""The demo's run: post the year, check the ledger, and read the figures back from it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl

import loyalty
from loyalty.demo import DemoError, asking, data, figures, picture, plan, server, tiers

Progress = Callable[[str, int, int], None]
"""Told what is being done and how far it is: (text, done, total)."""


@dataclass(frozen=True)
class Outcome:
    """What the demo did, and what the ledger holds now.

    Attributes
    ----------
    postings
        What the year comes to, by status: ``posted`` the first time, ``already_exists`` later.
    posting_s
        How long posting took, in seconds.
    lines, lines_without_points
        Purchase lines, and those too small to earn a point, which are posted with 0 points.
    months, largest
        See :mod:`loyalty.demo.figures`; ``largest`` are the members with the largest balances.
    tier_months, tier_spent, story
        See :mod:`loyalty.demo.tiers`: levels by month, money by level, and one household's year.
    totals, info, report
        Of the ledger: trial balance, sizes, and the check.
    picture, tier_picture
        The PNG files; the second one, of the last run of tiers, is drawn when that takes place.
    latencies
        How long ``loyaltyd`` took to tell balances; none if it is not there.
    """

    postings: dict[str, int]
    posting_s: float
    lines: int
    lines_without_points: int
    months: pl.DataFrame
    largest: pl.DataFrame
    tier_months: pl.DataFrame
    tier_spent: dict[str, int]
    story: tiers.Story
    totals: loyalty.Table
    info: loyalty.Info
    report: loyalty.VerifyReport
    picture: Path
    tier_picture: Path
    earn_rule: str = plan.EARN_RULE
    reward_rule: str = plan.REWARD_RULE
    latencies: tuple[asking.Latency, ...] = ()

    @property
    def refused(self) -> int:
        """Postings that are not in the ledger."""
        return sum(
            n for name, n in self.postings.items() if name not in ("posted", "already_exists")
        )

    @property
    def bytes_a_posting(self) -> float:
        """Disk space of the whole ledger by its entries."""
        return self.info.disk_bytes / max(self.info.sequence, 1)


def run_demo(directory: Path, progress: Progress) -> Outcome:
    """Run the demo on the ledger in `directory`, which is made when it is not there.

    Running it again, also after an interruption, goes on where the ledger stands.

    Raises
    ------
    loyalty.demo.DemoError
        When the data package is not installed, the ledger is not the demo's, or ``loyaltyd`` does
        not start.
    loyalty.LoyaltyError
        When the ledger cannot go on.
    """
    progress("reading the purchases", 0, 1)
    journey = data.load()
    progress("applying the rules", 0, 1)
    postings = plan.make_postings(journey)
    with _open(directory) as ledger:
        _refuse_other(ledger, directory, journey)
        ledger.apply_program(tiers.programme())  # of a demo from before there were levels
        started_s = time.monotonic()
        result = ledger.post(postings, progress=_told(progress, "posting"))
        posting_s = time.monotonic() - started_s
        entries = _entries(ledger)
        last_run = tiers.run_months(ledger, entries, _told(progress, "assessing"))
        if last_run is not None:
            last_run.picture().savefig(_picture(directory, "tiers"))
            entries = pl.concat([entries, _entries(ledger, entries["sequence"][-1] + 1)])
        progress("writing ids, history and state", 0, 1)
        ledger.checkpoint()
        report = ledger.verify(progress=_told(progress, "verifying"))
        progress("reading the figures", 0, 1)
        standings = tiers.standings_of(entries)
        balances = ledger.balances().to_polars()
        outcome = Outcome(
            postings=result.counts,
            posting_s=posting_s,
            lines=journey.lines.height,
            lines_without_points=int((journey.lines["cents"] < plan.CENTS_A_POINT).sum()),
            months=figures.by_month(entries),
            largest=balances.sort(["active", "member"], descending=[True, False]).head(10),
            tier_months=tiers.by_month(standings),
            tier_spent=tiers.spent_by_level(standings, entries),
            story=tiers.tell_one(ledger, standings),
            totals=ledger.totals(),
            info=ledger.info(),
            report=report,
            picture=_picture(directory, "points"),
            tier_picture=_picture(directory, "tiers"),
        )
    progress("drawing", 0, 1)
    picture.draw_months(
        outcome.months,
        outcome.picture,
        title="Points by month",
        note=f"{journey.households:,} households. Earned: {plan.EARN_RULE}. Redeemed:"
        f" {plan.REWARD_RULE},\non Sunday nights, so months with five Sundays redeem more."
        f" Months are those of {data.ZONE}. Data: The Complete Journey, 2017.",
    )
    progress("asking loyaltyd", 0, 1)
    return replace(outcome, latencies=_ask(directory, balances["member"].to_list()))


def _ask(directory: Path, members: list[int]) -> tuple[asking.Latency, ...]:
    if server.find_loyaltyd() is None:
        return ()
    with server.serving(directory) as address:
        return asking.measure(address, members)


def _picture(directory: Path, what: str) -> Path:
    return directory.with_name(f"{directory.name}.{what}.png")


def _open(directory: Path) -> loyalty.Ledger:
    try:
        return loyalty.create(directory, program=tiers.programme())
    except loyalty.AlreadyExistsError:
        return loyalty.open(directory)


def _refuse_other(ledger: loyalty.Ledger, directory: Path, journey: data.Journey) -> None:
    """Leave alone a ledger that somebody uses for something else."""
    members = ledger.balances(currency=ledger.currencies[0])["member"]
    households = journey.lines["household_id"].unique()
    if ledger.currencies != (plan.CURRENCY,) or not np.isin(members, households).all():
        raise DemoError(f"{directory} is a ledger of something else; name another directory")


def _told(progress: Progress, what: str) -> Callable[[int, int], None]:
    return lambda done, total: progress(what, done, total)


def _entries(ledger: loyalty.Ledger, from_sequence: int = 1) -> pl.DataFrame:
    """All that was posted and recorded, with the columns that the figures need."""
    numbers = ["sequence", "effective_time", "member", "points", "money", "text"]
    parts = [
        changes.to_polars()
        .filter(pl.col("status").cast(pl.String) == "posted")
        .select(*numbers, pl.col("kind", "level").cast(pl.String))
        for changes in ledger.iter_changes(from_sequence)
    ]
    return pl.concat(parts)
