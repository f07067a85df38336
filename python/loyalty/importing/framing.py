"""Rows of a file -> a frame of postings, field by field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loyalty._columns import WITH_POINTS, WITHOUT_CURRENCY
from loyalty._core import Kind
from loyalty.importing import convert
from loyalty.importing.convert import KeyType, Rejects
from loyalty.importing.mapping import ROW, MappingError, Plan
from loyalty.importing.reading import Batch


class Framer:
    """Makes frames for :meth:`loyalty.Ledger.post` of the batches of one file.

    Parameters
    ----------
    plan
        Where each field comes from.
    currencies
        Those of the ledger.
    key_type
        Of the members; ``"auto"`` is settled by the first batch.
    zone
        Of times that carry none.
    money_decimals
        How many decimals of the money are minor units.
    file_hash
        Stands for the file in ids made of row numbers; needed only there.

    Raises
    ------
    MappingError
        When a constant is no value of its field, or nothing says which of several currencies is
        meant.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        currencies: Sequence[str],
        key_type: KeyType = "auto",
        zone: str = "UTC",
        money_decimals: int = 0,
        file_hash: str = "",
    ) -> None:
        self._plan = plan
        self._currencies = tuple(currencies)
        if len(self._currencies) > 1 and "currency" not in {*plan.columns, *plan.constants}:
            raise MappingError(
                f"the ledger has {' and '.join(self._currencies)}: say which with --set "
                "currency=NAME, or name the column with --map currency=COLUMN"
            )
        self._zone = zone
        self._money_decimals = money_decimals
        self._file_hash = file_hash
        self.key_type: Literal["int", "text"] | None = None if key_type == "auto" else key_type
        if self.key_type is None and "member" in plan.constants:
            self.key_type = convert.key_type_of(pa.array([plan.constants["member"]]))
        self._constants = {name: self._constant(name) for name in plan.constants}

    def frame(self, batch: Batch, rejects: Rejects) -> pa.Table:
        """One row a row of the batch; those that `rejects` names then are not to be posted."""
        if self.key_type is None:
            members = batch.rows.column(self._plan.columns["member"])
            self.key_type = convert.key_type_of(members)
        fields: dict[str, pa.Array] = {}
        if self._plan.id_from:
            fields["id"] = self._reference(batch, rejects)
        for name, column in self._plan.columns.items():
            fields[name] = self._field(name, batch.rows.column(column), rejects)
        for name, constant in self._constants.items():
            fields[name] = pa.repeat(constant, batch.rows.num_rows)
        _require_points(fields, rejects)
        if "money" in fields:
            fields["money"] = fields["money"].fill_null(0)
        if "currency" in self._plan.columns:
            fields["currency"] = self._currency(fields["currency"], fields["kind"], rejects)
        return pa.table(fields)

    def _constant(self, name: str) -> pa.Scalar:
        rejects = Rejects(1)
        values = self._field(name, pa.array([self._plan.constants[name]]), rejects)
        if name == "currency":
            values = self._currency(values, pa.nulls(1, pa.string()), rejects)
        if rejects.reasons:
            raise MappingError(f"--set {name}={self._plan.constants[name]}: {rejects.reasons[0]}")
        return values[0]

    def _field(self, name: str, values: pa.Array, rejects: Rejects) -> pa.Array:
        match name:
            case "member" | "other_member":
                keys = convert.members(name, values, self.key_type or "text", rejects)
                if name == "member":
                    convert.require(name, keys, rejects)
                return keys
            case "kind":
                return convert.kind(values, rejects)
            case "points" | "floor" | "ceiling":
                return convert.whole(name, values, rejects)
            case "tag":
                return pc.fill_null(convert.whole(name, values, rejects, pa.uint64()), 0)
            case "money":
                return convert.money(values, self._money_decimals, rejects)
            case "effective_time" | "expires_time" | "activates_time" | "deadline_time":
                times = convert.time(name, values, self._zone, rejects)
                if name == "effective_time":
                    convert.require(name, values, rejects)
                return times
            case "id" | "related":
                ids = convert.ids(name, values, rejects)
                if name == "id":
                    convert.require(name, ids, rejects)
                return ids
        return convert.text(name, values, rejects)

    def _currency(self, names: pa.Array, kinds: pa.Array, rejects: Rejects) -> pa.Array:
        """The names, checked; what is about a member needs none, and an only one goes unsaid."""
        needless = pc.or_(len(self._currencies) == 1, pc.is_in(kinds, _names(WITHOUT_CURRENCY)))
        names = pc.if_else(pc.and_(names.is_null(), needless), self._currencies[0], names)
        known = np.asarray(pc.is_in(names, pa.array(self._currencies)))
        rejects.add(~known, names, f"currency is not {' or '.join(self._currencies)}")
        return names

    def _reference(self, batch: Batch, rejects: Rejects) -> pa.Array:
        """Reference strings that make the rows' ids."""
        columns: list[tuple[str, pa.Array]] = []
        for name in self._plan.id_from:
            if name == ROW:
                columns.append(("file", pa.repeat(self._file_hash, len(batch.numbers))))
                columns.append(("row", pa.array(batch.numbers)))
            else:
                columns.append((name, batch.rows.column(name)))
        return convert.reference(columns, rejects)


def _require_points(fields: dict[str, pa.Array], rejects: Rejects) -> None:
    """Reject rows without points that need them; of money, the programme's rule makes them."""
    kinds = fields["kind"]
    points = fields.get("points", pa.nulls(len(kinds), pa.int64()))
    money = fields.get("money", pa.nulls(len(kinds), pa.int64()))
    by_rule = pc.and_(pc.equal(kinds, "earn").fill_null(False), money.is_valid())
    needed = pc.and_not(pc.is_in(kinds, _names(WITH_POINTS)), by_rule)
    rejects.add(np.asarray(pc.and_(points.is_null(), needed)), points, "points is empty")


def _names(kinds: Sequence[Kind]) -> pa.Array:
    return pa.array([kind.name.lower() for kind in kinds])
