"""Read what was decided of a version; nobody's decision in time is one, too."""

from __future__ import annotations

from typing import Any

from tenantml.domain.judging.approval import APPROVE, REFUSE
from tenantml.entrypoint import state
from tenantml.errors import ApprovalRefused, ApprovalTimedOut
from tenantml.services import registry
from tenantml.services.run_context import RunContext


@state
def handler(context: RunContext, event: dict[str, Any]) -> dict[str, Any]:
    """Return who approved the version; one that nobody approved is a named failure."""
    approval = registry.close_approval(context.run)
    if approval["decision"] == REFUSE:
        raise ApprovalRefused(f"the version was refused by {approval['by']}; its `approval` has the reason")
    if approval["decision"] != APPROVE:
        raise ApprovalTimedOut(
            "nobody approved or refused the version in time; deploy its candidate again, or raise approval_hours"
        )
    return {"by": approval["by"]}
