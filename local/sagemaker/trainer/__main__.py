"""`python -m local.sagemaker.trainer JOB_DIR`: train JOB_DIR/job.json, tell JOB_DIR/events.jsonl.

Exits with 0 after a `completed` event and with 1 after a `failed` one.
"""

import os
import sys
import time
import warnings
from pathlib import Path

from local.sagemaker.serving.lifeline import exit_with_parent
from local.sagemaker.trainer.deadline import Deadline
from local.sagemaker.trainer.job import Events, Job, JobFailed


def main(arguments: list[str]) -> int:
    """Train one job."""
    started_seconds = time.monotonic()
    job = Job.read(Path(arguments[0]))
    events = Events(job.folder)
    cap = job.max_runtime_seconds
    try:
        from local.sagemaker.trainer.training import run

        run(job, events, Deadline(None if cap is None else started_seconds + cap))
    except JobFailed as error:
        events.emit("failed", reason=str(error))
        return 1
    except BaseException as error:
        events.emit("failed", reason=f"InternalServerError: {type(error).__name__}: {error}")
        raise
    return 0


if __name__ == "__main__":
    exit_with_parent()
    # Before the libraries load: idle OpenMP threads that spin made training 10 to 100 times slower under load.
    os.environ.update(OMP_WAIT_POLICY="passive", OMP_NUM_THREADS="1")
    warnings.simplefilter("ignore")  # the libraries' advice to their own developers
    sys.exit(main(sys.argv[1:]))
