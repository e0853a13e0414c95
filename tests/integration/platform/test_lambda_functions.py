"""A function that calls another one meets its failures by their names, as if they were its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from tenantml.aws import lambda_functions
from tenantml.aws.clients import platform
from tenantml.errors import ArtefactsGone
from tests.integration.platform.conftest import Body


@pytest.fixture
def answers(stack: dict[str, str]) -> Iterator[Callable[[Any, bool], None]]:
    """Let Lambda answer an invocation on the wire, as its API reference says ("Invoke")."""
    events, registered = platform("lambda").meta.events, []

    def answers(document: Any, failed: bool) -> None:
        def answer(request: Any, **_: Any) -> AWSResponse:
            headers = HTTPHeaders()
            if failed:
                headers["X-Amz-Function-Error"] = "Unhandled"
            return AWSResponse(request.url, 200, headers, Body(json.dumps(document).encode()))

        events.register_first("before-send.lambda.Invoke", answer)
        registered.append(answer)

    yield answers
    for answer in registered:
        events.unregister("before-send.lambda.Invoke", answer)


def test_an_answer_is_returned(answers: Callable[[Any, bool], None]) -> None:
    answers({"artefacts": []}, False)
    assert lambda_functions.invoke("tenantml-sign-artefacts", {}) == {"artefacts": []}


def test_a_named_failure_is_raised_by_its_name(answers: Callable[[Any, bool], None]) -> None:
    answers({"errorType": "ArtefactsGone", "errorMessage": "they are deleted"}, True)
    with pytest.raises(ArtefactsGone, match="they are deleted"):
        lambda_functions.invoke("tenantml-sign-artefacts", {})


@pytest.mark.parametrize("kind", ["KeyError", "Sandbox.Timedout"])
def test_any_other_failure_is_a_bug_that_tells_nothing_of_itself(
    answers: Callable[[Any, bool], None], kind: str
) -> None:
    answers({"errorType": kind, "errorMessage": "a cell"}, True)
    with pytest.raises(RuntimeError, match=r"^tenantml-sign-artefacts ended in a failure without a name$"):
        lambda_functions.invoke("tenantml-sign-artefacts", {})
