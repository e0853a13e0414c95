"""AWS's error codes by what they mean, and the named failure that each becomes: the only place that knows them.

Codes stand in the services' API references ("Common Error Types" and each operation's "Errors"). A HEAD request has no
body, so S3's answer to it carries the HTTP status as its code. A code that nobody thought of is a verdict only if its
status says so: 429 and every 5xx mean that AWS may do later what it did not do now.
"""

from __future__ import annotations

from collections.abc import Iterator, Set
from contextlib import contextmanager

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from tenantml.errors import CustomerAccessRevoked, CustomerThrottled, PlatformUnavailable, TenantMLError

AwsError = ClientError
"""An answer of AWS that refuses a request."""
NO_ANSWER = (NoConnection, HTTPClientError, IncompleteReadError, ResponseParserError)
"""A request that AWS did not answer in full: no connection, a time-out, or an answer that was cut short."""
AnyFailure = (AwsError, BotoCoreError, ResponseParserError)
"""Whatever a request may end in, except a bug of ours."""

DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "403"})  # the third is EC2's
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException"})
BAD_CREDENTIALS = frozenset(
    {
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
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TooManyRequestsException",
        "429",
    }
)
# Somebody else was writing the same: S3's to a bucket's settings, DynamoDB's to an item.
CONFLICT = frozenset(
    {"OperationAborted", "TransactionConflict", "TransactionConflictException", "TransactionInProgressException"}
)
TRANSIENT = frozenset(
    {
        "InternalError",
        "InternalException",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "500",
        "502",
        "503",
        "504",
    }
)
UNANSWERED = "NoAnswer"  # our own code for a request that AWS did not answer
BUSY = THROTTLED | CONFLICT | TRANSIENT | {UNANSWERED}
"""What a later attempt may not meet again."""

ABSENT_OBJECT = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
ABSENT_BUCKET = frozenset({"NoSuchBucket"})
ABSENT_UPLOAD = frozenset({"NoSuchUpload"})
ABSENT_ACCESS_POINT = frozenset({"NoSuchAccessPoint"})
ABSENT_EXECUTION = frozenset({"ExecutionDoesNotExist"})
ABSENT_ROLE = frozenset({"NoSuchEntity"})
INVALID = frozenset({"ValidationException"})
# SageMaker finds a request invalid that describes or deletes what does not exist.
ABSENT_RESOURCE = INVALID | {"ResourceNotFound"}
REFUSED_POLICY = frozenset({"MalformedPolicy"})
CHANGED_OBJECT = frozenset({"PreconditionFailed", "412"})

CONDITION_FAILED = frozenset({"ConditionalCheckFailed", "ConditionalCheckFailedException"})
EXECUTION_EXISTS = frozenset({"ExecutionAlreadyExists"})
TASK_OVER = frozenset({"TaskDoesNotExist", "TaskTimedOut"})  # Step Functions API reference, "SendTaskSuccess"
RESOURCE_EXISTS = frozenset({"ResourceInUse"})
ACCESS_POINT_EXISTS = frozenset({"AccessPointAlreadyOwnedByYou"})
# By AWS's own CloudFormation handlers of access points; no page lists the codes of CreateAccessPoint.
TOO_MANY_ACCESS_POINTS = frozenset({"TooManyAccessPoints"})
QUOTA_USED_UP = frozenset({"ResourceLimitExceeded"})

Names = dict[str, type[TenantMLError]]  # our name for each of AWS's codes

# A session that expired is one that the repeated state assumes anew.
IN_CUSTOMER_ACCOUNT: Names = dict.fromkeys(DENIED | BAD_CREDENTIALS, CustomerAccessRevoked) | dict.fromkeys(
    BUSY | EXPIRED, CustomerThrottled
)
"""What any call in a customer's account may end in."""


def code_of(error: Exception) -> str:
    """Return the code of AWS's answer, such as `AccessDenied`; `NoAnswer` when there was none.

    An unknown code of a status that may pass is that status, and a cancelled transaction has the code of its reason:
    a condition that failed before all others (DynamoDB API reference, "TransactWriteItems").
    """
    if not isinstance(error, AwsError):
        return UNANSWERED
    code: str = error.response.get("Error", {}).get("Code", "")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "TransactionCanceledException":
        reasons = {reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])} - {"None"}
        return min(reasons, key=lambda reason: (reason not in CONDITION_FAILED, reason), default=code)
    if code not in BUSY and (status == 429 or status >= 500):
        return "429" if status == 429 else "500"
    return code


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


@contextmanager
def ours() -> Iterator[None]:
    """Raise what AWS did not do now in our own account as `PlatformUnavailable`; anything else is a bug of ours."""
    try:
        yield
    except (AwsError, *NO_ANSWER) as error:
        if code_of(error) not in BUSY:
            raise
        asked = error.operation_name if isinstance(error, AwsError) else "a request"
        raise PlatformUnavailable(
            f"AWS did not take {asked} now ({code_of(error)}); what needs it is tried again"
        ) from error


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
