"""Turns: a model has one training at a time, and the newest upload is the one that counts.

The model's row names the execution whose turn it is, and the `order` of its upload. Nothing gives a turn back: it is
over when the execution has ended or its training is kept, whatever died on the way.
"""

from __future__ import annotations

from typing import Any

from tenantml.domain.training.run import Run
from tenantml.errors import UploadSuperseded
from tenantml.services import registry, removal


def take(run: Run, order: str, *, stops_older: bool) -> bool:
    """Take the model's turn for the run, whose upload has this `order`; return False while another has it. Repeatable.

    With `stops_older` the turn of an older upload is taken away, and its job is stopped.

    Raises:
        UploadSuperseded: a newer upload was trained, or is being trained and stops older ones.
        StillChanging: the job of an older upload has not stopped yet.
    """
    while True:
        held = registry.find_turn(run.tenant, run.model)
        if held is not None and held["execution"] != run.execution and not _may_follow(run, held, order, stops_older):
            return False
        if registry.take_turn(run, order, held):
            return True


def _may_follow(run: Run, held: dict[str, Any], order: str, stops_older: bool) -> bool:
    """Return whether the turn that is `held` is over; with `stops_older` that of an older upload is ended."""
    holder = registry.find_execution(run.tenant, held["execution"])
    is_trained = registry.find_training(run.tenant, run.model, held["execution"]) is not None
    runs = holder is not None and "ended_at" not in holder and not is_trained
    if held["order"] > order and (is_trained or (runs and stops_older)):
        raise _superseded()
    if holder is None or not runs:
        return True
    if stops_older:
        removal.stop_training(Run.of_row(holder))
    return stops_older


def require(run: Run) -> None:
    """Return while it is the run's turn.

    Raises:
        UploadSuperseded: a newer upload has taken it.
    """
    held = registry.find_turn(run.tenant, run.model)
    if held is not None and held["execution"] != run.execution:
        raise _superseded()


def _superseded() -> UploadSuperseded:
    return UploadSuperseded("a newer upload of this model is trained instead; nothing needs to be done")
