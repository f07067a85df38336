"""Arguments and options that several commands share, and how their texts are read."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

import loyalty
from loyalty._remote import is_address

_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,18}")

LedgerPlace = Annotated[
    str,
    typer.Argument(
        metavar="LEDGER",
        help="The ledger's directory, or loyalty://host:port of its server (loyaltys:// with TLS);"
        " LOYALTY_TOKEN has the token, LOYALTY_CA_FILE who signs for it.",
    ),
]
Member = Annotated[str, typer.Argument(metavar="MEMBER", help="The member's key.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]

AsOfTime = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Count only what had happened by then, UTC."),
]
AsOfRecorded = Annotated[
    str | None,
    typer.Option(
        "--as-of-recorded", metavar="TIME", help="Count only what had been recorded by then, UTC."
    ),
]
AsOfSequence = Annotated[
    int | None,
    typer.Option("--as-of-sequence", metavar="N", help="Count only the entries up to the Nth."),
]


class KeyType(StrEnum):
    """What sort of key a member has. The integer 7 and the text "7" are different members."""

    AUTO = "auto"
    INT = "int"
    TEXT = "text"


MemberKeyType = Annotated[
    KeyType,
    typer.Option(
        "--key-type",
        help="Whether MEMBER is an integer or a text. auto: an integer if it looks like one"
        " and such a member exists, else a text.",
    ),
]


def open_ledger(place: str, *, read_only: bool = False) -> loyalty.Ledger:
    """The ledger of a directory, or of a server: there, `read_only` goes without saying."""
    if is_address(place):
        return loyalty.connect(place)
    return loyalty.open(place, read_only=read_only)


def candidate_keys(text: str, key_type: KeyType) -> list[int | str]:
    """The keys that a member's text may stand for, the likeliest first.

    Raises
    ------
    typer.BadParameter
        When an integer is asked for and the text is none.
    """
    whole = _INTEGER.fullmatch(text) is not None
    if key_type is KeyType.INT and not whole:
        raise typer.BadParameter(f"{text!r} is not an integer; leave out --key-type int")
    keys: list[int | str] = [int(text)] if whole and key_type is not KeyType.TEXT else []
    return keys if key_type is KeyType.INT else [*keys, text]


def parse_time(text: str | None) -> datetime | None:
    """A date or time in ISO 8601; UTC unless it says otherwise.

    Raises
    ------
    typer.BadParameter
        When it is neither.
    """
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no date or time such as 2017-01-31 or 2017-01-31T09:30:00Z"
        ) from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def parse_as_of(
    time: str | None, recorded: str | None, sequence: int | None
) -> loyalty.AsOf | None:
    """What the options ``--as-of...`` say together; None if none is given."""
    if time is None and recorded is None and sequence is None:
        return None
    return loyalty.AsOf(parse_time(time), parse_time(recorded), sequence)


def check_zone(name: str) -> str:
    """Let a known IANA time zone pass.

    Raises
    ------
    typer.BadParameter
        For any other name.
    """
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise typer.BadParameter(f"{name!r} is no time zone such as America/New_York") from error
    return name
