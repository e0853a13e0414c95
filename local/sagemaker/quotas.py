"""SageMaker's quotas of an account: what is refused over them, and what Service Quotas says of them.

`TENANTML_LOCAL_MAX_AUTOML_JOBS` and `TENANTML_LOCAL_ENDPOINT_INSTANCES` set them for all accounts, the latter for each
instance type and for some by name: `20,ml.c5.large=0`. By default there are four jobs at once, the most that AWS
documents for a region (SageMaker developer guide, "Amazon SageMaker Autopilot quotas"), and twenty instances of each
type; new accounts on AWS have 0 to 2.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping

from local.sagemaker import store
from local.sagemaker.errors import ApiError
from local.sagemaker.shapes import service_model
from local.sagemaker.store import Endpoint, Job, Scope

# The names that Service Quotas and refusals have.
JOBS_AT_ONCE = "Maximum number of concurrent AutoML Jobs"
UNFINISHED = ("InProgress", "Stopping")


def values() -> dict[str, int]:
    """The value of each quota, by its name."""
    types = service_model("sagemaker").shape_for("ProductionVariantInstanceType").metadata["enum"]
    instances, *by_type = os.environ.get("TENANTML_LOCAL_ENDPOINT_INSTANCES", "20").split(",")
    found = {JOBS_AT_ONCE: int(os.environ.get("TENANTML_LOCAL_MAX_AUTOML_JOBS", "4"))}
    found |= {_of_endpoints(instance_type): int(instances) for instance_type in types}
    return found | {_of_endpoints(name): int(count) for name, count in (item.split("=") for item in by_type)}


def require_job(scope: Scope) -> None:
    """Raise ResourceLimitExceeded when the account runs as many AutoML jobs as it may."""
    running = sum(job.status in UNFINISHED for job in store.of_kind(Job, scope))
    _require(JOBS_AT_ONCE, "Jobs", running, 1)


def require_instances(scope: Scope, wanted: Mapping[str, int]) -> None:
    """Raise ResourceLimitExceeded when the account may not have these instances, by type, beside those that it has."""
    used: Counter[str] = Counter()
    for endpoint in store.of_kind(Endpoint, scope):
        if endpoint.status != "Failed":
            used.update(endpoint.instances)
    for instance_type, count in wanted.items():
        _require(_of_endpoints(instance_type), "Instances", used[instance_type], count)


def _of_endpoints(instance_type: str) -> str:
    return f"{instance_type} for endpoint usage"


def _require(quota: str, unit: str, used: int, wanted: int) -> None:
    limit = values()[quota]
    if used + wanted > limit:
        raise ApiError(
            "ResourceLimitExceeded",
            f"The account-level service limit '{quota}' is {limit} {unit}, with current utilization of {used} {unit} "
            f"and a request delta of {wanted} {unit}. Please use AWS Service Quotas to request an increase for this "
            "quota. If AWS Service Quotas is not available, contact AWS support to request an increase for this quota.",
        )
