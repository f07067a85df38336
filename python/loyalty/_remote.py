"""`connect`: a ledger that a server has open."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from loyalty import _core
from loyalty._ledger import Ledger
from loyalty._posting import integer
from loyalty._writing import CHUNK_ROWS
from loyalty.errors import InvalidInputError

SCHEME = "loyalty"
TOKEN_VARIABLE = "LOYALTY_TOKEN"
_DEFAULT_PORT = 7461


def connect(address: str, *, token: str | None = None, timeout_ms: int = 30_000) -> Ledger:
    """Connect to a ledger that `loyaltyd` serves; it has the methods of one opened here.

    Any thread may call any method; each call under way has a connection of its own, which is kept.
    A lost connection is made again, and reading and posting are repeated within the time of the
    call: posting safely, as its ids are the same. A posting that was made at an attempt whose reply
    was lost answers ``already_exists``.

    What takes the whole ledger raises `UnsupportedError`: balances, levels and sums of all members,
    `liability`, `verify`, `checkpoint`. For these `open` the directory with ``read_only=True``
    where it is.

    Parameters
    ----------
    address : str
        ``loyalty://host:port``; port 7461 by default.
    token : str, optional
        What the server knows the caller by; by default, the environment's ``LOYALTY_TOKEN``.
    timeout_ms : int
        Of a call, with all its attempts.

    Raises
    ------
    UnavailableError
        Nobody answers there.
    UnauthenticatedError, ForbiddenError
        The token is none that the server knows, or may not read.
    InvalidInputError
        The address is none.
    """
    host, port = _place(address)
    core = _core.connect_ledger(
        host=host,
        port=port,
        token=os.environ.get(TOKEN_VARIABLE, "") if token is None else token,
        timeout_ms=integer(timeout_ms, "timeout_ms", (1, 2**31 - 1)),
    )
    return Ledger(core, address, min(CHUNK_ROWS, core.postings_max), read_only=False)


def is_address(text: str) -> bool:
    """Whether a text is an address rather than a directory."""
    return text.startswith(f"{SCHEME}://")


def _place(address: str) -> tuple[str, int]:
    example = f"{SCHEME}://127.0.0.1:{_DEFAULT_PORT}"
    if not is_address(address):
        raise InvalidInputError(f"address must be such as {example!r}, not {address!r}")
    parts = urlsplit(address)
    try:
        port = _DEFAULT_PORT if parts.port is None else parts.port
    except ValueError as error:
        raise InvalidInputError(f"address {address!r}: {error}") from error
    if parts.username is not None or parts.password is not None:
        raise InvalidInputError(
            f"address: a token has no place in it; give token=, or set {TOKEN_VARIABLE}"
        )
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidInputError(f"address must be such as {example!r}, not {address!r}")
    return parts.hostname, port
