"""Which operation of AWS a request is, by botocore's service models."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qs

import botocore.session
from botocore.model import OperationModel, ServiceModel

SERVICES: Final = (
    "application-autoscaling", "cloudformation", "dynamodb", "events", "iam", "lambda", "logs", "s3", "sagemaker",
    "sagemaker-runtime", "service-quotas", "sqs", "stepfunctions", "sts",
)  # fmt: skip
"""The services whose calls are recognised; any other is answered as always."""
_SIGNED_AS: Final = {"states": "stepfunctions", "servicequotas": "service-quotas"}
_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d+/[^/]+/([^/]+)/aws4_request")


@functools.cache
def model_of(service: str) -> ServiceModel:
    """Return botocore's model of a service; raises ValueError when its calls are not recognised."""
    if service not in SERVICES:
        raise ValueError(f"the calls of {service!r} are not recognised; those of {', '.join(SERVICES)} are")
    return _session().get_service_model(service)


@functools.cache
def _session() -> botocore.session.Session:
    return botocore.session.get_session()


def operation_of(
    method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str], body: bytes
) -> tuple[OperationModel, str] | None:
    """Return the operation that a signed request calls and the access key that signed it; None for anything else."""
    signed = _CREDENTIAL.search(headers.get("authorization", ""))
    credential = signed.groups() if signed else _presigned(query)
    if credential is None:
        return None
    access_key, service = credential[0], _SIGNED_AS.get(credential[1], credential[1])
    if service == "sagemaker" and "x-amz-target" not in headers:
        service = "sagemaker-runtime"
    if service not in SERVICES:
        return None
    model = model_of(service)
    name = headers.get("x-amz-target", "").rpartition(".")[2] or _in_a_form(model, query, body)
    name = name or _of_a_path(model, method, path, query, headers)
    return (model.operation_model(name), access_key) if name in model.operation_names else None


def _presigned(query: Mapping[str, list[str]]) -> tuple[str, str] | None:
    parts = query.get("X-Amz-Credential", [""])[0].split("/")
    return (parts[0], parts[3]) if len(parts) == 5 else None


def _in_a_form(model: ServiceModel, query: Mapping[str, list[str]], body: bytes) -> str:
    if model.protocol != "query":
        return ""
    form = {**query, **parse_qs(body.decode("utf-8", errors="replace"))}
    return str(form.get("Action", [""])[0])


def _of_a_path(
    model: ServiceModel, method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str]
) -> str:
    """The operation whose path matches, and of these the one that needs most of what the request has."""
    fitting = [
        (len(needed), name)
        for name, of_method, pattern, needed in _routes(model)
        if of_method == method and pattern.fullmatch(path) and all(_has(one, query, headers) for one in needed)
    ]
    return max(fitting)[1] if fitting else ""


def _has(needed: tuple[str, str, str], query: Mapping[str, list[str]], headers: Mapping[str, str]) -> bool:
    where, name, value = needed
    if where == "header":
        return name.lower() in headers
    return name in query and value in ("", query[name][0])


@functools.lru_cache(maxsize=8)
def _routes(model: ServiceModel) -> list[tuple[str, str, re.Pattern[str], list[tuple[str, str, str]]]]:
    found = []
    for name in model.operation_names:
        operation = model.operation_model(name)
        address, _, literals = operation.http.get("requestUri", "/").partition("?")
        if "authPath" in operation.http:  # S3's clients take the bucket out of the model's address, and keep it here
            address = operation.http["authPath"].removesuffix("/")
        needed = [("querystring", *literal.partition("=")[::2]) for literal in literals.split("&") if literal]
        shape = operation.input_shape
        for member in shape.required_members if shape else []:
            said = shape.members[member].serialization if shape else {}
            if said.get("location") in ("header", "querystring"):
                needed.append((said["location"], said["name"], ""))
        # The x-id is a hint, which other clients leave out.
        needed = [one for one in needed if one[1] != "x-id"]
        found.append((name, operation.http["method"], _pattern(address), needed))
    return found


def _pattern(address: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\+?\})", address)
    made = [
        ("(.+)" if part.endswith("+}") else "([^/]+)") if part.startswith("{") else re.escape(part) for part in parts
    ]
    return re.compile("".join(made))
