"""Sixty-four callers that post one at a time, each posting durable: beside PostgreSQL and Redis."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from benchmarks.harness.context import Context, median
from benchmarks.harness.results import Result
from benchmarks.peers import postgres, postgres_single, redis

CALLERS = 64
NAMES = ("post_single64_vs_postgres", "post_single64_vs_redis")


def measure(context: Context) -> list[Result]:
    """Alternate the ledger with its peers."""
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    sizes = context.sizes
    for repetition in range(sizes.repetitions):
        context.say(f"single postings, repetition {repetition + 1} of {sizes.repetitions}")
        runs["ledger"].append(post(context))
        if context.wanted(NAMES[0]):
            with postgres.serve(context.work) as server:
                best, rates = postgres_single.best_rate(server, sizes.members, sizes.pgbench_s)
            runs["postgres"].append({"per_s": best, "rates": rates})
            context.say(f"PostgreSQL, {CALLERS} connections: {best:,.0f}/s")
        if context.wanted(NAMES[1]):
            with redis.serve(context.work) as port:
                best, rates = redis.best_rate(port, sizes.members, sizes.redis_calls)
            runs["redis"].append({"per_s": best, "rates": rates})
            context.say(f"Redis, {CALLERS} connections: {best:,.0f}/s")
    return results(runs)


def post(context: Context) -> dict[str, Any]:
    """Post one at a time from as many threads."""
    with context.ledger() as directory:
        run = context.program(
            "post_bench",
            mode="single",
            dir=directory,
            members=context.sizes.members,
            postings=context.sizes.singles,
            callers=CALLERS,
        )
    context.say(
        f"{CALLERS} callers: {run['per_s']:,.0f}/s, {run['cpu_us']:.2f} us of CPU each,"
        f" p50 {run['latency_p50_us']:,.0f} us, p99 {run['latency_p99_us']:,.0f} us"
    )
    return run


def results(runs: dict[str, list[dict[str, Any]]]) -> list[Result]:
    """Compare medians."""
    middle = {kind: median([run["per_s"] for run in of]) for kind, of in runs.items()}
    keep = ("per_s", "cpu_us", "latency_p50_us", "latency_p99_us", "latency_max_us")
    ledger = [{key: run[key] for key in keep} for run in runs["ledger"]]
    peers = {
        "postgres": (NAMES[0], "PostgreSQL 15, 64 connections"),
        "redis": (NAMES[1], "Redis 7 INCR, appendfsync always"),
    }
    return [
        Result(
            name,
            middle["ledger"],
            "postings/s",
            peer,
            middle[kind],
            {"ledger": ledger, kind: [run["rates"] for run in runs[kind]]},
        )
        for kind, (name, peer) in peers.items()
        if kind in runs
    ]
