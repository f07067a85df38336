"""`Program`: a loyalty programme, valid and complete."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from loyalty._table import Table
from loyalty.errors import InvalidInputError

if TYPE_CHECKING:
    from loyalty.program.form import Currency, Form, Ladder, Rule

# What checks and writes documents is imported by the methods that do: most who import loyalty open
# a ledger, and never look at its programme.


@dataclass(frozen=True, repr=False)
class Program:
    """A loyalty programme: currencies with their policies, earn rules, and ladders of levels.

    Made by `read`, `from_toml`, `from_json` and `simple`, and always valid. Two programmes are
    equal when they mean the same, however they were written.
    """

    _json: str  # canonical

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Self:
        """Read a document in TOML (docs/programme.md describes it).

        Parameters
        ----------
        path : str or path
            The file, in UTF-8.

        Raises
        ------
        InvalidInputError
            The document is wrong: all its problems, each with file, line and key.
        OSError
            The file cannot be read.
        """
        from loyalty.program.checking import decoded

        name = os.fspath(path)
        return cls.from_toml(decoded(Path(path).read_bytes(), name), name)

    @classmethod
    def from_toml(cls, text: str, name: str = "<text>") -> Self:
        """Read a document from a text; `name` stands for the file in messages.

        Raises
        ------
        InvalidInputError
            As of `read`.
        """
        from loyalty.program.checking import normalised_document

        return cls(normalised_document(text, name))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read the normalised form: what `to_json` writes, with any blanks and order of keys.

        Raises
        ------
        InvalidInputError
            The text is something else: all its problems, each with its key.
        """
        from loyalty.program.checking import normalised_form

        return cls(normalised_form(text))

    @classmethod
    def simple(cls, currencies: Sequence[str]) -> Self:
        """Return the programme in UTC that leaves all to its defaults.

        Parameters
        ----------
        currencies : Sequence[str]
            Their names, at least one.

        Raises
        ------
        InvalidInputError
            The currencies are none, repeated or not names.
        """
        from loyalty.program.checking import normalised_tables

        names = [currencies] if isinstance(currencies, str) else list(currencies)
        if not all(isinstance(name, str) for name in names):
            raise InvalidInputError(f"a currency's name must be a text: {names}")
        if len(set(names)) != len(names):
            raise InvalidInputError(f"a currency is named twice: {', '.join(map(repr, names))}")
        tables: dict[str, Any] = {name: {} for name in names}
        document = {"name": "Loyalty programme", "time_zone": "UTC", "currencies": tables}
        return cls(normalised_tables(document, "the currencies"))

    @property
    def name(self) -> str:
        """What the programme is called."""
        return self._form.name

    @property
    def time_zone(self) -> str:
        """The IANA time zone of its days, months and dates."""
        return self._form.time_zone

    @property
    def currencies(self) -> Mapping[str, Currency]:
        """Its currencies by name, in the order of definition."""
        return MappingProxyType({currency.name: currency for currency in self._form.currencies})

    @property
    def rules(self) -> Mapping[str, Rule]:
        """Its earn rules by name, in the order of the document, with all that they inherit.

        An `expiry` of None is left to the member's level, and then to the currency.
        """
        return MappingProxyType({rule.name: rule for rule in self._form.rules})

    @property
    def ladders(self) -> Mapping[str, Ladder]:
        """Its ladders by name, in the order of the document, complete."""
        return MappingProxyType({ladder.name: ladder for ladder in self._form.ladders})

    def to_json(self) -> str:
        """Return the normalised form, as the ledger keeps it: sorted keys, no blanks."""
        return self._json

    def to_toml(self) -> str:
        """Return a document of the same meaning: reading it gives an equal programme.

        It has no comments and no `based_on`, and leaves out what is as by default.
        """
        from loyalty.program.writing import to_toml

        return to_toml(self._form)

    def diff(self, other: Program) -> Table:
        """Return what changes from this programme to another; no row when they are equal.

        Parameters
        ----------
        other : Program
            The later one.

        Returns
        -------
        Table
            Columns ``key`` (as in the document: ``currencies.points.expiry``), ``old`` and ``new``
            (as the document writes them; null where there is none). A currency, rule, ladder,
            metric or level that only one has is one row. Where what both have is in another order,
            there is a row such as ``rules``. Levels are named: ``ladders.status.levels.gold``;
            where one is new, gone or elsewhere, there is a row with all names.
        """
        from loyalty.program.changes import changes

        return changes(self._form, other._form)

    def check_change(self, old: Program, used: Collection[str]) -> None:
        """Refuse to follow `old` where that would give points that are there another meaning.

        A currency in use must stay, under its name and with its decimals. All else may change: what
        was posted keeps the points, expiry and activation that it was given.

        Parameters
        ----------
        old : Program
            The programme in force.
        used : Collection[str]
            The currencies that members have accounts in.

        Raises
        ------
        InvalidInputError
            All that speaks against it.
        """
        from loyalty.program.changes import check_change

        check_change(old._form, self._form, used)

    def summary(self) -> dict[str, list[dict[str, str]]]:
        """Return for people what it says, in short texts: a dict a currency, a rule and so on.

        Returns
        -------
        dict
            ``currencies``, ``rules``, and ``ladders`` with the ``metrics`` and ``levels`` of all,
            each in order; the dicts of each have the same keys.
        """
        from loyalty.program.summary import summary

        return summary(self._form)

    def __repr__(self) -> str:
        rules = len(self.rules)
        ladders = f", ladders {', '.join(self.ladders)}" if self.ladders else ""
        return (
            f"<Program {self.name!r}: {self.time_zone}, currencies {', '.join(self.currencies)}, "
            f"{rules} earn rule{'' if rules == 1 else 's'}{ladders}>"
        )

    def _repr_html_(self) -> str:
        from loyalty.program.summary import as_html

        return as_html(self._form)

    @cached_property
    def _form(self) -> Form:
        from loyalty.program.form import Form

        return Form.model_validate_json(self._json)
