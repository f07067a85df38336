"""From a text to the canonical JSON of the programme that it describes, or to all its problems."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from pydantic import ValidationError

from loyalty.program.document import Document
from loyalty.program.form import Form
from loyalty.program.lines import Lines
from loyalty.program.normalising import normalise
from loyalty.program.notation import Path
from loyalty.program.problems import Problem, refuse
from loyalty.program.relations import document_relations, form_relations
from loyalty.program.schema import problems_of

_AT_LINE = re.compile(r" \(at line ([0-9]+), column [0-9]+\)$")


def decoded(content: bytes, name: str) -> str:
    """Return a file's text."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        refuse(name, [Problem((), "this is not UTF-8")], lambda _: line)


def normalised_document(text: str, name: str) -> str:
    """Return the canonical JSON of a TOML document."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    try:
        text.encode()
        document = tomllib.loads(text)
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        refuse(name, [Problem((), "this is not Unicode")], lambda _: line)
    except RecursionError:
        refuse(name, [Problem((), "this is nested too deeply")], lambda _: 1)
    except ValueError as error:
        message = str(error)
        at = _AT_LINE.search(message)
        line = int(at[1]) if at else text.rstrip("\n").count("\n") + 1
        what = _AT_LINE.sub("", message).removesuffix(" (at end of document)")
        refuse(name, [Problem((), f"this is not TOML: {what}")], lambda _: line)
    lines = cache(lambda: Lines(text))
    return normalised_tables(document, name, lambda path: lines().of(path))


def normalised_tables(
    document: Mapping[str, Any], name: str, line_of: Callable[[Path], int] | None = None
) -> str:
    """Return the canonical JSON of a document that was read."""
    problems = [*document_relations(document)]
    try:
        checked = Document.model_validate(document)
    except ValidationError as error:
        problems = [*problems_of(error, Document), *problems]
    if problems:
        refuse(name, problems, line_of)
    return canonical(normalise(checked))


def normalised_form(text: str) -> str:
    """Return the canonical JSON of a text in the normalised form."""
    source = "the JSON"
    repeated: list[str] = []

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [key for key, _ in pairs]
        repeated.extend({key for key in keys if keys.count(key) > 1})
        return dict(pairs)

    try:
        form = json.loads(text, object_pairs_hook=distinct)
        normal = canonical(form)
        normal.encode()
    except RecursionError:
        refuse(source, [Problem((), "this is nested too deeply")])
    except ValueError as error:
        refuse(source, [Problem((), f"this is not JSON: {error}")])
    problems = [Problem((key,), "is there twice in one object") for key in sorted(repeated)]
    if isinstance(form, dict):
        problems += form_relations(form)
    try:
        Form.model_validate_json(normal)
    except ValidationError as error:
        problems = [*problems_of(error, Form), *problems]
    if problems:
        refuse(source, problems)
    return normal


def canonical(form: Any) -> str:
    """Return JSON with sorted keys and no blanks."""
    return json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
