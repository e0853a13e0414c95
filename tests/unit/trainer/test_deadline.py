"""The runtime cap."""

import signal
import time

import pytest

from local.sagemaker.trainer.deadline import Deadline, RuntimeCapReached


def work_until_interrupted(times: int) -> None:
    """Lose all interruptions but the last, as a callback from C does."""
    for remaining in reversed(range(times)):
        try:
            while True:
                sum(range(1000))
        except RuntimeCapReached:
            if not remaining:
                raise


def test_a_block_is_interrupted_when_time_is_over_even_if_the_first_interruption_is_lost() -> None:
    with pytest.raises(RuntimeCapReached), Deadline(time.monotonic() + 0.05).enforced():
        work_until_interrupted(times=2)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_a_block_does_not_start_after_the_end() -> None:
    with pytest.raises(RuntimeCapReached), Deadline(time.monotonic() - 1).enforced():
        pytest.fail("the block was entered")


def test_without_a_cap_nothing_is_armed() -> None:
    with Deadline(None).enforced():
        assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
