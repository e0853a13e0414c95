"""A run: everything that one execution makes is named by it."""

from __future__ import annotations

import pytest

from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Destination, Upload

UPLOAD = Upload("ingest", "acme/churn/a.csv", "v1", "etag", 10, "01", "2026-11-22T17:03:01Z")


def test_the_same_upload_is_always_the_same_run() -> None:
    run = Run.of(UPLOAD, Destination("acme", "churn"))
    assert run == Run.of(Upload(**UPLOAD.as_input()), Destination("acme", "churn"))
    assert Run(**run.as_document()) == run


@pytest.mark.parametrize(
    "forged",
    [
        {"model": "churn-v20260101", "version": "000000-abcd"},  # would have the endpoint's name of churn's version
        {"tenant": "acme/other"},
        {"model": "../churn"},
        {"version": "v1"},
    ],
)
def test_a_run_that_travels_has_names_of_ours_alone(forged: dict[str, str]) -> None:
    run = {"execution": "e", "tenant": "acme", "model": "churn", "version": "v20260101-000000-abcd"}
    assert Run.of_document(run).as_document() == run
    with pytest.raises(ValueError, match="no name"):
        Run.of_document(run | forged)


def test_a_run_names_its_folders() -> None:
    run = Run("acme-churn-9f3c000000000000", "acme", "churn", "v20261122-170301-9f3c")
    assert run.staging_folder == "acme/churn/acme-churn-9f3c000000000000/"
    assert run.customer_folder == "churn/acme-churn-9f3c000000000000/"
