"""SageMaker's runtime in a customer's account: the call of an endpoint."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from tenantml.aws.clients import Caller, unbound_client
from tenantml.aws.error_codes import (
    BAD_CREDENTIALS,
    BUSY,
    DENIED,
    EXPIRED,
    NO_ANSWER,
    AwsError,
    Names,
    code_of,
    reason_of,
)
from tenantml.errors import AnswerTimedOut, CustomerAccessRevoked, EndpointGone, EndpointUnavailable, UnreadableAnswer

# One time-out, or two quick failures, end before the function and API Gateway do, after 29 s. A time-out is not
# retried: the same slow model would take as long again, at the customer's cost.
CONFIG = Config(
    retries={"mode": "legacy", "total_max_attempts": 2}, connect_timeout=2, read_timeout=22, max_pool_connections=2
)
INVALID = "ValidationError"  # as InvokeEndpoint spells it
NOT_FOUND = "not found"  # its message about an endpoint that does not exist; the code alone does not tell
NOT_NOW = BUSY | {INVALID, "ModelNotReadyException", "InternalDependencyException"}
ERRORS: Names = (
    dict.fromkeys(NOT_NOW, EndpointUnavailable)
    | dict.fromkeys(DENIED | BAD_CREDENTIALS | EXPIRED, CustomerAccessRevoked)
    | {"ModelError": UnreadableAnswer}
)
MESSAGES = {
    AnswerTimedOut: "the model's endpoint did not answer in time; send fewer rows at once",
    EndpointGone: "the endpoint of the live version is not in the customer's account any more; PUT "
    "/models/{model}/live-version with this version makes it anew from the kept model",
    EndpointUnavailable: "the model's endpoint does not answer now; try again shortly",
    CustomerAccessRevoked: "the customer's account refuses the call of its endpoint; its cloud team applies the "
    "on-boarding template again",
    UnreadableAnswer: "the model failed on these rows; its log group in your account says why",
}


def invoke_endpoint(region: str, caller: Caller, endpoint: str, body: bytes) -> bytes:
    """Return the endpoint's answer to rows of CSV.

    Raises:
        AnswerTimedOut: it takes too long.
        EndpointGone: it does not exist.
        EndpointUnavailable: it is cold, overloaded or out of reach.
        CustomerAccessRevoked: the access role may no longer invoke it.
        UnreadableAnswer: the model failed on these rows.
    """
    try:
        answer = _client(region).invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body, Caller=caller
        )
        content: bytes = answer["Body"].read()
    except (AwsError, *NO_ANSWER) as error:
        name = ERRORS.get(code_of(error))
        if isinstance(error, ReadTimeoutError):
            name = AnswerTimedOut
        elif code_of(error) == INVALID and NOT_FOUND in reason_of(error):
            name = EndpointGone
        if name is None:
            raise
        raise name(MESSAGES[name]) from error
    return content


@lru_cache
def _client(region: str) -> Any:
    client = unbound_client("sagemaker-runtime", region, CONFIG)
    client.meta.events.register_first("needs-retry.sagemaker-runtime", _wait_once)
    return client


def _wait_once(caught_exception: Exception | None, **_: Any) -> None:
    """End a call that has timed out, before botocore sends it again."""
    if isinstance(caught_exception, ReadTimeoutError):
        raise caught_exception
