"""The edge of every function: where an event becomes arguments, and where a failure is logged under its name.

The event goes no further than this module and the handler that it calls. A named failure is logged in one line and
counted; an unnamed one is a bug, logged with its trace.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger

from tenantml.aws.error_codes import ours
from tenantml.domain.training.run import Run
from tenantml.errors import TenantMLError
from tenantml.services.run_context import RunContext

logger = Logger(service="tenantml")

Event = dict[str, Any]
Handler = Callable[[Event, Any], Any]


def report_bug() -> None:
    """Log the failure at hand with its trace, and count it where an alarm looks (the metric `InternalFailures`)."""
    from aws_lambda_powertools.metrics import MetricUnit, single_metric  # noqa: PLC0415 - costs nothing when nothing fails

    logger.exception("unnamed failure: this is a bug")  # noqa: LOG004 - called by handlers of exceptions only
    with single_metric(name="InternalFailures", unit=MetricUnit.Count, value=1, namespace="TenantML") as metric:
        metric.add_dimension(name="service", value="tenantml")


def function(handle: Callable[[Event], Any]) -> Handler:
    """Make a Lambda handler of a function of the event: failures are logged by name, and raised unchanged."""

    @wraps(handle)
    def handler(event: Event, context: Any) -> Any:
        logger.append_keys(
            request_id=getattr(context, "aws_request_id", None),
            function=getattr(context, "function_name", None),
            **_named_in(event),
        )
        try:
            with ours():
                return handle(event)
        except TenantMLError as error:
            logger.warning("named failure", extra={"code": type(error).__name__, "reason": error.logged})
            raise
        except Exception:
            report_bug()
            raise

    return handler


def _named_in(event: object) -> dict[str, str | None]:
    """Return what a state's event says of its execution; a warm process forgets what it knew of the one before."""
    of_state = event if isinstance(event, dict) and "state" in event else {}
    return {"execution": of_state.get("execution"), "state": of_state.get("state"), "tenant": None, "model": None}


def state(handle: Callable[[RunContext, Event], Any]) -> Handler:
    """Make a Lambda handler of a state: `handle(context, event)`, with the run's ids in every log line and its
    progress in the registry.
    """

    @wraps(handle)
    def with_context(event: Event) -> Any:
        context = RunContext(Run.of_document(event["run"]))
        run = context.run
        logger.append_keys(execution=run.execution, tenant=run.tenant, model=run.model, state=event["state"])
        context.note(state=event["state"])
        return handle(context, event)

    return function(with_context)
