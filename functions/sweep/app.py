"""On a schedule: forget grants that have expired, and rescue executions that ended without saying so."""

from __future__ import annotations

from typing import Any

from tenantml.aws import grants, rescue
from tenantml.entrypoint import function, logger


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return what was swept."""
    swept = {"grants": grants.sweep(), "executions": rescue.rescue_lost()}
    logger.info("swept", extra=swept)
    return swept
