"""Sizing: on what a version is served, by the size of its artefacts in the customer's bucket."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenantml.aws.s3 import objects
from tenantml.domain.access import session_policies
from tenantml.domain.training import endpoint_plan
from tenantml.domain.training.endpoint_plan import EndpointPlan
from tenantml.services import registry
from tenantml.services.run_context import RunContext


def plan(context: RunContext, containers: Sequence[dict[str, Any]]) -> EndpointPlan:
    """Return on what the run's version is served: as it was planned before, else by its settings and artefacts.

    Raises:
        CustomerAccessRevoked: the access role may not look at the artefacts.
        CustomerThrottled: S3 or STS did not answer.
    """
    if planned := planned_before(context):
        return planned
    settings = context.version_settings
    is_free = settings.instance_type is None and settings.serverless_memory_mb is None
    sizes = artefact_sizes(context, containers) if is_free else []
    return endpoint_plan.plan(settings, len(containers), sizes, context.account.instance_types)


def planned_before(context: RunContext) -> EndpointPlan | None:
    """Return on what the run's version is served, None before it is planned."""
    run = context.run
    document = (registry.find_version(run.tenant, run.model, run.version) or {}).get("plan")
    return EndpointPlan(**document) if document else None


def artefact_sizes(context: RunContext, containers: Sequence[dict[str, Any]]) -> list[int | None]:
    """Return the bytes of each of the containers' artefacts, of one that several share once; None for an artefact that
    is not where this training wrote.
    """
    account, folder = context.account, context.run.customer_folder
    keys = [account.key_of(uri, folder) for uri in sorted({str(item.get("ModelDataUrl")) for item in containers})]
    readable = [key for key in keys if key]
    if not readable:
        return [None]
    client = context.customer(session_policies.measure_artefacts(account, *readable)).client("s3")
    return [objects.list_theirs(client, account.bucket, key, most=1).get(key) if key else None for key in keys]
