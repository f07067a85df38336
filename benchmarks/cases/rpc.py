"""Load on loyaltyd over the loopback interface: balances beside Redis, posts, and both at once."""

from __future__ import annotations

import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.harness.context import Context, median
from benchmarks.harness.results import BUDGET, Result
from benchmarks.harness.service import Service, serve
from benchmarks.peers import redis

CONNECTIONS = 50
CLIENT_THREADS = (1, 2)  # both are tried, the better counts, as of redis-benchmark
BALANCES = {  # name: members a call, commands that Redis is sent at once
    "rpc_balance50_vs_redis": (1, 1),
    "rpc_balance256_vs_redis_pipelined": (256, 16),
}
POSTS = tuple((batch, connections) for batch in (1, 64, 1_024) for connections in (1, 50))
MIXED_BALANCES = "rpc_mixed_balance_p99_9_us"
MIXED_POSTS = "rpc_mixed_post_p99_9_us"
MIXED_PAUSE = "rpc_mixed_pause_ms"
MIXED = (MIXED_BALANCES, MIXED_POSTS, MIXED_PAUSE)
NAMES = (*BALANCES, *(f"rpc_post_b{b}_c{c}" for b, c in POSTS), *MIXED)

POST_PERCENT = 10
PEAK_SHARE = 0.3  # of the rate that the same mix reaches in a closed loop: that of the open loop
PAUSE_MS_MAX = 100
YEAR_US = 365 * 86_400_000_000
REDIS_GETS_A_MEMBER_CALL = 2  # so that a run of Redis takes about as long as ours

Run = dict[str, Any]


def measure(context: Context) -> list[Result]:
    """Ask a ledger with a year of postings behind it, and post to new ones."""
    results = []
    if any(context.wanted(name) for name in (*BALANCES, *MIXED)):
        with context.ledger() as ledger:
            context.say(f"a year of {context.sizes.postings:,} postings")
            context.program(
                "post_bench",
                mode="batch",
                dir=ledger,
                members=context.sizes.members,
                postings=context.sizes.postings,
                start_us=time.time_ns() // 1_000 - YEAR_US,  # so that no points have expired
            )
            with serve(context, ledger) as service:
                results += measure_balances(context, service)
                if any(context.wanted(name) for name in MIXED):
                    results += measure_mixed(context, service, ledger.parent)
    if any(context.wanted(post_name(*post)) for post in POSTS):
        results += measure_posts(context)
    return results


def post_name(batch: int, connections: int) -> str:
    """Name the result of posting so many a call over so many connections."""
    return f"rpc_post_b{batch}_c{connections}"


def call(context: Context, service: Service, **flags: Any) -> Run:
    """Call the service for a while; the processor time of both sides is told by call."""
    before_s = service.cpu_s()
    run = context.program("rpc_bench", port=service.port, members=context.sizes.members, **flags)
    calls = run["elapsed_s"] * run["calls_per_s"]
    return {**run, "server_cpu_us": (service.cpu_s() - before_s) / calls * 1e6}


def measure_balances(context: Context, service: Service) -> list[Result]:
    """Alternate closed loops on loyaltyd and on Redis, both being up all the time."""
    ours: dict[str, list[Run]] = defaultdict(list)
    theirs: dict[str, list[dict[str, float]]] = defaultdict(list)
    sizes = context.sizes
    with redis.serve(context.work) as port:
        redis.fill(port, sizes.members)
        for repetition in range(sizes.repetitions):
            context.say(f"balances, repetition {repetition + 1} of {sizes.repetitions}")
            for name, (members, pipeline) in BALANCES.items():
                if not context.wanted(name):
                    continue
                ours[name].append(best_balances(context, service, members))
                gets = sizes.redis_calls * REDIS_GETS_A_MEMBER_CALL * pipeline
                theirs[name].append(redis.get_rates(port, sizes.members, gets, pipeline))
                best = max(theirs[name][-1].values())
                context.say(
                    f"{members} a call: {ours[name][-1]['per_s']:,.0f}/s; Redis {best:,.0f}"
                )
    return [
        Result(
            name,
            median([run["per_s"] for run in runs]),
            "balances/s",
            f"Redis 7 GET, {CONNECTIONS} connections, pipelined by {BALANCES[name][1]}",
            median([max(rates.values()) for rates in theirs[name]]),
            {"ledger": runs, "redis": theirs[name]},
        )
        for name, runs in ours.items()
    ]


def best_balances(context: Context, service: Service, members: int) -> Run:
    """Try each number of client threads; return the better run, with the rates of all."""
    runs = {
        threads: call(
            context,
            service,
            connections=CONNECTIONS,
            threads=threads,
            members_a_call=members,
            seconds=context.sizes.rpc_s,
        )
        for threads in CLIENT_THREADS
    }
    rates = {f"{n} client threads": run["calls_per_s"] * members for n, run in runs.items()}
    best = max(runs.values(), key=lambda run: float(run["calls_per_s"]))
    return {**best, "per_s": best["calls_per_s"] * members, "rates": rates}


def measure_posts(context: Context) -> list[Result]:
    """Post in closed loops; a ledger for each, so that none finds the debt of another."""
    results = []
    for batch, connections in POSTS:
        name = post_name(batch, connections)
        if not context.wanted(name):
            continue
        with context.ledger() as ledger, serve(context, ledger) as service:
            run = call(
                context,
                service,
                connections=connections,
                postings_a_call=batch,
                post_percent=100,
                seconds=context.sizes.rpc_s,
            )
        per_s = run["calls_per_s"] * batch
        context.say(
            f"{batch} a call, {connections} connections: {per_s:,.0f} postings/s,"
            f" p50 {run['post_p50_us']:,.0f} us, p99.9 {run['post_p99_9_us']:,.0f} us"
        )
        results.append(Result(name, per_s, "postings/s", "", None, run))
    return results


def measure_mixed(context: Context, service: Service, probed: Path) -> list[Result]:
    """Ask and post at a rate that does not yield; a file in `probed` tells what the disk does."""
    mix = {"connections": CONNECTIONS, "post_percent": POST_PERCENT}
    peak = call(context, service, **mix, seconds=context.sizes.rpc_s)
    run = call(
        context,
        service,
        **mix,
        per_s=round(peak["calls_per_s"] * PEAK_SHARE),
        seconds=context.sizes.rpc_mixed_s,
        probe_dir=probed,
    )
    context.say(
        f"{run['calls_per_s']:,.0f} calls/s of {peak['calls_per_s']:,.0f}: longest pause"
        f" {run['pause_max_ms']:,.0f} ms, not the disk's {run['pause_not_disk_max_ms']:,.0f} ms"
    )
    details = {"peak": peak, "open_loop": run}
    pause_ms = run["pause_not_disk_max_ms"]
    return [
        Result(MIXED_BALANCES, run["balance_p99_9_us"], "us", "", None, details),
        Result(MIXED_POSTS, run["post_p99_9_us"], "us", "", None),
        Result(MIXED_PAUSE, pause_ms, "ms", BUDGET, PAUSE_MS_MAX),
    ]
