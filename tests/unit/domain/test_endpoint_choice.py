"""Which kind of endpoint a version gets: every way to decide, each with its reason; and what cannot be is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.training.endpoint_choice import (
    MIB,
    MOST_REQUESTS_PER_HOUR,
    Measured,
    choose,
    serverless_memory_mb,
)
from tenantml.domain.training.endpoint_plan import GIB, EndpointPlan, plan
from tenantml.domain.training.endpoint_rules import ENDPOINTS, SERVERLESS_MEMORY_MB, answers_batches_only
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import ServerlessNotPossible
from tests.tenants import account_of

ACCOUNT = account_of()
IN_A_VPC = account_of("222222222222", "us-east-1", "", ("subnet-1",), ("sg-1",))
WITH_A_KEY = account_of("222222222222", "us-east-1", "arn:aws:kms:us-east-1:222222222222:key/1")
SMALL, LARGE = 120 * MIB, GIB
RARELY, OFTEN = Measured("v1", 12.4), Measured("v1", 1440)
BELOW, FROM = "and below 1,440 it costs less than an instance", "and from 1,440 on an instance costs less"


def of(**settings: Any) -> ModelSettings:
    return ModelSettings.from_document({"target": "y", **settings})


def expected(requests_per_hour: int) -> dict[str, Any]:
    return {"expected_requests_per_hour": requests_per_hour}


@pytest.mark.parametrize(
    ("settings", "account", "containers", "sizes", "measured", "endpoint", "why"),
    [
        ({}, ACCOUNT, 1, [SMALL], None, "real-time", "nobody knows yet how often it is called"),
        ({}, ACCOUNT, 1, [SMALL], RARELY, "serverless", f"12 requests an hour were measured of v1, {BELOW}"),
        ({}, ACCOUNT, 1, [SMALL], OFTEN, "real-time", f"1,440 requests an hour were measured of v1, {FROM}"),
        (expected(0), ACCOUNT, 1, [SMALL], OFTEN, "serverless", f"0 requests an hour are expected, {BELOW}"),
        (expected(90_000), ACCOUNT, 1, [SMALL], RARELY, "real-time", f"90,000 requests an hour are expected, {FROM}"),
        ({"instance_type": "ml.m5.large"}, IN_A_VPC, 3, [LARGE], RARELY, "real-time", "the setting instance_type"),
        ({"instance_count": 2}, ACCOUNT, 1, [SMALL], RARELY, "real-time", "instance_count asks for 2 instances"),
        ({"max_instances": 2}, ACCOUNT, 1, [SMALL], RARELY, "real-time", "max_instances asks for instances that scale"),
        ({}, ACCOUNT, 3, [SMALL], RARELY, "real-time", "the candidate has 3 containers, of which a serverless"),
        ({}, IN_A_VPC, 1, [SMALL], RARELY, "real-time", "SageMaker has no serverless endpoints in a VPC"),
        ({"network_isolation": True}, ACCOUNT, 1, [SMALL], RARELY, "real-time", "with network_isolation"),
        ({}, ACCOUNT, 1, [LARGE], RARELY, "real-time", "artefacts of 1.0 GiB may not fit into the 6144 MB"),
        ({}, ACCOUNT, 1, [None], RARELY, "real-time", "artefacts of unknown size may not fit"),
        ({}, WITH_A_KEY, 1, [SMALL], RARELY, "real-time", "your KMS key encrypts the volumes of instances"),
        ({"endpoint": "serverless"}, WITH_A_KEY, 1, [SMALL], OFTEN, "serverless", "the setting endpoint"),
        ({"serverless_memory_mb": 3072}, ACCOUNT, 1, [None], OFTEN, "serverless", "the setting serverless_memory_mb"),
        ({"endpoint": "real-time"}, ACCOUNT, 1, [SMALL], RARELY, "real-time", "the setting endpoint"),
        ({"endpoint": "none"}, IN_A_VPC, 3, [None], RARELY, "none", "the setting endpoint"),
    ],
)
def test_each_way_to_decide_has_its_reason(
    settings: dict[str, Any],
    account: Any,
    containers: int,
    sizes: list[int | None],
    measured: Measured | None,
    endpoint: str,
    why: str,
) -> None:
    found = choose(of(**settings), account, containers, sizes, measured)
    assert found.endpoint == endpoint
    assert why in found.why


@pytest.mark.parametrize(
    ("settings", "account", "containers", "sizes", "why"),
    [
        ({"endpoint": "serverless"}, ACCOUNT, 2, [SMALL], "2 containers"),
        ({"endpoint": "serverless"}, IN_A_VPC, 1, [SMALL], "in a VPC"),
        ({"endpoint": "serverless", "network_isolation": True}, ACCOUNT, 1, [SMALL], "network_isolation"),
        ({"endpoint": "serverless"}, ACCOUNT, 1, [LARGE], "artefacts of 1.0 GiB may not fit"),
        ({"serverless_memory_mb": 4096}, ACCOUNT, 1, [5 * GIB], "artefacts of 5.0 GiB do not fit into its 4096 MB"),
        ({"serverless_memory_mb": 4096}, ACCOUNT, 3, [SMALL], "3 containers"),
    ],
)
def test_a_serverless_endpoint_that_cannot_be_is_refused_with_the_reason(
    settings: dict[str, Any], account: Any, containers: int, sizes: list[int | None], why: str
) -> None:
    with pytest.raises(ServerlessNotPossible, match=why):
        plan(of(**settings), account, containers, sizes)


@pytest.mark.parametrize(
    ("size", "memory_mb"),
    [(0, 3072), (1, 4096), (256 * MIB, 4096), (256 * MIB + 1, 5120), (768 * MIB, 6144), (768 * MIB + 1, None)],
)
def test_a_serverless_endpoint_has_memory_for_four_times_the_artefacts_beside_the_image(
    size: int, memory_mb: int | None
) -> None:
    assert serverless_memory_mb([size]) == memory_mb


def test_a_serverless_endpoint_that_is_chosen_says_of_what_size_and_has_one_worker() -> None:
    found = plan(of(), ACCOUNT, 1, [SMALL], RARELY)
    assert (found.endpoint, found.serverless_memory_mb, found.serverless_concurrency) == ("serverless", 4096, 5)
    assert (found.workers, found.instance_type, found.instance_count) == (1, None, None)
    assert found.reason.endswith("; one container with artefacts of 120 MiB: 4096 MB for one worker")


def test_what_scales_says_to_how_many_instances_and_from_when_on() -> None:
    found = plan(of(max_instances=4, calls_per_instance=60, instance_type="ml.m5.large"), ACCOUNT, 1, [SMALL])
    assert (found.instance_count, found.max_instances, found.calls_per_instance) == (1, 4, 60)
    assert found.most_instances == 4
    rigid = plan(of(instance_count=2), ACCOUNT, 1, [SMALL])
    assert (rigid.max_instances, rigid.calls_per_instance, rigid.most_instances) == (None, None, 2)
    before_this = {
        name: value for name, value in rigid.as_document().items() if "calls" not in name and "max" not in name
    }
    assert EndpointPlan.of_document(before_this) == rigid


def test_what_is_for_batches_alone_is_judged_on_one_instance() -> None:
    found = plan(of(endpoint="none", instance_count=5), ACCOUNT, 1, [SMALL])
    assert (found.endpoint, found.instance_type, found.instance_count) == ("none", "ml.m5.2xlarge", 1)
    assert answers_batches_only({"plan": found.as_document()})
    assert not answers_batches_only({"plan": plan(of(), ACCOUNT, 1, [SMALL]).as_document()})
    assert not answers_batches_only({})


@given(
    st.sampled_from(ENDPOINTS),
    st.none() | st.sampled_from(SERVERLESS_MEMORY_MB),
    st.none() | st.integers(0, 10**9),
    st.integers(1, 5),
    st.lists(st.none() | st.integers(0, 2**34), min_size=1, max_size=5),
    st.none() | st.floats(0, 10**9).map(lambda rate: Measured("v1", rate)),
    st.sampled_from([ACCOUNT, IN_A_VPC, WITH_A_KEY]),
)
def test_whatever_is_chosen_can_be_and_has_a_reason(
    endpoint: str,
    memory_mb: int | None,
    expected: int | None,
    containers: int,
    sizes: list[int | None],
    measured: Measured | None,
    account: Any,
) -> None:
    settings = ModelSettings(
        "y", endpoint=endpoint, serverless_memory_mb=memory_mb, expected_requests_per_hour=expected
    )
    try:
        found = plan(settings, account, containers, sizes, measured)
    except ServerlessNotPossible:
        assert settings.asks_for_serverless, "auto never fails for it"
        return
    assert found.reason.startswith(f"{found.endpoint}: ")
    assert (found.endpoint == "serverless") == (found.serverless_memory_mb is not None) == (found.instance_type is None)
    if found.endpoint == "serverless":
        assert containers == 1
        assert not account.subnet_ids
    if endpoint == "auto" and not settings.asks_for_serverless and expected is not None and containers == 1:
        assert not (found.endpoint == "serverless" and expected >= MOST_REQUESTS_PER_HOUR)
