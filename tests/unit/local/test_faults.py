"""A fault's answer is one that botocore raises as the code that AWS documents, in each protocol; a request is known as
what botocore made it for.
"""

from __future__ import annotations

from io import BytesIO
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import botocore.session
import pytest
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.retries.standard import RetryContext, ThrottledRetryableChecker, TransientRetryableChecker

from local.faults import Fault
from local.faults.answers import answer, error_of
from local.faults.calls import SERVICES, model_of, operation_of
from local.faults.switches import Switches

BUCKET: dict[str, Any] = {"Bucket": "b"}
OBJECT = BUCKET | {"Key": "a folder/data+1.csv"}
CALLS: list[tuple[str, str, dict[str, Any]]] = [
    ("s3", "GetObject", OBJECT), ("s3", "HeadObject", OBJECT), ("s3", "PutObject", OBJECT),
    ("s3", "CopyObject", OBJECT | {"CopySource": "from/key"}),
    ("s3", "UploadPart", OBJECT | {"PartNumber": 1, "UploadId": "u"}),
    ("s3", "UploadPartCopy", OBJECT | {"PartNumber": 1, "UploadId": "u", "CopySource": "from/key"}),
    ("s3", "CreateMultipartUpload", OBJECT), ("s3", "DeleteObject", OBJECT),
    ("s3", "CompleteMultipartUpload", OBJECT | {"UploadId": "u"}),
    ("s3", "AbortMultipartUpload", OBJECT | {"UploadId": "u"}),
    ("s3", "DeleteObjects", BUCKET | {"Delete": {"Objects": [{"Key": "k"}]}}), ("s3", "ListObjectsV2", BUCKET),
    ("s3", "ListObjectVersions", BUCKET), ("s3", "HeadBucket", BUCKET), ("s3", "GetBucketPolicy", BUCKET),
    ("s3", "PutBucketPolicy", BUCKET | {"Policy": "{}"}),
    ("sts", "AssumeRole", {"RoleArn": "arn:aws:iam::222222222222:role/r", "RoleSessionName": "session"}),
    ("iam", "GetRole", {"RoleName": "r"}),
    ("dynamodb", "PutItem", {"TableName": "t", "Item": {"k": {"S": "v"}}}),
    ("sagemaker", "DescribeEndpoint", {"EndpointName": "e"}),
    ("sagemaker-runtime", "InvokeEndpoint", {"EndpointName": "e", "Body": b"1"}),
    ("stepfunctions", "StartExecution", {"stateMachineArn": "arn:aws:states:us-east-1:111111111111:stateMachine:m"}),
    ("sqs", "SendMessage", {"QueueUrl": "https://sqs.us-east-1.amazonaws.com/1/q", "MessageBody": "m"}),
    ("events", "PutEvents", {"Entries": [{"Source": "s", "DetailType": "t", "Detail": "{}"}]}),
    ("lambda", "Invoke", {"FunctionName": "f"}),
    ("logs", "FilterLogEvents", {"logGroupName": "g"}),
    ("service-quotas", "ListServiceQuotas", {"ServiceCode": "sagemaker"}),
    ("application-autoscaling", "DescribeScalableTargets", {"ServiceNamespace": "sagemaker"}),
    ("cloudformation", "DescribeStacks", {}),
]  # fmt: skip
SESSION = botocore.session.Session()
CODES = {  # IAM API reference "Common Errors"; S3 API reference "Error responses"; DynamoDB "Programming.Errors"
    ("s3", "GetObject"): ("SlowDown", "InternalError", "ServiceUnavailable", "ExpiredToken", "AccessDenied"),
    ("s3", "HeadObject"): ("503", "500", "503", "400", "403"),  # an answer without a body has no code
    ("sts", "AssumeRole"): ("Throttling", "InternalFailure", "ServiceUnavailable", "ExpiredToken", "AccessDenied"),
    ("dynamodb", "PutItem"): (
        "ProvisionedThroughputExceededException", "InternalServerError", "ServiceUnavailable",
        "ExpiredTokenException", "AccessDeniedException",
    ),
    ("sagemaker-runtime", "InvokeEndpoint"): (
        "ThrottlingException", "InternalFailure", "ServiceUnavailable", "ExpiredTokenException",
        "AccessDeniedException",
    ),
    ("lambda", "Invoke"): (
        "TooManyRequestsException", "ServiceException", "ServiceUnavailable", "ExpiredTokenException",
        "AccessDeniedException",
    ),
    ("service-quotas", "ListServiceQuotas"): (
        "TooManyRequestsException", "ServiceException", "ServiceUnavailable", "ExpiredTokenException",
        "AccessDeniedException",
    ),
}  # fmt: skip


class _Body(BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


def called(service: str, operation: str, request: dict[str, Any], kind: str) -> ClientError:
    """Call an operation that this kind of fault answers; return what botocore raises."""
    client = SESSION.create_client(
        service, "us-east-1", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="s",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )  # fmt: skip

    def send(request: Any, **_: Any) -> AWSResponse:
        parts = urlsplit(request.url)
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        body = request.body.encode() if isinstance(request.body, str) else request.body
        body = body if isinstance(body, bytes) else b""
        found = operation_of(request.method, parts.path, parse_qs(parts.query, keep_blank_values=True), headers, body)
        assert found
        seen.append((found[0].service_model.service_name, found[0].name, found[1]))
        status, named, content = answer(found[0], kind, "arn:aws:iam::111111111111:role/r", request.method)
        headers = HTTPHeaders()
        for name, value in named.items():
            headers[name] = value
        return AWSResponse(request.url, status, headers, _Body(content))

    seen: list[tuple[str, str, str]] = []
    client.meta.events.register_first("before-send", send)
    with pytest.raises(ClientError) as raised:
        getattr(client, xform_name(operation))(**request)
    assert seen[0] == (service, operation, "AKIDEXAMPLE")  # then S3's client asks for the region, maybe
    return raised.value


def is_retried(error: ClientError, checker: Any) -> bool:
    response = SimpleNamespace(status_code=error.response["ResponseMetadata"]["HTTPStatusCode"])
    return bool(checker.is_retryable(RetryContext(1, parsed_response=error.response, http_response=response)))


@pytest.mark.parametrize(("service", "operation", "request_"), CALLS, ids=[f"{call[0]}-{call[1]}" for call in CALLS])
def test_an_operation_is_recognised_and_its_faults_are_what_botocore_retries_and_what_it_does_not(
    service: str, operation: str, request_: dict[str, Any]
) -> None:
    kinds = ("throttled", "failing", "unavailable", "expired", "revoked")
    errors = [called(service, operation, request_, kind) for kind in kinds]
    throttled, failing, unavailable, expired, revoked = errors
    if operation not in ("HeadObject", "HeadBucket"):
        assert is_retried(throttled, ThrottledRetryableChecker())
    for error in (failing, unavailable):
        assert is_retried(error, TransientRetryableChecker())
    for error in (expired, revoked):
        assert not is_retried(error, TransientRetryableChecker())
        assert not is_retried(error, ThrottledRetryableChecker())
    codes = tuple(error.response["Error"]["Code"] for error in errors)
    assert codes == CODES.get((service, operation), codes)


def test_a_quota_is_used_up_only_where_the_model_has_such_an_error() -> None:
    job = model_of("sagemaker").operation_model("CreateAutoMLJobV2")
    assert error_of(job, "quota") == (400, "ResourceLimitExceeded")
    with pytest.raises(ValueError, match="CopyObject of s3 has no error for 'quota'"):
        Switches().switch([Fault("quota", "s3", "CopyObject")])


@pytest.mark.parametrize(
    ("service", "operation", "words"),
    [("s3", "CopyObjects", "s3 has no operation 'CopyObjects'"), ("s4", "GetObject", "calls of 's4' are not recogn")],
)
def test_a_fault_of_what_does_not_exist_is_refused(service: str, operation: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Switches().switch([Fault("throttled", service, operation)])
    with pytest.raises(ValueError, match="no fault is called 'thorttled'"):
        Fault("thorttled")


def test_a_fault_hits_the_calls_that_it_names_from_the_nth_on_and_no_others() -> None:
    switches = Switches()
    switches.switch([Fault("throttled", "s3", "*", "*/acme", first=2, times=2), Fault("slow", "sts")])
    calls = [("s3", "GetObject", "role/acme"), ("s3", "GetObject", "role/globex"), ("s3", "PutObject", "role/acme")]
    hits = [switches.hit(*call) for call in [*calls, calls[0], calls[0]]]
    assert [fault.kind if fault else None for fault in hits] == [None, None, "throttled", "throttled", None]
    assert [fault["matched"] for fault in switches.as_document()["faults"]] == [4, 0]
    switches.switch([])
    assert switches.hit(*calls[2]) is None
    assert switches.as_document() == {"faults": [], "calls": [["s3", "PutObject", "role/acme", 1]]}


def test_services_are_recognised_by_the_name_that_their_requests_are_signed_for() -> None:
    signed = {service: model_of(service).signing_name for service in SERVICES}
    assert {service: name for service, name in signed.items() if service != name} == {
        "stepfunctions": "states", "service-quotas": "servicequotas", "sagemaker-runtime": "sagemaker",
    }  # fmt: skip
