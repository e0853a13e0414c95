"""DynamoDB items as plain Python values: floats in, floats out, nothing of DynamoDB's types beyond this module."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

TINY = 1e-110  # DynamoDB's numbers end at 1e-130, boto3 refuses what it would have to round

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def to_item(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document as a DynamoDB item."""
    return {name: to_value(value) for name, value in document.items()}


def to_value(value: Any) -> Any:
    """Return one value in DynamoDB's typed form; floats become numbers of 15 significant digits, tiny ones 0."""
    return _serializer.serialize(_without_floats(value))


def from_item(item: dict[str, Any]) -> dict[str, Any]:
    """Return a DynamoDB item as a document."""
    return {name: _without_decimals(_deserializer.deserialize(value)) for name, value in item.items()}


def _without_floats(value: Any) -> Any:
    if isinstance(value, float):
        return Decimal(f"{value:.15g}") if abs(value) > TINY else Decimal(0)
    if isinstance(value, dict):
        return {name: _without_floats(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_floats(item) for item in value]
    return value


def _without_decimals(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent >= 0 else float(value)  # type: ignore[operator]
    if isinstance(value, dict):
        return {name: _without_decimals(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_without_decimals(item) for item in value]
    return value
