"""What a ledger says of itself and of a member."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from loyalty import _core
from loyalty._table import Table
from loyalty._times import datetime_of


@dataclass(frozen=True, slots=True)
class Balance:
    """What a member has of one currency, in minor units.

    Attributes
    ----------
    active : int
        Points that can be spent.
    pending : int
        Points earned that are not active yet.
    held : int
        Points that holds have set aside.
    arrears : int
        Points owed: later credits repay them first.
    expiring_points : int
        How many of the active points expire next.
    expiring_time : datetime or None
        When they do (UTC); None: none of them ever.
    lifetime_earned, lifetime_redeemed : int
        Points earned and redeemed since the member was opened.
    sequence : int
        Of the account's last entry; 0 if it has none.
    """

    active: int
    pending: int
    held: int
    arrears: int
    expiring_points: int
    expiring_time: dt.datetime | None
    lifetime_earned: int
    lifetime_redeemed: int
    sequence: int

    @classmethod
    def of(cls, balance: _core.Balance) -> Balance:
        """Copy the engine's."""
        parts = balance.parts
        never = balance.expiring_us == _core.NEVER_US
        return cls(
            active=parts.active,
            pending=parts.pending,
            held=parts.held,
            arrears=parts.arrears,
            expiring_points=balance.expiring_points,
            expiring_time=None if never else datetime_of(balance.expiring_us),
            lifetime_earned=balance.lifetime_earned,
            lifetime_redeemed=balance.lifetime_redeemed,
            sequence=balance.sequence,
        )


@dataclass(frozen=True, slots=True)
class Info:
    """The size and state of a ledger.

    Attributes
    ----------
    sequence : int
        Of the last durable entry.
    digest : str
        64 hex digits: the chain hash at that sequence.
    members, segments : int
        How many there are.
    history_sequence : int
        What the history chunks hold; newer entries are merged in when read.
    at_once_sequence : int
        Whoever met a level of a ladder that upgrades at once, by the entries up to here, has it.
    checkpoint_sequence : int
        Where the next opening starts to replay.
    journal_bytes, ids_bytes, history_bytes, state_bytes, disk_bytes : int
        On disk; the last is their sum and all else.
    state_ram_bytes : int
        RAM of members' state, keys and their index.
    replay_s : float
        Seconds that this opening spent on replay.
    replayed_entries : int
        How many entries it replayed.
    currencies : tuple of str
        In the order of their definition.
    """

    sequence: int
    digest: str
    members: int
    segments: int
    history_sequence: int
    at_once_sequence: int
    checkpoint_sequence: int
    journal_bytes: int
    ids_bytes: int
    history_bytes: int
    state_bytes: int
    disk_bytes: int
    state_ram_bytes: int
    replay_s: float
    replayed_entries: int
    currencies: tuple[str, ...]

    @classmethod
    def of(cls, info: _core.Info) -> Info:
        """Copy the engine's."""
        names = [name for name in cls.__slots__ if name != "currencies"]
        return cls(
            **{name: getattr(info, name) for name in names}, currencies=tuple(info.currencies)
        )


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What checking a whole ledger found.

    Attributes
    ----------
    sequence : int
        Of the last entry checked.
    digest : str
        64 hex digits: the chain hash at that sequence. A copy that differs anywhere has another.
    blocks, entries : int
        How many were read.
    totals : Table
        The trial balance, as from `Ledger.totals`.
    problems : tuple of str
        What does not agree; empty when all is well.
    """

    sequence: int
    digest: str
    blocks: int
    entries: int
    totals: Table
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether no problem was found."""
        return not self.problems
