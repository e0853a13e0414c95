"""An execution as it goes on, in lines that are never repeated: its states, its job's status, its candidates."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from tenantml_cli.context import Document
from tenantml_cli.errors import Failed, Refused, StillRunning
from tenantml_cli.history import Event, StateEntered
from tenantml_cli.text import duration, figure

START_SECONDS = 10.0  # from an upload to its execution, at most
_FIRST_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.5, 10.0
_UNDER_WAY = {"running", "awaiting file"}  # the second of a batch
_TRAINING = "CheckTraining"  # the state in which candidates are measured
_STEPS = {"Task", "Map", "Parallel"}  # kinds of states in which something is done


class Watch:
    """Tells what is new of one execution.

    `look` returns the execution's document, and `most` how many candidates its model's training makes at most, or None
    where that is not known.
    """

    def __init__(
        self, tell: Callable[[str], None], look: Callable[[], Document], most: Callable[[str], int | None]
    ) -> None:
        self._tell, self._look, self._most = tell, look, most
        self._began: datetime | None = None
        self._told: set[str] = set()
        self._measured: set[str] = set()
        self._limit: int | None = None

    def show(self, event: Event) -> None:
        """Take the next event of Step Functions; the states of a poll loop are told when they are first entered."""
        if isinstance(event, StateEntered):
            self._began = self._began or event.at
            if event.kind in _STEPS:
                self._once(event.name, at=event.at)
        elif event.name == _TRAINING:
            self._show_training(self._look(), event.at)

    def show_document(self, document: Document) -> None:
        """Take the execution's document as it is now."""
        if document.get("started_at"):
            self._began = datetime.fromisoformat(document["started_at"])
        at = datetime.fromisoformat(document["ended_at"]) if document.get("ended_at") else None
        state = document.get("state")
        if state == _TRAINING:
            self._once(state, at)
        self._show_training(document, at)  # before whatever comes after it
        if state:
            self._once(state, at)

    def _show_training(self, document: Document, at: datetime | None = None) -> None:
        training = document.get("training") or {}
        if status := training.get("secondary_status") or training.get("status"):
            self._once(f"training: {status}", at)
        for row in training.get("candidates") or []:
            if row.get("value") is not None and row["name"] not in self._measured:
                self._measured.add(row["name"])
                share = self._share(document["model"], training, len(self._measured))
                self._line(
                    f"candidate {len(self._measured)}{share}: {row['name']}, {row['metric']} {figure(row['value'])}", at
                )

    def by_polling(self, execution: str, timeout_seconds: float) -> Document:
        """Ask for the document until the execution is over, and return it.

        Raises:
            Failed: under the name of the failure that it ended in.
            StillRunning: it outlives `timeout_seconds`.
            Refused: there is no such execution.
        """
        began, pause = time.monotonic(), _FIRST_POLL_SECONDS
        while True:
            waited = time.monotonic() - began
            try:
                document = self._look()
            except Refused as error:
                if error.status != 404 or waited > min(timeout_seconds, START_SECONDS):
                    raise
                document = {"status": "running"}
            self.show_document(document)
            if document["status"] == "succeeded":
                return document
            if document["status"] not in _UNDER_WAY:
                failure = document.get("error") or {"code": document["status"], "message": "no reason was given"}
                raise Failed(failure["code"], failure["message"])
            if waited + pause > timeout_seconds:
                raise StillRunning("StillRunning", f"{execution} is not over after {timeout_seconds:.0f} s")
            time.sleep(pause)
            pause = min(pause * 1.2, _LONGEST_POLL_SECONDS)

    def _share(self, model: str, training: Document, number: int) -> str:
        """How far a training is: known where each candidate is a trial, for then their number is capped."""
        if training.get("mode") != "HYPERPARAMETER_TUNING":
            return ""
        self._limit = self._limit or self._most(model)
        return f" of {self._limit} at most ({min(1, number / self._limit):.0%})" if self._limit else ""

    def _once(self, text: str, at: datetime | None = None) -> None:
        if text not in self._told:
            self._told.add(text)
            self._line(text, at)

    def _line(self, text: str, at: datetime | None = None) -> None:
        now = at or datetime.now(UTC)
        passed = duration(max(0.0, (now - (self._began or now)).total_seconds()))
        self._tell(f"{passed:>11}  {text}")
