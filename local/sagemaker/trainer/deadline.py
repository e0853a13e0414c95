"""The runtime cap of a job."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class RuntimeCapReached(BaseException):
    """The job's time is over. A BaseException, so that no library mistakes it for a failed model."""


@dataclass(frozen=True)
class Deadline:
    """When the job must stop training, on the clock of time.monotonic; None for never.

    A cap never reaches the models as their own time limit: they would then train less on a busy machine.
    """

    at_seconds: float | None

    @contextmanager
    def enforced(self) -> Iterator[None]:
        """Interrupt the block with RuntimeCapReached when time is over. Only in the main thread."""
        if self.at_seconds is None:
            yield
            return
        remaining_seconds = self.at_seconds - time.monotonic()
        if remaining_seconds <= 0:
            raise RuntimeCapReached
        signal.signal(signal.SIGALRM, _interrupt)
        # Repeated: an exception raised inside a callback from C or a finaliser is lost.
        signal.setitimer(signal.ITIMER_REAL, remaining_seconds, 0.25)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)


def _interrupt(*_: object) -> None:
    raise RuntimeCapReached
