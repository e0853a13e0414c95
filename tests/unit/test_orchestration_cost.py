"""What `make bench` counts of an execution, against counts made by hand."""

from __future__ import annotations

from benchmarks.metering import Bill
from benchmarks.orchestration import transitions_of
from benchmarks.polling import polls_of


def test_a_retry_is_a_transition_as_every_state_and_the_start_are() -> None:
    # Step Functions' price page: each time a step runs, retries included.
    kinds = ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskFailed", "TaskScheduled", "TaskSucceeded"]
    kinds += ["TaskStateExited", "ChoiceStateEntered", "ChoiceStateExited", "SucceedStateEntered", "ExecutionSucceeded"]
    assert transitions_of([{"type": kind} for kind in kinds]) == 5


def test_waits_grow_by_a_fifth_so_that_few_polls_cover_hours() -> None:
    assert polls_of(30 / 3600) == 1
    assert polls_of((30 + 36 + 43) / 3600) == 3
    assert polls_of(3) == 25


def test_a_bill_is_the_sum_of_its_counts_by_their_prices() -> None:
    training = Bill({"transition": 1000, "invocation": 1_000_000})
    assert training.usd == 0.025 + 0.20
    assert training.plus(Bill({"transition": 500, "alarm": 1}), 2).usd == 0.05 + 0.20 + 0.20
