"""SQS: messages that are sent, and that stay hidden for a while after they were taken."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform


def send(queue_url: str, document: dict[str, Any]) -> None:
    """Send a message, a JSON document."""
    platform("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(document))


def hide(queue_url: str, receipt: str, seconds: int) -> None:
    """Let a message that was taken come again in so many seconds, unless it is deleted; at most 12 hours."""
    platform("sqs").change_message_visibility(QueueUrl=queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds)
