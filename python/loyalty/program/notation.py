"""How TOML writes keys and values: for messages, differences and documents."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

Path = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key_text(path: Path) -> str:
    """Return a path of keys and places in lists: ``currencies."my points".expiry.dates[0]``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            key = part if _BARE.fullmatch(part) else quoted(part)
            text += f".{key}" if text else key
    return text


def inline(value: object) -> str:
    """Return a value in one line; of texts, integers, flags, lists and tables."""
    match value:
        case str():
            return quoted(value)
        case bool():
            return "true" if value else "false"
        case Mapping():
            return (
                f"{{ {', '.join(f'{key_text((key,))} = {inline(value[key])}' for key in value)} }}"
            )
        case Sequence():
            return f"[{', '.join(map(inline, value))}]"
    return str(value)


def quoted(text: str) -> str:
    """Return a text as it stands in a document, whatever is in it."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\U{ord(character):08X}"
