"""List operations: filter, sort and page, the same for all kinds."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from local.sagemaker.errors import invalid

Document = dict[str, Any]

_DEFAULT_PAGE = 10  # SageMaker's default for MaxResults of most lists


def chosen(documents: Sequence[Document], request: Document, *, name: str, status: str = "") -> list[Document]:
    """The documents that pass the request's filters; `name` and `status` name the members that hold those."""
    tests: dict[str, Callable[[Document, Any], bool]] = {
        "NameContains": lambda document, value: value.lower() in document[name].lower(),
        "StatusEquals": lambda document, value: bool(document[status] == value),
        "CandidateNameEquals": lambda document, value: bool(document[name] == value),
        "CreationTimeAfter": lambda document, value: bool(document["CreationTime"] > value),
        "CreationTimeBefore": lambda document, value: bool(document["CreationTime"] < value),
        "LastModifiedTimeAfter": lambda document, value: bool(document["LastModifiedTime"] > value),
        "LastModifiedTimeBefore": lambda document, value: bool(document["LastModifiedTime"] < value),
    }
    active = [(test, request[filter_name]) for filter_name, test in tests.items() if filter_name in request]
    return [document for document in documents if all(test(document, value) for test, value in active)]


def page(
    documents: Sequence[Document],
    request: Document,
    sort_keys: Mapping[str, Callable[[Document], Any]],
    *,
    default_sort: str = "CreationTime",
    default_order: str = "Descending",
    default_size: int = _DEFAULT_PAGE,
) -> tuple[list[Document], str | None]:
    """One page of the sorted documents, and the token of the next page or None."""
    key = sort_keys[request.get("SortBy", default_sort)]
    descending = request.get("SortOrder", default_order) == "Descending"
    ordered = sorted(documents, key=key, reverse=descending)
    start = _offset(request["NextToken"]) if request.get("NextToken") else 0
    end = start + request.get("MaxResults", default_size)
    token = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(ordered) else None
    return ordered[start:end], token


def _offset(token: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError) as error:
        raise invalid("Invalid pagination token.") from error
