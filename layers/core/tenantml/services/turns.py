"""Turns: a model has one training at a time, and the newest upload is the one that counts.

The model's row names the execution whose turn it is, the `order` of its upload, and which execution it `stops`. Nothing
gives a turn back: it is over when the execution has ended or its training is kept, whatever died on the way.
"""

from __future__ import annotations

from typing import Any

from tenantml.domain.training.run import Run
from tenantml.errors import UploadSuperseded
from tenantml.services import registry, removal


def take(run: Run, order: str, *, stops_older: bool) -> bool:
    """Take the model's turn for the run, whose upload has this `order`; return False while another has it. Repeatable.

    With `stops_older` the turn of an older upload is taken away first, so that its execution knows why its job is
    stopped then.

    Raises:
        UploadSuperseded: a newer upload was trained, or is being trained and stops older ones.
        StillChanging: the job of an older upload has not stopped yet.
    """
    while True:
        held = registry.find_turn(run.tenant, run.model)
        if held is not None and held["execution"] == run.execution:
            older = registry.find_execution(run.tenant, held["stops"]) if held["stops"] else None
            if older is not None:
                removal.stop_training(Run.of_row(older))
            return True
        runs = held is not None and _runs(run, held, order, stops_older)
        if runs and not stops_older:
            return False
        stops = held["execution"] if held is not None and runs else None
        registry.take_turn(run, {"order": order, "stops": stops}, held)


def _runs(run: Run, held: dict[str, Any], order: str, stops_older: bool) -> bool:
    """Return whether the execution that holds the turn is still to come to a candidate."""
    holder = registry.find_execution(run.tenant, held["execution"])
    is_trained = registry.find_training(run.tenant, run.model, held["execution"]) is not None
    runs = holder is not None and "ended_at" not in holder and not is_trained
    if held["order"] > order and (is_trained or (runs and stops_older)):
        raise _superseded()
    return runs


def require(run: Run) -> None:
    """Return while it is the run's turn.

    Raises:
        UploadSuperseded: a newer upload has taken it.
    """
    held = registry.find_turn(run.tenant, run.model)
    if held is not None and held["execution"] != run.execution:
        raise _superseded()


def _superseded() -> UploadSuperseded:
    return UploadSuperseded("a newer upload of this model is trained instead of this one; there is nothing to do")
