"""AWS's error codes by what they mean, and the named failure that each becomes: the only place that knows them.

Codes stand in the services' API references ("Common Error Types" and each operation's "Errors"). A HEAD request has no
body, so S3's answer to it carries the HTTP status as its code.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection

from tenantml.errors import CustomerAccessRevoked, CustomerThrottled, TenantMLError

AwsError = ClientError
"""An answer of AWS that refuses a request."""
NO_ANSWER = (NoConnection, HTTPClientError)
"""A request that AWS did not answer: no connection, or a time-out."""
AnyFailure = (AwsError, BotoCoreError)
"""Whatever a request may end in, except a bug of ours."""

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})
BAD_CREDENTIALS = frozenset(
    {
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
THROTTLED = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "429",
    }
)
TRANSIENT = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "RequestTimeout",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "500",
        "502",
        "503",
        "504",
    }
)
UNANSWERED = "NoAnswer"  # our own code for a request that AWS did not answer
BUSY = THROTTLED | TRANSIENT | {UNANSWERED}
"""What a later attempt may not meet again."""

ABSENT_OBJECT = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
ABSENT_BUCKET = frozenset({"NoSuchBucket"})
ABSENT_UPLOAD = frozenset({"NoSuchUpload"})
ABSENT_POLICY = frozenset({"NoSuchBucketPolicy"})
ABSENT_EXECUTION = frozenset({"ExecutionDoesNotExist"})
ABSENT_ROLE = frozenset({"NoSuchEntity"})
# SageMaker answers ValidationException when it is asked to describe or delete what does not exist.
ABSENT_RESOURCE = frozenset({"ResourceNotFound", "ValidationException"})
CHANGED_OBJECT = frozenset({"PreconditionFailed", "412"})

CONDITION_FAILED = frozenset({"ConditionalCheckFailedException", "TransactionCanceledException"})
EXECUTION_EXISTS = frozenset({"ExecutionAlreadyExists"})
RESOURCE_EXISTS = frozenset({"ResourceInUse"})
QUOTA_USED_UP = frozenset({"ResourceLimitExceeded"})

Names = dict[str, type[TenantMLError]]  # our name for each of AWS's codes

IN_CUSTOMER_ACCOUNT: Names = dict.fromkeys(DENIED | BAD_CREDENTIALS, CustomerAccessRevoked) | dict.fromkeys(
    BUSY, CustomerThrottled
)
"""What any call in a customer's account may end in."""


def code_of(error: Exception) -> str:
    """Return the code of AWS's answer, such as `AccessDenied`; `NoAnswer` when there was none."""
    return error.response.get("Error", {}).get("Code", "") if isinstance(error, AwsError) else UNANSWERED


@contextmanager
def named(by_code: Names, what: str) -> Iterator[None]:
    """Raise AWS's failures under our names; a code that is not in `by_code` passes unchanged, as the bug it is.

    `what` states what was tried and what to do next, for the person who reads the message.
    """
    try:
        yield
    except (AwsError, *NO_ANSWER) as error:
        name = by_code.get(code_of(error))
        if name is None:
            raise
        raise name(f"{what}: {reason_of(error)}") from error


class absence:  # noqa: N801 - reads as a word after `with`
    """Ignore an answer with one of these codes: the resource is absent, or exists already."""

    def __init__(self, codes: Set[str]) -> None:
        self._codes = codes

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        return isinstance(error, AwsError) and code_of(error) in self._codes


def reason_of(error: Exception) -> str:
    """Return AWS's own message."""
    if isinstance(error, AwsError):
        return str(error.response.get("Error", {}).get("Message") or code_of(error))
    return str(error)
