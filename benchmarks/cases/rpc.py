"""loyaltyd over its socket: balances beside Redis, postings, and both at once for minutes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from benchmarks.harness.context import Context, median
from benchmarks.harness.process import child, free_port, wait_for_text
from benchmarks.harness.results import Result
from benchmarks.peers import redis

CONNECTIONS = 50
TOGETHER = 256
POSTS = tuple((together, connections) for together in (1, 64, 1024) for connections in (1, 50))
# Of what the server can do: as a service that has room.
MIXED_LOAD = 0.25
NAMES = (
    "rpc_balance50_vs_redis",
    "rpc_balance256_vs_redis_pipelined",
    *(f"rpc_post_{together}x{connections}" for together, connections in POSTS),
    "rpc_mixed_pause_ms",
)


def measure(context: Context) -> list[Result]:
    """Balances alternate with Redis; then postings, and both at once."""
    with context.ledger() as ledger:
        context.say("a ledger with a year of postings")
        context.program(
            "post_bench",
            mode="batch",
            dir=ledger,
            members=context.sizes.members,
            postings=context.sizes.postings,
        )
        parts = {balances: NAMES[:2], posts: NAMES[2:-1], mixed: NAMES[-1:]}
        return [
            result
            for part, names in parts.items()
            if any(context.wanted(name) for name in names)
            for result in part(context, ledger)
        ]


@contextmanager
def serve(context: Context, ledger: Path) -> Iterator[tuple[int, psutil.Process]]:
    """Start a loyaltyd; yields its port and process."""
    binary = context.binaries.parents[1] / "cpp" / "service" / "loyaltyd"
    if not binary.exists():
        raise FileNotFoundError(f"{binary} is not built: make bench")
    port = free_port()
    log = ledger.parent / f"log-{port}"
    command: list[str | Path] = [binary, "--ledger", ledger, "--listen", f"127.0.0.1:{port}"]
    with child(command, log=log) as process:
        wait_for_text(process, log, '"listening"')
        yield port, psutil.Process(process.pid)


def ask(
    context: Context, mode: str, served: tuple[int, psutil.Process], **flags: Any
) -> dict[str, Any]:
    """Run the client; what it measured, and the server's CPU."""
    port, process = served
    before = process.cpu_times()
    run = context.program("rpc_bench", mode=mode, port=port, members=context.sizes.members, **flags)
    after = process.cpu_times()
    run["server_cpu_s"] = after.user + after.system - before.user - before.system
    return run


def balances(context: Context, ledger: Path) -> list[Result]:
    """One member a call, and many."""
    runs: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for repetition in range(context.sizes.repetitions):
        context.say(f"balances, repetition {repetition + 1} of {context.sizes.repetitions}")
        with serve(context, ledger) as served:
            for name, together in (("one", 1), ("many", TOGETHER)):
                runs[name].append(best_of_threads(context, served, together))
                context.say(f"{together} a call: {runs[name][-1]['per_s']:,.0f} balances/s")
        with redis.serve(context.work) as port:
            redis.fill(port, context.sizes.members)
            for name, pipelined in (("get", 1), ("pipelined", 16)):
                best, rates = redis.best_get_rate(
                    port, context.sizes.members, context.sizes.redis_calls * pipelined, pipelined
                )
                runs[name].append({"per_s": best, "rates": rates})
                context.say(f"Redis GET, {pipelined} at once: {best:,.0f}/s")
    peers = {
        "one": ("get", NAMES[0], "Redis 7 GET, 50 connections"),
        "many": ("pipelined", NAMES[1], "Redis 7 GET, 50 connections, pipelined by 16"),
    }
    return [
        Result(
            name,
            median([run["per_s"] for run in runs[ours]]),
            "balances/s",
            peer,
            median([run["per_s"] for run in runs[theirs]]),
            {"ledger": runs[ours], "redis": runs[theirs]},
        )
        for ours, (theirs, name, peer) in peers.items()
    ]


def best_of_threads(
    context: Context, served: tuple[int, psutil.Process], together: int
) -> dict[str, Any]:
    """The better of one and of two client threads, as for Redis."""
    runs = {
        threads: ask(
            context,
            "balance",
            served,
            connections=CONNECTIONS,
            together=together,
            threads=threads,
            seconds=context.sizes.rpc_s,
        )
        for threads in redis.CLIENT_THREADS
    }
    threads, best = max(runs.items(), key=lambda run: float(run[1]["per_s"]))
    return {"threads": threads} | best


def posts(context: Context, ledger: Path) -> list[Result]:
    """Postings by how many are in a call, and on how many connections."""
    results = []
    with serve(context, ledger) as served:
        for together, connections in POSTS:
            run = ask(
                context,
                "post",
                served,
                connections=connections,
                together=together,
                seconds=context.sizes.rpc_s,
            )
            context.say(
                f"{together} a call, {connections} connections: {run['per_s']:,.0f} postings/s,"
                f" p50 {run['p50_us']:,.0f} us, p99.9 {run['p999_us']:,.0f} us"
            )
            name = f"rpc_post_{together}x{connections}"
            results.append(Result(name, run["per_s"], "postings/s", "", None, run))
    return results


def mixed(context: Context, ledger: Path) -> list[Result]:
    """Calls that come when they come: the longest pause that was the server's own."""
    with serve(context, ledger) as served:
        peak = ask(context, "balance", served, connections=CONNECTIONS, seconds=context.sizes.rpc_s)
        rate = round(peak["calls_per_s"] * MIXED_LOAD)
        context.say(f"mixed, {rate:,} calls/s for {context.sizes.rpc_mixed_s} s")
        run = ask(
            context,
            "mixed",
            served,
            connections=CONNECTIONS,
            rate=rate,
            seconds=context.sizes.rpc_mixed_s,
            directory=ledger.parent,
        )
    context.say(
        f"balances p99.9 {run['balance_p999_us']:,.0f} us, p100 {run['balance_p100_us']:,.0f} us;"
        f" {run['pauses']:.0f} pauses over 100 ms, and {run['pauses_of_disk']:.0f} of the disk"
    )
    return [Result(NAMES[-1], run["longest_pause_ms"], "ms", "budget", 100.0, run)]
