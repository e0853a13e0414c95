"""As many predictions as rows, in their order, however many calls of the endpoint that takes."""

from __future__ import annotations

import json

import pytest

from tenantml.aws import clients
from tenantml.aws.s3 import objects
from tests.integration.predict.conftest import PROFILE, STAGING, VERSION, Process
from tests.rows import put_version

NEWER = "v99990101-000000-ffff"


def test_a_large_request_is_cut_to_what_the_endpoint_takes_and_joined_in_order(process: Process) -> None:
    tenant = process.add_tenant(1)
    process.accounts.next_answers = [(200, "", b"1\n" * 5000), (200, "", b"2\n" * 5000)]
    status, _, answer = process.predict(tenant, row_count=10_000)
    assert status == 200
    assert [found["predicted_value"] for found in answer["predictions"]] == [1.0] * 5000 + [2.0] * 5000
    assert len(process.accounts.calls) == 2


def test_an_answer_names_the_version_that_gave_it_and_its_request(process: Process) -> None:
    _, headers, answer = process.predict(process.add_tenant(7))
    assert answer["model"] == "churn"
    assert answer["version"] == VERSION
    assert answer["request_id"] == headers["X-Request-Id"]
    assert answer["predictions"] == [{"predicted_value": 7.0}]


def test_rows_are_bound_to_the_profile_of_the_version_that_answers_and_not_to_a_newer_ones(process: Process) -> None:
    tenant = process.add_tenant(7)
    newer = {
        "columns": [{"name": "shoe size", "type": "integer"}, *PROFILE["columns"][2:]],
        "target": PROFILE["target"],
    }
    objects.put_json(clients.platform("s3"), STAGING, "newer.json", json.dumps(newer))
    deploying = {"profile": {"bucket": STAGING, "key": "newer.json"}, "output_keys": [], "serverless": False}
    put_version(tenant.tenant, "churn", NEWER, deploying | {"endpoint": f"tenantml-churn-{NEWER}"})
    status, _, answer = process.predict(tenant)
    assert (status, answer["version"]) == (200, VERSION)
    assert process.accounts.calls


@pytest.mark.parametrize("row_count", [0, 10_001])
def test_no_rows_and_too_many_cost_no_call(process: Process, row_count: int) -> None:
    status, _, problem = process.predict(process.add_tenant(1), row_count=row_count)
    assert (status, problem["code"]) == ((400, "NoRows") if row_count == 0 else (413, "TooManyRows"))
    assert process.accounts.calls == []
