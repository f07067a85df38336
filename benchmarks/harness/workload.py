"""The postings of a programme, as columns: the same for every system that is measured.

Mirrors cpp/workload.h: 85 % earns and 15 % redemptions, money on each, time running on, ids ordered
by time (UUIDv7) or random, members uniform or Zipf.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Ids = Literal["ordered", "random"]
Members = Literal["uniform", "zipf"]

DAY_US = 86_400_000_000
START_US = 1_704_067_200_000_000  # 2024-01-01
YEAR_US = 365 * DAY_US
DISORDER = 8  # tills send late: ids are ordered by time but for so many neighbours
ZIPF_EXPONENT = 0.99
REDEEM_SHARE = 0.15


@dataclass(frozen=True)
class Postings:
    """`n` postings, column by column; all arrays have shape (n,) but `ids`, which is (n, 16)."""

    ids: NDArray[np.uint8]  # big-endian bytes
    members: NDArray[np.int64]  # 0 <= member < members
    redeems: NDArray[np.bool_]
    points: NDArray[np.int64]  # minor units, > 0
    money: NDArray[np.int64]  # minor units
    effective_us: NDArray[np.int64]

    @property
    def signed_points(self) -> NDArray[np.int64]:
        """What each member gains, or loses by a redemption."""
        return np.where(self.redeems, -self.points, self.points)

    def take(self, which: slice | NDArray[Any]) -> Postings:
        """Return some of the postings."""
        return Postings(**{f.name: getattr(self, f.name)[which] for f in fields(self)})

    def __len__(self) -> int:
        """Return the number of postings."""
        return len(self.members)


def make_postings(
    count: int, members: int, *, ids: Ids = "ordered", spread: Members = "uniform", seed: int = 1
) -> Postings:
    """Draw a year of `count` postings."""
    rng = np.random.default_rng(seed)
    effective_us = START_US + (np.arange(count, dtype=np.int64) * YEAR_US) // count
    redeems = rng.random(count) < REDEEM_SHARE
    late_us = YEAR_US // count * rng.integers(0, DISORDER, count)
    return Postings(
        ids=make_ids(rng, effective_us + late_us, ids),
        members=draw_members(rng, count, members, spread),
        redeems=redeems,
        points=np.where(redeems, rng.integers(10, 100, count), rng.integers(100, 1_000, count)),
        money=rng.integers(100, 20_000, count),
        effective_us=effective_us,
    )


def make_ids(rng: np.random.Generator, time_us: NDArray[np.int64], ids: Ids) -> NDArray[np.uint8]:
    """Return ids of shape (n, 16): random, or UUIDv7 with the milliseconds of `time_us`."""
    result = rng.integers(0, 256, (len(time_us), 16), dtype=np.uint8)
    if ids == "ordered":
        ms = (time_us // 1_000).astype(">u8").view(np.uint8).reshape(-1, 8)
        result[:, :6] = ms[:, 2:]
        result[:, 6] = (result[:, 6] & 0x0F) | 0x70
    return result


def draw_members(
    rng: np.random.Generator, count: int, members: int, spread: Members
) -> NDArray[np.int64]:
    """Draw members; the popular ones of a Zipf draw are scattered over all slots."""
    if spread == "uniform":
        return rng.integers(0, members, count)
    # The continuous approximation of the Zipf law: inverts its cumulative distribution.
    power = 1.0 - ZIPF_EXPONENT
    rank = (1.0 + rng.random(count) * (float(members) ** power - 1.0)) ** (1.0 / power) - 1.0
    ranks = np.minimum(rank.astype(np.int64), members - 1)
    # A prime factor makes it a permutation of the members.
    return np.asarray(ranks * 0x9E3779B1 % members, np.int64)
