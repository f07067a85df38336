"""`connect`: a ledger that a server has open."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from loyalty import _core
from loyalty._core import RemoteTls
from loyalty._ledger import Ledger, PathLike
from loyalty._posting import integer
from loyalty._writing import CHUNK_ROWS
from loyalty.errors import InvalidInputError

PLAIN = "loyalty"
TLS = "loyaltys"
TOKEN_VARIABLE = "LOYALTY_TOKEN"
CA_VARIABLE = "LOYALTY_CA_FILE"
CERTIFICATE_VARIABLE = "LOYALTY_CERTIFICATE_FILE"
KEY_VARIABLE = "LOYALTY_KEY_FILE"
_DEFAULT_PORT = 7461


def connect(
    address: str,
    *,
    token: str | None = None,
    ca_file: PathLike | None = None,
    certificate_file: PathLike | None = None,
    key_file: PathLike | None = None,
    timeout_ms: int = 30_000,
) -> Ledger:
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
        ``loyaltys://host:port`` with TLS, 1.2 or newer, ``loyalty://host:port`` without; port 7461
        by default.
    token : str, optional
        What the server knows the caller by; by default, the environment's ``LOYALTY_TOKEN``.
    ca_file : str or path, optional
        PEM file of whoever may have signed the server's certificate; by default, the environment's
        ``LOYALTY_CA_FILE``, or else whom the system trusts.
    certificate_file, key_file : str or path, optional
        PEM files of our own certificate, for a server that asks for one, and of its key, without a
        passphrase, if that is in another file; by default, the environment's
        ``LOYALTY_CERTIFICATE_FILE`` and ``LOYALTY_KEY_FILE``.
    timeout_ms : int
        Of a call, with all its attempts.

    Raises
    ------
    UnavailableError
        Nobody answers there.
    UnauthenticatedError, ForbiddenError
        The token is none that the server knows, or may not read; or one of the two has no
        certificate that the other takes.
    InvalidInputError, NotFoundError
        The address is none, or a file is none, or not there.
    """
    scheme, host, port = _place(address)
    files = (ca_file, certificate_file, key_file)
    if scheme == PLAIN and any(file is not None for file in files):
        raise InvalidInputError(
            f"address {address!r} goes without TLS, and so without certificates; say {TLS}://"
        )
    core = _core.connect_ledger(
        host=host,
        port=port,
        token=os.environ.get(TOKEN_VARIABLE, "") if token is None else token,
        timeout_ms=integer(timeout_ms, "timeout_ms", (1, 2**31 - 1)),
        tls=_tls(*files) if scheme == TLS else None,
    )
    return Ledger(core, address, min(CHUNK_ROWS, core.postings_max), read_only=False)


def is_address(text: str) -> bool:
    """Whether a text is an address rather than a directory."""
    return text.startswith((f"{PLAIN}://", f"{TLS}://"))


def _tls(
    ca_file: PathLike | None, certificate_file: PathLike | None, key_file: PathLike | None
) -> RemoteTls:
    def path(file: PathLike | None, variable: str) -> str:
        return os.environ.get(variable, "") if file is None else os.fspath(file)

    tls = {
        "ca_file": path(ca_file, CA_VARIABLE),
        "certificate_file": path(certificate_file, CERTIFICATE_VARIABLE),
        "key_file": path(key_file, KEY_VARIABLE),
    }
    if tls["key_file"] and not tls["certificate_file"]:
        raise InvalidInputError("key_file is there, but no certificate_file that it belongs to")
    return RemoteTls(**tls)


def _place(address: str) -> tuple[str, str, int]:
    example = f"{PLAIN}://127.0.0.1:{_DEFAULT_PORT}"
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
    return parts.scheme, parts.hostname, port
