"""Errors as SageMaker answers them."""

from __future__ import annotations

import json
from typing import Any

Answer = tuple[int, dict[str, str], bytes]


class ApiError(Exception):
    """An error answer: AWS's code, its message, the HTTP status and whatever else the error's shape carries."""

    def __init__(self, code: str, message: str, *, status: int = 400, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members

    def answer(self, content_type: str) -> Answer:
        """Status, headers and body; both protocols name the code in the header, the JSON one also in the body."""
        body = {"__type": self.code, "message": self.message, "Message": self.message, **self.members}
        return self.status, {"Content-Type": content_type, "x-amzn-errortype": self.code}, json.dumps(body).encode()


def invalid(message: str) -> ApiError:
    """A request that SageMaker refuses, or that names something which does not exist."""
    return ApiError("ValidationException", message)


def not_supported(what: str) -> ApiError:
    """A request that AWS would accept and the embedded cloud cannot fulfil: better refused than quietly ignored."""
    return invalid(f"{what} is not supported by the embedded cloud.")
