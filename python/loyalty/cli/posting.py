"""``loyalty post``: one posting, by hand."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

import loyalty
from loyalty._columns import KINDS, WITHOUT_CURRENCY
from loyalty.cli.arguments import (
    AsJson,
    KeyType,
    LedgerPlace,
    MemberKeyType,
    candidate_keys,
    open_ledger,
    parse_time,
)
from loyalty.cli.output import NEEDS_A_LOOK, facts, instant, number, print_json, screen

_NOTHING = "none"
_NEVER = "never"


def post(
    ledger: LedgerPlace,
    kind: Annotated[str, typer.Argument(metavar="KIND", help=f"What to do: {', '.join(KINDS)}.")],
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="The member's key.")],
    points: Annotated[
        int | None,
        typer.Argument(
            metavar="[POINTS]",
            help="Minor units; below 0 only to adjust. Left out: what the programme's rule makes of"
            " the money, or all that is left of the posting that this one is about.",
            show_default=False,
        ),
    ] = None,
    currency: Annotated[
        str | None, typer.Option(help="Needed when the ledger has several.")
    ] = None,
    posting_id: Annotated[
        str | None,
        typer.Option(
            "--id",
            help="A UUID, or a reference of your own such as order-4711; made up if not given."
            " With the same id and --time, the command can be repeated without posting twice.",
        ),
    ] = None,
    time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When it happened, UTC; now if not given."),
    ] = None,
    related: Annotated[
        str | None,
        typer.Option(metavar="ID", help="The id of the posting that this one is about."),
    ] = None,
    other_member: Annotated[
        str | None,
        typer.Option(
            metavar="KEY",
            help="Who gets a transfer, joins or leaves the pool MEMBER, spends from it, or is"
            " merged into MEMBER.",
        ),
    ] = None,
    money: Annotated[int, typer.Option(help="Minor units of money: 1250 for 12.50.")] = 0,
    expires: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help=f"When the points expire, or {_NEVER!r}. For set_level: until when nothing takes"
            " the member below it; for good if not given.",
        ),
    ] = None,
    activates: Annotated[
        str | None, typer.Option(metavar="TIME", help="From when on they can be spent.")
    ] = None,
    deadline: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="When a hold ends, or by when points are to be confirmed."
        ),
    ] = None,
    floor: Annotated[
        int | None, typer.Option(help="For set_limits: the least that debits may leave.")
    ] = None,
    ceiling: Annotated[
        str | None,
        typer.Option(
            metavar="POINTS",
            help=f"For set_limits: the most that credits may make of it, or {_NOTHING!r}. For"
            " join_pool: how many points may be spent.",
        ),
    ] = None,
    ladder: Annotated[
        str | None, typer.Option(metavar="NAME", help="For set_level: the programme's ladder.")
    ] = None,
    level: Annotated[
        str | None, typer.Option(metavar="NAME", help="For set_level: the level that is given.")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="The programme's earn rule.")] = None,
    channel: Annotated[str | None, typer.Option()] = None,
    location: Annotated[str | None, typer.Option()] = None,
    category: Annotated[str | None, typer.Option()] = None,
    actor: Annotated[
        str | None, typer.Option(help="Who does it; corrections need it, and a reason.")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    tag: Annotated[int, typer.Option(min=0, help="A number of your own.")] = 0,
    key_type: MemberKeyType = KeyType.AUTO,
    as_json: AsJson = False,
) -> None:
    """Post one posting, durably, and show how it ended.

    Refused postings are in the ledger, too, with the reason, and their id is used up; the exit code
    is 1 then. All kinds and fields are in the documentation of `loyalty.Posting`.

    ```
    loyalty post shop earn ada 100 --id order-4711
    loyalty post shop adjust ada -20 --actor mia --reason "counted twice"
    loyalty post shop merge_members ada --other-member 4711 --actor mia --reason "two cards"
    loyalty post shop set_level ada --ladder status --level gold --expires 2027-01-01
      --actor mia --reason "invited"
    ```
    """
    fields: dict[str, Any] = {
        "effective_time": parse_time(time) or datetime.now(UTC),
        "expires_time": loyalty.NEVER if expires == _NEVER else parse_time(expires),
        "activates_time": parse_time(activates),
        "deadline_time": parse_time(deadline),
        "ceiling": _ceiling(ceiling),
        "currency": currency,
        "money": money,
        "related": related,
        "floor": floor,
        "tag": tag,
        "ladder": ladder,
        "level": level,
        "rule": rule,
        "channel": channel,
        "location": location,
        "category": category,
        "actor": actor,
        "reason": reason,
        "id": posting_id or loyalty.new_id(),
    }
    with open_ledger(ledger) as opened:
        key = _key(opened, member, key_type, opens=kind == "open_member")
        other = None if other_member is None else _key(opened, other_member, key_type)
        posting = loyalty.Posting(kind, key, points, other_member=other, **fields)
        reply = opened.post(posting)
    told = {"id": str(posting.id), "member": key, "effective_time": fields["effective_time"]}
    if as_json:
        print_json({**told, **asdict(reply)})
    else:
        screen().print(_shown(told, reply, KINDS[kind] not in WITHOUT_CURRENCY))
    if not reply.ok:
        raise typer.Exit(NEEDS_A_LOOK)


def _key(ledger: loyalty.Ledger, text: str, key_type: KeyType, *, opens: bool = False) -> int | str:
    """The key that a text stands for: that of a member there is, unless the posting opens it."""
    keys = candidate_keys(text, key_type)
    if len(keys) == 1:
        return keys[0]
    if opens:
        raise typer.BadParameter(
            f"{text!r} may be an integer or a text, which are different members; say which with"
            " --key-type"
        )
    for key in keys:
        if ledger.balances([key], ledger.currencies[0])["found"][0]:
            return key
    raise loyalty.MemberNotFoundError(
        f"there is no member {' or '.join(map(repr, keys))}; nothing was posted"
    )


def _ceiling(text: str | None) -> int | None:
    if text is None or text == _NOTHING:
        return None if text is None else loyalty.NO_CEILING
    try:
        return int(text)
    except ValueError as error:
        raise typer.BadParameter(f"--ceiling {text}: not an integer, nor {_NOTHING!r}") from error


def _shown(told: dict[str, Any], reply: loyalty.Reply, about_points: bool) -> Table:
    parts = {name: getattr(reply, name) for name in ("pending", "held", "arrears")}
    rows = [
        ("status", reply.status),
        ("possible were", number(reply.limit) if reply.limit else ""),
        ("id", told["id"]),
        ("effective", instant(told["effective_time"])),
        ("entry", number(reply.sequence) if reply.sequence else "none"),
        ("moved", f"{reply.points:+,}" if reply.points else ""),
        ("repaid", number(reply.repaid) if reply.repaid else ""),
        ("active points", number(reply.balance) if about_points else ""),
        *((name, number(value) if value else "") for name, value in parts.items()),
    ]
    return facts([(name, value) for name, value in rows if value])
