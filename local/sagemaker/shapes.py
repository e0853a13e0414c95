"""Check requests and answers against botocore's own service model, with SageMaker's own messages.

botocore's validator knows types and required members; lengths, ranges, patterns and enums are in the same model, but
only the service checks them. So here is one walk over a shape that finds everything, for requests and for
our own answers.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from local.sagemaker.errors import ApiError, invalid

# Java's classes that Python's `re` lacks, and the nearest that it has.
_JAVA_CLASSES = {
    r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{ASCII}": r"[\x00-\x7f]", r"\p{Print}": r"[\x20-\x7e]",
    r"\z": r"\Z", r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
}  # fmt: skip
# What AWS was seen to answer beside an enum's values, by shape: such as `validation:f1` for a metric.
_CAPTURED = {"AutoMLMetricEnum": re.compile("validation:[a-z0-9_]+")}
_NEVER = re.compile(r"(?!)")
_PYTHON_TYPES: Mapping[str, tuple[type[Any], ...]] = {
    "string": (str,), "integer": (int,), "long": (int,), "float": (int, float), "double": (int, float),
    "boolean": (bool,), "timestamp": (int, float), "structure": (dict,), "list": (list,), "map": (dict,),
    "blob": (bytes,),
}  # fmt: skip


@functools.cache
def service_model(service: str) -> ServiceModel:
    """botocore's model of `sagemaker` or `sagemaker-runtime`."""
    return botocore.session.get_session().get_service_model(service)


def operation(name: str, service: str = "sagemaker") -> OperationModel:
    """One operation's model; raises botocore's OperationNotFoundError."""
    return service_model(service).operation_model(name)


def check_request(shape: Shape | None, request: Any) -> None:
    """Raise ApiError (ValidationException, or SerializationException for a wrong type) unless `request` fits."""
    violations = list(_violations(shape, request, "")) if shape else []
    if violations:
        errors = "error" if len(violations) == 1 else "errors"
        raise invalid(f"{len(violations)} validation {errors} detected: {'; '.join(violations)}")


def check_answer(shape: Shape | None, answer: dict[str, Any]) -> dict[str, Any]:
    """`answer` without its None members; raises ValueError when it does not fit, which is a bug of ours."""
    answer = _without_none(answer)
    violations = list(_violations(shape, answer, "", unknown_allowed=False)) if shape else [*answer]
    if violations:
        raise ValueError(f"an answer that botocore's model does not know: {'; '.join(violations)}")
    return answer


def _violations(shape: Shape, value: Any, path: str, *, unknown_allowed: bool = True) -> Iterator[str]:
    types: Any = _PYTHON_TYPES[shape.type_name]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise ApiError("SerializationException", f"{path or 'The request'} must be of type {shape.type_name}.")
    yield from _constraints(shape, value, path)
    if isinstance(shape, StructureShape):
        for name in shape.required_members:
            if value.get(name) is None:
                yield _message("null", _step(path, name), "Member must not be null")
        if not unknown_allowed:
            yield from (f"{path}.{name} is unknown" for name in value.keys() - shape.members.keys())
    for member, part, part_path in _parts(shape, value, path):
        yield from _violations(member, part, part_path, unknown_allowed=unknown_allowed)


def _parts(shape: Shape, value: Any, path: str) -> Iterator[tuple[Shape, Any, str]]:
    """The shape, value and path of everything directly inside a value."""
    if isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield member, value[name], _step(path, name)
    elif isinstance(shape, ListShape):
        for position, item in enumerate(value, start=1):
            yield shape.member, item, f"{path}.{position}.member"
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield shape.key, key, f"{path}.{key}.key"
            yield shape.value, item, f"{path}.{key}.value"


def _constraints(shape: Shape, value: Any, path: str) -> Iterator[str]:
    rules = shape.metadata
    shown = f"'{value}'"
    if rules.get("union") and sum(member is not None for member in value.values()) != 1:
        yield _message(shown, path, "Exactly one member must be set")
    if allowed := rules.get("enum"):
        if value not in allowed and not _CAPTURED.get(shape.name, _NEVER).fullmatch(value):
            yield _message(shown, path, f"Member must satisfy enum value set: [{', '.join(allowed)}]")
        return
    measured, of_what = (len(value), "length") if hasattr(value, "__len__") else (value, "value")
    if "min" in rules and measured < rules["min"]:
        yield _message(shown, path, f"Member must have {of_what} greater than or equal to {rules['min']}")
    if "max" in rules and measured > rules["max"]:
        yield _message(shown, path, f"Member must have {of_what} less than or equal to {rules['max']}")
    elif "pattern" in rules and not _pattern(rules["pattern"]).fullmatch(value):
        yield _message(shown, path, f"Member must satisfy regular expression pattern: {rules['pattern']}")


@functools.cache
def _pattern(java: str) -> re.Pattern[str]:
    for theirs, ours in _JAVA_CLASSES.items():
        java = java.replace(theirs, ours)
    return re.compile(java.replace(r"[\p{Print}]", r"[\x20-\x7e]"))


def _message(shown: str, path: str, constraint: str) -> str:
    return f"Value {shown} at '{path}' failed to satisfy constraint: {constraint}"


def _step(path: str, member: str) -> str:
    """AWS names members in lower camel case: `productionVariants.1.member.modelName`."""
    name = member[0].lower() + member[1:]
    return f"{path}.{name}" if path else name


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return [_without_none(item) for item in value] if isinstance(value, list) else value
