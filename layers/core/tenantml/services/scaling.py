"""Scaling: an endpoint that is in service begins to scale, and ends before it is deleted."""

from __future__ import annotations

from contextlib import suppress

from tenantml.aws import application_autoscaling
from tenantml.domain.access import session_policies
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.endpoint_plan import EndpointPlan
from tenantml.errors import CustomerAccessRevoked
from tenantml.services.customer import assume
from tenantml.services.run_context import RunContext


def begin(context: RunContext, plan: EndpointPlan) -> None:
    """Let the endpoint of the run's version scale as its plan says, if it says so. Repeatable.

    Raises:
        ScalingRefused: AWS does not scale it, or the access role may not ask for it.
        QuotaExceeded: the account has as many scalable targets as it may.
        CustomerThrottled: AWS did not answer.
    """
    if plan.max_instances is None:
        return
    session = context.customer(session_policies.scale(context.account, context.endpoint))
    client, least, calls = session.client(application_autoscaling.SERVICE), plan.instance_count, plan.calls_per_instance
    application_autoscaling.scale(client, context.endpoint, least or 1, plan.max_instances, calls or 1)


def end(tenant: Tenant, purpose: str, endpoint: str) -> None:
    """Let an endpoint scale no more, before it is deleted: SageMaker deletes none while it changes. Repeatable, and
    harmless for one that never scaled.

    An older template lets nobody scale, nor end it: then there is nothing to end, and AWS itself ends the scaling of
    an endpoint that is deleted (SageMaker developer guide, "Delete endpoints configured for auto scaling").

    Raises:
        CustomerThrottled: AWS did not answer.
    """
    with suppress(CustomerAccessRevoked):
        session = assume(tenant, purpose, session_policies.unscale(tenant.account, endpoint))
        application_autoscaling.unscale(session.client(application_autoscaling.SERVICE), endpoint)
