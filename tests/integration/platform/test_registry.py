"""The registry: conditional writes decide who comes first, whoever repeats."""

from __future__ import annotations

from typing import Any

import pytest

from tenantml.aws.clients import platform
from tenantml.domain.api.pagination import PageRequest
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.uploads.upload import Upload
from tenantml.errors import (
    InvalidRequest,
    LiveVersionChanged,
    NotFound,
    RegistrationConflict,
    TenantNotFound,
    UploadSuperseded,
)
from tenantml.services import registry
from tenantml.services.registry import table
from tests.rows import put_version
from tests.tenants import tenant_of

UPLOAD = {"uploaded_at": "2026-11-22T17:03:01Z"}
OLD, NEW, NEWEST = "v20261121-000000-aaaa", "v20261122-000000-bbbb", "v20261123-000000-cccc"


def test_a_tenants_id_is_taken_once_and_an_account_may_have_several(tenant: Tenant) -> None:
    with pytest.raises(RegistrationConflict):
        registry.add_tenant(tenant_of("acme", "333333333333", "r", "c", "x"))
    neighbour = tenant_of("globex", tenant.account_id, "us-east-1", "c", "x")
    registry.add_tenant(neighbour)
    assert registry.find_tenant("globex") == neighbour
    assert registry.find_tenant("acme") == tenant


def test_an_unknown_tenant_or_model_is_named(tenant: Tenant) -> None:
    with pytest.raises(TenantNotFound, match="nobody"):
        registry.get_tenant("nobody")
    with pytest.raises(NotFound):
        registry.get_model("acme", "nothing")


@pytest.fixture(autouse=True)
def versions(tenant: Tenant) -> None:
    for version in (OLD, NEW, NEWEST):
        put_version("acme", "churn", version, {})


def test_the_first_version_replaces_nothing(tenant: Tenant) -> None:
    assert registry.promote("acme", "churn", NEW) is None
    assert registry.get_model("acme", "churn")["live_version"] == NEW


def test_a_newer_version_replaces_an_older_one_and_a_repeat_says_the_same(tenant: Tenant) -> None:
    registry.promote("acme", "churn", OLD)
    assert registry.promote("acme", "churn", NEW) == OLD
    assert registry.promote("acme", "churn", NEW) == OLD
    assert registry.promote("acme", "churn", NEWEST) == NEW


def test_an_older_version_never_replaces_a_newer_one(tenant: Tenant) -> None:
    registry.promote("acme", "churn", NEW)
    with pytest.raises(UploadSuperseded):
        registry.promote("acme", "churn", OLD)
    assert registry.get_model("acme", "churn")["live_version"] == NEW


def test_a_version_goes_live_only_over_the_one_that_it_was_judged_against(tenant: Tenant) -> None:
    assert registry.promote("acme", "churn", OLD, None) is None
    for judged_against in (None, NEWEST):
        with pytest.raises(LiveVersionChanged):
            registry.promote("acme", "churn", NEW, judged_against)
    assert registry.promote("acme", "churn", NEW, OLD) == OLD
    assert registry.promote("acme", "churn", NEW, OLD) == OLD, "a repeat, its reply was lost"


def test_settings_change_without_touching_what_is_live(tenant: Tenant) -> None:
    registry.promote("acme", "churn", NEW)
    registry.put_model("acme", "churn", ModelSettings("Other"))
    row = registry.get_model("acme", "churn")
    assert (row["settings"]["target"], row["live_version"]) == ("Other", NEW)


def test_uploads_are_ordered_by_time_then_by_sequencer(tenant: Tenant) -> None:
    def note(time: str, sequencer: str) -> bool:
        upload = Upload("b", "k", "v", "e", 1, sequencer, f"2026-11-22T{time}Z")
        return registry.note_newest_upload("acme", "churn", upload.order)

    assert note("10:00:00", "00A1")
    assert note("10:00:00", "00A1"), "the same upload again"
    assert note("10:00:00", "00A2")
    assert not note("10:00:00", "00A1")
    assert not note("09:59:59", "FFFF")
    assert note("10:00:01", "0001")


def test_an_execution_begins_once_and_ends_once(tenant: Tenant) -> None:
    registry.add_execution("acme", "e", {"model": "churn", "upload": UPLOAD})
    registry.update_execution("acme", "e", {"state": "CheckTraining"})
    registry.add_execution("acme", "e", {"model": "other", "upload": UPLOAD})
    assert registry.require_execution("acme", "e")["model"] == "churn"
    assert registry.require_execution("acme", "e")["state"] == "CheckTraining"
    assert registry.end_execution("acme", "e", {"status": "succeeded", "upload": UPLOAD})
    assert not registry.end_execution("acme", "e", {"status": "failed", "upload": UPLOAD})
    assert registry.require_execution("acme", "e")["status"] == "succeeded"


def test_an_execution_that_nobody_began_is_a_bug(tenant: Tenant) -> None:
    with pytest.raises(LookupError):
        registry.require_execution("acme", "e")


def test_versions_are_listed_newest_first_and_of_one_model(tenant: Tenant) -> None:
    for model, version in (("churn", OLD), ("churn", NEWEST), ("churn", NEW), ("churn-2", NEWEST)):
        put_version("acme", model, version, {"status": "live"})
    first = registry.list_versions("acme", "churn", PageRequest(2, None))
    rest = registry.list_versions("acme", "churn", PageRequest(2, first.after))
    assert [row["version"] for row in [*first.rows, *rest.rows]] == [NEWEST, NEW, OLD]
    assert not registry.update_version("acme", "churn", "v0", {"status": "live"})


def test_a_filtered_list_is_read_no_further_than_to_what_was_asked_for_and_a_thousand_rows_at_a_time(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that waits for its upload asks again and again, and a tenant may have many thousands of executions."""
    monkeypatch.setattr(table, "READ_ROWS", 400)
    for number in range(1200):
        uploaded_at = f"2026-11-22T{number // 60:02}:{number % 60:02}:00Z"
        upload, model = UPLOAD | {"uploaded_at": uploaded_at}, "old" if number == 100 else "new"
        registry.add_execution("acme", f"e{number}", {"model": model, "upload": upload})
    read: list[int] = []

    def count(parsed: dict[str, Any], **_: Any) -> None:
        read.append(len(parsed["Items"]))

    platform("dynamodb").meta.events.register("after-call.dynamodb.Query", count)
    newest = registry.list_executions("acme", PageRequest(1, None), lambda row: row["model"] == "new")
    assert ([row["execution"] for row in newest.rows], sum(read)) == (["e1199"], 2)

    pages, after = [], None
    while True:
        read.clear()
        page = registry.list_executions("acme", PageRequest(1, after), lambda row: row["model"] == "old")
        pages.append([row["execution"] for row in page.rows])
        assert sum(read) <= 400 + 200
        if page.after is None:
            break
        after = page.after
    assert pages == [[], [], ["e100"]]

    in_fives, after = [], None
    while in_fives == [] or after:
        page = registry.list_executions("acme", PageRequest(5, after), lambda row: int(row["execution"][1:]) % 97 == 0)
        in_fives += [row["execution"] for row in page.rows]
        after = page.after
    assert in_fives == [f"e{number}" for number in range(1164, -1, -97)]


def test_nothing_of_a_tenant_is_found_under_another(tenant: Tenant) -> None:
    registry.add_tenant(tenant_of("acme2", "333333333333", "us-east-1", "c", "x"))
    registry.add_execution("acme", "e", {"upload": UPLOAD})
    assert registry.find_model("acme2", "churn") is None
    assert registry.find_execution("acme2", "e") is None


def test_a_token_of_one_list_opens_no_other(tenant: Tenant) -> None:
    for version in (OLD, NEW):
        put_version("acme", "churn", version, {"status": "live"})
        put_version("acme", "churn-2", version, {"status": "live"})
    first = registry.list_versions("acme", "churn", PageRequest(1, None))
    assert first.after is not None
    for of_another in (
        lambda: registry.list_versions("acme", "churn-2", PageRequest(1, first.after)),
        lambda: registry.list_models("acme", PageRequest(1, first.after)),
        lambda: registry.list_executions("acme", PageRequest(1, first.after), bool),
        lambda: registry.list_versions("acme", "churn", PageRequest(1, first.after | {"pk": "TENANT#other"})),
    ):
        with pytest.raises(InvalidRequest, match="not a token of this list"):
            of_another()
