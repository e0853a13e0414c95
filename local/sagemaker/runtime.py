"""InvokeEndpoint, the data plane: pass a request to the endpoint's process, within AWS's limits.

It is on the path of every prediction, so it does little: a small pool of threads calls the process over connections
that stay open, and the event loop waits for the thread without blocking.
"""

from __future__ import annotations

import asyncio
import functools
import http.client
import time
from concurrent.futures import ThreadPoolExecutor

from local.sagemaker import capture, hosting, store
from local.sagemaker.errors import Answer, ApiError
from local.sagemaker.replica import INVOCATION_SECONDS, Replica
from local.sagemaker.shapes import check_request, operation
from local.sagemaker.store import Endpoint, Scope

REAL_TIME_BODY_BYTES = 6_291_456
SERVERLESS_BODY_BYTES = 4 * 1024 * 1024

_PASSED_ON = ("content-type", "accept", "x-amzn-sagemaker-custom-attributes", "x-amzn-sagemaker-inference-id")
_OCTETS = "application/octet-stream"
_UNSUPPORTED = ("target-model", "inference-component", "session-id", "enable-explanations")


async def invoke(endpoint_name: str, headers: dict[str, str], body: bytes, scope: Scope) -> Answer:
    """Answer one InvokeEndpoint; raises ApiError."""
    _check_headers(endpoint_name, headers)
    endpoint = store.find(Endpoint, scope, endpoint_name)
    if endpoint is None:
        raise _not_found(endpoint_name, scope)
    _check_size(endpoint, body)
    target = headers.get("x-amzn-sagemaker-target-variant")
    entered = hosting.enter(endpoint, target)
    if entered is None and endpoint.status == "SystemUpdating":
        raise ApiError("ServiceUnavailable", "The endpoint is starting again.", status=503)
    if entered is None:
        raise (
            ApiError("ValidationError", f"Variant {target} not found.") if target else _not_found(endpoint_name, scope)
        )
    variant, replica = entered
    if replica is None:
        raise ApiError("ThrottlingException", "Too many requests for the endpoint's MaxConcurrency.", status=429)
    started_at = time.perf_counter()
    status = 500  # the status that counts if no answer comes
    try:
        status, content_type, answer = await _ask(replica, headers, body)
    except (TimeoutError, OSError, http.client.HTTPException) as error:
        raise _model_error(endpoint, 0, _silence(error)) from error
    finally:
        replica.leave()
        _count(endpoint, variant, status, time.perf_counter() - started_at)
    if status != 200:
        raise _model_error(endpoint, status, answer.decode(errors="replace"))
    if len(answer) > REAL_TIME_BODY_BYTES:
        raise _model_error(endpoint, 0, f"The response is larger than {REAL_TIME_BODY_BYTES} bytes.")
    asked = headers.get("content-type", _OCTETS), body
    capture.record(endpoint, variant, asked, (content_type, answer))
    return 200, {"Content-Type": content_type, "x-Amzn-Invoked-Production-Variant": variant}, answer


async def _ask(replica: Replica, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
    passed_on = {name: headers[name] for name in _PASSED_ON if name in headers}
    passed_on.setdefault("content-type", _OCTETS)
    asked = asyncio.get_running_loop().run_in_executor(_threads(), replica.invoke, body, passed_on)
    return await asyncio.wait_for(asked, INVOCATION_SECONDS)


def _count(endpoint: Endpoint, variant: str, status: int, seconds: float) -> None:
    """Publish the metrics of one invocation where CloudWatch has those of SageMaker."""
    from ministack.services.cloudwatch import record_metric

    dimensions = {"EndpointName": endpoint.name, "VariantName": variant}
    record_metric("AWS/SageMaker", "Invocations", 1, "Count", dimensions)
    record_metric("AWS/SageMaker", "Invocation4XXErrors", 400 <= status < 500, "Count", dimensions)
    record_metric("AWS/SageMaker", "Invocation5XXErrors", status >= 500, "Count", dimensions)
    record_metric("AWS/SageMaker", "ModelLatency", seconds * 1e6, "Microseconds", dimensions)


@functools.cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=64, thread_name_prefix="invoke-endpoint")


def _check_headers(endpoint_name: str, headers: dict[str, str]) -> None:
    if unsupported := next((name for name in _UNSUPPORTED if f"x-amzn-sagemaker-{name}" in headers), None):
        raise ApiError("ValidationError", f"{unsupported} is not supported by the embedded cloud.")
    request: dict[str, object] = {"EndpointName": endpoint_name, "Body": b""}  # the body is checked separately
    for member, header in _header_members():
        if header in headers:
            request[member] = headers[header]
    try:
        check_request(operation("InvokeEndpoint", "sagemaker-runtime").input_shape, request)
    except ApiError as error:
        raise ApiError("ValidationError", error.message) from error


@functools.cache
def _header_members() -> list[tuple[str, str]]:
    """The members of the request that travel as headers, with the headers' names in lower case."""
    shape = operation("InvokeEndpoint", "sagemaker-runtime").input_shape
    return [
        (name, member.serialization["name"].lower())
        for name, member in (shape.members.items() if shape else ())
        if member.serialization.get("location") == "header"
    ]


def _check_size(endpoint: Endpoint, body: bytes) -> None:
    serverless = any("ServerlessConfig" in variant for variant in endpoint.variants)
    limit = SERVERLESS_BODY_BYTES if serverless else REAL_TIME_BODY_BYTES
    if len(body) > limit:
        raise ApiError(
            "ValidationError",
            "1 validation error detected: Value at 'body' failed to satisfy constraint: Member must have length less "
            f"than or equal to {limit}",
        )


def _not_found(endpoint_name: str, scope: Scope) -> ApiError:
    return ApiError("ValidationError", f"Endpoint {endpoint_name} of account {scope.account} not found.")


def _silence(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "Your invocation timed out while waiting for a response from container primary."
    return f"The container does not answer: {error}"


def _model_error(endpoint: Endpoint, status: int, message: str) -> ApiError:
    group, region = f"/aws/sagemaker/Endpoints/{endpoint.name}", endpoint.scope.region
    return ApiError(
        "ModelError",
        f"Received {'client' if 400 <= status < 500 else 'server'} error ({status}) from primary with message "
        f'"{message}". '
        f"See https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}#logEventViewer:group={group} "
        f"in account {endpoint.scope.account} for more information.",
        status=424,
        OriginalStatusCode=status,
        OriginalMessage=message,
        LogStreamArn=f"arn:aws:logs:{region}:{endpoint.scope.account}:log-group:{group}",
    )
