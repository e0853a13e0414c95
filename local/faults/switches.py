"""The faults that are on, and what was called since they were switched."""

from __future__ import annotations

import threading
from collections import Counter
from fnmatch import fnmatchcase
from typing import Any

from local.faults import OF_EVENTS, Fault
from local.faults.answers import ANSWERED, error_of
from local.faults.calls import model_of


class Switches:
    """Switches of one cloud, asked from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._matched: list[int] = []
        self.calls: Counter[tuple[str, str, str]] = Counter()

    def switch(self, faults: list[Fault]) -> None:
        """Have these and no others; raises ValueError when one names what no model has."""
        for fault in faults:
            if fault.kind not in OF_EVENTS:
                _check(fault)
        with self._lock:
            self._faults, self._matched, self.calls = faults, [0] * len(faults), Counter()

    def hit(self, service: str, operation: str, caller: str, *, of_events: bool = False) -> Fault | None:
        """Count a call, and return what happens to it: the first fault that hits."""
        found = None
        with self._lock:
            self.calls[service, operation, caller] += 1
            for index, fault in enumerate(self._faults):
                patterns = (fault.service, fault.operation, fault.caller)
                if (fault.kind in OF_EVENTS) is of_events and all(
                    map(fnmatchcase, (service, operation, caller), patterns)
                ):
                    self._matched[index] += 1
                    found = found or (fault if fault.hits(self._matched[index]) else None)
        return found

    def as_document(self) -> dict[str, Any]:
        """Return how many calls each fault matched, and all calls with their numbers."""
        with self._lock:
            faults = [
                fault.as_document() | {"matched": matched}
                for fault, matched in zip(self._faults, self._matched, strict=True)
            ]
            return {"faults": faults, "calls": [[*call, count] for call, count in self.calls.items()]}


def _check(fault: Fault) -> None:
    if fault.service == "*":
        return
    model = model_of(fault.service)
    if fault.operation == "*":
        return
    if fault.operation not in model.operation_names:
        raise ValueError(f"{fault.service} has no operation {fault.operation!r}")
    if fault.kind in ANSWERED:
        error_of(model.operation_model(fault.operation), fault.kind)
