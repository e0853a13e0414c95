"""A Distributed Map whose fields are JSONata."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from local.cloud import EmbeddedCloud
from tests.contract.patches.test_stepfunctions import End, Start, machine, task
from tests.waiting import PATIENCE_SECONDS

# localstack tests/aws/services/stepfunctions/v2/scenarios/test_base_scenarios.snapshot.json, recorded on AWS: the cases
# about item selectors, item batching, item readers and tolerated failures.
SAME = {"Type": "Pass", "End": True}


def distributed(state: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    mode = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    processor = mode | machine(Same=state or SAME)
    return machine(Each={"Type": "Map", "ItemProcessor": processor, "End": True, **fields})


def test_items_selector_and_output_are_evaluated(start_machine: Start, end_of: End) -> None:
    selector = {
        "value": "{% $states.context.Map.Item.Value %}",
        "index": "{% $states.context.Map.Item.Index %}",
        "all": "{% $states.input.items %}",
        "text": "string literal",
    }
    definition = distributed(Items="{% $states.input.items %}", ItemSelector=selector, MaxConcurrency="{% 1 %}")
    items = ["Item1", "Item2"]
    assert end_of(start_machine(definition, {"items": items}))["output"] == [
        {"value": value, "index": index, "all": items, "text": "string literal"} for index, value in enumerate(items)
    ]
    counted = distributed(
        Items="{% $states.input.items %}",
        Output="{% $sum($states.result) + $n %}",
        Assign={"kept": "{% $states.result %}"},
    )
    init = {"Type": "Pass", "Assign": {"n": 10}, "Next": "Each"}
    again = {"Type": "Pass", "Output": {"sum": "{% $states.input %}", "kept": "{% $kept %}"}, "End": True}
    del counted["States"]["Each"]["End"]
    counted["States"]["Each"]["Next"] = "Again"
    counted |= {"StartAt": "Init", "States": {"Init": init, **counted["States"], "Again": again}}
    assert end_of(start_machine(counted, {"items": [1, 2, 3]}))["output"] == {"sum": 16, "kept": [1, 2, 3]}


def test_items_of_an_object_are_handed_out_in_batches(
    cloud: EmbeddedCloud, start_machine: Start, end_of: End, make_bucket: Callable[..., str]
) -> None:
    bucket, rows = make_bucket(), [{"row": number} for number in range(5)]
    cloud.client("s3").put_object(Bucket=bucket, Key="rows.json", Body=json.dumps(rows).encode())
    where = {"Bucket": "{% $states.input.bucket %}", "Key": "rows.json"}
    config = {"InputType": "JSON", "MaxItems": "{% $states.input.most %}"}
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Arguments": where, "ReaderConfig": config}

    def batches(most: int, **batcher: Any) -> Any:
        shared = {"BatchInput": {"bucket": "{% $states.input.bucket %}"}}
        definition = distributed(ItemReader=reader, ItemBatcher=shared | batcher)
        output = end_of(start_machine(definition, {"bucket": bucket, "most": most}))["output"]
        assert all(batch["BatchInput"] == {"bucket": bucket} for batch in output)
        return [batch["Items"] for batch in output]

    assert batches(5, MaxItemsPerBatch="{% 2 %}") == [rows[:2], rows[2:4], rows[4:]]
    assert batches(3, MaxItemsPerBatch=10) == [rows[:3]]
    by_size = batches(5, MaxInputBytesPerBatch=100)
    assert [row for batch in by_size for row in batch] == rows
    assert 1 < len(by_size) <= 5


def test_more_failures_than_are_tolerated_fail_the_map(start_machine: Start, end_of: End) -> None:
    fail = {"Type": "Fail", "Error": "Odd"}
    some = distributed(
        {"Type": "Choice", "Choices": [{"Condition": "{% $states.input < 1 %}", "Next": "Fail"}], "Default": "Done"},
        Items=[0, 1, 2, 3],
        ToleratedFailurePercentage="{% $states.input.percent %}",
    )
    some["States"]["Each"]["ItemProcessor"]["States"] |= {"Fail": fail, "Done": {"Type": "Succeed"}}
    assert end_of(start_machine(some, {"percent": 25}))["status"] == "SUCCEEDED"
    exceeded = end_of(start_machine(some, {"percent": 24}))
    assert (exceeded["status"], exceeded["error"]) == ("FAILED", "States.ExceedToleratedFailureThreshold")


def test_a_result_writer_is_not_there_and_says_so(start_machine: Start, end_of: End) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Arguments": {"Bucket": "results", "Prefix": "x"}}
    ended = end_of(start_machine(distributed(Items=[1], ResultWriter=writer)))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert "has no ResultWriter: add it" in ended["cause"]


def test_no_task_of_a_map_begins_after_its_execution_was_stopped(
    cloud: EmbeddedCloud, start_machine: Start, make_function: Callable[[str], str]
) -> None:
    states = cloud.client("stepfunctions")
    function = make_function("import time\ndef handler(event, context): time.sleep(0.5)")
    each = {"Type": "Map", "Items": list(range(9)), "MaxConcurrency": 1, "End": True}
    call = task(function, {}) | {"End": True}
    execution_arn = start_machine(machine(Each=each | {"ItemProcessor": machine(Call=call)}))

    def count(kind: str) -> int:
        history = states.get_execution_history(executionArn=execution_arn)
        return sum(event["type"] == kind for event in history["events"])

    deadline = time.monotonic() + PATIENCE_SECONDS
    while not count("TaskScheduled"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    states.stop_execution(executionArn=execution_arn)
    begun = count("TaskScheduled")
    while count("TaskSucceeded") < begun:  # the one that runs ends by itself, as on AWS
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)  # nothing is to happen: there is no event to await
    assert count("TaskScheduled") == begun
