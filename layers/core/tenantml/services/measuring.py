"""Measuring: what a training that is over cost, asked of AWS in the customer's account."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from aws_lambda_powertools import Logger

from tenantml.aws.sagemaker import automl
from tenantml.domain.access import session_policies
from tenantml.domain.pricing import costs
from tenantml.domain.pricing.costs import Job
from tenantml.errors import CustomerAccessRevoked, TenantMLError
from tenantml.services import spending
from tenantml.services.run_context import RunContext

logger = Logger(service="tenantml")
MOST_JOBS = 200  # a call and a receipt each, within a function's minute


def settle(context: RunContext) -> None:
    """Give back the place of a training that is over for what it cost, and show that to the tenant. What AWS does not
    tell us is counted at its worst case: no training fails for it. Repeatable.
    """
    if not spending.has_place(context.run):
        return
    cost, is_over = None, False
    try:
        cost, is_over = _measured(context), True
    except TenantMLError as error:
        logger.warning("cost is not measured", extra={"code": type(error).__name__, "reason": str(error)})
    except Exception:  # a bug in measuring must not end what is measured
        logger.exception("cost is not measured")
    if cost is not None:
        context.note(cost=cost.as_document())
    spending.settle(context.run, begun=True, cost=(cost.seconds, cost.micros) if cost else None, is_over=is_over)


def _measured(context: RunContext) -> costs.TrainingCost | None:
    """Return the cost, None where there is nothing to measure it by.

    Raises:
        CustomerAccessRevoked: the account's template is older than this permission, or refuses us.
        CustomerThrottled: AWS did not answer.
    """
    client = context.customer(session_policies.measure_training(context.account)).client("sagemaker")
    steps = costs.steps_of(automl.candidates(client, context.job))
    if not 0 < len(steps) <= MOST_JOBS:
        return None
    jobs = list(_jobs(client, steps))
    return costs.of_training(jobs, context.account.region, spending.prices()) if any(jobs) else None


def _jobs(client: Any, steps: Sequence[tuple[str, str]]) -> Iterator[Job | None]:
    """Yield what AWS bills of each step, None where it does not say. Of a kind that an older template does not let us
    describe, only the first is asked for; without trainings nothing is measured.
    """
    refused: set[str] = set()
    for kind, name in steps:
        description = None
        try:
            description = None if kind in refused else automl.step(client, kind, name)
        except CustomerAccessRevoked:
            if kind == costs.TRAINING_STEP:
                raise
            refused.add(kind)
        yield None if description is None else Job.of_step(kind, description)
