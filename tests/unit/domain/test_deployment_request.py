"""What a tenant may ask to be deployed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.training.deployment_request import OVERRIDES, DeploymentRequest, choose
from tenantml.domain.training.endpoint_plan import plan
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import ArtefactsGone, InvalidRequest, NotTrained
from tests.tenants import account_of

CANDIDATES = [
    {"name": "a", "status": "Completed"},
    {"name": "b", "status": "Completed"},
    {"name": "c", "status": "Failed"},
]
TRAINED = {"ended_at": "2026", "training": {"candidate": "b", "candidates": CANDIDATES}}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
)


def request(**more: Any) -> DeploymentRequest:
    return DeploymentRequest.from_document({"execution": "acme-churn-0f3c9a8b7d6e5f41"} | more)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"execution": 1},
        {"execution": "e", "model": "churn"},
        {"execution": "e", "candidate": 1},
        {"candidate": "a"},
    ],
)
def test_a_malformed_request_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        DeploymentRequest.from_document(document)


def test_an_instance_that_is_asked_for_is_what_a_serverless_model_is_served_on_this_time() -> None:
    model = {"target": "Churn?", "serverless_memory_mb": 4096}
    for asked in ({"instance_type": "ml.m5.large"}, {"instance_type": "ml.m5.large", "serverless_memory_mb": None}):
        settings = ModelSettings.from_document(model | request(**asked).settings)
        assert (found := plan(settings, account_of(), 1, [1])).instance_type == "ml.m5.large", found
    for asked in ({}, {"instance_type": None}, {"promote": "always"}, {"serverless_memory_mb": 5120}):
        settings = ModelSettings.from_document(model | {"instance_type": "ml.m5.large"} | request(**asked).settings)
        assert plan(settings, account_of(), 1, [1]).serverless_memory_mb == asked.get("serverless_memory_mb", 4096)
    for kind, model in (
        ("serverless", {"instance_type": "ml.m5.large", "instance_count": 2}),
        ("real-time", {"serverless_memory_mb": 4096}),
        ("none", {"serverless_memory_mb": 4096}),
    ):
        settings = ModelSettings.from_document({"target": "y"} | model | request(endpoint=kind).settings)
        assert plan(settings, account_of(), 1, [1]).endpoint == kind
    with pytest.raises(InvalidRequest, match="one of both"):
        request(instance_type="ml.m5.large", serverless_memory_mb=4096)


def test_what_is_not_asked_for_is_what_the_training_chose() -> None:
    assert choose(request(), TRAINED, is_kept=True) == "b"
    assert choose(request(candidate="a"), TRAINED, is_kept=True) == "a"


def test_a_training_that_chose_none_for_its_thresholds_can_be_deployed_all_the_same() -> None:
    assert choose(request(), {"ended_at": "2026", "training": {"candidates": CANDIDATES}}, is_kept=True) == "a"


@pytest.mark.parametrize("name", ["c", "d", ""])
def test_a_candidate_that_cannot_answer_is_refused_with_the_names_of_those_that_can(name: str) -> None:
    with pytest.raises(InvalidRequest, match=r"it has a, b$"):
        choose(request(candidate=name), TRAINED, is_kept=True)


@pytest.mark.parametrize(
    ("execution", "kept"),
    [({"ended_at": "2026"}, False), ({"training": {"candidates": CANDIDATES}}, False), ({"training": None}, False)],
)
def test_a_training_that_came_to_nothing_or_still_runs_has_nothing_to_deploy(
    execution: dict[str, Any], kept: bool
) -> None:
    with pytest.raises(NotTrained):
        choose(request(), execution, is_kept=kept)


def test_a_training_whose_artefacts_are_deleted_says_so() -> None:
    with pytest.raises(ArtefactsGone, match="keep_versions"):
        choose(request(), TRAINED, is_kept=False)


@given(st.dictionaries(st.sampled_from([*OVERRIDES, "execution", "candidate", "other"]), JSON))
def test_a_request_of_any_json_is_read_or_refused_by_name(document: dict[str, Any]) -> None:
    try:
        request(**document)
    except InvalidRequest:
        return
