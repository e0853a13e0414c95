"""Quotas: what they do not allow is said before it ends a training."""

from __future__ import annotations

import pytest

from tenantml.domain.training.account_quotas import JOBS_AT_ONCE, names, shortages
from tenantml.domain.training.endpoint_plan import SMALLEST
from tenantml.domain.training.model_settings import ModelSettings
from tests.tenants import account_of

ENDPOINTS = f"{SMALLEST} for endpoint usage"
ACCOUNT = account_of()
MODEL = ModelSettings("y")
SERVERLESS = ModelSettings("y", serverless_memory_mb=3072)


def test_a_model_stands_on_the_quota_of_its_instances_and_a_serverless_one_on_none() -> None:
    assert names([MODEL], ACCOUNT) == {JOBS_AT_ONCE, ENDPOINTS}
    assert names([SERVERLESS], ACCOUNT) == {JOBS_AT_ONCE}
    assert shortages([SERVERLESS], {ENDPOINTS: 0}, ACCOUNT) == []


@pytest.mark.parametrize(
    ("allowed", "has_version", "lacks"),
    [
        (0, False, "a version needs 1, so that it cannot be deployed"),
        (0, True, "a version needs 2, so that it cannot be deployed"),
        (1, False, "a second version needs 2 for a while, next to the live one"),
        (1, True, "a version needs 2, so that it cannot be deployed"),
    ],
)
def test_a_version_needs_room_next_to_the_live_one(allowed: float, has_version: bool, lacks: str) -> None:
    (found,) = shortages([MODEL], {ENDPOINTS: allowed}, ACCOUNT, has_version=has_version)
    assert f"{ENDPOINTS} is {allowed:g}" in found
    assert lacks in found


def test_a_type_that_the_settings_name_is_the_one_that_counts() -> None:
    assert names([ModelSettings("y", instance_type="ml.c5.large")], ACCOUNT) == {
        JOBS_AT_ONCE,
        "ml.c5.large for endpoint usage",
    }


def test_what_is_enough_or_unknown_is_no_shortage() -> None:
    assert shortages([MODEL], {ENDPOINTS: 2, JOBS_AT_ONCE: 1}, ACCOUNT, has_version=True) == []
    assert shortages([MODEL], {}, ACCOUNT) == []


def test_an_account_without_a_job_cannot_train() -> None:
    (found,) = shortages([SERVERLESS], {JOBS_AT_ONCE: 0}, ACCOUNT)
    assert "nothing can be trained" in found


def test_a_model_that_scales_needs_room_for_its_most_and_one_for_batches_alone_for_one_at_a_time() -> None:
    (found,) = shortages([ModelSettings("y", max_instances=4)], {ENDPOINTS: 4}, ACCOUNT, has_version=True)
    assert "a version needs 8" in found
    alone = ModelSettings("y", endpoint="none")
    assert shortages([alone], {ENDPOINTS: 1}, ACCOUNT, has_version=True) == []
    (found,) = shortages([alone], {ENDPOINTS: 0}, ACCOUNT, has_version=True)
    assert "a version needs 1, so that it cannot be deployed" in found


def test_models_of_one_kind_lack_the_same_once() -> None:
    assert len(shortages([MODEL, ModelSettings("z")], {ENDPOINTS: 0}, ACCOUNT)) == 1
