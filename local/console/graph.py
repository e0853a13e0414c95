"""A state machine's definition as a graph: every planned state, and every way from one to another.

The definition is in Amazon States Language (https://states-language.net/spec.html). Ours have neither Parallel nor Map.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

NEXT, CHOICE, CATCH = "next", "choice", "catch"


def states(definition: dict[str, Any]) -> list[dict[str, Any]]:
    """Return `{name, type, comment, start}` of every state, in the definition's order."""
    return [
        {
            "name": name,
            "type": state["Type"],
            "comment": state.get("Comment", ""),
            "start": name == definition["StartAt"],
        }
        for name, state in definition["States"].items()
    ]


def transitions(definition: dict[str, Any]) -> list[dict[str, str]]:
    """Return `{from, to, kind}` of every way that an execution may take; two states are joined once, by the plainer."""
    ways: dict[tuple[str, str], str] = {}
    for name, state in definition["States"].items():
        for target, kind in _ways(state):
            ways.setdefault((name, target), kind)
    return [{"from": source, "to": target, "kind": kind} for (source, target), kind in ways.items()]


def _ways(state: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "Next" in state:
        yield state["Next"], NEXT
    for choice in state.get("Choices", []):
        yield choice["Next"], CHOICE
    if "Default" in state:
        yield state["Default"], CHOICE
    for catcher in state.get("Catch", []):
        yield catcher["Next"], CATCH
