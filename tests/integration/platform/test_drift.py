"""The daily check: what is counted becomes a verdict that the tenant reads, and an event once a model drifts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.drift import verdict
from tenantml.domain.drift.watch import packed
from tenantml.domain.tenancy.tenant import OFFBOARDED, Tenant
from tenantml.errors import DatasetUnavailable
from tenantml.services import registry
from tenantml.services.registry import keys, table
from tests.rows import put_version

VERSION = "v20261122-170301-9f3c"
Invoke = Callable[[str, Any], Any]
PROFILE = {
    "target": {"column": "Churn?"},
    "columns": [
        {"name": "age", "type": "integer", "bins": {"counts": [1000, 1000, 0], "edges": [40]}},
        {"name": "Churn?", "type": "category"},
    ],
}


@pytest.fixture(autouse=True)
def live(tenant: Tenant, stack: dict[str, str]) -> None:
    """A version that answers, with its profile."""
    place = {"bucket": stack["STAGING_BUCKET"], "key": "acme/churn/e/profile.json"}
    objects.put_json(platform("s3"), place["bucket"], place["key"], json.dumps(PROFILE))
    put_version("acme", "churn", VERSION, {"profile": place, "score_bins": {"counts": [500, 500, 0], "edges": [0.5]}})
    registry.promote("acme", "churn", VERSION)


@pytest.fixture
def told(stack: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """What is published meanwhile."""
    published: list[dict[str, Any]] = []

    def listen(params: dict[str, Any], **_: Any) -> None:
        published.extend(params["Entries"])

    events = platform("events").meta.events
    events.register("provide-client-params.events.PutEvents", listen)
    yield published
    events.unregister("provide-client-params.events.PutEvents", listen)


@pytest.fixture
def ask(invoke: Invoke, event: Callable[[str], Any]) -> Callable[[str], Any]:
    """Ask the API for what is known of a version's drift."""

    def ask(version: str) -> Any:
        sample = event("tenant_api") | {
            "httpMethod": "GET",
            "resource": "/models/{model}/versions/{version}/drift",
            "pathParameters": {"model": "churn", "version": version},
            "queryStringParameters": None,
            "multiValueQueryStringParameters": None,
            "body": None,
        }
        answer = invoke("tenant_api", sample)
        return answer["statusCode"], json.loads(answer["body"])

    return ask


def count(*counts: int) -> None:
    """Count as a process of the predict function does."""
    table.add(keys.binned("acme", "churn", VERSION), packed(counts), 2**31)


def check(invoke: Invoke, event: Callable[[str], Any]) -> Any:
    return invoke("check_drift", event("check_drift"))["drifted"]


def test_a_model_that_drifts_in_two_windows_is_announced_once_and_told_in_words(
    invoke: Invoke, event: Callable[[str], Any], ask: Callable[[str], Any], told: list[dict[str, Any]]
) -> None:
    status, answer = ask(VERSION)
    assert (status, answer["status"], answer["checked_at"]) == (200, verdict.UNKNOWN, None)
    count(290, 9, 0, 150, 149, 0)
    assert check(invoke, event) == []
    assert ask(VERSION)[1]["sentences"] == ["299 rows are counted, and from 300 on something can be said."]
    count(1, 0, 0, 1, 0, 0)
    assert check(invoke, event) == []
    found = ask(VERSION)[1]
    assert (found["status"], found["proposal"]) == (verdict.SUSPECTED, None)
    count(400, 50, 0, 230, 220, 0)
    assert check(invoke, event) == ["churn"]
    count(400, 50, 0, 230, 220, 0)
    assert check(invoke, event) == []
    assert [(entry["DetailType"], json.loads(entry["Detail"])) for entry in told] == [
        ("Drift Detected", {"tenant": "acme", "model": "churn", "version": VERSION})
    ]
    found = ask(VERSION)[1]
    assert found["status"] == verdict.DRIFTED
    assert found["sentences"][0].startswith("The column 'age' has drifted in 3 windows")
    assert found["sentences"][0].endswith("the lowest numbers in 89% of the rows, 50% before.")
    assert (found["answers"]["windows"], found["left_out"], found["window_rows"]) == (0, 0, 450)
    assert "POST /models/{model}/uploads" in found["proposal"]


def test_a_version_of_before_there_were_bins_a_paused_model_and_a_tenant_that_left_are_no_failure(
    invoke: Invoke, event: Callable[[str], Any], ask: Callable[[str], Any], stack: dict[str, str]
) -> None:
    old = PROFILE | {"columns": [{"name": "age", "type": "integer"}, {"name": "Churn?", "type": "category"}]}
    objects.put_json(platform("s3"), stack["STAGING_BUCKET"], "acme/churn/e/profile.json", json.dumps(old))
    registry.update_version("acme", "churn", VERSION, {"score_bins": None})
    assert check(invoke, event) == []
    assert "1 columns are not watched" in ask(VERSION)[1]["sentences"][-1]
    registry.update_version("acme", "churn", VERSION, {"profile": {"bucket": stack["STAGING_BUCKET"], "key": "gone"}})
    assert check(invoke, event) == []
    registry.set_tenant_status("acme", OFFBOARDED)
    assert check(invoke, event) == []


def test_what_is_known_of_a_models_drift_goes_with_the_model(invoke: Invoke, event: Callable[[str], Any]) -> None:
    count(300, 0, 0, 150, 150, 0)
    check(invoke, event)
    assert table.get(keys.drift("acme", "churn", VERSION))
    registry.forget("acme", "churn")
    assert table.get(keys.drift("acme", "churn", VERSION)) is None
    assert table.get(keys.binned("acme", "churn", VERSION)) is None


def test_a_check_that_aws_does_not_let_us_make_now_is_made_later(
    invoke: Invoke, event: Callable[[str], Any], answer_with: Callable[..., None]
) -> None:
    count(300, 0, 0, 150, 150, 0)
    answer_with("s3", "GetObject", 503, "SlowDown")
    with pytest.raises(DatasetUnavailable):
        check(invoke, event)
    assert table.get(keys.drift("acme", "churn", VERSION)) is None
