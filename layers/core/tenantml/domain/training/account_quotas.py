"""Quotas of a customer's account: what they allow of what its models need. New accounts have 0 to 2 of many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tenantml.domain.names import CustomerAccount
from tenantml.domain.training.endpoint_plan import expected_type
from tenantml.domain.training.endpoint_rules import NO_ENDPOINT
from tenantml.domain.training.model_settings import ModelSettings

JOBS_AT_ONCE = "Maximum number of concurrent AutoML Jobs"
"""4, 2 or 1 by region (SageMaker developer guide, "Amazon SageMaker Autopilot quotas"); a job over it waits."""
NOT_READ = (
    "Quotas were not read, so a training may end in QuotaExceeded. If the on-boarding template of this account lacks "
    "servicequotas:ListServiceQuotas, apply the current one."
)
QUOTA_SHORTAGE = "quota-shortage"
ASK = "ask for more in Service Quotas"


def names(models: Iterable[ModelSettings], account: CustomerAccount) -> set[str]:
    """Return the names of the quotas that these models stand on in this account."""
    return {JOBS_AT_ONCE, *filter(None, (_endpoint_quota(settings, account) for settings in models))}


def shortages(
    models: Iterable[ModelSettings],
    quotas: Mapping[str, float],
    account: CustomerAccount,
    *,
    has_version: bool = False,
) -> list[str]:
    """Return what the quotas do not allow, in words; what is not in `quotas` is not known and not a shortage.

    A new version stands next to the live one until it is promoted, but for a model without an endpoint. `has_version`
    says that there is a live one.
    """
    found = []
    if quotas.get(JOBS_AT_ONCE, 1) < 1:
        found.append(f"The account may run no AutoML job, so that nothing can be trained: {ASK} ({JOBS_AT_ONCE}).")
    for settings in models:
        name, is_alone = _endpoint_quota(settings, account), settings.endpoint == NO_ENDPOINT
        allowed, count = quotas.get(name), 1 if is_alone else settings.max_instances or settings.instance_count
        at_once = count if is_alone else 2 * count
        if allowed is None or allowed >= at_once:
            continue
        if allowed >= count and not has_version:
            lacks = f"a second version needs {at_once} for a while, next to the live one"
        else:
            lacks = f"a version needs {at_once if has_version else count}, so that it cannot be deployed"
        found.append(f"The quota {name} is {allowed:g}; {lacks}: {ASK}.")
    return list(dict.fromkeys(found))


def _endpoint_quota(settings: ModelSettings, account: CustomerAccount) -> str:
    """Return the quota's name, as SageMaker's refusals have it: `ml.m5.large for endpoint usage`; empty for a
    serverless endpoint.
    """
    instance_type = expected_type(settings, account)
    return f"{instance_type} for endpoint usage" if instance_type else ""
