"""Our container preparation equals that of the SageMaker SDK, version 2; every metric of Autopilot has a direction."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import pytest
from botocore.session import get_session
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.domain.predictions.answers import OUTPUT_KEYS
from tenantml.domain.training.candidates import MAXIMIZED, MINIMIZED
from tenantml.domain.training.inference_containers import SUPPORTED, prepare_containers
from tenantml.errors import NoCandidate

Containers = list[dict[str, Any]]


def container(role: str, supported: str | None, **environment: str) -> dict[str, Any]:
    """One container in the form of the SageMaker Developer Guide's examples of DescribeAutoMLJob."""
    declared = {} if supported is None else {SUPPORTED: supported}
    return {
        "Image": f"348316444620.dkr.ecr.us-west-2.amazonaws.com/sagemaker-{role}:2.5-1-cpu-py3",
        "ModelDataUrl": f"s3://a-bucket/{role}/output/model.tar.gz",
        "Environment": {"SAGEMAKER_PROGRAM": "sagemaker_serve", **environment, **declared},
    }


ENSEMBLING = [
    container(
        "autogluon", "predicted_label,probability,probabilities,labels", SAGEMAKER_INFERENCE_OUTPUT="predicted_label"
    )
]
TUNED = [
    container("sklearn-automl", None, AUTOML_TRANSFORM_MODE="feature-transform"),
    container("xgboost", "predicted_label,probability,probabilities", SAGEMAKER_INFERENCE_OUTPUT="predicted_label"),
    container(
        "sklearn-automl-inverse",
        "predicted_label,probability,labels,probabilities",
        AUTOML_TRANSFORM_MODE="inverse-label-transform",
        SAGEMAKER_INFERENCE_INPUT="predicted_label",
        SAGEMAKER_INFERENCE_OUTPUT="predicted_label",
    ),
]
TUNED_REGRESSION = [container("sklearn-automl", None), container("xgboost", None)]


@pytest.fixture(scope="module")
def sdk() -> type:
    """The SDK's own class; what its many modules warn of on import is not about us."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from sagemaker.automl.automl import AutoML
    return AutoML


def as_the_sdk_does(sdk: Any, containers: Containers, keys: list[str]) -> Containers:
    """The SDK changes the candidate in place, so it gets one of its own."""
    own = copy.deepcopy(containers)
    sdk.validate_and_update_inference_response(own, keys)
    return own


@pytest.mark.parametrize("candidate", [ENSEMBLING, TUNED], ids=["ensembling", "tuned"])
@pytest.mark.parametrize("keys", [OUTPUT_KEYS, OUTPUT_KEYS[::-1], ("predicted_label",), ("labels", "probability"), ()])
def test_a_candidate_is_prepared_as_the_sdk_does(sdk: type, candidate: Containers, keys: tuple[str, ...]) -> None:
    assert prepare_containers(candidate, keys) == as_the_sdk_does(sdk, candidate, list(keys))


def test_a_regression_candidate_is_left_alone_as_the_sdk_does(sdk: type) -> None:
    assert prepare_containers(TUNED_REGRESSION, ()) == as_the_sdk_does(sdk, TUNED_REGRESSION, []) == TUNED_REGRESSION
    with pytest.raises(ValueError, match="does not support"):
        as_the_sdk_does(sdk, TUNED_REGRESSION, list(OUTPUT_KEYS))
    with pytest.raises(NoCandidate):
        prepare_containers(TUNED_REGRESSION, OUTPUT_KEYS)


def test_the_broken_chain_that_the_sdk_lets_through_is_refused(sdk: type) -> None:
    broken = [TUNED[0], container("xgboost", None), TUNED[2]]
    through = as_the_sdk_does(sdk, broken, list(OUTPUT_KEYS))
    # The last container would have to return all four keys, from an input with the label only.
    assert through[2]["Environment"]["SAGEMAKER_INFERENCE_INPUT"] == "predicted_label"
    with pytest.raises(NoCandidate, match="container 2 of 3"):
        prepare_containers(broken, OUTPUT_KEYS)


_keys = st.lists(st.sampled_from(OUTPUT_KEYS), max_size=4, unique=True)
_environments = st.fixed_dictionaries(
    {"SAGEMAKER_PROGRAM": st.just("sagemaker_serve")},
    optional={
        SUPPORTED: _keys.flatmap(
            lambda keys: st.sampled_from([",".join(keys), " , ".join(keys), ",".join([*keys, "other"])])
        ),
        "SAGEMAKER_INFERENCE_INPUT": st.just("predicted_label"),
        "SAGEMAKER_INFERENCE_OUTPUT": st.just("predicted_label"),
    },
)
_containers = st.fixed_dictionaries(
    {"Image": st.just("an/image:1"), "ModelDataUrl": st.just("s3://a-bucket/model.tar.gz")},
    optional={"Environment": _environments},
)


@settings(max_examples=500, deadline=None)
@given(chain=st.lists(_containers, min_size=1, max_size=4), keys=_keys)
def test_any_chain_is_prepared_as_the_sdk_does_or_refused_for_a_reason(
    sdk: type, chain: Containers, keys: list[str]
) -> None:
    before = copy.deepcopy(chain)
    try:
        expected = as_the_sdk_does(sdk, chain, keys)
    except ValueError:
        with pytest.raises(NoCandidate):
            prepare_containers(chain, keys)
        return
    broken = [link for link in chain[1:] if not link.get("Environment", {}).get(SUPPORTED, "").strip(" ,")]
    if keys and broken:
        with pytest.raises(NoCandidate, match="the chain is broken"):
            prepare_containers(chain, keys)
    else:
        assert prepare_containers(chain, keys) == expected
    assert chain == before


def test_every_metric_that_sagemaker_names_has_one_direction() -> None:
    model = get_session().get_service_model("sagemaker")
    assert set(model.shape_for("AutoMLMetricExtendedEnum").enum) == MAXIMIZED | MINIMIZED
    assert not MAXIMIZED & MINIMIZED
