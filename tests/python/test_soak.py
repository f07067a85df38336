"""A long life of one ledger, against a model of balances in plain Python."""

from __future__ import annotations

import logging
import random
from pathlib import Path
from typing import Any

import pytest

import loyalty

ROUNDS = 400
ROWS = 2_000
MEMBERS = 500


def random_batch(random_: random.Random, first_id: int) -> dict[str, Any]:
    kinds = random_.choices(["earn", "redeem"], weights=[3, 2], k=ROWS)
    ids = [f"posting {first_id + row}" for row in range(ROWS)]
    for row in range(0, ROWS, 50):  # some ids of before: duplicates, mostly with other content
        ids[row] = f"posting {random_.randrange(first_id + 1)}"
    return {
        "id": ids,
        "kind": kinds,
        "member": random_.choices(range(MEMBERS), k=ROWS),
        "points": random_.choices(range(1, 200), k=ROWS),
        "effective_time": [1_700_000_000_000_000 + random_.randrange(10**12) for _ in range(ROWS)],
    }


@pytest.mark.soak
def test_balances_agree_for_a_long_time(tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    logging.getLogger(__name__).warning("seed %d", seed)  # shown when the test fails
    random_ = random.Random(seed)
    path = tmp_path / "ledger"
    balances = dict.fromkeys(range(MEMBERS), 0)
    with loyalty.create(path) as ledger:
        ledger.open_members(list(balances))
    ledger = loyalty.open(path, segment_entries=20_000, checkpoint_entries=50_000)
    for round_ in range(ROUNDS):
        batch = random_batch(random_, round_ * ROWS)
        result = ledger.post(batch)
        for kind, member, points, status in zip(
            batch["kind"], batch["member"], batch["points"], result.status, strict=True
        ):
            if status == "posted":
                balances[member] += points if kind == "earn" else -points
        if round_ % 20 == 19:
            table = ledger.balances().to_numpy()
            assert dict(zip(table["member"], table["active"], strict=True)) == balances
        if round_ % 50 == 49:
            assert ledger.verify().ok
            ledger.close()
            ledger = loyalty.open(path, segment_entries=20_000, checkpoint_entries=50_000)
    ledger.close()
