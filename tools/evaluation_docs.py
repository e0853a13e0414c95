"""The schema of `evaluation.json`, from the classes that it is made of."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from tenantml_analysis.evaluation.report import Evaluation


def schema() -> str:
    """Return the document's fields as a table, and below it what its objects hold."""
    rows = ["| field | what | meaning |", "|---|---|---|"]
    rows += [f"| `{name}` | {_type(hint)} | {_meaning(hint)} |" for name, hint in _fields(Evaluation)]
    objects = [_object(kind) for kind in _objects(Evaluation)]
    return "\n".join([*rows, "", "| object | fields | meaning |", "|---|---|---|", *objects])


def _object(kind: type) -> str:
    fields = ", ".join(
        f"`{name}` {_type(hint)}" + (f" ({meaning[0].lower()}{meaning[1:]})" if (meaning := _meaning(hint)) else "")
        for name, hint in _fields(kind)
    )
    return f"| {kind.__name__} | {fields} | {' '.join(inspect.getdoc(kind).split())} |"  # type: ignore[union-attr]


def _objects(kind: type) -> Iterator[type]:
    """Yield the classes of objects below one, in the order of their first mention."""
    seen: dict[type, None] = {}

    def walk(hint: Any) -> None:
        for part in get_args(hint):
            walk(part)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type) and hint not in seen:
            seen[hint] = None
            for _, inner in _fields(hint):
                walk(inner)

    for _, hint in _fields(kind):
        walk(hint)
    yield from seen


def _fields(kind: type) -> list[tuple[str, Any]]:
    return list(get_type_hints(kind, include_extras=True).items())


def _meaning(hint: Any) -> str:
    return str(hint.__metadata__[0]) if get_origin(hint) is Annotated else ""


def _type(hint: Any) -> str:
    if get_origin(hint) is Annotated:
        return _type(get_args(hint)[0])
    if get_origin(hint) is list:
        return f"list of {_type(get_args(hint)[0])}"
    if get_origin(hint) is dict:
        return f"{_type(get_args(hint)[1])} by name"
    if get_args(hint):
        return " or ".join(_type(part) for part in get_args(hint))
    names = {str: "text", int: "whole number", float: "number", bool: "boolean", NoneType: "null"}
    return names.get(hint) or str(hint.__name__)
