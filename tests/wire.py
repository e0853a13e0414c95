"""AWS as one client sees it: what is asked, checked by botocore against its service model, and answers as they are
given; nothing is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from botocore.session import Session

Refusal = tuple[int, str]
"""Status and code of an answer that refuses."""
Given = dict[str, Any] | Refusal | Callable[[dict[str, Any]], dict[str, Any] | Refusal]


class Wire:
    """A client of a service that notes each request (`asked`) and answers what was given for its operation, else
    nothing but success.
    """

    def __init__(self, service: str, **answers: Given) -> None:
        self.answers, self.asked = answers, list[tuple[str, dict[str, Any]]]()
        self.client: Any = Session().create_client(
            service, region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="s"
        )
        self.client.meta.events.register_first("provide-client-params", self._note)  # before botocore adds its own
        self.client.meta.events.register("before-call", self._answer)

    def of(self, *operations: str) -> list[dict[str, Any]]:
        """Return the requests of some operations, in the order in which they came."""
        return [request for operation, request in self.asked if operation in operations]

    def _note(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self.asked.append((model.name, dict(params)))

    def _answer(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        given = self.answers.get(model.name, {})
        if callable(given):
            given = given(self.of(model.name)[-1])
        status, answer = 200, given
        if isinstance(given, tuple):
            status, answer = given[0], {"Error": {"Code": given[1], "Message": f"{model.name} is refused"}}
        return SimpleNamespace(status_code=status), answer | {"ResponseMetadata": {"HTTPStatusCode": status}}
