"""Batch posting with everything on, beside the raw limit, PostgreSQL, random ids, Zipf members."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from benchmarks.harness.context import Context, median
from benchmarks.harness.process import directory_bytes
from benchmarks.harness.results import BUDGET, Result
from benchmarks.harness.workload import make_postings
from benchmarks.peers import postgres, postgres_batch

GROUP = 8_192  # entries a group of the raw writer
DISK_BYTES_MAX = 100
STOP_AFTER_S = 120  # a run that is slower is cut short; its rate is of what it posted

NAMES = (
    "post_batch_ordered_vs_raw",
    "post_batch_ordered_vs_raw_rows",
    "post_batch_ordered_vs_postgres",
    "post_batch_random_vs_ordered",
    "post_batch_zipf_vs_uniform",
    "disk_bytes_per_posting",
)

Runs = dict[str, list[dict[str, Any]]]


def measure(context: Context) -> list[Result]:
    """Alternate the contestants, so that a slow minute of the machine hits all of them."""
    runs: Runs = defaultdict(list)
    trial: dict[str, float] = {}
    for repetition in range(context.sizes.repetitions):
        context.say(f"batch posting, repetition {repetition + 1} of {context.sizes.repetitions}")
        runs["ordered"].append(post(context))
        if context.wanted("post_batch_ordered_vs_raw"):
            block = round(GROUP * runs["ordered"][-1]["journal_bytes_per_posting"])
            runs["raw"].append(raw(context, block_bytes=block))
        if context.wanted("post_batch_ordered_vs_raw_rows"):
            runs["raw_rows"].append(raw(context))
        if context.wanted("post_batch_random_vs_ordered"):
            runs["random"].append(post(context, ids="random"))
        if context.wanted("post_batch_zipf_vs_uniform"):
            runs["zipf"].append(post(context, spread="zipf"))
        if context.wanted("post_batch_ordered_vs_postgres"):
            runs["postgres"].append(post_postgres(context, trial))
    return results(runs, trial)


def post(context: Context, *, ids: str = "ordered", spread: str = "uniform") -> dict[str, Any]:
    """Post to a ledger whose members are open."""
    with context.ledger(ids) as directory:
        before = directory_bytes(directory)
        run = context.program(
            "post_bench",
            mode="batch",
            dir=directory,
            members=context.sizes.members,
            postings=context.sizes.postings,
            ids=ids,
            spread=spread,
            stop_after_s=STOP_AFTER_S,
        )
        run["disk_bytes_per_posting"] = (directory_bytes(directory) - before) / run["postings"]
    run["journal_bytes_per_posting"] = (run["journal_bytes"] - run["journal_bytes_before"]) / run[
        "postings"
    ]
    context.say(
        f"{ids} ids, {spread} members, {run['postings']:,.0f} postings: {run['per_s']:,.0f}/s,"
        f" {run['cpu_us']:.3f} us of CPU each, {run['settle_s']:.1f} s to settle"
    )
    return run


def raw(context: Context, **flags: Any) -> dict[str, Any]:
    """Write with RocksDB alone, as rows of sizeof(Entry) or in blocks of `block_bytes`."""
    with context.directory("raw") as directory:
        run = context.program(
            "raw_bench",
            dir=directory / "db",
            blocks=context.sizes.postings // GROUP,
            entries=GROUP,
            **flags,
        )
    context.say(
        f"raw RocksDB, {run['block_bytes'] / GROUP:.1f} bytes an entry: {run['per_s']:,.0f}/s"
    )
    return run


def post_postgres(context: Context, trial: dict[str, float]) -> dict[str, Any]:
    """Post by PostgreSQL's quickest path; the first time, a trial finds it."""
    members = context.sizes.members
    with postgres.serve(context.work) as server:
        if not trial:
            postings = make_postings(context.sizes.trial_postings, members)
            trial |= postgres_batch.trial(server, postings, members)
        path = postgres_batch.best(trial)
        postings = make_postings(context.sizes.peer_postings, members)
        per_s = postgres_batch.rate(server, path, postings, members)
        disk = server.bytes_per_entry()
    context.say(f"PostgreSQL, {path}: {per_s:,.0f}/s")
    return {"per_s": per_s, "disk_bytes_per_posting": disk}


def results(runs: Runs, trial: dict[str, float]) -> list[Result]:
    """Compare medians."""
    rates = {kind: [run["per_s"] for run in kind_runs] for kind, kind_runs in runs.items()}
    middle = {kind: median(values) for kind, values in rates.items()}
    ordered = runs["ordered"][len(runs["ordered"]) // 2]
    shared = {"slice_per_s": ordered["slice_per_s"], "settle_s": ordered["settle_s"]}
    shared |= {"settled_per_s": ordered["settled_per_s"], "cpu_us": ordered["cpu_us"]}

    def compare(name: str, kind: str, peer_kind: str, peer: str, **more: Any) -> Result:
        details = {kind: rates[kind], peer_kind: rates[peer_kind], **more}
        return Result(name, middle[kind], "postings/s", peer, middle[peer_kind], details)

    found = []
    if runs["raw"]:
        peer = "RocksDB, synced, the same bytes"
        found.append(
            compare("post_batch_ordered_vs_raw", "ordered", "raw", peer, **shared, raw=runs["raw"])
        )
    if runs["raw_rows"]:
        peer = "RocksDB, synced, plain rows"
        found.append(compare("post_batch_ordered_vs_raw_rows", "ordered", "raw_rows", peer))
    if runs["postgres"]:
        peer = f"PostgreSQL 15, {postgres_batch.best(trial)}"
        found.append(
            compare("post_batch_ordered_vs_postgres", "ordered", "postgres", peer, trial=trial)
        )
    for kind, name in (("random", "random_vs_ordered"), ("zipf", "zipf_vs_uniform")):
        if runs[kind]:
            more = {"slice_per_s": runs[kind][0]["slice_per_s"]}
            more |= {key: runs[kind][0][key] for key in ("settle_s", "cpu_us", "postings")}
            peer = name.rpartition("_")[2]
            found.append(compare(f"post_batch_{name}", kind, "ordered", peer, **more))
    found.append(disk_result(runs))
    return found


def disk_result(runs: Runs) -> Result:
    """Disk after Close(), less the ledger's with its members open, divided by the postings."""
    values = [run["disk_bytes_per_posting"] for run in runs["ordered"]]
    details: dict[str, Any] = {"all": values}
    families = ("journal_bytes", "ids_bytes", "history_bytes", "state_bytes")
    last = runs["ordered"][-1]
    details |= {name: last[name] / last["postings"] for name in families}
    for kind in ("random", "postgres"):
        details[kind] = [run["disk_bytes_per_posting"] for run in runs[kind]]
    return Result(
        "disk_bytes_per_posting", median(values), "bytes", BUDGET, DISK_BYTES_MAX, details
    )
