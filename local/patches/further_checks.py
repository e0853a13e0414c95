"""A permission that a request needs beside its own action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """An action on a resource, with the condition keys that it is asked with."""

    action: str
    resource_arn: str
    context: dict[str, Any]
