"""Ids of postings: 128 bits, chosen by the caller, permanent."""

from __future__ import annotations

import os
import time
import uuid

import numpy as np
from numpy.typing import NDArray

from loyalty import _core
from loyalty.errors import InvalidInputError

NO_ID = bytes(16)

IdLike = uuid.UUID | str | bytes


def new_ids(count: int) -> NDArray[np.void]:
    """Make fresh, time-ordered ids (UUIDv7) for a batch of postings.

    Store them with the rows that they are for, before posting: a retry must post the same ids, so
    that nothing is posted twice.

    Parameters
    ----------
    count : int
        How many, at least 0.

    Returns
    -------
    NDArray[np.void]
        Shape (count,), dtype ``V16``: big-endian bytes, in rising order. Goes as it is into the
        column ``id`` of a dict of columns.

    Raises
    ------
    InvalidInputError
        `count` is negative.

    References
    ----------
    RFC 9562, section 5.7; ordered within the millisecond by sorting the random tails.
    """
    if count < 0:
        raise InvalidInputError(f"count must not be negative: {count}")
    random = np.frombuffer(os.urandom(16 * count), np.uint64).reshape(2, count)
    tails = np.sort(random[0])
    halves = np.empty((count, 2), ">u8")
    # 48 bits of milliseconds | version 7 | 12 random bits; then variant 2 | 62 random bits.
    halves[:, 0] = np.uint64((time.time_ns() // 1_000_000) << 16 | 0x7000) | tails >> np.uint64(52)
    low = (tails & np.uint64((1 << 52) - 1)) << np.uint64(10) | random[1] >> np.uint64(54)
    halves[:, 1] = low | np.uint64(1 << 63)
    return halves.view("V16").reshape(count)


def new_id() -> uuid.UUID:
    """Make one fresh, time-ordered id (UUIDv7)."""
    tail = int.from_bytes(os.urandom(10), "big") & ((1 << 74) - 1)
    milliseconds = time.time_ns() // 1_000_000
    return uuid.UUID(
        int=milliseconds << 80 | 0x7 << 76 | (tail >> 62) << 64 | 1 << 63 | tail & ((1 << 62) - 1)
    )


def id_bytes(value: object, name: str) -> bytes:
    """Return the 16 bytes of an id given as a UUID, a UUID's text, a reference or 16 bytes.

    Raises
    ------
    InvalidInputError
        `value` is none of these; the message starts with `name`.
    """
    if isinstance(value, uuid.UUID):
        return value.bytes
    if isinstance(value, str):
        if not value:
            raise InvalidInputError(f"{name}: an empty text is no id")
        return _core.id_from_text(value)
    if isinstance(value, bytes):
        if len(value) != 16:
            raise InvalidInputError(f"{name}: an id has 16 bytes, this one {len(value)}")
        return value
    raise InvalidInputError(
        f"{name} must be a uuid.UUID, a text or 16 bytes, not {type(value).__name__}: {value!r}"
    )
