"""What AWS answers instead: the code that the operation's model declares, else the one of all services of its protocol,
in the protocol's form.

https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html, .../AmazonS3/latest/API/ErrorResponses.html, and
.../amazondynamodb/latest/developerguide/Programming.Errors.html have the common codes and their statuses.
"""

from __future__ import annotations

import json
import re
import uuid
from typing import Final
from xml.sax.saxutils import escape

from botocore.model import OperationModel

Answer = tuple[int, dict[str, str], bytes]

ANSWERED: Final = ("throttled", "failing", "unavailable", "quota", "expired", "revoked")
"""The kinds that are an error in AWS's answer."""
_DECLARED: Final = {
    "throttled": r"(ProvisionedThroughputExceeded|TooManyRequests|Throttling)Exception|RequestThrottled",
    "failing": r"InternalServerError|InternalException|InternalFailure|InternalServiceException|ServiceException",
    "unavailable": r"ServiceUnavailable(Exception)?",
    "quota": r"(?!Request)\w*LimitExceeded(Exception)?",
    "expired": r"(?!)",
    "revoked": r"(?!)",
}
"""Kind -> the names of the errors that a model may declare for it."""
_COMMON: Final = {
    "throttled": {"query": (400, "Throttling"), "rest-xml": (503, "SlowDown"), "": (400, "ThrottlingException")},
    "failing": {"rest-xml": (500, "InternalError"), "": (500, "InternalFailure")},
    "unavailable": {"": (503, "ServiceUnavailable")},
    "expired": {
        "query": (403, "ExpiredToken"), "rest-xml": (400, "ExpiredToken"), "rest-json": (403, "ExpiredTokenException"),
        "": (400, "ExpiredTokenException"),
    },
    "revoked": {
        "query": (403, "AccessDenied"), "rest-xml": (403, "AccessDenied"),
        "rest-json": (403, "AccessDeniedException"), "": (400, "AccessDeniedException"),
    },
}  # fmt: skip
_WORDS: Final = {
    "throttled": "Rate exceeded",
    "failing": "We encountered an internal error. Please try again.",
    "unavailable": "Service is unable to handle request.",
    "quota": "The account-level service limit for this resource has been reached.",
    "expired": "The security token included in the request is expired",
}


def error_of(operation: OperationModel, kind: str) -> tuple[int, str]:
    """Return the status and the code of an operation's error of this kind.

    Raises:
        ValueError: no such error is documented, as of a quota for an operation that makes nothing.
    """
    for shape in operation.error_shapes:
        if re.fullmatch(_DECLARED[kind], shape.name):
            said = shape.metadata.get("error", {})
            status = {"failing": 500, "unavailable": 503}.get(kind, 400)
            return said.get("httpStatusCode", status), said.get("code", shape.name)
    if kind not in _COMMON:
        raise ValueError(f"{operation.name} of {operation.service_model.service_name} has no error for {kind!r}")
    by_protocol = _COMMON[kind]
    return by_protocol.get(operation.service_model.protocol, by_protocol[""])


def answer(operation: OperationModel, kind: str, caller: str, method: str = "POST") -> Answer:
    """Return the status, the headers and the body of an operation's error of this kind."""
    model, request_id = operation.service_model, str(uuid.uuid4())
    status, code = error_of(operation, kind)
    namespace = model.signing_name
    denial = f"User: {caller} is not authorized to perform: {namespace}:{operation.name}"
    message = _WORDS.get(kind) or f"{denial} because no identity-based policy allows the {operation.name} action"
    headers = {"x-amzn-requestid": request_id, "x-amz-request-id": request_id}
    if model.protocol in ("query", "rest-xml"):
        text = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
        text = f"<Error><Type>Sender</Type>{text}</Error>" if model.protocol == "query" else text
        root = "ErrorResponse" if model.protocol == "query" else "Error"
        body = f"<{root}>{text}<RequestId>{request_id}</RequestId></{root}>"
        return status, headers | {"content-type": "text/xml"}, b"" if method == "HEAD" else body.encode()
    headers |= {"content-type": f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}"}
    headers |= {"x-amzn-errortype": code}
    if model.is_query_compatible:
        headers["x-amzn-query-error"] = f"{code};Sender"
    return status, headers, json.dumps({"__type": code, "message": message}).encode()
