"""Waiting for what another process does, at a price that does not grow with the wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")

# The most that a test waits for what an idle machine does in seconds: only a failure takes it, and a busy machine less.
PATIENCE_SECONDS = 240.0

_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 1.0


def wait_for(
    look: Callable[[], Found],
    is_reached: Callable[[Found], object],
    *,
    seconds: float = PATIENCE_SECONDS,
    is_passing: bool = False,
) -> Found:
    """Look until what is found is reached, and return it; fails after `seconds`.

    A look through the tenant API takes 25 ms of the CPU that what is waited for needs, so pauses grow to a tenth of
    what was waited so far, up to a second. What passes by itself, such as a state, is looked for every 0.1 s
    (`is_passing`).
    """
    began = time.monotonic()
    while not is_reached(found := look()):
        waited = time.monotonic() - began
        assert waited < seconds, f"not reached after {seconds:.0f} s: {found}"
        longest = _FIRST_PAUSE_SECONDS if is_passing else _LONGEST_PAUSE_SECONDS
        time.sleep(min(max(waited / 10, _FIRST_PAUSE_SECONDS), longest))
    return found
