"""What the functions of a cloud logged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local.cloud import EmbeddedCloud


def logged(cloud: EmbeddedCloud, **only: Any) -> Iterator[str]:
    """Yield each line of all log groups; `only` narrows it, as FilterLogEvents does (`startTime` in milliseconds)."""
    logs = cloud.client("logs")
    for groups in logs.get_paginator("describe_log_groups").paginate():
        for group in groups["logGroups"]:
            pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"], **only)
            yield from (event["message"] for page in pages for event in page["events"])
