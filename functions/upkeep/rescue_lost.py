"""On a schedule: rescue executions that ended without an announcement."""

from __future__ import annotations

from typing import Any

from tenantml.entrypoint import function, logger
from tenantml.services import rescue


@function
def handler(event: dict[str, Any]) -> dict[str, list[str]]:
    """Return the names of the executions that were rescued."""
    rescued = rescue.rescue_lost()
    logger.info("rescued", extra={"executions": rescued})
    return {"executions": rescued}
