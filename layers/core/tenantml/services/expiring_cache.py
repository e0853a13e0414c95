"""What a warm process keeps: values until their own end, refusals for a second, and never more than a fixed number."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from tenantml.errors import TenantMLError

KEPT = 1000
HASTY_SECONDS = 1.0

Kept = TypeVar("Kept")
_Entries = OrderedDict[Hashable, tuple[float, Kept]]


class ExpiringCache(Generic[Kept]):
    """At most `KEPT` values, each until its own end; the one longest unused goes first.

    A named failure is kept as well, for a second: a caller that loops over a missing row or a revoked role does not use
    up the quota of DynamoDB and STS that all tenants share. Failures are kept apart, so that names that one tenant
    tries never displace another's values.
    """

    def __init__(self) -> None:
        self._values: _Entries[Kept] = OrderedDict()
        self._failures: _Entries[TenantMLError] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], tuple[float, Kept]]) -> Kept:
        """Return the value of `key`; `make` gives its end (seconds since 1970) and the value when there is none.

        Raises:
            TenantMLError: whatever `make` raised, now or less than a second ago.
        """
        entry = _fresh(self._values, key)
        if entry is None:
            failure = _fresh(self._failures, key)
            if failure is not None:
                raise failure[1].with_traceback(None)
            try:
                entry = make()
            except TenantMLError as error:
                _keep(self._failures, key, (time.time() + HASTY_SECONDS, error))
                raise
            _keep(self._values, key, entry)
        return entry[1]

    def hasten(self, key: Hashable) -> None:
        """Let the value of `key`, which has just proved wrong, end in a second at the latest.

        Not at once: a failure that lasts would be looked up by every request.
        """
        entry = self._values.get(key)
        if entry is not None:
            self._values[key] = (min(entry[0], time.time() + HASTY_SECONDS), entry[1])


def _fresh(entries: _Entries[Kept], key: Hashable) -> tuple[float, Kept] | None:
    entry = entries.get(key)
    if entry is None or entry[0] <= time.time():
        return None
    entries.move_to_end(key)
    return entry


def _keep(entries: _Entries[Kept], key: Hashable, entry: tuple[float, Kept]) -> None:
    entries[key] = entry
    entries.move_to_end(key)
    while len(entries) > KEPT:
        entries.popitem(last=False)
