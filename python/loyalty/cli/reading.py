"""``loyalty balance``, ``history``, ``totals``, ``info``, ``verify``: they change nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar

import typer

import loyalty
from loyalty.cli.arguments import (
    AsJson,
    AsOfRecorded,
    AsOfSequence,
    AsOfTime,
    KeyType,
    LedgerPlace,
    Member,
    MemberKeyType,
    candidate_keys,
    open_ledger,
    parse_as_of,
    parse_time,
)
from loyalty.cli.output import (
    NEEDS_A_LOOK,
    complain,
    facts,
    instant,
    number,
    print_json,
    progress,
    screen,
    size,
    table,
)

T = TypeVar("T")
_POSTED = ("posted", "posted_in_part")
_CODES = ("rule", "channel", "location", "category", "actor", "reason")


def balance(
    ledger: LedgerPlace,
    member: Member,
    as_of: AsOfTime = None,
    recorded: AsOfRecorded = None,
    sequence: AsOfSequence = None,
    key_type: MemberKeyType = KeyType.AUTO,
    as_json: AsJson = False,
) -> None:
    """Show what a member has, or had."""
    keys = candidate_keys(member, key_type)
    past = parse_as_of(as_of, recorded, sequence)
    with open_ledger(ledger, read_only=True) as opened:
        key, first = _find(keys, lambda key: opened.balance(key, opened.currencies[0], as_of=past))
        balances = {opened.currencies[0]: first}
        for currency in opened.currencies[1:]:
            balances[currency] = opened.balance(key, currency, as_of=past)
    if as_json:
        currencies = {name: asdict(value) for name, value in balances.items()}
        print_json({"member": key, "balances": currencies})
        return
    rows = [
        (
            name,
            *(number(part) for part in (value.active, value.pending, value.held, value.arrears)),
            _expiring(value),
            number(value.lifetime_earned),
            number(value.lifetime_redeemed),
        )
        for name, value in balances.items()
    ]
    columns = (
        *("currency", "active", "pending", "held", "owed", "expiring next"),
        *("earned, ever", "redeemed, ever"),
    )
    title = f"Member {key!r}"
    screen().print(table(columns, rows, left=("currency", "expiring next"), title=title))


def history(
    ledger: LedgerPlace,
    member: Member,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From this date or time on, UTC.")
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Before this date or time, UTC.")
    ] = None,
    last: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the last N entries.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="A page: the first N entries.")
    ] = None,
    cursor: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Go on where the page before ended.")
    ] = None,
    as_of: AsOfTime = None,
    recorded: AsOfRecorded = None,
    sequence: AsOfSequence = None,
    key_type: MemberKeyType = KeyType.AUTO,
    as_json: AsJson = False,
) -> None:
    """Show a member's entries by effective time, with the running balance.

    Refused postings are there too, with the status that says why; they moved nothing. Page by page,
    what is posted meanwhile changes none of the pages.
    """
    if last is not None and (limit is not None or cursor is not None):
        raise typer.BadParameter("give either --last, or --limit and --cursor")
    keys = candidate_keys(member, key_type)
    from_time, to_time = parse_time(start), parse_time(end)
    past = parse_as_of(as_of, recorded, sequence)
    with open_ledger(ledger, read_only=True) as opened:
        key, statement = _find(
            keys,
            lambda key: opened.statement(
                key, from_time, to_time, as_of=past, limit=limit, cursor=cursor
            ),
        )
        entries = statement.to_arrow()
        several = len(opened.currencies) > 1
    if last is not None:
        entries = entries.slice(max(0, entries.num_rows - last))
    rows = entries.to_pylist()
    if as_json:
        print_json({"member": key, "entries": rows, **statement.metadata})
        return
    title = f"Member {key!r}: {number(len(rows))} entries, times in UTC"
    columns = ["sequence", "effective", "kind", "points", "balance", "money", "details"]
    if several:
        columns.insert(3, "currency")
    shown = table(columns, [], left=("effective", "kind", "currency", "details"), title=title)
    for row in rows:
        posted = row["status"] in _POSTED
        cells = [number(row["sequence"]), f"{row['effective_time']:%Y-%m-%d %H:%M:%S}", row["kind"]]
        cells += [row["currency"] or ""] if several else []
        cells += [f"{row['points']:+,}" if row["points"] else "", number(row["running_balance"])]
        cells += [number(row["money"]) if row["money"] else "", _details(row)]
        shown.add_row(*cells, style=None if posted else "dim")
    screen().print(shown)
    if following := statement.metadata.get("next_cursor"):
        screen().print(f"More: the same command with --cursor {following}")


def totals(
    ledger: LedgerPlace,
    as_of: AsOfTime = None,
    recorded: AsOfRecorded = None,
    sequence: AsOfSequence = None,
    as_json: AsJson = False,
) -> None:
    """Show the trial balance: where all points are, or were."""
    past = parse_as_of(as_of, recorded, sequence)
    with open_ledger(ledger, read_only=True) as opened:
        rows = opened.totals(as_of=past).to_pylist()
    if as_json:
        print_json({"totals": rows})
    else:
        screen().print(trial_balance(rows))


def info(ledger: LedgerPlace, as_json: AsJson = False) -> None:
    """Show the size and state of a ledger."""
    with open_ledger(ledger, read_only=True) as opened:
        state = opened.info()
    bytes_a_posting = state.disk_bytes / state.sequence if state.sequence else 0.0
    if as_json:
        print_json({**asdict(state), "disk_bytes_per_entry": bytes_a_posting})
        return
    ram_a_member = state.state_ram_bytes / state.members if state.members else 0.0
    screen().print(
        facts(
            [
                ("currencies", ", ".join(state.currencies)),
                ("members", number(state.members)),
                ("entries", number(state.sequence)),
                ("on disk", f"{size(state.disk_bytes)}, {bytes_a_posting:,.1f} bytes an entry"),
                ("  journal", size(state.journal_bytes)),
                ("  ids", f"{size(state.ids_bytes)} in {number(state.segments)} segments"),
                (
                    "  history",
                    f"{size(state.history_bytes)}, up to entry {state.history_sequence:,}",
                ),
                (
                    "  state",
                    f"{size(state.state_bytes)}, up to entry {state.checkpoint_sequence:,}",
                ),
                (
                    "state in RAM",
                    f"{size(state.state_ram_bytes)}, {ram_a_member:,.0f} bytes a member",
                ),
                ("opening", f"{state.replay_s:.2f} s to replay {state.replayed_entries:,} entries"),
                ("digest", state.digest),
            ]
        )
    )


def verify(ledger: LedgerPlace, as_json: AsJson = False) -> None:
    """Check everything that is stored, and show the digest and the trial balance.

    Reads the whole ledger: every checksum, the chain of hashes, balances, ids and history against
    the journal, and that no point came from nowhere. The exit code is 1 if something does not
    agree. Equal digests mean equal ledgers.
    """
    try:
        with open_ledger(ledger, read_only=True) as opened, progress() as bar:
            task = bar.add_task("verifying", total=None)
            report = opened.verify(
                lambda done, total: bar.update(task, completed=done, total=total)
            )
    except loyalty.CorruptionError as error:
        if as_json:
            print_json({"ok": False, "problems": [str(error)]})
        complain(str(error))
        raise typer.Exit(NEEDS_A_LOOK) from error
    totals = report.totals.to_pylist()
    if as_json:
        print_json(
            {
                "ok": report.ok,
                "sequence": report.sequence,
                "digest": report.digest,
                "blocks": report.blocks,
                "entries": report.entries,
                "totals": totals,
                "problems": list(report.problems),
            }
        )
    else:
        counts = f"{number(report.entries)} entries in {number(report.blocks)} blocks"
        screen().print(
            facts([("checked", counts), ("digest", report.digest)]), trial_balance(totals), sep="\n"
        )
        screen().print("Everything agrees." if report.ok else "", end="\n" if report.ok else "")
    for problem in report.problems:
        complain(problem)
    if not report.ok:
        raise typer.Exit(NEEDS_A_LOOK)


def trial_balance(totals: list[dict[str, Any]]) -> Any:
    """Make a table of where all points are; each row's numbers sum to zero."""
    sides = ("members", "issued", "redeemed", "expired", "adjusted")
    rows = [
        (
            total["currency"],
            *(number(total[side]) for side in sides),
            number(sum(total[side] for side in sides)),
        )
        for total in totals
    ]
    columns = ("currency", "outstanding", *sides[1:], "sum")
    return table(columns, rows, left=("currency",), title="Trial balance")


def _find(keys: list[int | str], read: Callable[[int | str], T]) -> tuple[int | str, T]:
    """The first of the keys that has a member, and what `read` says of it."""
    complaint = ""
    for key in keys:
        try:
            return key, read(key)
        except loyalty.MemberNotFoundError as error:
            complaint = str(error).replace(repr(key), " or ".join(map(repr, keys)))
    raise loyalty.MemberNotFoundError(complaint)


def _expiring(balance: loyalty.Balance) -> str:
    if balance.expiring_time is None:
        return ""
    return f"{number(balance.expiring_points)} at {instant(balance.expiring_time)}"


def _details(row: dict[str, Any]) -> str:
    """The codes of an entry, and why it was refused."""
    parts = [] if row["status"] in _POSTED else [row["status"]]
    parts += [row[code] for code in _CODES if row[code]]
    if row["related_sequence"]:
        parts.append(f"of {row['related_sequence']:,}")
    if row["held_change"]:
        parts.append(f"held {row['held_change']:+,}")
    if row["activates_time"]:
        parts.append(f"active from {instant(row['activates_time'])}")
    if row["deadline_time"]:
        parts.append(f"until {instant(row['deadline_time'])}")
    if row["level"]:
        before = f"{row['from_level']} to " if row["from_level"] else ""
        parts.append(f"{row['ladder']}: {before}{row['level']}")
    if row["expires_time"]:
        ends = "until" if row["level"] else "expires"
        parts.append(f"{ends} {instant(row['expires_time'])}")
    return " | ".join(parts)
