"""What of an answer may be kept: its members, types, statuses and names; nothing that a tenant or an account owns.

Everything is dropped unless this module says otherwise: numbers become 0, texts `<text>`, times `<time>`. Kept are the
values that AWS's service model enumerates, error codes, and the names listed here; from those, accounts, keys, hosts
and everything that is known to belong to this run are then replaced (`without`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final

from botocore.model import ListShape, MapShape, Shape, StructureShape

from tenantml.domain.api.schemas import components

TEXT, TIME, STREAM, OTHER_KEY = "<text>", "<time>", "<stream>", "<key>"

# Compared by their form: which name is which depends on the run.
NAMES: Final = frozenset({
    "AutoMLJobName", "AutoMLJobArn", "CandidateName", "CandidateStepName", "CandidateStepArn", "EndpointName",
    "EndpointArn", "EndpointConfigName", "EndpointConfigArn", "ModelName", "ModelArn", "VariantName",
    "InvokedProductionVariant", "Image", "SpecifiedImage", "ResolvedImage", "ModelDataUrl", "S3OutputPath", "S3Uri",
    "Explainability", "ModelInsights", "RoleArn", "ExecutionRoleArn", "Key", "Prefix", "executionArn",
    "stateMachineArn", "name",
})  # fmt: skip
# Compared as they are, like what the service model enumerates.
VALUES: Final = frozenset({
    "Code", "ContentType", "OutputKey", "ParameterKey", "MetricName", "error", "FunctionError", "ServiceCode", "status",
    "state", "secondary_status", "problem_type", "mode", "metric", "code", "action", "outcome",
})  # fmt: skip
_OUR_TAGS = ("tenantml:", "aws:")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")
# Of the API's answers: what may hold cells or columns, however deep; and members that its schema leaves open.
_TENANTS_OWN = frozenset({"probabilities", "predicted_label", "advice", "fields"})
_RECEIPT = frozenset({"number", "time", "action", "outcome", "resource", "session", "request_id", "count"})

_PATTERNS: Final = (
    (re.compile(r"(?<=http://)[^/\s]+|(?<=https://)[^/\s]+|[\w.-]+\.amazonaws\.com(\.cn)?"), "<host>"),
    (re.compile(r"(?<![\d.])\d{1,3}(\.\d{1,3}){3}(?![\d.])"), "<host>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE), "<id>"),
    (re.compile(r"\bA(KIA|SIA|ROA|IDA)[A-Z0-9]{12,}\b|\btml_[\w-]+"), "<key>"),
    (re.compile(r"[\w.+-]+@[\w.-]+"), "<address>"),
    (re.compile(r"(?<!\d)\d{12}(?!\d)"), "<account>"),
)
_TOKEN = re.compile(r"<[a-z]+>|[A-Za-z0-9]+")
_NUMBER = re.compile(r"\d+(\.\d+)?([eE][+-]?\d+)?")


def modelled(value: Any, shape: Shape | None, member: str = "") -> Any:
    """Reduce an AWS client's answer to what may be kept, by the operation's output shape."""
    match value, shape:
        case dict(), StructureShape():
            members = {name: kept for name, kept in value.items() if name in shape.members}
            return {name: modelled(kept, shape.members[name], name) for name, kept in members.items()}
        case dict(), MapShape():
            return {_key(key): modelled(kept, shape.value, _key(key)) for key, kept in value.items()}
        case list(), ListShape():
            return _each_once(modelled(item, shape.member, member) for item in value)
        case str(), Shape() if shape.metadata.get("enum"):
            return value
        case str(), Shape(name="TagKey"):
            return value if value.startswith(_OUR_TAGS) else TEXT
    return _scalar(value, member)


def document(value: Any, member: str = "") -> Any:
    """Reduce an answer of our own API: its schemas name the members; whatever a tenant named is masked."""
    if isinstance(value, dict):
        own = member in _TENANTS_OWN
        return {
            (key if not own and key in _members() else OTHER_KEY): document(kept, member if own else key)
            for key, kept in value.items()
        }
    if isinstance(value, list):
        return _each_once(document(item, member) for item in value)
    return TEXT if isinstance(value, str) and member in _TENANTS_OWN else _scalar(value, member)


def text_body(content: bytes) -> list[str]:
    """Return the forms of a body's lines, each once: letters as `a`, numbers as `9` or `9.9`, all else as it is."""
    lines = content.decode("utf-8", errors="replace").splitlines()
    return sorted({re.sub(r"[^\W\d_]+", "a", _NUMBER.sub(_number, line)) for line in lines})


def form(name: str) -> str:
    """Return a name's form: letters as `a`, digits as `9`, hexadecimal ids as `h`; placeholders stay."""
    return _TOKEN.sub(_token, name)


def without(value: Any, known: Mapping[str, str]) -> Any:
    """Replace in all texts what looks like an account's, and what is `known` to belong to this run or its accounts."""
    if isinstance(value, dict):
        return {key: without(kept, known) for key, kept in value.items()}
    if isinstance(value, list):
        return [without(item, known) for item in value]
    if not isinstance(value, str):
        return value
    for pattern, placeholder in _PATTERNS:
        value = pattern.sub(placeholder, value)
    for secret in sorted(known, key=len, reverse=True):
        value = re.sub(rf"(?<![A-Za-z0-9]){re.escape(secret)}(?![A-Za-z0-9])", known[secret], value)
    return value


def _scalar(value: Any, member: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return 0
    if isinstance(value, datetime):
        return TIME
    if isinstance(value, str):
        return value if member in NAMES | VALUES or member.startswith("SAGEMAKER_") else TEXT
    return STREAM


def _each_once(items: Iterable[Any]) -> list[Any]:
    """Without repetitions: how many there are is no form."""
    unique: list[Any] = []
    for item in items:
        if item not in unique:
            unique.append(item)
    return unique


def _key(key: str) -> str:
    return key if _VARIABLE.fullmatch(key) else OTHER_KEY


def _token(found: re.Match[str]) -> str:
    token = found[0]
    if token.startswith("<"):
        return token
    if len(token) >= 8 and not token.isdigit() and re.fullmatch(r"[0-9a-f]*\d[0-9a-f]*", token):
        return "h"
    return re.sub(r"\d+", "9", re.sub(r"[A-Za-z]+", "a", token))


def _number(found: re.Match[str]) -> str:
    return "9.9" if found[1] or found[2] else "9"


@cache
def _members() -> frozenset[str]:
    return _RECEIPT | frozenset(_properties(components()))


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(properties := schema.get("properties"), dict):
            yield from properties
        for part in schema.values():
            yield from _properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _properties(part)
