"""Cursors of statements: where a page ended, as a short text that callers only hand back."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib

from loyalty import _core
from loyalty.errors import InvalidInputError

# Through which sequence, effective time and sequence of the page's last entry, checksum.
_FORM = struct.Struct(">QqQI")


def cursor_text(cursor: _core.StatementCursor, question: object) -> str:
    """Return the text of a cursor that only the same question may use."""
    place = (cursor.through_sequence, cursor.effective_us, cursor.sequence)
    packed = _FORM.pack(*place, _checksum(place, question))
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def cursor_of(text: str, question: object) -> _core.StatementCursor:
    """Return the cursor that a text stands for.

    Raises
    ------
    InvalidInputError
        It is none, or another question's.
    """
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        *place, checksum = _FORM.unpack(packed)
    except (TypeError, ValueError, binascii.Error, struct.error):
        place, checksum = [], None
    if checksum is None or checksum != _checksum(tuple(place), question):
        raise InvalidInputError(
            f"cursor: {text!r} is none of this statement; give the metadata['next_cursor'] of the "
            "page before, with the same member, times and as_of"
        )
    return _core.StatementCursor(*place)


def _checksum(place: tuple[int, ...], question: object) -> int:
    return zlib.crc32(repr((place, question)).encode())
