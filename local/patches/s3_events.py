"""S3 events on EventBridge carry the object's version."""

from __future__ import annotations

import contextvars
import functools
import json
from typing import Any

from ministack.services import eventbridge, s3

from local.patches.emulator import wrap

_version_id: contextvars.ContextVar[str | None] = contextvars.ContextVar("s3_event_version_id", default=None)


def apply() -> None:
    """Carry `version-id` from the notification to the event, where AWS has it for a versioned bucket.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    """
    wrap(s3, "_fire_s3_event", "2ab38cfade76", _remember_the_version)
    wrap(eventbridge, "_dispatch_event", "d1bfe064f602", _add_the_version)


def _remember_the_version(fire: Any) -> Any:
    @functools.wraps(fire)
    def firing(*arguments: Any, **options: Any) -> None:
        token = _version_id.set(options.get("version_id"))
        try:
            fire(*arguments, **options)
        finally:
            _version_id.reset(token)

    return firing


def _add_the_version(dispatch: Any) -> Any:
    @functools.wraps(dispatch)
    def dispatching(event: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        version_id = _version_id.get()
        if event.get("Source") == "aws.s3" and version_id:
            detail = json.loads(event["Detail"])
            detail["object"]["version-id"] = version_id
            event = {**event, "Detail": json.dumps(detail)}
        return dispatch(event, *arguments, **options)

    return dispatching
