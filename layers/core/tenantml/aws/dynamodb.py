"""DynamoDB items as plain Python values: floats in, floats out, nothing of DynamoDB's types beyond this module.

boto3 does this only with `Decimal`, and importing it adds a tenth to every cold start (`clients`).
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

TINY = 1e-110  # DynamoDB's numbers end at 1e-130


def to_item(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as a DynamoDB item."""
    return {name: to_value(value) for name, value in document.items()}


def to_value(value: Any) -> dict[str, Any]:
    """Return one value in DynamoDB's typed form; floats become numbers of 15 significant digits, tiny ones 0.

    Raises:
        TypeError: it is not a JSON value: a bug.
    """
    return _TO[next(kind for kind in _TO if isinstance(value, kind))](value)


def from_item(item: dict[str, Any]) -> dict[str, Any]:
    """Return a DynamoDB item as a document."""
    return {name: _from_value(value) for name, value in item.items()}


def _from_value(typed: dict[str, Any]) -> Any:
    [(kind, value)] = typed.items()
    return _FROM[kind](value)


def _number(text: str) -> int | float:
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() and value.as_tuple().exponent >= 0 else float(value)  # type: ignore[operator]


def _refuse(value: Any) -> dict[str, Any]:
    raise TypeError(f"no row of ours holds a {type(value).__name__}")


_TO: dict[type, Callable[[Any], dict[str, Any]]] = {
    bool: lambda value: {"BOOL": value},  # before int, which it is as well
    str: lambda value: {"S": value},
    int: lambda value: {"N": str(value)},
    float: lambda value: {"N": f"{value:.15g}" if abs(value) > TINY else "0"},
    type(None): lambda _: {"NULL": True},
    dict: lambda value: {"M": to_item(value)},
    list: lambda value: {"L": [to_value(item) for item in value]},
    tuple: lambda value: {"L": [to_value(item) for item in value]},
    object: _refuse,
}
_FROM: dict[str, Callable[[Any], Any]] = {
    "BOOL": bool,
    "S": str,
    "N": _number,
    "NULL": lambda _: None,
    "M": from_item,
    "L": lambda values: [_from_value(value) for value in values],
}
