"""Whatever API Gateway may hand over: the tenant's functions answer it, and never with a bug."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from functions.api import predict, tenant_api, webhook_api
from tenantml.domain.api.operations import OPERATIONS, Operation
from tests.tenants import tenant_of

REPOSITORY = Path(__file__).resolve().parents[3]
CONTEXT = SimpleNamespace(aws_request_id="request-1", function_name="tenant-api")

TEXTS = st.text(max_size=60) | st.sampled_from(
    ["known", "*", '"1"', "v20261122-170301-9f3c", "e30", "a" * 3000, "\0", "\ud800"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        (
            "target",
            "thresholds",
            "fatal_advice",
            "advice_thresholds",
            "max_candidates",
            "holdout_fraction",
            "objective",
            "file_name",
        ),
        VALUES,
    ),
)
BODIES = (
    st.none()
    | TEXTS
    | (SETTINGS | VALUES).map(json.dumps)
    | st.sampled_from(
        [
            '{"file_name": "x.csv", "size_bytes": 20000000, "multipart": true}',
            "[" * 50_000,
            '{"target": 1e999}',
            '{"target": "\\ud800"}',
            '{"url": "https://hooks.acme.example/", "events": ["execution.ended"]}',
            '{"file_name": "x.csv"}',
            "=" * 70_000,
        ]
    )
)
HEADERS = st.dictionaries(
    st.sampled_from(["Content-Type", "If-Match", "if-none-match", "Idempotency-Key", "X-Other"]),
    TEXTS | st.sampled_from(["application/json", "text/csv"]),
    max_size=3,
)
QUERIES = st.none() | st.dictionaries(
    st.sampled_from(["limit", "next_token", "model", "upload_key", "status", "other"]), TEXTS, max_size=3
)


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    """The tenant API's function in an account of its own, with one tenant and one model."""
    variables = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "REGISTRY_TABLE": "registry",
        "EVIDENCE_TABLE": "evidence",
        "INGEST_BUCKET": "ingest",
        "WEBHOOK_QUEUE": "https://sqs.us-east-1.amazonaws.com/123456789012/webhooks",
        "TENANT_DATA_ROLE": "arn:aws:iam::123456789012:role/tenant-data",
    }
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        with mock_aws():
            _create_tables()
            _forget_clients()
            yield tenant_api
    finally:
        _forget_clients()
        os.environ.clear()
        os.environ.update(before)


def _create_tables() -> None:
    from tenantml.domain.tenancy.tenant import ACTIVE
    from tenantml.domain.training.model_settings import ModelSettings
    from tenantml.services import registry

    keys = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]
    index = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "uploaded_at", "KeyType": "RANGE"}]
    for table in ("registry", "evidence"):
        boto3.client("dynamodb").create_table(
            TableName=table,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=keys,
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "uploaded_at")
            ],
            GlobalSecondaryIndexes=[
                {"IndexName": "uploads", "KeySchema": index, "Projection": {"ProjectionType": "ALL"}}
            ],
        )
    _forget_clients()
    boto3.client("sqs").create_queue(QueueName="webhooks")
    boto3.client("s3").create_bucket(Bucket="ingest")
    boto3.client("s3").put_bucket_versioning(Bucket="ingest", VersioningConfiguration={"Status": "Enabled"})
    registry.add_tenant(tenant_of("acme", "222222222222", "us-east-1", "x@acme.example", "external", ACTIVE))
    registry.put_model("acme", "known", ModelSettings(target="y"))


def _forget_clients() -> None:
    from tenantml.aws import clients
    from tenantml.services import quota, tenant_scope

    for cached in (clients.platform, clients.shared_session, tenant_scope._scoped_client, quota.of):
        cached.cache_clear()


@pytest.mark.parametrize(
    "context",
    [
        None,
        {},
        {"authorizer": None},
        {"authorizer": {}},
        {"authorizer": {"tenant": None}},
        {"authorizer": {"tenant": ""}},
    ],
)
def test_a_request_that_no_authorizer_let_in_is_not_answered(app: Any, context: Any) -> None:
    answer = app.handler({"httpMethod": "GET", "resource": "/models", "requestContext": context}, CONTEXT)
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (500, "InternalFailure")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    operation=st.integers(0, 100),
    names=st.none()
    | st.fixed_dictionaries({}, optional=dict.fromkeys(("model", "version", "execution", "upload", "webhook"), TEXTS)),
    headers=st.none() | HEADERS,
    query=QUERIES,
    body=BODIES,
    is_base64=st.booleans() | st.none(),
)
@example(
    -1,
    {"model": "known", "version": "", "execution": "", "upload": ""},
    {},
    None,
    '{"target": "y", "thresholds": {"F1": 1e-300}}',
    False,
)
@example(
    -1,
    {"model": "known", "version": "", "execution": "", "upload": ""},
    {},
    None,
    '{"target": "y", "advice_thresholds": {"imbalance_share": 0.12345678901234568, "leak_minority_rows": 1e31}}',
    False,
)
@example(
    -1,
    {"model": "known", "version": "", "execution": "", "upload": ""},
    {},
    None,
    '{"target": "y", "max_candidates": 5.0}',
    False,
)
def test_no_request_ends_in_a_bug(
    app: Any,
    operation: int,
    names: dict[str, str] | None,
    headers: dict[str, str] | None,
    query: dict[str, str] | None,
    body: str | None,
    is_base64: bool | None,
) -> None:
    answering = {"WebhookApi": webhook_api, "TenantApi": app}
    functions = {
        (row.method, row.path): answering[row.function].handler for row in OPERATIONS if row.function in answering
    }
    method, path = list(functions)[operation % len(functions)]
    event = {
        "httpMethod": method,
        "resource": path,
        "pathParameters": names,
        "headers": headers,
        "queryStringParameters": query,
        "body": body,
        "isBase64Encoded": is_base64,
        "requestContext": {"authorizer": {"tenant": "acme"}},
    }
    answer = functions[method, path](event, CONTEXT)
    document = json.loads(answer["body"])
    assert answer["statusCode"] < 500, (event, document)
    assert answer["headers"]["X-Request-Id"] == document["request_id"] == "request-1"
    if answer["statusCode"] >= 400:
        assert answer["headers"]["Content-Type"] == "application/problem+json"
        assert document["status"] == answer["statusCode"]


@pytest.mark.parametrize(
    "operation", [found for found in OPERATIONS if not found.is_public], ids=lambda found: found.name
)
def test_a_query_parameter_that_an_operation_does_not_have_is_refused_by_its_name(
    app: Any, operation: Operation
) -> None:
    function = {"Predict": predict, "WebhookApi": webhook_api}.get(operation.function, app)
    event = {
        "httpMethod": operation.method,
        "resource": operation.path,
        "queryStringParameters": dict.fromkeys([*operation.query_names, "Limit", "x" * 500], "1"),
        "multiValueQueryStringParameters": {name: ["1", "1"] for name in operation.query_names},
        "requestContext": {"authorizer": {"tenant": "acme"}},
    }
    document = json.loads(function.handler(event, CONTEXT)["body"])
    assert (document["status"], document["code"]) == (400, "InvalidRequest")
    takes = ", ".join(operation.query_names) or "none"
    assert f"'Limit': unknown query parameter; this operation takes {takes}" in document["detail"]
    assert f"'{'x' * 60}': unknown" in document["detail"]
    assert document["detail"].count("give it once") == len(operation.query_names)


def ask(app: Any, method: str, path: str, body: object = None, tenant: str = "acme", **names: Any) -> tuple[int, Any]:
    """Send one request, with a part of the path's names and `query` and `headers`."""
    event = {
        "httpMethod": method,
        "resource": path,
        "pathParameters": {"model": names.get("model", "known"), "upload": names.get("upload")},
        "headers": names.get("headers"),
        "queryStringParameters": names.get("query"),
        "body": json.dumps(body) if body is not None else None,
        "requestContext": {"authorizer": {"tenant": tenant}},
    }
    answer = app.handler(event, CONTEXT)
    return answer["statusCode"], json.loads(answer["body"])


def test_an_upload_in_parts_is_asked_for_listed_and_completed(app: Any) -> None:
    uploads = "/models/{model}/uploads"
    of_one = f"{uploads}/{{upload}}"
    asked = {"file_name": "parts.csv", "size_bytes": 9 * 1024**2, "multipart": True}
    headers = {"Idempotency-Key": "parts"}
    (status, made), (_, again) = (ask(app, "POST", uploads, asked, headers=headers) for _ in range(2))
    assert (status, made["upload"]) == (201, again["upload"])
    assert ask(app, "GET", of_one, upload=made["upload"]) == (200, made | {"request_id": "request-1"})
    status, page = ask(app, "GET", f"{of_one}/parts", upload=made["upload"], query={"limit": "1"})
    assert (status, page["parts"][0]["size_bytes"]) == (200, 8 * 1024**2)
    status, refused = ask(app, "POST", f"{of_one}/completion", upload=made["upload"])
    assert (status, refused["code"]) == (409, "UploadIncomplete")
    for number, size in ((1, 8 * 1024**2), (2, 1024**2)):
        begun = boto3.client("s3").list_multipart_uploads(Bucket="ingest")["Uploads"]
        (multipart_id,) = [row["UploadId"] for row in begun if row["Key"] == "acme/known/parts.csv"]
        boto3.client("s3").upload_part(
            Bucket="ingest", Key="acme/known/parts.csv", UploadId=multipart_id, PartNumber=number, Body=b"x" * size
        )
    done = [ask(app, "POST", f"{of_one}/completion", upload=made["upload"]) for _ in range(2)]
    assert done[0] == done[1]
    assert done[0][1]["execution"].startswith("acme-known-")


def test_an_upload_by_a_form_has_no_parts_and_an_unknown_one_is_not_found(app: Any) -> None:
    of_one = "/models/{model}/uploads/{upload}"
    status, made = ask(app, "POST", "/models/{model}/uploads", {"file_name": "form.csv"})
    assert (status, made["fields"]["x-amz-meta-tenantml-upload"]) == (201, made["upload"])
    assert ask(app, "GET", of_one, upload=made["upload"])[1]["execution"] is None
    for method, path, upload in (
        ("GET", f"{of_one}/parts", made["upload"]),
        ("POST", f"{of_one}/completion", made["upload"]),
        ("GET", of_one, "0" * 32),
        ("GET", of_one, "no upload"),
    ):
        assert ask(app, method, path, upload=upload)[1]["code"] == "NotFound"


def test_an_upload_is_found_under_its_own_model_alone(app: Any) -> None:
    from tenantml.domain.training.model_settings import ModelSettings
    from tenantml.services import registry

    registry.put_model("acme", "other", ModelSettings(target="y"))
    of_one = "/models/{model}/uploads/{upload}"
    asked = {"file_name": "own.csv", "size_bytes": 9 * 1024**2, "multipart": True}
    made = ask(app, "POST", "/models/{model}/uploads", asked)[1]["upload"]
    for method, path in (("GET", of_one), ("GET", f"{of_one}/parts"), ("POST", f"{of_one}/completion")):
        assert ask(app, method, path, upload=made, model="other")[1]["code"] == "NotFound"
    assert ask(app, "GET", of_one, upload=made)[0] == 200


def test_keys_are_listed(app: Any) -> None:
    from tenantml.services import api_keys

    issued = api_keys.issue("acme")
    status, found = ask(app, "GET", "/keys")
    assert status == 200
    assert [row["key_id"] for row in found["keys"]] == [api_keys.id_of(api_keys.digest(issued))]
