"""Tenant A never reaches tenant B: the attempts."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from local.inventory import calls_into
from tenantml_cli.errors import Refused
from tenantml_cli.sending import post_form
from tenantml_cli.tenant_api import Document, TenantApi
from tests.waiting import PATIENCE_SECONDS

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant


def test_a_wrong_external_id_is_refused_and_so_is_none(acme: Tenant) -> None:
    sts = acme.platform.cloud.client("sts")
    roles = acme.registered.roles
    for role_arn in (roles.training_access, roles.prediction_access):
        for attempt in ({}, {"ExternalId": "tenantml-guessed"}):
            with pytest.raises(ClientError, match="AccessDenied"):
                sts.assume_role(RoleArn=role_arn, RoleSessionName="attempt", **attempt)


def test_even_with_the_right_external_id_only_the_pipelines_roles_get_in(acme: Tenant) -> None:
    registered = acme.registered
    for role_arn in (registered.roles.training_access, registered.roles.prediction_access):
        with pytest.raises(ClientError, match="AccessDenied"):
            acme.platform.cloud.client("sts").assume_role(
                RoleArn=role_arn, RoleSessionName="attempt", ExternalId=registered.external_id
            )


def test_another_tenants_model_is_answered_exactly_as_one_that_does_not_exist(
    acme: Tenant, globex: Tenant, churn: Path
) -> None:
    acme.api.configure("private", {"target": "Churn?"})
    refusals = []
    for model in ("private", "nonexistent"):
        with pytest.raises(Refused) as refused:
            globex.api.predict_rows(model, [{"a": 1}])
        refusals.append((refused.value.status, refused.value.code, str(refused.value)))
    assert refusals[0] == refusals[1]
    assert refusals[0][0] == 404


@pytest.mark.parametrize("key", ["", "tml_wrong", "x" * 500])
def test_no_key_and_a_wrong_key_are_refused(acme: Tenant, key: str) -> None:
    with pytest.raises(Refused) as refused:
        TenantApi(acme.platform.api_url, key).predict_rows("private", [{"a": 1}])
    assert refused.value.status == 401


def test_a_presigned_form_takes_no_other_key(acme: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("a,b\n")
    acme.api.configure("forms", {"target": "b"})
    form = acme.api.call("POST", "/models/forms/uploads", b'{"file_name": "file.csv"}')
    with pytest.raises(Refused) as refused:
        post_form(form["url"], form["fields"] | {"key": "globex/forms/file.csv"}, path)
    assert refused.value.status == 403


# what a request says of its tenant


def raw(api: TenantApi, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Document]:
    """The status and the body of one request, whatever they are."""
    sent = {"x-api-key": api.api_key, "content-type": "application/json"} | headers
    request = urllib.request.Request(api.url + path, body, sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def alike(answer: tuple[int, Document]) -> tuple[int, Document]:
    """An answer without what differs between any two."""
    return answer[0], {name: value for name, value in answer[1].items() if name != "request_id"}


FORGED = {"x-tenant": "acme", "x-tenant-id": "acme", "x-amzn-tenant": "acme", "x-forwarded-user": "acme"}


def test_a_tenant_named_in_header_query_or_body_is_not_believed(acme: Tenant, globex: Tenant) -> None:
    acme.api.configure("mine", {"target": "y"})
    globex.api.configure("theirs", {"target": "y"})
    truth = alike(raw(globex.api, "GET", "/models"))
    assert [model["model"] for model in truth[1]["models"] if model["model"] == "mine"] == []
    assert alike(raw(globex.api, "GET", "/models", **FORGED)) == truth
    status, body = raw(globex.api, "GET", "/models?tenant=acme")
    assert status in {200, 400}
    assert "mine" not in json.dumps(body)
    status, body = raw(globex.api, "GET", "/executions?tenant=acme")
    assert status in {200, 400}
    assert "acme" not in json.dumps(body.get("executions", []))
    status, _ = raw(globex.api, "PUT", "/models/mine", b'{"target": "stolen", "tenant": "acme"}')
    assert status == 400
    status, _ = raw(globex.api, "POST", "/models/theirs/uploads", b'{"file_name": "a.csv", "tenant": "acme"}')
    assert status in {201, 400}
    found = acme.api.call("GET", "/models/mine")
    assert found["settings"]["target"] == "y"


@pytest.mark.parametrize("path", ["/models/acme/mine", "/acme/models", "/models/..%2Facme%2Fmine", "/tenants/acme"])
def test_a_tenant_in_the_path_leads_nowhere(globex: Tenant, path: str) -> None:
    status, body = raw(globex.api, "GET", path)
    assert status in {403, 404}
    assert "settings" not in json.dumps(body)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/models/{model}", None),
        ("GET", "/models/{model}/versions", None),
        ("PUT", "/models/{model}/state", b'{"paused": true}'),
        ("PUT", "/models/{model}/live-version", b'{"version": "v20261122-170301-9f3c"}'),
        ("POST", "/models/{model}/uploads", b'{"file_name": "a.csv"}'),
        ("POST", "/models/{model}/predictions", b'{"rows": [{"a": 1}]}'),
    ],
)
def test_what_is_anothers_is_refused_exactly_as_what_does_not_exist(
    acme: Tenant, globex: Tenant, method: str, path: str, body: bytes | None
) -> None:
    acme.api.configure("mine", {"target": "y"})
    others, nobodys = (alike(raw(globex.api, method, path.format(model=model), body)) for model in ("mine", "none"))
    assert others == nobodys
    assert others[0] == 404


def test_another_tenants_execution_is_refused_exactly_as_one_that_does_not_exist(
    acme: Tenant, globex: Tenant, tmp_path: Path
) -> None:
    path = tmp_path / "tiny.csv"
    path.write_text("a,y\n1,2\n")
    name = acme.train("mine", path, target="y")["execution"]
    assert raw(acme.api, "GET", f"/executions/{name}")[0] == 200
    nobodys = alike(raw(globex.api, "GET", "/executions/acme-mine-0123456789abcdef"))
    assert alike(raw(globex.api, "GET", f"/executions/{name}")) == nobodys
    assert nobodys[0] == 404
    query = urllib.parse.urlencode({"upload_key": "acme/mine/tiny.csv"})
    assert raw(globex.api, "GET", f"/executions?{query}")[1]["executions"] == []


# files


@pytest.mark.parametrize(
    "name", ["../acme/mine/a.csv", "/acme/mine/a.csv", "..", "a/b.csv", "..\\acme.csv", "", "a.exe"]
)
def test_a_file_name_cannot_lead_out_of_the_tenants_own_prefix(globex: Tenant, name: str) -> None:
    globex.api.configure("theirs", {"target": "y"})
    status, body = raw(globex.api, "POST", "/models/theirs/uploads", json.dumps({"file_name": name}).encode())
    assert (status, body["code"]) == (400, "InvalidRequest")


@pytest.fixture(scope="module")
def small_form(globex: Tenant) -> Document:
    """A presigned form of a model that takes files of 100 bytes."""
    globex.api.configure("small", {"target": "y", "max_upload_bytes": 100})
    return globex.api.call("POST", "/models/small/uploads", b'{"file_name": "file.csv"}')


def test_a_form_takes_what_it_was_signed_for(small_form: Document, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,y\n1,2\n")
    post_form(small_form["url"], small_form["fields"], path)


def test_a_form_takes_no_larger_file(small_form: Document, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,y\n" + b"1,2\n" * 50)
    with pytest.raises(Refused) as refused:
        post_form(small_form["url"], small_form["fields"], path)
    assert refused.value.code == "EntityTooLarge"


@pytest.mark.parametrize(
    "forged",
    [
        {"Content-Type": "text/html"},
        {"key": "acme/mine/file.csv"},
        {"key": "globex/small/other.csv"},
        {"x-amz-meta-tenant": "acme"},
        {"acl": "public-read"},
        {"policy": "e30="},
    ],
)
def test_a_form_takes_no_other_field(small_form: Document, tmp_path: Path, forged: dict[str, str]) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,y\n1,2\n")
    with pytest.raises(Refused) as refused:
        post_form(small_form["url"], small_form["fields"] | forged, path)
    assert refused.value.status in {400, 403}


def test_a_form_ends_after_a_quarter_of_an_hour_and_its_end_cannot_be_moved(
    small_form: Document, tmp_path: Path
) -> None:
    policy = json.loads(base64.b64decode(small_form["fields"]["policy"]))
    left = datetime.fromisoformat(policy["expiration"]) - datetime.now(UTC)
    assert timedelta(0) < left <= timedelta(minutes=15)
    path = tmp_path / "file.csv"
    path.write_bytes(b"a,y\n1,2\n")
    later = json.dumps(policy | {"expiration": "2099-01-01T00:00:00Z"}).encode()
    with pytest.raises(Refused) as refused:
        post_form(small_form["url"], small_form["fields"] | {"policy": base64.b64encode(later).decode()}, path)
    assert refused.value.status == 403


# events


def test_only_our_rule_may_tell_of_uploads(acme: Tenant) -> None:
    queues = acme.platform.cloud.client("sqs").list_queues()["QueueUrls"]
    url = next(queue for queue in queues if "UploadQueue" in queue)
    customer = acme.platform.cloud.client("sqs", acme.account_id)
    with pytest.raises(ClientError):
        customer.send_message(QueueUrl=url, MessageBody='{"detail": {}}')


def test_an_execution_for_a_foreign_bucket_ends_without_a_call_in_the_customers_account(acme: Tenant) -> None:
    cloud, bucket = acme.platform.cloud, "not-the-ingest-bucket"
    steps = cloud.client("stepfunctions")
    forged = {
        "bucket": bucket,
        "key": "acme/mine/file.csv",
        "version_id": "v1",
        "etag": "0",
        "size_bytes": 1000,
        "sequencer": "0",
        "uploaded_at": "2099-01-01T00:00:00Z",
    }
    acme.api.configure("mine", {"target": "y"})
    before = calls_into(cloud, acme.account_id)
    arn = steps.start_execution(
        stateMachineArn=acme.platform.outputs["TrainingStateMachineArn"], name="forged", input=json.dumps(forged)
    )["executionArn"]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (ended := steps.describe_execution(executionArn=arn))["status"] == "RUNNING":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert (ended["status"], ended["error"]) == ("FAILED", "WrongUploadKey")
    assert calls_into(cloud, acme.account_id) == before


# operators' functions


def test_an_app_key_opens_no_operator_function(acme: Tenant) -> None:
    cloud, key = acme.platform.cloud, acme.api.api_key
    client = cloud.client("lambda", credentials={"AccessKeyId": key, "SecretAccessKey": key})
    with pytest.raises(ClientError):
        client.invoke(FunctionName=acme.platform.outputs["DescribeTenantsFunction"], Payload=b"{}")
    unknown = alike(raw(acme.api, "POST", "/nothing", b"{}"))
    for path in ("/tenants", "/operator", "/RegisterTenantFunction", "/functions/RegisterTenantFunction/invocations"):
        assert alike(raw(acme.api, "POST", path, b"{}")) == unknown
    assert unknown[0] in {403, 404}
