"""Views: what is shown is chosen, so nothing internal slips out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tenantml.domain.api import views
from tenantml.domain.judging.baking import Served

INTERNAL = {"pk": "TENANT#acme", "sk": "x", "announced": True, "newest_upload": "x", "profile": {"bucket": "ours"}}
INTERNAL["holdout_salt"] = "secret"


def test_a_model_shows_its_settings_and_what_is_live() -> None:
    nothing = dict.fromkeys(("paused_version", "paused_at", "paused_by", "resumes_as", "error"))
    assert views.model({**INTERNAL, "model": "churn", "settings": {"target": "y"}}, None, None) == {
        "model": "churn",
        "settings": {"target": "y"},
        "live_version": None,
        "state": {"status": "empty"} | nothing,
        "revision": 0,
        "updated_at": None,
    }


def test_a_model_shows_whether_it_answers_and_who_paused_it() -> None:
    model = {"model": "churn", "settings": {}}
    paused = {"version": "v1", "at": "2026-11-29T00:00:00Z", "by": "0123456789ab", "pause": "a1b2c3"}
    assert views.model(model | {"live_version": "v1", "paused": None}, None, None)["state"]["status"] == "live"
    shown = views.model(model | {"live_version": None, "paused": paused}, None, None)["state"]
    assert shown == {
        "status": "paused",
        "paused_version": "v1",
        "paused_at": "2026-11-29T00:00:00Z",
        "paused_by": "0123456789ab",
        "resumes_as": None,
        "error": None,
    }
    resuming = views.model(model | {"live_version": None, "paused": paused}, "v2", None)["state"]
    assert (resuming["status"], resuming["resumes_as"]) == ("resuming", "v2")


def test_a_version_shows_nothing_internal() -> None:
    row = {**INTERNAL, "version": "v1", "status": "live"}
    shown = views.version(row, "v1")
    assert (shown["version"], shown["live"], shown["status"], shown["candidate"]) == ("v1", True, "live", None)
    assert not views.version(row, "v2")["live"]
    assert not views.version(row, None)["live"]
    assert not shown.keys() & INTERNAL.keys()


def test_a_versions_details_are_those_of_the_execution_that_trained_it() -> None:
    candidates = [{"name": "a", "metric": "F1", "value": 0.9, "status": "Completed"}]
    trained_by = {**INTERNAL, "training": {"candidates": candidates}, "rows": {"train": 500, "holdout": 69}}
    shown = views.version_details({"version": "v1"}, "v1", trained_by, Served(8, 2, 400))
    assert (shown["candidates"], shown["rows"], shown["advice"]) == (candidates, {"train": 500, "holdout": 69}, [])
    assert shown["served"] == {"requests": 8, "failures": 2, "mean_ms": 50}
    assert not shown.keys() & INTERNAL.keys()
    assert views.version_details({"version": "v1"}, None, {}, Served())["candidates"] == []


def test_an_execution_that_was_refused_at_once_shows_what_it_has() -> None:
    shown = views.execution({"execution": "e", "status": "failed", "error": {"code": "WrongUploadKey", "message": "m"}})
    assert shown["error"] == {"code": "WrongUploadKey", "message": "m"}
    assert (shown["model"], shown["training"], shown["advice"], shown["left_behind"]) == (None, None, [], [])
    assert shown["upload"] == {"key": None, "version_id": None, "size_bytes": None, "uploaded_at": None}


def test_a_list_shows_executions_without_advice_and_candidates() -> None:
    training = {"job_name": "j", "status": "Completed", "candidates": [{"name": "a"}]}
    row = {"execution": "e", "advice": [{"rule": "constant-column"}], "training": training}
    assert (views.execution(row)["advice"], views.execution(row)["training"]) == (row["advice"], training)
    summary = views.execution_summary(row)
    assert "advice" not in summary
    assert summary["training"] == {"job_name": "j", "status": "Completed"}
    assert views.execution_summary({"execution": "e"})["training"] is None


@pytest.mark.parametrize("view", [views.execution, views.execution_summary, views.batch])
def test_what_has_ended_is_in_no_state(view: Callable[[views.Row], views.Row]) -> None:
    row = {"execution": "e", "status": "running", "state": "PromoteVersion"}
    assert view(row)["state"] == "PromoteVersion"
    assert view(row | {"status": "succeeded", "ended_at": "2026-11-29T00:00:00Z"})["state"] is None


def test_an_execution_shows_its_upload_without_our_bucket() -> None:
    upload = {"bucket": "ours", "key": "acme/churn/a.csv", "version_id": "1", "size_bytes": 5, "etag": "x"}
    shown = views.execution({**INTERNAL, "execution": "e", "upload": upload, "left_behind": ["arn:x"]})
    assert shown["upload"] == {"key": "acme/churn/a.csv", "version_id": "1", "size_bytes": 5, "uploaded_at": None}
    assert shown["left_behind"] == ["arn:x"]
    assert not shown.keys() & INTERNAL.keys()
