"""Ask for a person's approval of a version, and let the deployment wait for it."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import state
from tenantml.services import approvals
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> None:
    """Note the task token, by which the deployment goes on, and publish that an approval is wanted."""
    approvals.request(context.run, event["token"], event["attempt"], context.version_settings.approval_hours)
