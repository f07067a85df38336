"""A process that does to a ledger what it is told, until it is killed.

Started as ``python -P child.py LEDGER OPTIONS``, with the options of `loyalty.open` as JSON. A
command is the name of a method of `loyalty.Ledger` and its arguments, pickled on standard input.
What it returned goes to standard output, pickled, as soon as it has.
"""

from __future__ import annotations

import json
import pickle
import sys
from typing import Any

import loyalty

REPLY = ("status", "sequence", "balance", "pending", "held", "arrears", "points", "repaid", "limit")


def plain(result: object) -> Any:
    """A result as plain values, which can be pickled and compared."""
    if isinstance(result, loyalty.PostResult):
        columns = (getattr(result, name).tolist() for name in REPLY)
        return [loyalty.Reply(*row) for row in zip(*columns, strict=True)]
    if isinstance(result, loyalty.Table):
        return [tuple(row.values()) for row in result.to_pylist()]
    return result


def main(path: str, options: str) -> None:
    ledger = loyalty.open(path, **json.loads(options))
    while True:
        method, arguments = pickle.load(sys.stdin.buffer)
        try:
            outcome = plain(getattr(ledger, method)(*arguments))
        except loyalty.InvalidInputError as error:
            outcome = str(error)
        pickle.dump(outcome, sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
