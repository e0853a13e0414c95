"""A running execution on a screen: its states, the job's secondary status, its candidates as they finish."""

from __future__ import annotations

import time
from collections.abc import Callable

from local.screen import Screen, figure
from tenantml_cli.history import Event, StateEntered, StateLeft
from tenantml_cli.tenant_api import Document

_QUIET_KINDS = {"Choice", "Pass", "Succeed", "Fail"}
_POLLING = ("WaitFor", "Check", "TakeTurn", "Bake")
_LOOK_SECONDS = 1.0


class Progress:
    """Shows events; the states of a poll loop are shown once, with their sum, when the loop is over.

    `look` returns the tenant's view of the execution, whose training is shown, too. `seconds` sums up the time in each
    state, however often it is entered.
    """

    def __init__(self, screen: Screen, look: Callable[[], Document]) -> None:
        self.seconds: dict[str, float] = {}
        self._screen = screen
        self._look = look
        self._looked = 0.0
        self._left: dict[str, StateLeft] = {}
        self._state = ""
        self._status = ""
        self._candidates: set[str] = set()
        self._since = time.monotonic()

    def show(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case StateEntered(name, kind) if kind not in _QUIET_KINDS:
                self._flush(but_polling=name.startswith(_POLLING))
                if name != self._state and not (name.startswith(_POLLING) and self._state.startswith(_POLLING)):
                    self._since = time.monotonic()
                self._state = name
            case StateLeft(name, kind, seconds):
                self.seconds[name] = self.seconds.get(name, 0.0) + seconds
                if kind not in _QUIET_KINDS:
                    self._left[name] = event
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            self._show_training(self._look().get("training") or {})
        if self._state:
            self._screen.busy(self._state, self._status, time.monotonic() - self._since)

    def end(self) -> None:
        """Show the rest."""
        self._flush()

    def _show_training(self, training: Document) -> None:
        status = training.get("secondary_status") or training.get("status") or ""
        if status != self._status:
            self._status = status
            self._screen.note(status)
        for candidate in training.get("candidates") or []:
            name = candidate["name"]
            if name not in self._candidates and candidate.get("value") is not None:
                self._candidates.add(name)
                self._screen.note(f"candidate {name}  {candidate['metric']} {figure(candidate['value'])}")

    def _flush(self, *, but_polling: bool = False) -> None:
        for name, left in list(self._left.items()):
            if but_polling and name.startswith(_POLLING):
                continue
            del self._left[name]
            if left.error:
                self._screen.failed(name, left.error)
            else:
                self._screen.done(name, seconds=self.seconds[name])
