"""Training has the classes, and the kind of problem, that the pre-flight counts, whatever the target's cells are."""

from __future__ import annotations

import io
import random
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from local.sagemaker.trainer.dataset import prepare
from local.sagemaker.trainer.job import Job, JobFailed
from tenantml.domain.meaning import NULL_WORDS
from tenantml.errors import DatasetError
from tenantml_analysis.inspection import InspectionSettings, inspect

# fmt: off
CELLS = [
    "1", "1.0", "01", "+1", "1e0", " 1", "2", "2.5", "-0", "0", "0.0", "1e3", "1_000", "1,5", "0x10",
    "1\n", "\r\n2.5", "9223372036854775807", "9223372036854775808", "18446744073709551616", "7e12345678901",
    "100000000000000001", "100000000000000002", "inf", "Infinity", "True", "TRUE", "true", "true ", "False", "false",
    "True.", "yes", "Yes", "yes ", "yes\u200b", "s\u00ed", "si\u0301", "no", "-", "?", "na", "NAN", "Null",
    *NULL_WORDS, "", " ", "\t",
]
# fmt: on


def counted(content: bytes) -> tuple[str, Any, bytes] | None:
    """Return the problem type, the number of classes (None for a regression) and the training set; None if refused."""
    train = io.BytesIO()
    try:
        profile = inspect([content], InspectionSettings(target="y", salt="s"), train, io.BytesIO()).profile
    except DatasetError:
        return None
    target = profile["target"]
    return target["problem_type"], target["classes"] and len(target["classes"]), train.getvalue()


def trained(content: bytes) -> tuple[str, Any]:
    """Return the same of training."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "train.csv")
        path.write_bytes(content)
        job = Job(path.parent, None, "y", None, None, None, "ENSEMBLING", (path,), (), 0.2, 0)
        dataset = prepare(job)
    return dataset.problem_type, len(dataset.classes) or None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(CELLS), min_size=2, max_size=6, unique=True), st.integers(0, 9))
def test_the_classes_that_the_preflight_counts_are_trained(cells: list[str], seed: int) -> None:
    draw = random.Random(seed)
    rows = "".join(f'{draw.random()},"{draw.choice(cells)}"\n' for _ in range(900))
    found = counted(f"x,y\n{rows}".encode())
    if found is None:
        return
    problem_type, classes, training = found
    try:
        assert trained(training) == (problem_type, classes)
    except JobFailed as error:
        raise AssertionError("the pre-flight let through what cannot be trained") from error
