"""A FIFO queue is read by as many invocations at once as it has groups, and one group by one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable

from local.cloud import EmbeddedCloud
from tests.waiting import wait_for

CODE = """
import time
def handler(event, context):
    (record,) = event["Records"]
    began = time.time()
    time.sleep(0.4)
    print("RAN", record["attributes"]["MessageGroupId"], record["body"], began, time.time())
"""


def test_groups_are_worked_on_at_once_and_the_messages_of_one_in_their_order(
    cloud: EmbeddedCloud, make_function: Callable[[str], str], unique: Callable[[str], str]
) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""
    sqs, function, name = cloud.client("sqs"), make_function(CODE), f"{unique('groups')}.fifo"
    attributes = {"FifoQueue": "true", "VisibilityTimeout": "60"}
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for number in range(2):
        for group in ("a", "b", "c"):
            sqs.send_message(
                QueueUrl=url, MessageBody=str(number), MessageGroupId=group, MessageDeduplicationId=f"{group}{number}"
            )
    group = f"/aws/lambda/{function.rsplit(':', 1)[-1]}"
    cloud.client("logs").create_log_group(logGroupName=group)
    mapping = cloud.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=function, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2}
    )

    def ran() -> list[list[str]]:
        lines = cloud.client("logs").filter_log_events(logGroupName=group)["events"]
        return [line["message"].split()[1:] for line in lines if line["message"].startswith("RAN ")]

    try:
        found = wait_for(ran, lambda lines: len(lines) == 6)
    finally:
        cloud.client("lambda").delete_event_source_mapping(UUID=mapping["UUID"])
    runs = sorted((float(began), float(ended), group, body) for group, body, began, ended in found)
    for one in ("a", "b", "c"):
        (_, first_ended, _, first), (second_began, _, _, second) = [run for run in runs if run[2] == one]
        assert (first, second) == ("0", "1")
        assert second_began >= first_ended
    at_once = [sum(began <= run[0] < ended for began, ended, *_ in runs) for run in runs]
    assert max(at_once) == 2, json.dumps(runs)
