"""Write the seeds of rpc_fuzz: a valid request of each call, and conversations, in both protocols.

.venv/bin/python -m tests.python.fuzz_seeds

The ledger that they are sent to is that of tests/cpp/service/fuzz/fuzzed_server.h.
"""

from __future__ import annotations

import struct
from typing import Any

from .rpc_server import IDL, PROTOCOLS, ROOT, frame_of, member
from .rpc_server import posting as any_posting

CORPUS = ROOT / "tests" / "cpp" / "service" / "fuzz" / "corpus"
NOON_US = 1_714_564_800_000_000
HOUR_US = 3_600_000_000
WHY = IDL.Codes(actor="mia", reason="asked for")

Call = tuple[str, Any]


def identity(number: int) -> Any:
    return IDL.PostingId(id=struct.pack(">QQ", 1, number))


def posting(number: int, kind: str, who: int | str, points: int | None = None, **more: Any) -> Any:
    fields = {"id": identity(number), "points": points, "effective_us": NOON_US} | more
    return any_posting(kind, who, **fields)


def post(*postings: Any) -> Call:
    return "post", IDL.PostRequest(postings=list(postings))


def calls() -> list[Call]:
    """One of each, with most of the fields that it may say."""
    head = IDL.RequestHead(token="t", request_id="r", timeout_ms=1000)
    ada, as_of = member("ada"), IDL.AsOf(effective_us=NOON_US, sequence=9)
    more = {
        "codes": IDL.Codes(
            rule="r", channel="web", location="7", category="c", actor="a", reason="b"
        ),
        "expires_us": NOON_US + HOUR_US,
        "activates_us": NOON_US + 1,
        "tag": 2**40,
    }
    return [
        ("post", IDL.PostRequest(head=head, postings=[posting(20, "EARN", "ada", 5, **more)])),
        (
            "balances",
            IDL.BalancesRequest(
                head, [ada, member(1)], ["points", "status"], at_us=NOON_US, expiring=True
            ),
        ),
        ("statement", IDL.StatementRequest(head, ada, 0, NOON_US * 2, as_of, 2)),
        ("changes", IDL.ChangesRequest(head, 1, 3, 1)),
        ("explain", IDL.ExplainRequest(head, identity(2))),
        ("tiers", IDL.TiersRequest(head, [ada, member(2)], NOON_US)),
        ("tier_progress", IDL.TierProgressRequest(head, [ada], NOON_US)),
        (
            "start_run",
            IDL.StartRunRequest(
                head, IDL.RunKind.TIERS, NOON_US, True, ["tier"], [ada], "run", True
            ),
        ),
        ("follow_run", IDL.FollowRunRequest(head, "run", 1)),
        ("run_changes", IDL.RunChangesRequest(head, "run", 0, 2)),
        ("stop_run", IDL.StopRunRequest(head, "run")),
        ("program", IDL.ProgramRequest(head, 1)),
        (
            "apply_program",
            IDL.ApplyProgramRequest(
                head, '{"format":1,"name":"Shop","currencies":[]}', "mia", "grown"
            ),
        ),
        ("digest", IDL.DigestRequest(head)),
        ("spenders", IDL.SpendersRequest(head, ada, "points")),
        ("totals", IDL.TotalsRequest(head)),
        ("server_info", IDL.ServerInfoRequest(head)),
        ("ledger_info", IDL.LedgerInfoRequest(head)),
        ("health", IDL.HealthRequest()),
    ]


def conversations() -> dict[str, list[Call]]:
    """What takes several requests, or several postings."""
    ada, ben = member("ada"), member("ben")
    return {
        "till": [
            post(posting(30, "EARN", "ada", 50, money=120), posting(31, "REDEEM", "ada", 20)),
            post(posting(32, "HOLD", "ada", 9, deadline_us=NOON_US + HOUR_US)),
            post(posting(33, "CAPTURE", "ada", 4, related=identity(32))),
            post(posting(34, "REVERSE", "ada", 3, related=identity(30))),
            ("balances", IDL.BalancesRequest(members=[ada])),
        ],
        "desk": [
            post(
                posting(40, "ADJUST", "ben", -7, codes=WHY),
                posting(41, "SET_LIMITS", "ben", floor=-50, ceiling=9000, codes=WHY),
                posting(42, "TRANSFER", "ada", 5, other=ben, linked=True),
                posting(47, "REDEEM", "ben", 1),
                posting(43, "SET_LEVEL", "ben", ladder="tier", level="gold", codes=WHY),
            ),
            post(posting(44, "EARN", 1, 8, activates_us=2**63 - 1, deadline_us=NOON_US + 1)),
            post(posting(45, "CONFIRM", 1, related=identity(44))),
            post(posting(46, "EXTEND", 1, expires_us=NOON_US * 2, related=identity(44), codes=WHY)),
        ],
        "members": [
            post(posting(50, "OPEN_MEMBER", 7), posting(51, "JOIN_POOL", 7, other=ada, ceiling=5)),
            post(posting(52, "REDEEM", 7, 1, other=ada), posting(53, "LEAVE_POOL", 7, other=ada)),
            post(posting(54, "MERGE_MEMBERS", 1, other=member(2), codes=WHY)),
            post(posting(55, "UNMERGE_MEMBERS", 1, related=identity(54), codes=WHY)),
            post(posting(56, "CLOSE_MEMBER", 7, codes=WHY)),
            post(posting(57, "REOPEN_MEMBER", 7, codes=WHY)),
            post(posting(58, "ERASE_MEMBER", "ben", codes=WHY)),
        ],
        "runs": [
            ("start_run", IDL.StartRunRequest(kind=IDL.RunKind.EXPIRY, run_id="e")),
            ("follow_run", IDL.FollowRunRequest(run_id="e", wait_ms=5)),
            (
                "start_run",
                IDL.StartRunRequest(kind=IDL.RunKind.TIERS, run_id="t", keep_changes=True),
            ),
            ("follow_run", IDL.FollowRunRequest(run_id="t", wait_ms=5)),
            ("run_changes", IDL.RunChangesRequest(run_id="t")),
            ("stop_run", IDL.StopRunRequest(run_id="t")),
        ],
        "ask": [
            ("balances", IDL.BalancesRequest(members=[ada], as_of=IDL.AsOf(recorded_us=NOON_US))),
            ("explain", IDL.ExplainRequest(sequence=8)),
            ("statement", IDL.StatementRequest(member=ben)),
            ("tiers", IDL.TiersRequest(members=[ada])),
            ("tier_progress", IDL.TierProgressRequest(members=[member(1)])),
        ],
    }


def main() -> None:
    seeds = {name: [(name, request)] for name, request in calls()} | conversations()
    for protocol in PROTOCOLS:
        for name, said in seeds.items():
            sent = b"".join(frame_of(call, request, protocol) for call, request in said)
            (CORPUS / f"{protocol}-{name}").write_bytes(sent)


if __name__ == "__main__":
    main()
