"""Step Functions: a Distributed Map in JSONata evaluates its fields, and hands its items out in batches."""

from __future__ import annotations

import copy
import functools
import json
from typing import Any, Final

from ministack.services import stepfunctions

from local.patches.emulator import original, wrap
from local.patches.stepfunctions_limits import PAYLOAD_BYTES

NUMBERS: Final = ("MaxConcurrency", "ToleratedFailureCount", "ToleratedFailurePercentage")


def apply() -> None:
    """Make the children's inputs here, let the emulator run the children, and make the state's output here.

    https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
    """
    original(stepfunctions, "_read_map_items", "b846851544b8")
    wrap(stepfunctions, "_run_distributed_map", "2b77d3ec0e04", _in_jsonata)


def _in_jsonata(run: Any) -> Any:
    @functools.wraps(run)
    def running(
        state: dict[str, Any], data: Any, effective: Any, iterator: Any, execution: Any, context: dict[str, Any]
    ) -> tuple[Any, str | None]:
        if "ResultWriter" in state:
            raise stepfunctions._ExecutionError(
                "States.Runtime", "local/patches/stepfunctions_maps.py has no ResultWriter: add it"
            )
        if stepfunctions._state_query_language(state, context) != "JSONata":
            outcome: tuple[Any, str | None] = run(state, data, effective, iterator, execution, context)
            return outcome
        inputs = _inputs(state, data, context)
        plain = {key: state[key] for key in ("Label", "Next", "End") if key in state} | {
            field: stepfunctions._jsonata_state_field(state, field, "number", data, context)
            for field in NUMBERS
            if field in state
        }
        results, following = run(plain, data, inputs, iterator, execution, context)
        output = stepfunctions._apply_jsonata_output(state, data, context, result=results, default=results)
        stepfunctions._apply_state_assign(state, data, context, result=results)
        return output, following

    return running


def _inputs(state: dict[str, Any], data: Any, context: dict[str, Any]) -> list[Any]:
    """What each child execution gets: an item, what ItemSelector makes of it, or a batch of these."""
    evaluate = stepfunctions._apply_jsonata_template
    if reader := state.get("ItemReader"):
        items = stepfunctions._read_map_items(evaluate(reader, data, context), data, context)
    elif "Items" in state:
        items = stepfunctions._jsonata_state_field(state, "Items", "array", data, context)
    else:
        items = data if isinstance(data, list) else [data]
    if selector := state.get("ItemSelector"):
        items = [evaluate(selector, data, _of_item(context, *numbered)) for numbered in enumerate(items)]
    if batcher := state.get("ItemBatcher"):
        return _batches(items, evaluate(batcher, data, context))
    return list(items)


def _of_item(context: dict[str, Any], index: int, value: Any) -> dict[str, Any]:
    return copy.copy(context) | {"Map": {"Item": {"Index": index, "Value": value}}}


def _batches(items: list[Any], batcher: dict[str, Any]) -> list[Any]:
    """As many items at a time as both limits allow, at least one."""
    shared = {"BatchInput": batcher["BatchInput"]} if "BatchInput" in batcher else {}
    most, most_bytes = batcher.get("MaxItemsPerBatch", len(items)), batcher.get("MaxInputBytesPerBatch", PAYLOAD_BYTES)
    batches: list[list[Any]] = []
    for item in items:
        longer = [*batches[-1], item] if batches else []
        if longer and len(longer) <= most and len(json.dumps(shared | {"Items": longer})) <= most_bytes:
            batches[-1] = longer
        else:
            batches.append([item])
    return [shared | {"Items": batch} for batch in batches]
