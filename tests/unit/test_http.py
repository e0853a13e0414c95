"""The reader of request bodies: whatever bytes come, a document that every reader reads alike, or a named refusal."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tenantml import http
from tenantml.errors import InvalidRequest, PayloadTooLarge, RequestError, UnsupportedMediaType

DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def event(body: bytes) -> dict[str, Any]:
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [*value, *(leaf for item in value.values() for leaf in leaves(item))]
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list) else [value]


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b'{"a": "\\ud800"}')
@example(b'{"a": NaN}')
@example(b'{"a": -Infinity}')
@example(b'{"a": 1e999}')
@example(b'{"a": ' + b"9" * 5000 + b"}")
@example(b'{"a": 18446744073709551616}')
@example(b'{"a": 1, "a": 2}')
@example(b'{"a": {"b": [{"c": 1, "c": 2}]}}')
@example(b'{"a":' * 9000)
@example(b"[" * 65_000)
@example(b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}")
@example(b"\xef\xbb\xbf{}")
@example(b"\xff\xfe{\0}\0")
@example(b'{"\\udfff": 1}')
def test_any_bytes_are_a_document_or_a_named_refusal(body: bytes) -> None:
    try:
        found = http.parse_json_object(event(body))
    except RequestError as refusal:
        refused = refusal
    else:
        refused = None
        assert isinstance(found, dict)
    if refused is not None:
        assert 400 <= refused.status < 500
        str(refused).encode()
        return
    json.dumps(found, ensure_ascii=False).encode()
    for leaf in leaves(found):
        assert not isinstance(leaf, int) or -(2**63) <= leaf < 2**63
        assert not isinstance(leaf, float) or math.isfinite(leaf)


@given(DOCUMENTS)
def test_what_every_reader_reads_alike_is_read(document: Any) -> None:
    assert http.parse_json(json.dumps(document).encode()) == document


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"a": "\\ud800"}', "lone surrogate"),
        ('{"a": NaN}', "NaN is no JSON"),
        ('{"a": Infinity}', "Infinity is no JSON"),
        ('{"a": 1e999}', "too large"),
        ('{"a": 9223372036854775808}', "too large"),
        ('{"a": 1, "b": 2, "a": 3}', "'a' is in an object twice"),
        ("[" * 60_000, "nested too deeply"),
        ("[]", "must be a JSON object"),
    ],
)
def test_a_refusal_says_what_is_wrong(body: str, said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        http.parse_json_object({"body": body})


def test_a_body_that_is_not_the_base64_that_it_is_announced_as_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="base64"):
        http.parse_json_object({"body": "%%%", "isBase64Encoded": True})


def test_a_body_over_64_kib_is_refused_before_it_is_read() -> None:
    fits = '{"a": "' + "x" * (65_536 - 9) + '"}'
    assert len(http.parse_json_object({"body": fits})["a"]) == 65_527
    with pytest.raises(PayloadTooLarge, match="65,537 bytes"):
        http.parse_json_object({"body": fits + " "})


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({"Content-Type": "text/plain"}, "send application/json"),
        ({"content-type": "application/json; charset=utf-16"}, "send UTF-8"),
        ({"Content-Type": "application/json", "CONTENT-ENCODING": "br"}, "send the body as it is"),
    ],
)
def test_a_body_of_another_kind_is_refused_with_what_to_send(headers: dict[str, str], said: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=said) as caught:
        http.parse_json_object({"headers": headers, "body": "{}"})
    assert http.problem(caught.value, "r")["statusCode"] == 415


def test_nothing_but_the_authorizer_says_who_asks() -> None:
    claims = dict.fromkeys(("tenant", "Tenant", "x-tenant", "tenantId"), "other")
    asked = {
        "path": "/other/models",
        "headers": claims,
        "queryStringParameters": claims,
        "multiValueQueryStringParameters": {name: [value] for name, value in claims.items()},
        "pathParameters": claims,
        "body": json.dumps(claims),
        "requestContext": claims | {"authorizer": {"tenant": "acme"}},
    }
    assert http.tenant_of(asked) == "acme"
    for authorizer in ({}, {"tenant": ""}, {"tenant": "-"}, None):
        with pytest.raises(LookupError):
            http.tenant_of(asked | {"requestContext": claims | {"authorizer": authorizer}})


def test_no_answer_is_kept_by_a_cache() -> None:
    answers = [http.answer(200, {}, "r"), http.bug("r"), http.problem(InvalidRequest("wrong"), "r")]
    assert {answer["headers"]["Cache-Control"] for answer in answers} == {"no-store"}


def test_a_bug_is_answered_with_its_id_and_nothing_of_it() -> None:
    body = json.loads(http.bug("8476a536")["body"])
    said = "something failed on our side; it is logged as 8476a536, and repeating the request is safe"
    assert (body["code"], body["status"], body["detail"]) == ("InternalFailure", 500, said)
