"""What an execution may carry, and how long its history may get."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from samtranslator.yaml_helper import yaml_parse

from local.cloud import EmbeddedCloud
from tests.contract.patches.test_stepfunctions import End, Start, machine, task

LIMIT_BYTES = 262_144
CATCHING = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
CAUGHT = {"Type": "Succeed"}
CODE = "def handler(event, context): return 'x' * event['size']"


def test_a_result_over_256_kb_ends_the_execution_and_nothing_catches_it(
    start_machine: Start, end_of: End, make_function: Callable[[str], str]
) -> None:
    function = make_function(CODE)

    def ended(size: int) -> dict[str, Any]:
        return end_of(start_machine(machine(Make=task(function, {"size": size}) | CATCHING, Caught=CAUGHT)))

    assert ended(LIMIT_BYTES - 100)["status"] == "SUCCEEDED"
    too_large = ended(LIMIT_BYTES)
    assert (too_large["status"], too_large["error"]) == ("FAILED", "States.DataLimitExceeded")
    assert too_large["cause"].endswith("with a size exceeding the maximum number of bytes service limit.")


def test_the_rule_that_rescues_sees_what_nothing_catches_and_no_failure_that_was_caught(
    repository: Path, start_machine: Start, end_of: End, make_function: Callable[[str], str], make_event_queue: Any
) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html: States.ALL catches neither
    pattern = yaml_parse((repository / "template.yaml").read_text())["Resources"]["StoppedRule"]["Properties"]
    detail = {"$or": pattern["EventPattern"]["detail"]["$or"]}
    next_event = make_event_queue({"source": ["aws.states"], "detail": detail})
    end_of(start_machine(machine(Named={"Type": "Fail", "Error": "TooFewRows"})))
    too_large = start_machine(machine(Make=task(make_function(CODE), {"size": LIMIT_BYTES})))
    assert end_of(too_large)["status"] == "FAILED"
    assert next_event()["detail"]["executionArn"] == too_large


def test_an_output_that_grows_past_256_kb_ends_the_execution_too(
    start_machine: Start, end_of: End, make_function: Callable[[str], str]
) -> None:
    make = task(make_function(CODE), {"size": LIMIT_BYTES // 2}, Next="Twice")
    twice = {"Type": "Pass", "Output": "{% [$states.input, $states.input] %}", "End": True}
    del make["End"]
    assert end_of(start_machine(machine(Make=make, Twice=twice)))["error"] == "States.DataLimitExceeded"


def test_an_input_over_256_kb_is_refused(start_machine: Start, code_of: Any) -> None:
    definition = machine(Done={"Type": "Succeed"})
    start_machine(definition, "x" * (LIMIT_BYTES - 2))
    assert code_of(start_machine, definition, "x" * (LIMIT_BYTES - 1)) == "ValidationException"


def test_a_history_that_is_full_ends_the_execution(cloud: EmbeddedCloud, start_machine: Start, end_of: End) -> None:
    enough = {"Condition": "{% $states.input.enough %}", "Next": "Done"}
    again = {"Type": "Choice", "Choices": [enough], "Default": "Turn"}
    execution_arn = start_machine(machine(Turn=again, Done={"Type": "Succeed"}), {"enough": False})
    ended = end_of(execution_arn)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime")
    assert ended["cause"] == "The execution reached the maximum number of history events (120)."
    pages = cloud.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution_arn)
    events = [event for page in pages for event in page["events"]]
    assert (len(events), events[-1]["type"]) == (120, "ExecutionFailed")
