"""What a customer's account does wrong reaches the app as a stable answer, and never as a 500."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from tenantml.aws import sagemaker_runtime
from tenantml.aws.clients import platform, shared_session
from tests.integration.predict.conftest import Process


class _Empty:
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield b""


MISSING = (400, "ValidationError", b'{"Message": "Endpoint tenantml-churn of account 000000000001 not found."}')
INVALID = (400, "ValidationError", b'{"Message": "Variant AllTraffic is being changed"}')
UNKNOWN = (529, "HeardOfNever", b"{}")
THROTTLED = (429, "ThrottlingException", b'{"Message": "Rate exceeded"}')
COLD = (429, "ModelNotReadyException", b'{"Message": "the model is loading"}')
BUSY = (503, "ServiceUnavailable", b'{"Message": "busy"}')
MODEL_FAILED = (424, "ModelError", b'{"Message": "Received server error (500)", "OriginalStatusCode": 500}')
FORBIDDEN = (403, "AccessDeniedException", b'{"Message": "no"}')
ENDED = (403, "ExpiredTokenException", b'{"Message": "The security token included in the request is expired"}')


@pytest.mark.parametrize(
    "answers",
    [[INVALID], [THROTTLED] * 2, [COLD] * 2, [BUSY] * 2, [UNKNOWN], [None] * 2],
    ids=["invalid", "throttled", "cold", "busy", "unknown", "silent"],
)
def test_an_endpoint_that_does_not_answer_is_a_503_that_says_when_to_try_again(process: Process, answers: list) -> None:
    tenant = process.add_tenant(1)
    process.accounts.next_answers = list(answers)
    status, headers, problem = process.predict(tenant)
    assert (status, problem["code"]) == (503, "EndpointUnavailable")
    assert int(headers["Retry-After"]) > 0
    assert process.predict(tenant)[0] == 200


def test_an_endpoint_that_the_customer_deleted_is_a_409_that_says_how_to_get_it_back(process: Process) -> None:
    tenant = process.add_tenant(1)
    process.accounts.next_answers = [MISSING]
    status, headers, problem = process.predict(tenant)
    assert (status, problem["code"], "Retry-After" in headers) == (409, "EndpointGone", False)
    assert "PUT /models/{model}/live-version" in problem["detail"]


def test_an_endpoint_that_takes_too_long_is_asked_once(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sagemaker_runtime, "CONFIG", sagemaker_runtime.CONFIG.merge(Config(read_timeout=0.2)))
    process.accounts.answers_after_seconds = 0.5
    status, _, problem = process.predict(process.add_tenant(1))
    assert (status, problem["code"], len(process.accounts.calls)) == (504, "AnswerTimedOut", 1)


@pytest.mark.parametrize("operation", ["dynamodb.GetItem", "s3.GetObject"])
def test_a_blip_of_our_own_account_is_a_503_and_no_bug(
    process: Process, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    tenant = process.add_tenant(1)

    def fail(request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, 503, {}, _Empty())

    for events in (
        shared_session().get_component("event_emitter"),
        platform(operation.split(".", maxsplit=1)[0]).meta.events,
    ):
        events.register_first(f"before-send.{operation}", fail)
    status, headers, problem = process.predict(tenant)
    assert (status, problem["code"], "Retry-After" in headers) == (503, "PlatformUnavailable", True)


def test_one_hiccup_is_not_seen_by_the_app(process: Process) -> None:
    tenant = process.add_tenant(1)
    for hiccup in (BUSY, THROTTLED, None):
        process.accounts.next_answers = [hiccup]
        assert process.predict(tenant)[0] == 200


def test_an_account_that_cannot_be_reached_at_all_is_a_503(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = process.add_tenant(1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME", "http://127.0.0.1:9")  # discard: nothing listens
    status, headers, problem = process.predict(tenant)
    assert (status, problem["code"], "Retry-After" in headers) == (503, "EndpointUnavailable", True)


@pytest.mark.parametrize("body", [b"1\n", b"1\n2\n3\n4\n", b""], ids=["fewer", "more", "none"])
def test_another_number_of_predictions_than_rows_is_a_502(process: Process, body: bytes) -> None:
    process.accounts.next_answers = [(200, "", body)]
    status, _, problem = process.predict(process.add_tenant(1), row_count=3)
    assert (status, problem["code"]) == (502, "WrongPredictionCount")


@pytest.mark.parametrize("body", [b"nan\n", b"<html>\n", b"1,2\n", b"\xff\n", b"[1\n"])
def test_what_is_no_prediction_is_a_502(process: Process, body: bytes) -> None:
    process.accounts.next_answers = [(200, "", body)]
    status, _, problem = process.predict(process.add_tenant(1))
    assert (status, problem["code"]) == (502, "UnreadableAnswer")


def test_a_model_that_fails_on_the_rows_is_a_502(process: Process) -> None:
    process.accounts.next_answers = [MODEL_FAILED]
    status, _, problem = process.predict(process.add_tenant(1))
    assert (status, problem["code"]) == (502, "UnreadableAnswer")


def test_a_role_that_was_taken_away_is_a_403(process: Process) -> None:
    tenant = process.add_tenant(1)
    process.accounts.revoked.add(tenant.account_id)
    status, _, problem = process.predict(tenant)
    assert (status, problem["code"]) == (403, "CustomerAccessRevoked")


@pytest.mark.parametrize("answer", [FORBIDDEN, ENDED])
def test_a_role_that_may_not_call_its_endpoint_any_more_is_a_403(
    process: Process, answer: tuple[int, str, bytes]
) -> None:
    tenant = process.add_tenant(1)
    process.accounts.next_answers = [answer]
    status, _, problem = process.predict(tenant)
    assert (status, problem["code"]) == (403, "CustomerAccessRevoked")


def test_an_answer_that_aws_does_not_document_is_a_bug_with_its_request_id(process: Process) -> None:
    process.accounts.next_answers = [(418, "Teapot", b"{}")]
    status, _, problem = process.predict(process.add_tenant(1))
    assert (status, problem["code"]) == (500, "InternalFailure")
    assert problem["request_id"] in problem["detail"]


def test_a_model_without_a_live_version_is_a_409(process: Process) -> None:
    status, _, problem = process.predict(process.add_tenant(1, live_version=None))
    assert (status, problem["code"]) == (409, "ModelNotReady")
