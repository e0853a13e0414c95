"""Who may send a message may send ten, to no other queue."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from local.cloud import EmbeddedCloud


def test_a_batch_needs_the_permission_to_send_a_message_and_there_is_none_of_its_own(
    cloud: EmbeddedCloud, make_role: Callable[..., Any], code_of: Callable[..., str], unique: Callable[[str], str]
) -> None:
    sqs = cloud.client("sqs")
    urls = [sqs.create_queue(QueueName=unique("batches"))["QueueUrl"] for _ in range(2)]
    arn = sqs.get_queue_attributes(QueueUrl=urls[0], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    role = make_role({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn})
    sender, entries = cloud.client("sqs", credentials=role.credentials), [{"Id": "0", "MessageBody": "x"}]
    assert sender.send_message_batch(QueueUrl=urls[0], Entries=entries)["Successful"]
    assert "AccessDenied" in code_of(sender.send_message_batch, QueueUrl=urls[1], Entries=entries)
    spec = find_spec("parliament")  # has AWS's service authorization reference
    assert spec is not None
    assert spec.origin is not None
    reference = (Path(spec.origin).parent / "iam_definition.json").read_text()
    assert '"SendMessage"' in reference
    assert '"SendMessageBatch"' not in reference
