"""How an execution ended: recorded once, and published once."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.metrics import MetricUnit, single_metric

from tenantml.aws import events
from tenantml.domain.training import execution_outcome as domain
from tenantml.domain.uploads.upload import Upload
from tenantml.services import registry

# An account that refused one execution may refuse all; whether it does is for the probe to say.
ASK_THE_PROBE = {"CustomerAccessRevoked", "DeliveryDenied"}


def record(upload: Upload, failure: dict[str, str] | None, left_behind: list[str]) -> dict[str, Any]:
    """Write the outcome, publish it on the bus, and return it; the first caller decides what it is. An upload whose
    version is live has succeeded, whatever failed after that.

    The row is written before the event is sent and marked after it, so that a crash between the two publishes it
    again rather than never; a receiver recognises a repetition by the execution's name.
    """
    claimed = upload.key.split("/")[0]
    tenant = registry.find_tenant(claimed)
    owner = claimed if tenant else registry.NOBODY
    outcome = domain.of(None if _is_live(owner, upload.execution) else failure, left_behind)
    registry.end_execution(
        owner, upload.execution, {**outcome, "tenant": owner, "upload": upload.as_input(), "announced": False}
    )
    row = registry.require_execution(owner, upload.execution)
    if tenant and row["error"] and row["error"]["code"] in ASK_THE_PROBE:
        registry.ask_for_probe(tenant.tenant)
    event = {
        name: row.get(name) for name in ("execution", "tenant", "model", "version", "status", "error", "left_behind")
    }
    if not row["announced"]:
        concerned = domain.concerns_operators(event)
        events.publish("Execution Ended", event | {"concerns_operators": concerned})
        if concerned:
            _count_failure()
        registry.update_execution(owner, upload.execution, {"announced": True})
    return event


def _count_failure() -> None:
    """Count a failed execution where an alarm looks (the metric `ExecutionsFailed`)."""
    with single_metric(name="ExecutionsFailed", unit=MetricUnit.Count, value=1, namespace="TenantML") as metric:
        metric.add_dimension(name="service", value="tenantml")


def _is_live(tenant: str, execution: str) -> bool:
    row = registry.find_execution(tenant, execution)
    return row is not None and "version" in row and registry.is_live(tenant, row["model"], row["version"])
