"""SQS: messages that are sent, and that stay hidden for a while after they were taken."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.error_codes import AwsError

MOST_MESSAGES = 10  # SQS API reference, SendMessageBatch


def send(queue_url: str, document: dict[str, Any]) -> None:
    """Send a message, a JSON document."""
    platform("sqs").send_message(QueueUrl=queue_url, MessageBody=json.dumps(document))


def send_all(queue_url: str, messages: list[dict[str, Any]]) -> None:
    """Send at most ten messages to a FIFO queue: each a JSON document as `body`, with its `group` and its
    `deduplication_id`.

    Raises:
        AwsError: SQS did not take one of them, which it reports with status 200.
    """
    entries = [
        {
            "Id": str(number),
            "MessageBody": json.dumps(message["body"]),
            "MessageGroupId": message["group"],
            "MessageDeduplicationId": message["deduplication_id"],
        }
        for number, message in enumerate(messages)
    ]
    answer = platform("sqs").send_message_batch(QueueUrl=queue_url, Entries=entries)
    for failed in answer.get("Failed", []):
        reason = failed.get("Message", "no reason given")
        raise AwsError({"Error": {"Code": failed["Code"], "Message": reason}}, "SendMessageBatch")


def hide(queue_url: str, receipt: str, seconds: int) -> None:
    """Let a message that was taken come again in so many seconds, unless it is deleted; at most 12 hours."""
    platform("sqs").change_message_visibility(QueueUrl=queue_url, ReceiptHandle=receipt, VisibilityTimeout=seconds)
