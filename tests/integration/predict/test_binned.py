"""What is asked and answered is counted by bins, cheaply, and no value leaves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tenantml.domain.drift.watch import Watch
from tenantml.services import binned, tenant_scope
from tenantml.services.registry import keys, table
from tests.integration.predict.conftest import PROFILE, VERSION, Process

FAILED = (424, "ModelError", b'{"Message": "out of memory"}')


def counts(tenant: Any) -> list[int]:
    return binned.of(tenant.tenant, "churn", VERSION, Watch.of({}, PROFILE))


def test_the_counts_of_two_processes_add_up_and_no_value_is_in_the_table(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = process.add_tenant(1)
    process.predict(tenant, 5)
    binned.binned.cache_clear()  # the next process
    process.predict(tenant, 5, row={"age": 17, "plan": "gold-plated"})
    process.accounts.next_answers = [FAILED]
    assert process.predict(tenant)[0] == 502
    assert counts(tenant) == [5, 5, 0, 0, 5, 5, 0]
    written = str(table.get(keys.binned(tenant.tenant, "churn", VERSION)))
    assert not {"gold-plated", "plan", "age", "17", "41"}.intersection(written.replace("'", " ").split())
    for _ in range(binned.FLUSH_CALLS):
        process.predict(tenant)
    assert sum(counts(tenant)) == 2 * 10
    monkeypatch.setattr(binned, "FLUSH_SECONDS", 0)
    process.predict(tenant)
    assert sum(counts(tenant)) == 2 * (10 + binned.FLUSH_CALLS + 1)


def test_a_model_that_is_asked_once_in_five_minutes_is_counted_too(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binned, "SELDOM_SECONDS", 0)
    tenant = process.add_tenant(1)
    for _ in range(3):
        process.predict(tenant)
    assert sum(counts(tenant)) == 2 * 3


def test_no_prediction_fails_for_a_count_and_the_next_write_has_it(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binned, "SELDOM_SECONDS", 0)
    tenant = process.add_tenant(1)
    process.predict(tenant)

    def refuse(params: dict[str, Any], **_: Any) -> Any:
        if b"#d0" not in params["body"]:
            return None
        error = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        return SimpleNamespace(status_code=400), error

    events = tenant_scope._scoped_client("dynamodb").meta.events
    events.register_first("before-call.dynamodb.UpdateItem", refuse)
    assert process.predict(tenant)[0] == 200
    assert sum(counts(tenant)) == 2
    events.unregister("before-call.dynamodb.UpdateItem", refuse)
    assert process.predict(tenant)[0] == 200
    assert sum(counts(tenant)) == 2 * 3


def test_a_version_of_before_there_were_bins_costs_no_write(process: Process) -> None:
    tenant = process.add_tenant(1)
    assert (
        binned.binned(tenant.tenant, "churn", VERSION, Watch.of({}, PROFILE | {"columns": PROFILE["columns"][2:]}))
        is None
    )


def test_requests_of_many_rows_of_which_none_was_counted_write_nothing(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binned, "SELDOM_SECONDS", 0)
    tenant = process.add_tenant(1)
    assert [process.predict(tenant, 80)[0] for _ in range(4)] == [200] * 4
    assert sum(counts(tenant)) == 2 * (12 + 12)
