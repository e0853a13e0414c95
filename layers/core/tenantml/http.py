"""The edge of the HTTP functions: who asks, and how a failure is answered (RFC 9457, problem details)."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Callable, Collection, Sequence
from functools import wraps
from typing import Any, NamedTuple

from tenantml.aws.error_codes import ours
from tenantml.domain.names import is_model, is_tenant
from tenantml.entrypoint import Event, Handler, logger, report_bug
from tenantml.errors import (
    DOCUMENTATION,
    InternalFailure,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    QuotaError,
    TenantMLError,
    UnsupportedMediaType,
)
from tenantml.services import quota, tenant_scope
from tenantml.settings import setting

RETRY_AFTER_SECONDS = 5
BEHIND_US = 502  # the status of an error that no operation documents
BODY_BYTES = 65_536
EXPOSED = "ETag, RateLimit, RateLimit-Policy, Retry-After, X-Advice-Count, X-Model-Version, X-Request-Id"
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)  # our own bodies: an eighth of the time


class Json(str):
    """Text of JSON, which goes into an answer's body as it is."""

    __slots__ = ()


class Answer(NamedTuple):
    """What an operation answers: JSON, or a text whose headers say what it is; a document of its own (an OpenAPI
    document) has no room for the request's id.
    """

    status: int
    body: dict[str, Any] | str
    headers: dict[str, str] = {}  # noqa: RUF012 - the empty default is only read
    is_document: bool = False


def api(operate: Callable[[Event, str], tuple[int, dict[str, Any]] | Answer]) -> Handler:
    """Make a Lambda handler of `operate(event, tenant)`: a refusal has a code, and a bug the id of its log entry.

    The tenant comes from the authorizer, never from the request. Each request is counted, every answer states what is
    left of the quota, and the registry is reached as this tenant alone.
    """

    @wraps(operate)
    def handler(event: Event, context: Any) -> dict[str, Any]:
        request_id = context.aws_request_id
        logger.append_keys(request_id=request_id, tenant=None)
        try:
            tenant = tenant_of(event)
            logger.append_keys(tenant=tenant)
            meter = quota.of(tenant)
            try:
                with ours(), tenant_scope.scoped_to(tenant):
                    meter.admit()
                    status, body, headers, is_document = Answer(*operate(event, tenant))
            except TenantMLError as error:
                if not isinstance(error, QuotaError) or meter.is_news():
                    logger.info("request refused", extra={"code": type(error).__name__})
                return problem(error, request_id, meter.headers() | for_browsers(event))
            if isinstance(body, dict) and not is_document:
                body = body | {"request_id": request_id}
            return answer(status, body, request_id, meter.headers() | for_browsers(event) | headers)
        except Exception:  # noqa: BLE001 - the last line of defence: logged with its trace, answered with its id
            report_bug()
            return bug(request_id)

    return handler


def tenant_of(event: dict[str, Any]) -> str:
    """Return the tenant that the authorizer found; path, body and headers are never read for it.

    Raises:
        LookupError: the function was reached without the authorizer: a bug of the template.
    """
    tenant = ((event.get("requestContext") or {}).get("authorizer") or {}).get("tenant")
    if not is_tenant(tenant):
        raise LookupError("the authorizer names no tenant")
    return str(tenant)


def asked_by(event: dict[str, Any]) -> str:
    """Return the id of the API key that the authorizer found; it grants nothing, and `GET /keys` lists it."""
    return str(((event.get("requestContext") or {}).get("authorizer") or {}).get("key_id") or "")


def header(event: dict[str, Any], name: str) -> str:
    """Return a header's value, whatever the case of its name; empty when absent."""
    return find_header(event, name) or ""


def find_header(event: dict[str, Any], name: str) -> str | None:
    """Return a header's value, whatever the case of its name; None when absent."""
    for sent_name, value in (event.get("headers") or {}).items():
        if sent_name.lower() == name:
            return str(value or "")
    return None


def for_browsers(event: Event) -> dict[str, str]:
    """Return the headers by which a browser lets a page of an origin that the stack names read the answer (Fetch
    standard, "CORS protocol"); none for other origins.
    """
    origin, named = header(event, "origin"), setting("BROWSER_ORIGINS", "").split(",")
    if not origin or origin not in named:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED, "Vary": "Origin"}


def in_path(event: Event, parameter: str) -> str:
    """Return a parameter of the path; empty when absent."""
    return str((event.get("pathParameters") or {}).get(parameter) or "")


def check_query(event: Event, known: Collection[str] = ()) -> None:
    """Refuse a query that says what the operation does not read.

    Raises:
        InvalidRequest: names each parameter that is unknown, or that is given more than once.
    """
    given: dict[str, list[str]] = {name: [] for name in event.get("queryStringParameters") or {}}
    given |= event.get("multiValueQueryStringParameters") or {}
    takes = f"this operation takes {', '.join(known)}" if known else "this operation takes none"
    wrong = [f"{name[:60]!a}: unknown query parameter; {takes}" for name in given if name not in known]
    wrong += [
        f"{name}: given {len(values)} times; give it once"
        for name, values in given.items()
        if name in known and len(values) > 1
    ]
    if wrong:
        raise InvalidRequest("; ".join(wrong[:10]))


def model_of(event: Event) -> str:
    """Return the model that the path names.

    Raises:
        NotFound: no model can have this name.
    """
    model = in_path(event, "model")
    if not is_model(model):
        raise not_found()
    return model


def media_type(event: Event) -> str:
    """Return the media type of the request's body, which is UTF-8 as it was sent; empty when none is announced.

    Raises:
        UnsupportedMediaType: it is announced in another charset, or as compressed.
    """
    encoding = header(event, "content-encoding").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedMediaType(f"the Content-Encoding {encoding[:60]!a} is not taken; send the body as it is")
    kind, *parameters = (part.strip().lower() for part in header(event, "content-type").split(";"))
    for parameter in parameters:
        name, _, charset = parameter.replace('"', "").partition("=")
        if name == "charset" and charset not in {"utf-8", "utf8", "us-ascii"}:
            raise UnsupportedMediaType(f"the charset {charset[:60]!a} is not taken; send UTF-8")
    return kind


def accepted(event: Event, kinds: Sequence[str]) -> str:
    """Return which of some media types the request prefers (RFC 9110, "Accept"): the first, unless another one is
    named with a higher weight, or it is the only one that is named.
    """
    weights = dict.fromkeys(kinds, 0.0)
    for part in header(event, "accept").lower().split(","):
        kind, *parameters = (piece.strip() for piece in part.split(";"))
        if kind in weights:
            texts = [text for name, _, text in (piece.partition("=") for piece in parameters) if name == "q"]
            weights[kind] = _weight(texts[0]) if texts else 1.0
    return max(kinds, key=weights.__getitem__)


def _weight(text: str) -> float:
    return float(text) if re.fullmatch(r"[01](\.[0-9]{0,3})?", text) else 0.0


def body_of(event: Event) -> bytes:
    """Return the request's body as it was sent.

    Raises:
        InvalidRequest: it is announced as base64 and is not.
    """
    text = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(text).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise InvalidRequest("the body is not the base64 that it is announced as") from error


def answer(
    status: int,
    body: dict[str, Any] | str,
    request_id: str,
    headers: dict[str, str] | None = None,
    kind: str = "application/json",
) -> dict[str, Any]:
    """Return an answer as API Gateway's proxy integration takes it."""
    if isinstance(body, dict):
        members = (
            f"{_ENCODER.encode(name)}:{value if isinstance(value, Json) else _ENCODER.encode(value)}"
            for name, value in body.items()
        )
        body = f"{{{','.join(members)}}}"
    return {
        "statusCode": status,
        "headers": {"Content-Type": kind, "X-Request-Id": request_id, "Cache-Control": "no-store"} | (headers or {}),
        "body": body,
    }


def page_headers(policy: str) -> dict[str, str]:
    """Return the headers of any page of HTML that keeps to a Content-Security-Policy."""
    return {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
    }


def problem(error: TenantMLError, request_id: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Return the answer to a request that a named failure ended."""
    code, status = type(error).__name__, error.status or BEHIND_US
    headers = dict(headers or {})
    if status in {429, 503}:
        headers["Retry-After"] = str(getattr(error, "retry_after_seconds", RETRY_AFTER_SECONDS))
    document = {
        "type": f"{DOCUMENTATION}#{code.lower()}",
        "title": code,
        "code": code,
        "status": status,
        "detail": str(error),
        "request_id": request_id,
    }
    return answer(
        status, document | getattr(error, "members", {}), request_id, headers, kind="application/problem+json"
    )


def bug(request_id: str) -> dict[str, Any]:
    """Return the answer to a request that a bug of ours ended: nothing but the id under which the log has the rest."""
    detail = f"something failed on our side; it is logged as {request_id}, and repeating the request is safe"
    return problem(InternalFailure(detail), request_id)


def parse_json_object(event: Event) -> dict[str, Any]:
    """Read a body that must be a JSON object of at most 64 KiB, sent as JSON.

    Stricter than `json.loads` where readers differ (RFC 8259, "interoperability"): no name twice in an object, no NaN
    or infinity, no number beyond 64 bits, no half of a character.

    Raises:
        UnsupportedMediaType, PayloadTooLarge, InvalidRequest: it is not.
    """
    kind = media_type(event)
    if kind not in {"", "application/json"}:
        raise UnsupportedMediaType(f"the Content-Type {kind!r} is not taken here; send application/json")
    body = body_of(event)
    if len(body) > BODY_BYTES:
        raise PayloadTooLarge(f"the body has {len(body):,} bytes, and at most {BODY_BYTES:,} are taken here")
    document = parse_json(body)
    if not isinstance(document, dict):
        raise InvalidRequest("the body must be a JSON object")
    return document


def parse_json(body: bytes) -> Any:
    """Read a JSON document that every reader reads alike.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        document = json.loads(
            body.decode("utf-8-sig"),
            parse_constant=_no_number,
            parse_float=_finite,
            parse_int=_in_64_bits,
            object_pairs_hook=_each_name_once,
        )
        json.dumps(document, ensure_ascii=False).encode()  # JSON can spell half a character, and UTF-8 cannot
    except UnicodeEncodeError as error:
        raise InvalidRequest("the body is not JSON: it spells half of a character (a lone surrogate)") from error
    except RecursionError as error:
        raise InvalidRequest("the body is not JSON that is taken here: it is nested too deeply") from error
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from error
    return document


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"the number {digits[:20]} is too large")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value  # JSON does not distinguish 60.0 from 60


def _in_64_bits(digits: str) -> int:
    if len(digits) > 20 or not -(2**63) <= int(digits) < 2**63:
        raise ValueError(f"the number {digits[:20]} is too large")
    return int(digits)


def _each_name_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice[:60]!a} is in an object twice")
    return members


def query_of(event: dict[str, Any]) -> dict[str, str]:
    """Return the query's parameters."""
    return event.get("queryStringParameters") or {}


def not_found() -> NotFound:
    """Return the one answer for what does not exist and for what is another tenant's."""
    return NotFound("there is no such thing here; GET /models and GET /executions list what is yours")
