"""Files that come twice, and files that come in parts: each upload that was asked for is trained from once."""

from __future__ import annotations

import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tenantml_cli.errors import Refused
from tenantml_cli.sending import post_form
from tests.e2e.test_api import ask
from tests.e2e.test_uploads import HEADER, ROWS, Dropped, Ingest, ended, executions_of, ingest

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant

__all__ = ["ingest"]
MIB = 1024**2
UNKNOWN = "0" * 32


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """A file that is read whole and then refused, which costs nothing."""
    path = tmp_path / "few.csv"
    path.write_text(HEADER + "".join(ROWS[:499]))
    return path


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """499 rows in two parts."""
    path = tmp_path / "large.csv"
    path.write_text(HEADER + "".join(f"{i},{'x' * 20_000},{'yes' if i % 2 else 'no'}\n" for i in range(499)))
    assert path.stat().st_size > 8 * MIB
    return path


def form(tenant: Tenant, model: str, **headers: str) -> dict[str, Any]:
    answered = ask(tenant.api, "POST", f"/models/{model}/uploads", {"file_name": "few.csv"}, **headers)
    assert answered.status == 201, answered
    body: dict[str, Any] = answered.body
    return body


def versions_of(ingest: Ingest, key: str) -> list[Dropped]:
    """Return the versions of an object, oldest first, with their events."""
    s3, bucket = ingest.platform.cloud.client("s3"), ingest.platform.outputs["IngestBucket"]
    found = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    return [
        Dropped(ingest.platform, key, row["VersionId"], row["ETag"].strip('"'), row["Size"], datetime.now(UTC))
        for row in reversed(found)
    ]


@pytest.mark.parametrize("first", [0, 1])
def test_a_form_that_is_sent_twice_is_trained_from_once_in_any_order(
    acme: Tenant, ingest: Ingest, few: Path, first: int
) -> None:
    model = f"twice{first}"
    acme.api.configure(model, {"target": "y", "bake_minutes": 1})
    made = form(acme, model)
    post_form(made["url"], made["fields"], few)
    post_form(made["url"], made["fields"], few)
    sent = versions_of(ingest, made["key"])
    assert len(sent) == 2
    one, other = sent[first], sent[1 - first]
    one.send_event()
    assert ended(acme, one)["error"]["code"] == "TooFewRows"  # it was read
    for _ in range(2):
        other.send_event()
    found = ended(acme, other)
    assert (found["status"], found["state"], found["error"]["code"]) == ("duplicate", None, "DuplicateUpload")
    assert one.execution in found["error"]["message"]
    one.send_event()
    assert executions_of(acme.platform, one) + executions_of(acme.platform, other) == [one.execution, other.execution]
    shown = ask(acme.api, "GET", f"/models/{model}/uploads/{made['upload']}").body
    assert (shown["execution"], shown["version_id"]) == (one.execution, one.version_id)
    listed = ask(acme.api, "GET", f"/executions?model={model}&status=duplicate").body["executions"]
    assert [row["execution"] for row in listed] == [other.execution]


def test_the_same_content_by_a_new_form_and_without_a_form_is_read_again(
    acme: Tenant, ingest: Ingest, few: Path
) -> None:
    acme.api.configure("again", {"target": "y", "bake_minutes": 1})
    for _ in range(2):
        made = form(acme, "again")
        post_form(made["url"], made["fields"], few)
        sent = versions_of(ingest, made["key"])[-1]
        sent.send_event()
        assert ended(acme, sent)["error"]["code"] == "TooFewRows"
    for _ in range(2):
        dropped = ingest.drop(made["key"], few.read_text())
        dropped.send_event()
        assert ended(acme, dropped)["error"]["code"] == "TooFewRows"


def test_a_form_takes_no_other_upload(acme: Tenant, few: Path) -> None:
    acme.api.configure("forged", {"target": "y"})
    made = form(acme, "forged")
    for forged in ({"x-amz-meta-tenantml-upload": UNKNOWN}, {"x-amz-meta-other": "1"}):
        with pytest.raises(Refused) as refused:
            post_form(made["url"], made["fields"] | forged, few)
        assert refused.value.status == 403


def test_one_idempotency_key_is_one_upload(acme: Tenant, globex: Tenant) -> None:
    for tenant in (acme, globex):
        tenant.api.configure("keyed", {"target": "y"})
    made = form(acme, "keyed", idempotency_key="8e03978e-40d5-43dd-bc93-6894a57f9324")
    again = form(acme, "keyed", idempotency_key='"8e03978e-40d5-43dd-bc93-6894a57f9324"')
    assert (again["upload"], again["key"]) == (made["upload"], made["key"])
    assert again["fields"]["x-amz-meta-tenantml-upload"] == made["upload"]
    others = form(globex, "keyed", idempotency_key="8e03978e-40d5-43dd-bc93-6894a57f9324")
    assert others["upload"] != made["upload"]
    assert form(acme, "keyed")["upload"] != made["upload"]
    other = ask(
        acme.api,
        "POST",
        "/models/keyed/uploads",
        {"file_name": "other.csv"},
        idempotency_key="8e03978e-40d5-43dd-bc93-6894a57f9324",
    )
    assert (other.status, other.body["code"]) == (422, "IdempotencyKeyReused")
    for wrong in ("a b", "x" * 129, '"half', "ünicode"):
        refused = ask(
            acme.api,
            "POST",
            "/models/keyed/uploads",
            {"file_name": "few.csv"},
            idempotency_key=wrong.encode().decode("latin-1"),
        )
        assert (refused.status, refused.body["code"]) == (400, "InvalidRequest"), wrong
    asked = {"file_name": "few.csv", "size_bytes": 20 * MIB, "multipart": True}
    parts = [ask(acme.api, "POST", "/models/keyed/uploads", asked, idempotency_key="parts").body for _ in range(2)]
    assert {row["upload"] for row in parts} == {parts[0]["upload"]}
    bucket = acme.platform.outputs["IngestBucket"]
    begun = acme.platform.cloud.client("s3").list_multipart_uploads(Bucket=bucket, Prefix="acme/keyed/")
    assert len(begun["Uploads"]) == 1


def test_a_file_in_parts_is_read_whole_under_its_own_etag(acme: Tenant, large: Path) -> None:
    acme.api.configure("parts", {"target": "y"})
    progress: list[str] = []
    found = acme.outcome(acme.api.upload("parts", large, multipart=True, tell=progress.append))
    assert progress == [f"{8 * MIB / large.stat().st_size:4.0%} sent", "100% sent"]
    assert found["error"]["code"] == "TooFewRows"
    assert "499" in found["error"]["message"]
    assert found["upload"]["size_bytes"] == large.stat().st_size


def test_parts_have_their_size_and_are_completed_once_and_by_their_tenant(
    acme: Tenant, globex: Tenant, large: Path
) -> None:
    for tenant in (acme, globex):
        tenant.api.configure("exact", {"target": "y"})
    content = large.read_bytes()
    asked = {"file_name": "exact.csv", "size_bytes": len(content), "multipart": True}
    made = ask(acme.api, "POST", "/models/exact/uploads", asked).body
    path = f"/models/exact/uploads/{made['upload']}"
    assert ask(acme.api, "GET", path).body | {"request_id": ""} == made | {"request_id": ""}
    first = ask(acme.api, "GET", f"{path}/parts?limit=1").body
    second = ask(acme.api, "GET", f"{path}/parts?limit=1&next_token={first['next_token']}").body
    assert second["next_token"] is None
    parts = first["parts"] + second["parts"]
    assert [part["size_bytes"] for part in parts] == [8 * MIB, len(content) - 8 * MIB]

    def put(part: dict[str, Any], body: bytes) -> int:
        try:
            with urllib.request.urlopen(urllib.request.Request(part["url"], body, method="PUT"), timeout=60) as answer:
                status: int = answer.status
                return status
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    assert put(parts[1], content[8 * MIB :] + b"1,x,yes\n") == 403, "longer than what was signed"
    assert put(parts[0], content[: 8 * MIB]) == 200
    refused = ask(acme.api, "POST", f"{path}/completion")
    assert (refused.status, refused.body["code"]) == (409, "UploadIncomplete")
    assert "1 of 2 parts are missing (2)" in refused.body["detail"]
    assert put(parts[1], content[8 * MIB :]) == 200
    for method, suffix in (("GET", ""), ("GET", "/parts"), ("POST", "/completion")):
        theirs = ask(globex.api, method, f"{path}{suffix}")
        unknown = ask(globex.api, method, f"/models/exact/uploads/{UNKNOWN}{suffix}")
        assert theirs.status == unknown.status == 404
        assert theirs.body | {"request_id": ""} == unknown.body | {"request_id": ""}
    done = [ask(acme.api, "POST", f"{path}/completion") for _ in range(2)]
    assert [answer.status for answer in done] == [200, 200]
    assert done[0].body["execution"] == done[1].body["execution"]
    found = acme.outcome(made["key"])
    assert (found["execution"], found["error"]["code"]) == (done[0].body["execution"], "TooFewRows")


def test_what_is_too_large_is_refused_before_anything_is_sent(acme: Tenant) -> None:
    acme.api.configure("small", {"target": "y", "max_upload_bytes": 6 * 1024**3})
    over_a_form = ask(acme.api, "POST", "/models/small/uploads", {"file_name": "a.csv", "size_bytes": 5 * 1024**3 + 1})
    assert (over_a_form.status, over_a_form.body["part_bytes"]) == (201, 13 * MIB)
    with pytest.raises(Refused, match="max_upload_bytes"):
        acme.api.call("POST", "/models/small/uploads", b'{"file_name": "a.csv", "size_bytes": 7000000000}')
    with pytest.raises(Refused, match="size_bytes"):
        acme.api.call("POST", "/models/small/uploads", b'{"file_name": "a.csv", "multipart": true}')
