"""What an operator may ask to be removed, what of an account is ours, and what a report says."""

from __future__ import annotations

from typing import Any

import pytest

from tenantml.domain.tenancy import removal_report
from tenantml.domain.tenancy.removal_report import Offboarding
from tenantml.errors import InvalidOperation
from tests.tenants import account_of

ACCOUNT = account_of("222222222222", "us-east-1")


def test_a_request_becomes_what_is_removed_and_travels_through_the_state_machine() -> None:
    wanted = Offboarding.of({"tenant": "acme", "model": "churn", "keep": ["artefacts"], "abandon": True})
    assert (wanted.tenant, wanted.model, wanted.keep, wanted.abandon) == ("acme", "churn", ("artefacts",), True)
    assert Offboarding.from_document(wanted.as_document()) == wanted


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({}, "tenant"),
        ({"tenant": "../x"}, "tenant"),
        ({"tenant": "acme", "model": "UPPER"}, "model"),
        ({"tenant": "acme", "keep": "artefacts"}, "keep"),
        ({"tenant": "acme", "keep": ["endpoints"]}, "keep"),
        ({"tenant": "acme", "model": "churn", "keep": ["models"]}, "keep"),
        ({"tenant": "acme", "keep": [["artefacts"]]}, "keep"),
        ({"tenant": "acme", "abandon": "yes"}, "abandon"),
        ({"tenant": "acme", "force": True}, "force"),
    ],
)
def test_a_request_that_cannot_be_understood_names_the_field(request_: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidOperation, match=f"^{field}: "):
        Offboarding.of(request_)


def test_a_model_owns_its_versions_and_not_those_of_a_model_whose_name_begins_alike() -> None:
    wanted = Offboarding("acme", "churn")
    assert wanted.owns(ACCOUNT, "tml-abc234-churn-v20261122-170301-9f3c")
    for name in (
        "tml-abc234-churn-2-v20261122-170301-9f3c",
        "tml-abc234-churn-v2-v20261122-170301-9f3c",
        "tml-abc234-churn-v20261122-170301-9f3c-x",
        "tml-another-churn-v20261122-170301-9f3c",
        "churn-v20261122-170301-9f3c",
    ):
        assert not wanted.owns(ACCOUNT, name)
        assert Offboarding("acme").owns(ACCOUNT, name) == name.startswith("tml-abc234-")


def test_sessions_have_a_name_that_sts_takes() -> None:
    assert len(Offboarding("acme", "m" * 30).purpose) <= 64
    assert Offboarding("acme").our_folder == "acme/"
    assert Offboarding("acme", "churn").our_folder == "acme/churn/"


def test_what_remains_of_an_account_that_lets_us_in_no_more_is_what_the_registry_knows() -> None:
    account = ACCOUNT
    versions = [
        {"version": "v2", "status": "live", "endpoint": "tml-abc234-churn-v2"},
        {"version": "v1", "status": "retired", "endpoint": "tml-abc234-churn-v1"},
        {"version": "v0", "status": "rolled back", "endpoint": "tml-abc234-churn-v0"},
    ]
    executions = [
        {"execution": "e2", "model": "churn", "status": "succeeded", "training": {"job_name": "tml-abc234-j2-1"}},
        {"execution": "e1", "model": "churn", "status": "failed", "left_behind": ["arn:left"], "training": None},
        {"execution": "e0", "status": "failed"},
    ]
    found = removal_report.remaining(account, versions, executions, {"e2"})
    assert list(found) == [
        *(
            f"arn:aws:sagemaker:us-east-1:222222222222:{kind}/tml-abc234-churn-v2"
            for kind in ("endpoint", "endpoint-config")
        ),
        "arn:aws:sagemaker:us-east-1:222222222222:model/tml-abc234-churn-v2",
        "arn:aws:s3:::tml-abc234-222222222222-us-east-1/churn/e2/*",
        "arn:left",
    ]
    assert removal_report.job_names(executions) == {"tml-abc234-j2-1"}


def test_a_report_lists_what_became_of_each_thing_and_its_digest_covers_all_of_it() -> None:
    notes = [
        {"arn": "b", "fate": "removed", "at": "t", "reason": "", "objects": 3},
        {"arn": "a", "fate": "removed", "at": "t", "reason": ""},
        {"arn": "c", "fate": "impossible", "at": "t", "reason": "no operation"},
    ]
    whole = removal_report.report({"removal": "all-1", "status": "complete"}, notes)
    assert whole["counts"] == {"removed": 2, "kept": 0, "impossible": 1, "remains": 0}
    assert [row["arn"] for row in whole["removed"]] == ["a", "b"]
    assert whole["digest"] == removal_report.digest(whole)
    assert whole["digest"] != removal_report.report({"removal": "all-1", "status": "complete"}, notes[:2])["digest"]


def test_a_shortened_report_keeps_its_counts_and_digest() -> None:
    notes = [{"arn": f"{number:04}", "fate": "impossible", "at": "t", "reason": "r"} for number in range(500)]
    whole = removal_report.report({"removal": "all-1"}, notes)
    short = removal_report.shortened(whole)
    assert len(short["impossible"]) == removal_report.SHOWN
    assert (short["counts"]["impossible"], short["digest"]) == (500, whole["digest"])


def test_a_batch_leaves_its_result_and_while_it_runs_its_model() -> None:
    account = ACCOUNT
    batch = {"model": "churn", "batch": "b", "transform": {"job_name": "tml-abc234-b-1"}}
    executions = [
        batch | {"execution": "running", "status": "running"},
        batch | {"execution": "kept", "status": "succeeded", "result": {"expires_at": "2026-12-01T00:00:00Z"}},
        batch | {"execution": "failed", "status": "failed"},
    ]
    bucket, sagemaker = account.bucket_arn, "arn:aws:sagemaker:us-east-1:222222222222"
    found = removal_report.remaining(account, [], executions, set())
    assert set(found) == {f"{sagemaker}:model/tml-abc234-b-1", f"{bucket}/churn/running/*", f"{bucket}/churn/kept/*"}
    assert removal_report.transform_names([*executions, {"execution": "trained"}]) == {"tml-abc234-b-1"}
