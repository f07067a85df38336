"""Which column of a file, or which constant, feeds which field of a posting."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from loyalty._columns import KINDS, NAMES, WITH_POINTS

FIELDS = tuple(name for name in NAMES if name != "linked")
"""The columns of :meth:`loyalty.Ledger.post`, but that each row stands alone."""

_REQUIRED = ("kind", "member", "effective_time")
ROW = "@row"
"""In ``id_from``: the content hash of the file and the row's number."""


class MappingError(ValueError):
    """The file's columns and the options make no postings; the message says what to change."""


@dataclass(frozen=True)
class Plan:
    """Where each field comes from, checked against one file.

    Attributes
    ----------
    columns
        Field to column of the file.
    constants
        Field to the text that every row gets.
    id_from
        Columns whose values make the id, when the file has no id of its own; may hold ``ROW``.
    unused
        Columns of the file that nothing reads.
    """

    columns: Mapping[str, str]
    constants: Mapping[str, str]
    id_from: tuple[str, ...]
    unused: tuple[str, ...]


def parse_pairs(option: str, pairs: Iterable[str]) -> dict[str, str]:
    """Split ``FIELD=VALUE`` options.

    Raises
    ------
    MappingError
        For text without ``=``, for a name that is no field, and for a field given twice.
    """
    result: dict[str, str] = {}
    for pair in pairs:
        field, equals, value = pair.partition("=")
        if not equals or not value:
            raise MappingError(f"{option} {pair}: write it as {option} FIELD=VALUE")
        if field not in FIELDS:
            raise MappingError(
                f"{option} {pair}: there is no field {field!r}; the fields are {', '.join(FIELDS)}"
            )
        if field in result:
            raise MappingError(f"{option} gives {field} twice")
        result[field] = value
    return result


def make_plan(
    file_columns: Sequence[str],
    *,
    renamed: Mapping[str, str],
    constants: Mapping[str, str],
    id_from: Sequence[str] = (),
) -> Plan:
    """Match a file's columns with the fields of a posting.

    Parameters
    ----------
    file_columns
        Names of the file's columns, in its order.
    renamed
        Field to column, where the names differ. A column named like a field feeds it unless said
        otherwise.
    constants
        Field to the value that all rows get.
    id_from
        Columns that make the id together, where the file has none.

    Raises
    ------
    MappingError
        When a column is missing or doubled, a field has two sources, or a required field has none.
    """
    doubled = sorted({name for name in file_columns if list(file_columns).count(name) > 1})
    if doubled:
        raise MappingError(f"the file has two columns named {', '.join(doubled)}; rename one")
    known = f"its columns are {', '.join(file_columns)}"
    for field, column in renamed.items():
        if column not in file_columns:
            raise MappingError(
                f"--map {field}={column}: the file has no column {column!r}; {known}"
            )
    for column in id_from:
        if column != ROW and column not in file_columns:
            raise MappingError(f"--id-from {column}: the file has no column {column!r}; {known}")
    both = sorted(set(renamed) & set(constants))
    if both:
        raise MappingError(f"{', '.join(both)}: give --map or --set, not both")

    # What is asked for wins over what merely has the same name.
    spoken_for = set(renamed.values()) | set(constants) | ({"id"} if id_from else set())
    columns = {
        name: name for name in FIELDS if name in file_columns and name not in spoken_for
    } | dict(renamed)
    _check_ids(columns, constants, id_from, known)
    sources = {*columns, *constants}
    missing = [name for name in _REQUIRED if name not in sources]
    if _needs_points(constants.get("kind")) and not sources & {"points", "money"}:
        missing.append("points")
    if missing:
        raise MappingError(
            f"nothing says what {' and '.join(missing)} should be: name a column with --map "
            f"FIELD=COLUMN, or one value for all rows with --set FIELD=VALUE; {known}"
        )
    used = set(columns.values()) | set(id_from)
    unused = tuple(name for name in file_columns if name not in used)
    return Plan(columns, dict(constants), tuple(id_from), unused)


def _needs_points(kind: str | None) -> bool:
    """Whether all rows may need points; an unknown kind is complained of elsewhere."""
    return kind is None or KINDS.get(kind) in WITH_POINTS


def _check_ids(
    columns: Mapping[str, str], constants: Mapping[str, str], id_from: Sequence[str], known: str
) -> None:
    if "id" in constants:
        raise MappingError("--set id: every posting needs an id of its own; use --map or --id-from")
    if "id" in columns and id_from:
        raise MappingError("the id: give --map id=COLUMN or --id-from, not both")
    if "id" not in columns and not id_from:
        raise MappingError(
            "the file has no id column. Ids make it safe to import again, so they are never made "
            "up: name the column with --map id=COLUMN, or the columns that tell one row from "
            "another with --id-from COLUMN[,COLUMN], or take the file and row number with "
            f"--id-from {ROW}; {known}"
        )
