"""Container preparation: what is wanted is asked for, and the job's description is left as it was."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tenantml.domain.predictions.answers import OUTPUT_KEYS
from tenantml.domain.training.inference_containers import prepare_containers
from tenantml.errors import NoCandidate


def container(supported: str | None = None, **environment: str) -> dict[str, Any]:
    declared = {} if supported is None else {"SAGEMAKER_INFERENCE_SUPPORTED": supported}
    return {"Image": "an/image:1", "ModelDataUrl": "s3://a/model.tar.gz", "Environment": {**environment, **declared}}


ENSEMBLE = [container("predicted_label,probability,probabilities,labels", SAGEMAKER_INFERENCE_OUTPUT="predicted_label")]
TUNED = [
    container(AUTOML_TRANSFORM_MODE="feature-transform"),
    container("predicted_label,probability,probabilities", SAGEMAKER_INFERENCE_OUTPUT="predicted_label"),
    container(
        "predicted_label,probability,labels,probabilities",
        SAGEMAKER_INFERENCE_INPUT="predicted_label",
        SAGEMAKER_INFERENCE_OUTPUT="predicted_label",
    ),
]


def environments(containers: list[dict[str, Any]], name: str) -> list[str | None]:
    return [found["Environment"].get(f"SAGEMAKER_INFERENCE_{name}") for found in containers]


def test_an_ensemble_answers_with_every_key() -> None:
    prepared = prepare_containers(ENSEMBLE, OUTPUT_KEYS)
    assert environments(prepared, "OUTPUT") == ["predicted_label,probability,probabilities,labels"]
    assert environments(prepared, "INPUT") == [None]


def test_a_tuned_pipeline_hands_the_keys_from_container_to_container() -> None:
    prepared = prepare_containers(TUNED, OUTPUT_KEYS)
    passed_on = "predicted_label,probability,probabilities"
    assert environments(prepared, "OUTPUT") == [None, passed_on, "predicted_label,probability,probabilities,labels"]
    assert environments(prepared, "INPUT") == [None, None, passed_on]


def test_the_candidate_is_never_changed() -> None:
    before = copy.deepcopy(TUNED)
    prepared = prepare_containers(TUNED, OUTPUT_KEYS)
    prepared[1]["Environment"]["LATER"] = "1"
    assert before == TUNED


def test_regression_sends_nothing() -> None:
    regression = [container(), {"Image": "an/image:1", "ModelDataUrl": "s3://a/model.tar.gz"}]
    assert prepare_containers(regression, ()) == regression


def test_a_pipeline_whose_middle_container_cannot_pass_the_keys_on_is_refused() -> None:
    with pytest.raises(NoCandidate, match="container 2 of 3"):
        prepare_containers([TUNED[0], container(), TUNED[2]], OUTPUT_KEYS)


def test_a_candidate_that_supports_nothing_is_refused() -> None:
    with pytest.raises(NoCandidate, match="only its default"):
        prepare_containers([container()], OUTPUT_KEYS)


def test_a_candidate_that_lacks_a_key_is_refused_by_the_name_of_the_key() -> None:
    with pytest.raises(NoCandidate, match=r"answer with labels; it supports predicted_label, probability"):
        prepare_containers([container("predicted_label, probability")], ("predicted_label", "labels"))


def test_a_candidate_without_containers_is_refused() -> None:
    with pytest.raises(NoCandidate, match="no inference containers"):
        prepare_containers([], OUTPUT_KEYS)
