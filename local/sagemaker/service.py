"""The front of both SageMaker services: find the operation, check the request, act, check the answer.

The emulator calls `handle_request` on its event loop, and the three functions below it around a restart or a reset.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

from local.sagemaker import (
    candidate_steps,
    endpoints,
    hosting,
    job_runner,
    jobs,
    models,
    processes,
    runtime,
    store,
    tags,
    throttling,
    transform_runner,
    transforms,
)
from local.sagemaker.errors import Answer, ApiError
from local.sagemaker.shapes import check_answer, check_request, operation
from local.sagemaker.store import Scope

TARGET_PREFIX = "SageMaker."
JSON = "application/x-amz-json-1.1"
REST_JSON = "application/json"

Operation = Callable[[dict[str, Any], Scope], dict[str, Any]]
OPERATIONS: dict[str, Operation] = {
    "CreateAutoMLJob": jobs.create_v1,
    "CreateAutoMLJobV2": jobs.create_v2,
    "DescribeAutoMLJob": jobs.describe_v1,
    "DescribeAutoMLJobV2": jobs.describe_v2,
    "ListAutoMLJobs": jobs.list_jobs,
    "ListCandidatesForAutoMLJob": jobs.list_candidates,
    "StopAutoMLJob": jobs.stop,
    "CreateModel": models.create_model,
    "DescribeModel": models.describe_model,
    "DeleteModel": models.delete_model,
    "ListModels": models.list_models,
    "CreateEndpointConfig": models.create_endpoint_config,
    "DescribeEndpointConfig": models.describe_endpoint_config,
    "DeleteEndpointConfig": models.delete_endpoint_config,
    "ListEndpointConfigs": models.list_endpoint_configs,
    "CreateEndpoint": endpoints.create,
    "DescribeEndpoint": endpoints.describe,
    "UpdateEndpoint": endpoints.update,
    "UpdateEndpointWeightsAndCapacities": endpoints.update_weights_and_capacities,
    "DeleteEndpoint": endpoints.delete,
    "ListEndpoints": endpoints.list_endpoints,
    "DescribeTrainingJob": candidate_steps.describe_training,
    "DescribeProcessingJob": candidate_steps.describe_processing,
    "CreateTransformJob": transforms.create,
    "DescribeTransformJob": transforms.describe,
    "ListTransformJobs": transforms.list_jobs,
    "StopTransformJob": transforms.stop,
    "AddTags": tags.add,
    "ListTags": tags.list_tags,
    "DeleteTags": tags.delete,
}
# These call this very process over HTTP, so they must not hold its event loop.
_CALL_AWS = frozenset({"CreateModel", "CreateAutoMLJob", "CreateAutoMLJobV2"})
_INVOCATIONS = re.compile(r"/endpoints/([^/]+)/invocations")


async def handle_request(
    method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
) -> Answer:
    """Answer one request of the control plane (JSON 1.1) or of the runtime (REST)."""
    del query_params  # neither service has any
    from ministack.core.responses import get_account_id, get_region

    scope = Scope(get_account_id(), get_region())
    target = headers.get("x-amz-target", "")
    content_type = JSON if target else REST_JSON
    try:
        throttling.require_rate(scope)
        if target.startswith(TARGET_PREFIX):
            answer = await _control(target.removeprefix(TARGET_PREFIX), body, scope)
            return 200, {"Content-Type": JSON}, json.dumps(answer).encode()
        if method == "POST" and (invocation := _INVOCATIONS.fullmatch(path)):
            return await runtime.invoke(invocation[1], headers, body, scope)
        raise ApiError("UnknownOperationException", f"{method} {path} is not an operation of SageMaker.", status=404)
    except ApiError as error:
        return error.answer(content_type)


async def _control(name: str, body: bytes, scope: Scope) -> dict[str, Any]:
    if name not in OPERATIONS:
        raise ApiError("UnknownOperationException", f"The embedded cloud has no operation {name}.")
    model = operation(name)
    try:
        request = json.loads(body or b"{}")
    except ValueError as error:
        raise ApiError("SerializationException", "The request is not JSON.") from error
    check_request(model.input_shape, request)
    members = {member: value for member, value in request.items() if value is not None}
    if name in _CALL_AWS:
        answer = await asyncio.to_thread(OPERATIONS[name], members, scope)
    else:
        answer = OPERATIONS[name](members, scope)
    return check_answer(model.output_shape, answer)


def get_state() -> dict[str, Any]:
    """All resources of all accounts, for the emulator's persistence."""
    return store.snapshot()


def load_persisted_state(state: dict[str, Any]) -> None:
    """What was there before a restart: interrupted jobs have failed, endpoints are brought up again."""
    store.restore(state)
    jobs.fail_interrupted()
    transforms.fail_interrupted()
    hosting.serve_again()


def reset() -> None:
    """Forget everything and end every process."""
    job_runner.stop_all()
    transform_runner.stop_all()
    store.clear()
    hosting.kill_all()
    processes.close_nursery()
