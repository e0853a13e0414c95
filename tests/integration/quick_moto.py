"""moto's answers of DynamoDB at half their price: of an attribute value it looks for the one member that is there.

As shipped it looks for each of the ten members that a value may have, under up to eight names: a third of the CPU
of a test on tables. The answers are the same.
"""

from __future__ import annotations

import inspect
from typing import Any

from moto.core.serialize import BaseJSONSerializer

from local.patches.emulator import digest

SHIPPED = BaseJSONSerializer._serialize_type_structure  # moto 5.2.5
PLAIN = {"S": str, "N": str, "BOOL": bool, "NULL": bool}


def quick(self: Any, serialized: Any, value: Any, shape: Any, key: str) -> None:
    """Serialize a structure, a plain attribute value as it is."""
    if shape.name == "AttributeValue" and key and type(value) is dict and len(value) == 1:
        ((kind, content),) = value.items()
        if type(content) is PLAIN.get(kind):
            self._default_serialize(serialized, {kind: content}, shape, key)
            return
    SHIPPED(self, serialized, value, shape, key)


def apply() -> None:
    """Let moto answer so; fails when it is not the release that this was written for."""
    assert digest(inspect.getsource(SHIPPED)) == "36873909cd0a", (
        "moto has changed: read _serialize_type_structure again"
    )
    BaseJSONSerializer._serialize_type_structure = quick  # type: ignore[method-assign]
