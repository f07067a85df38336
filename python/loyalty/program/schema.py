"""What Pydantic finds wrong, in the words of this package."""

from __future__ import annotations

import re
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from loyalty.program.notation import Path
from loyalty.program.problems import Problem, near, one_of, shown

_TYPES = {
    "int_type": "an integer",
    "bool_type": "true or false",
    "string_type": "a text",
    "string_unicode": "a text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_CHOICE = re.compile(r"'([^']*)'")


def problems_of(error: ValidationError, root: type[BaseModel]) -> list[Problem]:
    """Return what is wrong with a document that a model has refused."""
    return [_problem(detail, root) for detail in error.errors(include_url=False)]


def _problem(detail: ErrorDetails, root: type[BaseModel]) -> Problem:
    path, table = _resolve(root, detail["loc"])
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = table.model_fields if table else ()
        return Problem(path, f"is unknown{near(path[-1], known, quote=False)}")
    if kind == "missing":
        return Problem(path, "is missing")
    if kind == "too_short":
        return Problem(path, "must not be empty")
    if kind == "too_long":
        counts = f"at most {context['max_length']}, not {context['actual_length']}"
        return Problem(path, f"must be {counts}")
    if kind == "union_tag_not_found":
        return Problem((*path, "model"), "is missing")
    if kind == "union_tag_invalid":
        choices = _CHOICE.findall(context["expected_tags"])
        return Problem((*path, "model"), one_of(choices, value["model"]))
    if kind == "literal_error" and (choices := _CHOICE.findall(context["expected"])):
        return Problem(path, one_of(choices, value))
    what, hint = _TYPES.get(kind), ""
    if kind == "must_be":
        what, hint = context["what"], context["hint"]
    elif kind == "greater_than_equal":
        what = f"an integer of at least {context['ge']}"
    elif kind == "less_than_equal":
        what = f"an integer of at most {context['le']}"
    elif kind == "literal_error":
        what = context["expected"]
    if what is None:
        return Problem(path, f"is wrong: {detail['msg']}")
    subject = "" if path else "the whole "
    return Problem(path, f"{subject}must be {what}, not {shown(value)}{hint}")


def _resolve(root: type[BaseModel], location: Path) -> tuple[Path, type[BaseModel] | None]:
    """Return the path of a location, and the model of the table that its last key is in.

    Pydantic's locations name also which of several types a value was taken for: a model by its
    `model`, others by their tags.
    """
    path: Path = ()
    table: type[BaseModel] | None = None
    here: Any = root
    for part in location:
        here, several = _kinds_of(here)
        if several:
            here = next((each for each in several if part in _tags(each)), None)
            continue
        path = (*path, part)
        table = here if isinstance(here, type) and issubclass(here, BaseModel) else None
        if table is not None:
            here = _annotation(table, part)
        elif get_origin(here) is dict:
            here = get_args(here)[1]
        else:
            here = next(iter(get_args(here)), None)
    return path, table


def _kinds_of(annotation: Any) -> tuple[Any, list[Any]]:
    """Return an annotation without None and annotations of its own, and the types if several."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) not in (Union, UnionType):
        return annotation, []
    others = [each for each in get_args(annotation) if each is not type(None)]
    return _kinds_of(others[0]) if len(others) == 1 else (annotation, others)


def _tags(annotation: Any) -> tuple[Any, ...]:
    """Return what locations call one of several types."""
    if get_origin(annotation) is Annotated:
        return tuple(each.tag for each in get_args(annotation) if isinstance(each, Tag))
    return get_args(_annotation(annotation, "model"))


def _annotation(model: type[BaseModel], key: str | int) -> Any:
    field = model.model_fields.get(str(key))
    return field.annotation if field else None
