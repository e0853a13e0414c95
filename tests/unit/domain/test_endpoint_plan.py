"""On what a version is served: the rung that its artefacts fit, what the settings say instead, and the steps up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.training.endpoint_plan import (
    GIB,
    LADDER,
    MOST_STEPS_UP,
    SMALLEST,
    WORKERS,
    Rung,
    expected_type,
    plan,
    transform_type,
    with_workers,
)
from tenantml.domain.training.instance_shapes import shape_of
from tenantml.domain.training.instance_types import INSTANCE_TYPES
from tenantml.domain.training.model_settings import ModelSettings

FREE = ModelSettings("y")
NOT_UP = "The primary container for production variant AllTraffic did not pass the ping health check."


@pytest.mark.parametrize(
    ("sizes", "containers", "instance_type", "workers"),
    [
        ([120 * 1024**2], 1, "ml.m5.2xlarge", None),
        ([GIB], 1, "ml.m5.2xlarge", None),
        ([GIB + 1], 1, "ml.m5.4xlarge", 4),
        ([4 * GIB, 8 * GIB], 3, "ml.m5.12xlarge", 4),
        ([13 * GIB], 1, "ml.m5.24xlarge", 4),
        ([500 * GIB], 1, "ml.m5.24xlarge", 4),
        ([None], 1, "ml.m5.2xlarge", None),
    ],
)
def test_the_smallest_rung_is_chosen_that_the_artefacts_fit(
    sizes: list[int | None], containers: int, instance_type: str, workers: int | None
) -> None:
    found = plan(FREE, containers, sizes)
    assert (found.instance_type, found.workers, found.steps_up) == (instance_type, workers, 0)
    assert instance_type in found.reason


def test_every_rung_exists_and_has_more_memory_per_worker_than_the_one_before() -> None:
    assert {rung.instance_type for rung in LADDER} <= set(INSTANCE_TYPES)
    limits = [rung.artefact_bytes for rung in LADDER]
    assert limits == sorted(set(limits))
    # SageMaker developer guide, "Deploy Autopilot models for real-time inference": what its example deploys on
    assert LADDER[0].instance_type == SMALLEST == "ml.m5.2xlarge"


@given(st.lists(st.none() | st.integers(0, 2**45), min_size=1, max_size=5), st.text())
def test_whatever_fails_the_steps_up_end(sizes: list[int | None], failure: str) -> None:
    tried = [plan(FREE, len(sizes), sizes)]
    while larger := tried[-1].larger(f"{failure} {NOT_UP}"):
        tried.append(larger)
    types = [rung.instance_type for rung in LADDER]
    positions = [types.index(str(one.instance_type)) for one in tried]
    assert positions == list(range(positions[0], positions[0] + len(tried)))
    assert len(tried) == 1 + min(MOST_STEPS_UP, len(LADDER) - 1 - positions[0])


def test_a_step_up_says_what_was_tried_before() -> None:
    larger = plan(FREE, 1, [1]).larger(NOT_UP)
    assert larger
    assert (larger.instance_type, larger.workers, larger.steps_up) == ("ml.m5.4xlarge", 4, 1)
    assert larger.reason == (
        "one container with artefacts of 1 MiB: ml.m5.2xlarge with 4 GiB for each of 8 workers; its container did not "
        "come up there, so it was tried on ml.m5.4xlarge with 16 GiB for each of 4 workers"
    )


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "Failed to download model data",
        "ResourceLimitExceeded",
        "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error.",
    ],
)
def test_what_a_larger_instance_does_not_heal_is_not_tried_on_one(reason: str) -> None:
    assert plan(FREE, 1, [1]).larger(reason) is None


@pytest.mark.parametrize(
    "settings",
    [ModelSettings("y", instance_type="ml.t2.medium", instance_count=3), ModelSettings("y", serverless_memory_mb=4096)],
)
def test_what_the_settings_say_is_honoured_whatever_the_size(settings: ModelSettings) -> None:
    found = plan(settings, 1, [500 * GIB])
    assert (found.instance_type, found.serverless_memory_mb) == (settings.instance_type, settings.serverless_memory_mb)
    assert (found.workers, found.steps_up, found.larger(NOT_UP)) == (None, None, None)
    assert "of the settings" in found.reason
    assert found.instance_count == (3 if settings.instance_type else None)


def test_the_expected_type_is_the_settings_or_the_smallest_rung() -> None:
    assert expected_type(FREE) == SMALLEST
    assert expected_type(ModelSettings("y", instance_type="ml.c5.large")) == "ml.c5.large"
    assert expected_type(ModelSettings("y", serverless_memory_mb=4096)) is None


def test_workers_are_asked_for_in_each_container_and_the_description_stays_as_it_was() -> None:
    containers = [{"Image": "one", "Environment": {"A": "1"}}, {"Image": "two"}]
    assert with_workers(containers, 4) == [
        {"Image": "one", "Environment": {"A": "1", WORKERS: "4"}},
        {"Image": "two", "Environment": {WORKERS: "4"}},
    ]
    assert (
        with_workers(containers, None) == containers == [{"Image": "one", "Environment": {"A": "1"}}, {"Image": "two"}]
    )


def test_only_types_that_the_account_allows_are_chosen_and_tried() -> None:
    allowed = ("ml.c5.large", "ml.m5.12xlarge", "ml.m5.4xlarge")
    first = plan(FREE, 1, [1], allowed)
    assert (first.instance_type, expected_type(FREE, allowed)) == ("ml.m5.4xlarge", "ml.m5.4xlarge")
    second = first.larger(NOT_UP, allowed)
    assert second
    assert (second.instance_type, second.larger(NOT_UP, allowed)) == ("ml.m5.12xlarge", None)
    assert plan(FREE, 1, [500 * GIB], allowed).instance_type == "ml.m5.12xlarge"


def test_an_account_that_allows_no_type_of_the_ladder_gets_the_smallest_of_its_own_that_the_artefacts_fit() -> None:
    allowed = ("ml.g5.xlarge", "ml.r5.4xlarge", "ml.m6g.large", "ml.c5.large", "ml.m5.xlarge", "ml.r5.large")
    smallest = plan(FREE, 1, [1], allowed)
    assert (smallest.instance_type, smallest.workers) == ("ml.c5.large", 1)
    assert smallest.reason == (
        "one container with artefacts of 1 MiB: ml.c5.large with 4 GiB for its one worker, of the types that the "
        "customer's account allows the smallest with the memory for it"
    )
    assert expected_type(FREE, allowed) == "ml.c5.large"
    fitting = plan(FREE, 1, [2 * GIB], allowed)
    assert (fitting.instance_type, fitting.workers) == ("ml.r5.large", None)
    larger = smallest.larger(NOT_UP, allowed)
    assert larger
    assert (larger.instance_type, larger.workers) == ("ml.r5.large", None)
    most = plan(FREE, 1, [500 * GIB], allowed)
    assert (most.instance_type, most.workers, most.larger(NOT_UP, allowed)) == ("ml.r5.4xlarge", 4, None)
    assert most.reason.endswith("the one of the most memory, which may be too little")


def test_an_account_that_allows_only_types_of_which_nothing_is_known_gets_its_first() -> None:
    found = plan(FREE, 1, [1], ("ml.inf1.xlarge", "ml.g5.xlarge"))
    assert (found.instance_type, found.larger(NOT_UP)) == ("ml.inf1.xlarge", None)
    assert "memory is known" in found.reason


def test_a_batch_of_a_serverless_version_runs_on_the_smallest_type_that_is_allowed() -> None:
    serverless = {"instance_type": None}
    assert transform_type({"instance_type": "ml.m5.large"}, ("ml.c5.large",)) == "ml.m5.large"
    assert transform_type(serverless) == SMALLEST
    assert transform_type(serverless, ("ml.m5.24xlarge", "ml.m5.4xlarge")) == "ml.m5.4xlarge"
    assert transform_type(serverless, ("ml.m5.xlarge", "ml.c5.large")) == "ml.c5.large"
    assert transform_type(serverless, ("ml.inf1.xlarge",)) == "ml.inf1.xlarge"


@pytest.mark.parametrize("rung", LADDER)
def test_the_shapes_of_types_are_those_of_the_ladder(rung: Rung) -> None:
    assert shape_of(rung.instance_type) == (rung.vcpus, rung.memory_gib)


@pytest.mark.parametrize(
    ("instance_type", "shape"),  # EC2 user guide, "Instance type specifications"
    [
        ("ml.t2.medium", (2, 4)), ("ml.t2.large", (2, 8)), ("ml.m4.10xlarge", (40, 160)), ("ml.c4.4xlarge", (16, 30)),
        ("ml.c5.9xlarge", (36, 72)), ("ml.r6i.32xlarge", (128, 1024)), ("ml.trn1.2xlarge", None),
    ],
)  # fmt: skip
def test_what_a_type_has_is_what_ec2_documents(instance_type: str, shape: tuple[int, int] | None) -> None:
    assert shape_of(instance_type) == shape


def test_every_type_that_sagemaker_knows_has_a_shape_or_none() -> None:
    assert {shape_of(name) is None for name in INSTANCE_TYPES} == {True, False}
