"""What the trainer receives (job.json) and what it reports (events.jsonl)."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

ProblemType = Literal["BinaryClassification", "MulticlassClassification", "Regression"]
Mode = Literal["ENSEMBLING", "HYPERPARAMETER_TUNING"]


class JobFailed(Exception):
    """The job ends as Failed; the text becomes its FailureReason."""


@dataclass(frozen=True)
class Job:
    """One AutoML job, as JOB_DIR/job.json holds it."""

    folder: Path
    problem_type: ProblemType | None
    target: str
    objective: str | None
    max_candidates: int | None
    max_runtime_seconds: float | None
    mode: Mode
    training: tuple[Path, ...]
    validation: tuple[Path, ...]
    validation_fraction: float
    seed: int

    @classmethod
    def read(cls, folder: Path) -> "Job":
        """Read `folder/job.json`."""
        settings: Mapping[str, Any] = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        return cls(
            folder=folder,
            problem_type=settings["problem_type"],
            target=settings["target"],
            objective=settings["objective"],
            max_candidates=settings["max_candidates"],
            max_runtime_seconds=settings["max_runtime_seconds"],
            mode=settings["mode"],
            training=tuple(Path(path) for path in settings["channels"]["training"]),
            validation=tuple(Path(path) for path in settings["channels"].get("validation") or ()),
            validation_fraction=settings["validation_fraction"],
            seed=settings["seed"],
        )


class Events:
    """Appends JSON lines to `folder/events.jsonl`; each is one write, so a reader never sees half of one."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "events.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def emit(self, event: str, **fields: object) -> None:
        """Append one event."""
        os.write(self._file, (json.dumps({"event": event, **fields}, allow_nan=False) + "\n").encode())

    def status(self, secondary_status: str) -> None:
        """Append a change of the job's secondary status."""
        self.emit("status", secondary_status=secondary_status)
