"""What can go wrong, as one tree of exceptions under `LoyaltyError`.

A fault (the disk is full, the frame has a bad column) is an exception and concerns a whole call.
How one posting ended is not: that is a status in the reply (`Reply.status`, `PostResult.status`),
and becomes a `PostingRefusedError` only when `raise_for_status()` is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loyalty._result import PostResult

__all__ = [
    "AlreadyExistsError",
    "ClosedError",
    "CorruptionError",
    "InternalError",
    "InvalidInputError",
    "IoError",
    "LedgerBusyError",
    "LoyaltyError",
    "MemberNotFoundError",
    "NoSpaceError",
    "NotFoundError",
    "PostInterrupted",
    "PostingRefusedError",
    "ReadOnlyError",
    "StoppedError",
    "UnsupportedFormatError",
]


class LoyaltyError(Exception):
    """The root of the tree.

    Attributes
    ----------
    result : PostResult or None
        Of a `Ledger.post` that ended early: the replies to the rows that are durable (the first
        ``len(result)`` rows). None for every other call.
    """

    result: PostResult | None = None

    def __str__(self) -> str:
        # KeyError and OSError, which some of these also are, would print the message differently.
        return Exception.__str__(self)


class InvalidInputError(LoyaltyError, ValueError):
    """The caller's input is wrong; the message names column and first row. Nothing was posted."""


class NotFoundError(LoyaltyError, LookupError):
    """There is no ledger at the path, or no such entry."""


class MemberNotFoundError(NotFoundError, KeyError):
    """The ledger has no member of that key."""


class AlreadyExistsError(LoyaltyError, FileExistsError):
    """There is a ledger, or something else, at the path already."""


class LedgerBusyError(LoyaltyError):
    """Another process, or another `Ledger` of this one, has the ledger open."""


class IoError(LoyaltyError, OSError):
    """A read, write or sync failed. The writer has stopped; nothing acknowledged is lost."""


class ReadOnlyError(IoError):
    """The ledger's directory cannot be written to, or the ledger was opened read-only."""


class NoSpaceError(IoError):
    """The disk is full. The writer has stopped; nothing acknowledged is lost."""


class CorruptionError(LoyaltyError):
    """Stored bytes are not what was written."""


class UnsupportedFormatError(LoyaltyError):
    """The ledger was written by a newer version of this library."""


class ClosedError(LoyaltyError):
    """The ledger was closed."""


class StoppedError(LoyaltyError):
    """The progress callback returned False."""


class InternalError(LoyaltyError):
    """A broken invariant: a bug in this library. Please report it."""


class UnauthenticatedError(LoyaltyError, PermissionError):
    """The server does not know who asks: no token, or a wrong one."""


class ForbiddenError(LoyaltyError, PermissionError):
    """The server knows who asks, whose role does not allow it."""


class UnavailableError(LoyaltyError, ConnectionError):
    """No server answers in time, or it says that it cannot now.

    Of postings some may have been made: post the same again, with the same ids.
    """


class UnsupportedError(LoyaltyError):
    """It takes the whole ledger, and a server is asked: `open` the directory read-only instead."""


class PostingRefusedError(LoyaltyError):
    """Some postings were refused; raised by ``raise_for_status()`` only."""


class PostInterrupted(KeyboardInterrupt):
    """Ctrl-C during `Ledger.post`; the message says how many rows are durable.

    A `KeyboardInterrupt`, so that ``except Exception`` does not swallow it.

    Attributes
    ----------
    result : PostResult
        The replies to the durable rows: the first ``len(result)`` of the frame.
    """

    def __init__(self, message: str, result: PostResult) -> None:
        super().__init__(message)
        self.result = result


# By StatusCode (_core.StatusCode); the numbers never change.
_BY_CODE: dict[int, type[LoyaltyError]] = {
    1: InvalidInputError,
    2: NotFoundError,
    3: AlreadyExistsError,
    4: LedgerBusyError,
    5: ReadOnlyError,
    6: NoSpaceError,
    7: IoError,
    8: CorruptionError,
    9: UnsupportedFormatError,
    10: ClosedError,
    11: StoppedError,
    12: InternalError,
    13: UnauthenticatedError,
    14: ForbiddenError,
    15: UnavailableError,
    16: UnsupportedError,
}


def from_status(code: int, message: str) -> LoyaltyError:
    """Return the exception for a fault of the engine. Called by the bindings' one translator."""
    return _BY_CODE.get(code, LoyaltyError)(message)
