"""A running execution on a screen: its states, the job's secondary status, its candidates as they finish."""

from __future__ import annotations

import time

from local.screen import Screen, figure
from local.watch import CandidateFinished, Ended, Event, History, StateEntered, StateLeft, TrainingStatus

_QUIET_KINDS = {"Choice", "Pass", "Succeed", "Fail"}
_POLLING = ("WaitFor", "Check")


class Progress:
    """Shows events; the states of a poll loop are shown once, with their sum, when the loop is over."""

    def __init__(self, screen: Screen, history: History) -> None:
        self._screen = screen
        self._history = history
        self._left: dict[str, StateLeft] = {}
        self._state = ""
        self._status = ""
        self._since = time.monotonic()

    def show(self, event: Event) -> None:
        """Take the next event."""
        match event:
            case StateEntered(name, kind) if kind not in _QUIET_KINDS:
                self._flush(but_polling=name.startswith(_POLLING))
                if name != self._state and not (name.startswith(_POLLING) and self._state.startswith(_POLLING)):
                    self._since = time.monotonic()
                self._state = name
            case StateLeft(name, kind) if kind not in _QUIET_KINDS:
                self._left[name] = event
            case TrainingStatus(text) if text != self._status:
                self._status = text
                self._screen.note(text)
            case CandidateFinished(name, metric, value):
                self._screen.note(f"candidate {name}  {metric} {figure(value)}")
            case Ended():
                self._flush()
                return
        if self._state:
            self._screen.busy(self._state, self._status, time.monotonic() - self._since)

    def _flush(self, *, but_polling: bool = False) -> None:
        for name, left in list(self._left.items()):
            if but_polling and name.startswith(_POLLING):
                continue
            del self._left[name]
            if left.error:
                self._screen.failed(name, left.error)
            else:
                self._screen.done(name, seconds=self._history.seconds[name])
