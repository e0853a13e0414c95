"""What AWS's codes mean, those included that nobody thought of."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tenantml.aws.error_codes import BUSY, CONDITION_FAILED, IN_CUSTOMER_ACCOUNT, code_of, named, ours
from tenantml.errors import CustomerAccessRevoked, CustomerThrottled, PlatformUnavailable


def answer(code: str, status: int = 400, **more: Any) -> ClientError:
    """An answer of AWS, as botocore raises it."""
    found: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}
    return ClientError(found, "PutItem")


def cancelled(*reasons: str) -> ClientError:
    return answer("TransactionCanceledException", CancellationReasons=[{"Code": reason} for reason in reasons])


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 529, 530])
def test_an_unknown_code_of_a_status_that_may_pass_is_transient(status: int) -> None:
    assert code_of(answer("HeardOfNever", status)) in BUSY


@pytest.mark.parametrize("status", [400, 403, 404, 409, 418])
def test_an_unknown_code_of_any_other_status_stays_what_it_is(status: int) -> None:
    assert code_of(answer("HeardOfNever", status)) == "HeardOfNever"
    for naming in (ours(), named(IN_CUSTOMER_ACCOUNT, "something")):
        with pytest.raises(ClientError, match="HeardOfNever"), naming:
            raise answer("HeardOfNever", status)


def test_a_cancelled_transaction_means_what_cancelled_it() -> None:
    assert code_of(cancelled("None", "ConditionalCheckFailed")) in CONDITION_FAILED
    assert code_of(cancelled("TransactionConflict", "ConditionalCheckFailed")) in CONDITION_FAILED
    for reason in ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"):
        assert code_of(cancelled("None", reason)) in BUSY
    assert code_of(cancelled("ValidationError", "None")) == "ValidationError"
    assert code_of(cancelled()) == "TransactionCanceledException"


def test_what_fails_in_our_account_says_what_was_asked_and_nothing_of_what_aws_says() -> None:
    with pytest.raises(PlatformUnavailable, match=r"did not take PutItem now \(SlowDown\)") as caught, ours():
        raise answer("SlowDown", 503)
    assert ": no" not in str(caught.value)
    with pytest.raises(PlatformUnavailable, match="NoAnswer"), ours():
        raise ReadTimeoutError(endpoint_url="https://dynamodb.eu-west-1.amazonaws.com")


def test_an_expired_session_is_assumed_anew_and_a_refused_key_is_a_refusal() -> None:
    with pytest.raises(CustomerThrottled), named(IN_CUSTOMER_ACCOUNT, "something"):
        raise answer("ExpiredTokenException")
    with pytest.raises(CustomerAccessRevoked), named(IN_CUSTOMER_ACCOUNT, "something"):
        raise answer("UnrecognizedClientException")
