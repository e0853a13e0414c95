"""How often a training is looked at, and what a look is in Step Functions."""

from __future__ import annotations

from tenantml.domain.training import automl_job

HOURS_TRAINED = 3
STATES_OF_A_POLL = 3  # wait, look, choose
EVENTS_OF_A_POLL = 9  # entered and exited each, and scheduled, started and succeeded


def polls_of(hours: float) -> int:
    """Return how often a training of so many hours is looked at."""
    wait, waited, polls = automl_job.FIRST_WAIT_SECONDS, 0, 0
    while waited < hours * 3600:
        waited, wait, polls = waited + wait, automl_job.next_wait_seconds(wait), polls + 1
    return polls
