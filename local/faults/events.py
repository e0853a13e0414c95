"""EventBridge delivers an event late, twice, or after a later one, where a test has switched that on.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event.html: best-effort delivery, and durable
delivery at least once; no page promises an order.
"""

from __future__ import annotations

import contextvars
import functools
import threading
from collections.abc import Callable
from typing import Any

from ministack.services import eventbridge

from local.faults.switches import Switches
from local.patches.emulator import wrap


def apply(switches: Switches) -> None:
    """Have deliveries take the faults that are on."""
    wrap(eventbridge, "_dispatch_event", "d1bfe064f602", functools.partial(_faulty, switches))


def _faulty(switches: Switches, dispatch: Any) -> Any:
    held: list[Callable[[], None]] = []

    @functools.wraps(dispatch)
    def dispatching(*arguments: Any, **options: Any) -> None:
        event = arguments[0]
        fault = switches.hit("events", event.get("DetailType", ""), event.get("Source", ""), of_events=True)
        if fault is None or fault.kind == "duplicated":
            for _ in range(2 if fault else 1):
                dispatch(*arguments, **options)
            while held:
                held.pop(0)()
            return
        context = contextvars.copy_context()
        once = _Once(functools.partial(context.run, functools.partial(dispatch, *arguments, **options)))
        if fault.kind == "reordered":
            held.append(once)
        timer = threading.Timer(fault.seconds, once)
        timer.daemon = True
        timer.start()

    return dispatching


class _Once:
    """A delivery that happens once, whoever comes first to it."""

    def __init__(self, deliver: Callable[[], None]) -> None:
        self._deliver, self._lock, self._is_done = deliver, threading.Lock(), False

    def __call__(self) -> None:
        with self._lock:
            if self._is_done:
                return
            self._is_done = True
        self._deliver()
