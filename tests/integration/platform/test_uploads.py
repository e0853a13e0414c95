"""Uploads that were asked for: what a repeated request, a repeated file and a repeated event come to."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

import pytest

from tenantml.aws import sts
from tenantml.aws.clients import platform
from tenantml.aws.s3 import presigned
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.uploads.upload import METADATA
from tenantml.errors import DuplicateUpload, IdempotencyKeyReused, TenantMLError, UploadIncomplete
from tenantml.services import registry, tenant_scope
from tenantml.services.expiring_cache import ExpiringCache
from tenantml.services.registry import uploads

ID, OTHER = "0f" * 16, "1e" * 16


@pytest.fixture
def s3(stack: dict[str, str]) -> Iterator[Any]:
    """The client that signs what the tenant uploads."""
    tenant_scope._scoped_client.cache_clear()
    tenant_scope._credentials = ExpiringCache()
    with tenant_scope.scoped_to("acme"):
        yield tenant_scope.s3()


def test_a_key_names_one_upload_for_a_day(tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert uploads.under_key("acme", "k", "request", ID) == ID
    assert uploads.under_key("acme", "k", "request", OTHER) == ID
    assert uploads.under_key("globex", "k", "another request", OTHER) == OTHER
    with pytest.raises(IdempotencyKeyReused):
        uploads.under_key("acme", "k", "another request", OTHER)
    tomorrow = time.time() + uploads.DAY_SECONDS + 1
    monkeypatch.setattr(time, "time", lambda: tomorrow)
    assert uploads.under_key("acme", "k", "another request", OTHER) == OTHER


def test_an_upload_has_one_execution_however_often_it_asks(tenant: Tenant) -> None:
    uploads.add("acme", ID, {"model": "churn", "key": "acme/churn/a.csv"})
    for _ in range(2):
        uploads.claim("acme", ID, "churn", "acme/churn/a.csv", "v1", "execution-1")
    with pytest.raises(DuplicateUpload, match="execution-1"):
        uploads.claim("acme", ID, "churn", "acme/churn/a.csv", "v2", "execution-2")
    assert uploads.find("acme", ID)["version_id"] == "v1"


def test_an_upload_whose_row_is_forgotten_is_still_claimed_once(tenant: Tenant) -> None:
    uploads.claim("acme", ID, "churn", "acme/churn/a.csv", "v1", "execution-1")
    with pytest.raises(DuplicateUpload):
        uploads.claim("acme", ID, "churn", "acme/churn/a.csv", "v2", "execution-2")
    assert uploads.add("acme", ID, {"model": "churn", "key": "other"})["key"] == "acme/churn/a.csv"


def test_one_of_two_requests_at_once_has_its_parts(tenant: Tenant) -> None:
    uploads.add("acme", ID, {"model": "churn", "key": "acme/churn/a.csv"})
    assert uploads.begin_parts("acme", ID, "first")
    assert not uploads.begin_parts("acme", ID, "second")
    assert uploads.find("acme", ID)["multipart_id"] == "first"


def test_the_rows_of_a_model_hold_its_uploads(tenant: Tenant) -> None:
    uploads.add("acme", ID, {"model": "churn", "key": "acme/churn/a.csv"})
    uploads.add("acme", OTHER, {"model": "other", "key": "acme/other/a.csv"})
    assert f"UPLOAD#{ID}" in {row["sk"] for row in registry.rows_of("acme", "churn")}
    assert f"UPLOAD#{OTHER}" not in {row["sk"] for row in registry.rows_of("acme", "churn")}


def test_a_second_file_of_one_form_is_a_duplicate_and_its_execution_is_visible(
    tenant: Tenant, stack: dict[str, str], invoke: Callable[[str, Any], Any], event: Callable[[str], Any]
) -> None:
    sample = event("accept_upload")
    key = sample["upload"]["key"]
    versions = [
        platform("s3").put_object(Bucket=stack["INGEST_BUCKET"], Key=key, Body=b"a,b\n", Metadata={METADATA: ID})
        for _ in range(2)
    ]
    events = [{**sample, "upload": sample["upload"] | {"version_id": stored["VersionId"]}} for stored in versions]
    newer = {**events[1], "upload": events[1]["upload"] | {"sequencer": "F" * 18}}
    accepted = invoke("accept_upload", newer)
    with pytest.raises(TenantMLError) as caught:
        invoke("accept_upload", events[0])
    assert type(caught.value).__name__ == "DuplicateUpload"
    assert invoke("accept_upload", newer) == accepted
    assert uploads.find("acme", ID)["execution"] == accepted["run"]["execution"]


def test_when_s3_does_not_say_what_brought_a_file_the_state_tries_again(
    tenant: Tenant, invoke: Callable[[str, Any], Any], event: Callable[[str], Any], answer_with: Callable[..., None]
) -> None:
    answer_with("s3", "HeadObject", 503, "SlowDown")
    with pytest.raises(TenantMLError) as caught:
        invoke("accept_upload", event("accept_upload"))
    assert type(caught.value).__name__ == "DatasetUnavailable"


def test_parts_that_are_not_there_are_named(s3: Any, stack: dict[str, str]) -> None:
    multipart_id = presigned.begin_parts(s3, "acme/churn/a.csv", ID)
    with pytest.raises(UploadIncomplete, match=r"12 of 12 parts are missing \(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, …\)"):
        presigned.complete_parts(s3, "acme/churn/a.csv", multipart_id, [5] * 12)
    platform("s3").upload_part(
        Bucket=stack["INGEST_BUCKET"], Key="acme/churn/a.csv", UploadId=multipart_id, PartNumber=1, Body=b"1234"
    )
    with pytest.raises(UploadIncomplete, match=r"1 of 1 parts are missing \(1\)"):
        presigned.complete_parts(s3, "acme/churn/a.csv", multipart_id, [5])
    version_id = presigned.complete_parts(s3, "acme/churn/a.csv", multipart_id, [4])
    assert presigned.upload_behind(stack["INGEST_BUCKET"], "acme/churn/a.csv", version_id) == ID
    with pytest.raises(UploadIncomplete, match="parts are gone"):
        presigned.complete_parts(s3, "acme/churn/a.csv", multipart_id, [4])


def test_a_part_that_is_given_up_is_forgotten(s3: Any, stack: dict[str, str]) -> None:
    multipart_id = presigned.begin_parts(s3, "acme/churn/a.csv", ID)
    presigned.abort(s3, "acme/churn/a.csv", multipart_id)
    assert "Uploads" not in platform("s3").list_multipart_uploads(Bucket=stack["INGEST_BUCKET"])


def test_a_form_takes_one_file_of_the_size_that_the_model_accepts_under_its_own_key(s3: Any) -> None:
    form = presigned.upload_form(s3, "acme/churn/a.csv", 1_000_000, ID)
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    named = {name: value for one in policy["conditions"] if isinstance(one, dict) for name, value in one.items()}
    assert (named["key"], named["Content-Type"]) == ("acme/churn/a.csv", "text/csv")
    assert named[f"x-amz-meta-{METADATA}"] == ID
    ranges = [one for one in policy["conditions"] if isinstance(one, list)]
    assert ranges == [["content-length-range", 0, 1_000_000]]
    ends = datetime.fromisoformat(policy["expiration"]).timestamp()
    assert ends == pytest.approx(time.time() + presigned.EXPIRES_IN_SECONDS, abs=30)


def test_the_length_of_a_part_is_signed(s3: Any) -> None:
    assert "X-Amz-SignedHeaders=content-length%3Bhost" in presigned.part_url(s3, "acme/churn/a.csv", "id", 1, 5)


def test_what_is_signed_ends_before_its_session_does(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL that was signed with a session ends with it (S3 user guide, "Sharing objects with presigned URLs")."""
    began = time.time()

    def session_at(seconds: float) -> str:
        monkeypatch.setattr(time, "time", lambda: began + seconds)
        (token,) = parse_qs(presigned.part_url(s3, "acme/churn/a.csv", "id", 1, 5))["X-Amz-Security-Token"]
        return token

    longest = max(presigned.PART_EXPIRES_IN_SECONDS, presigned.EXPIRES_IN_SECONDS)
    form = presigned.upload_form(s3, "acme/churn/a.csv", 10, ID)
    assert form["fields"]["x-amz-security-token"] == session_at(0) == session_at(sts.SESSION_SECONDS - longest - 10)
    assert session_at(0) != session_at(sts.SESSION_SECONDS - longest + 10)
