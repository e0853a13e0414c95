"""SQS: a batch needs the permission of its action; IAM knows none of its own."""

from __future__ import annotations

import functools
from typing import Any

from ministack.core import iam_actions

from local.patches.emulator import wrap


def apply() -> None:
    """Ask for sqs:SendMessage where SendMessageBatch is called, and likewise of the two others.

    https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html has no action for a batch.
    """
    wrap(iam_actions, "extract_iam_action", "ec476b92d969", _of_one_message)


def _of_one_message(extract: Any) -> Any:
    @functools.wraps(extract)
    def extracting(service: str, *arguments: Any) -> str | None:
        action: str | None = extract(service, *arguments)
        return action.removesuffix("Batch") if service == "sqs" and action else action

    return extracting
