"""Whatever API Gateway may hand over, fields missing or odd: the predict function answers it, and never with a bug."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.integration.predict.conftest import Process

CONTEXT = SimpleNamespace(aws_request_id="request-1", function_name="predict")
TEXTS = st.text(max_size=30) | st.sampled_from(["churn", "a" * 3000, "\0", "\ud800", ""])
CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["pro", "41"])
ROWS = st.lists(
    st.dictionaries(st.sampled_from(["age", "plan", "spend", "other"]), CELLS | st.lists(CELLS, max_size=2)),
    max_size=4,
)
RIGHT = st.just({"rows": [{"age": 41, "plan": "pro"}]})
DOCUMENTS = (st.fixed_dictionaries({"rows": ROWS | CELLS}) | RIGHT | CELLS | ROWS).map(json.dumps)
BODIES = (
    st.none()
    | TEXTS
    | DOCUMENTS
    | DOCUMENTS.map(lambda text: base64.b64encode(text.encode()).decode())
    | st.sampled_from(
        [
            "age,plan\n41,pro\n",
            "age,plan\n41,pro,1\n",
            'age,plan\n41,"pro',
            "age,age\n1,1\n",
            "[" * 50_000,
            '{"rows": [{"age": 1e999, "plan": "\\ud800"}]}',
            '{"rows": [{"age": ' + "9" * 5000 + "}]}",
            '{"rows": [{"age": 1, "age": 2, "plan": "pro"}]}',
        ]
    )
)
HEADERS = st.none() | st.dictionaries(
    st.sampled_from(["Content-Type", "content-type", "Accept", "x-api-key"]),
    st.none() | TEXTS | st.sampled_from(["application/json", "text/csv; charset=utf-8", "APPLICATION/JSON"]),
)
ODD: dict[Any, Any] = {
    "headers": HEADERS,
    "multiValueHeaders": st.none(),
    "pathParameters": st.none() | st.fixed_dictionaries({}, optional={"model": TEXTS}),
    "queryStringParameters": st.none() | st.dictionaries(TEXTS, TEXTS, max_size=2),
    "body": BODIES,
    "isBase64Encoded": st.none() | st.booleans(),
    "httpMethod": st.just("POST"),
    "resource": TEXTS,
}
EVENTS = st.fixed_dictionaries({}, optional=ODD) | st.fixed_dictionaries(
    {
        "headers": st.sampled_from([{"Content-Type": "application/json"}, {"content-type": "text/csv"}]),
        "pathParameters": st.just({"model": "churn"}),
        "body": BODIES,
        "isBase64Encoded": st.booleans(),
    }
)


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(event=EVENTS)
def test_no_event_ends_in_a_bug(process: Process, event: dict[str, Any]) -> None:
    from functions.api.predict import handler

    if not process.tenants:
        process.tenants.append(process.add_tenant(222222222222).tenant)
    answer = handler({**event, "requestContext": {"authorizer": {"tenant": process.tenants[0]}}}, CONTEXT)
    document = json.loads(answer["body"])
    assert answer["statusCode"] < 500, (event, document)
    assert answer["headers"]["X-Request-Id"] == document["request_id"] == "request-1"
    assert (answer["statusCode"] == 200) == ("predictions" in document)


def test_an_event_that_no_authorizer_let_in_is_not_answered(process: Process) -> None:
    from functions.api.predict import handler

    for context in (None, {}, {"authorizer": None}, {"authorizer": {"tenant": "Not a tenant"}}):
        answer = handler({"pathParameters": {"model": "churn"}, "requestContext": context}, CONTEXT)
        assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, "InternalFailure")
