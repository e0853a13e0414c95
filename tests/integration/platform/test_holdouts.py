"""The holdout over uploads, through the state that inspects them: whose rule is followed, and where it is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import EntityColumnMissing, NotFound
from tenantml.services import holdouts, registry, removal, retention
from tenantml.services.tenant_scope import scoped_to
from tests.integration.platform.conftest import CHURNED, TENANT
from tests.rows import put_training, put_version

Invoke = Callable[[str, Any], Any]
InspectionEvent = Callable[..., dict[str, Any]]
ROWS = [f"{number},{number % 7},{'yes' if number % 3 else 'no'}" for number in range(3000)]


def file_of(rows: list[str]) -> bytes:
    return "\n".join([f"n,m,{CHURNED}", *rows, ""]).encode()


@pytest.fixture
def inspected(inspection_event: InspectionEvent, invoke: Invoke) -> Callable[..., Run]:
    """Have the state inspect a file of rows; return the run."""

    def inspected(rows: list[str], **settings: Any) -> Run:
        state = inspection_event(file_of(rows), **settings)
        invoke("inspect_dataset", state)
        return Run(**state["run"])

    return inspected


def lines(run: Run, stack: dict[str, str], name: str) -> list[str]:
    text = objects.get_bytes(platform("s3"), stack["STAGING_BUCKET"], f"{run.staging_folder}{name}.csv").decode()
    return text.splitlines()[1:]


def part(run: Run, stack: dict[str, str], name: str) -> set[str]:
    return set(lines(run, stack, name))


def start_job(run: Run) -> None:
    registry.note_progress(run, {"training": {"job_name": TENANT.account.job(run.execution)}})


def end(run: Run) -> None:
    """Let a run fail, and what it staged be removed."""
    upload = registry.require_execution(run.tenant, run.execution)["upload"]
    registry.end_execution(run.tenant, run.execution, {"upload": upload, "status": "failed"})
    removal.clean_up(run, failed=True, delivered=False)


def test_what_a_training_that_failed_saw_is_in_no_later_holdout(
    inspected: Callable[..., Run], stack: dict[str, str]
) -> None:
    bounded = {"holdout_rows_max": 100}
    failed = inspected(ROWS, **bounded)
    seen = part(failed, stack, "train")
    start_job(failed)
    end(failed)
    later = inspected(ROWS[::-1])
    assert part(later, stack, "holdout")
    assert not part(later, stack, "holdout") & seen


def test_an_upload_that_started_no_job_leaves_no_rule(inspected: Callable[..., Run], stack: dict[str, str]) -> None:
    first = inspected(ROWS)
    start_job(first)
    end_of_nothing = inspected(ROWS, holdout_rows_max=100)
    assert len(part(end_of_nothing, stack, "holdout")) <= 100
    end(end_of_nothing)
    later = inspected(ROWS)
    assert part(later, stack, "holdout") == part(first, stack, "holdout")
    assert len(part(later, stack, "holdout")) > 400


def test_a_running_upload_counts_as_one_that_trains(inspected: Callable[..., Run], stack: dict[str, str]) -> None:
    running = inspected(ROWS, holdout_rows_max=100)
    meanwhile = inspected(ROWS)
    assert part(meanwhile, stack, "holdout") == part(running, stack, "holdout")


def test_a_repeat_of_the_state_splits_as_before(
    inspection_event: InspectionEvent, invoke: Invoke, stack: dict[str, str]
) -> None:
    state = inspection_event(file_of(ROWS), holdout_rows_max=100)
    answers, kept = [], []
    for _ in range(2):
        answers.append(invoke("inspect_dataset", state)["rows"])
        kept.append(objects.get_bytes(platform("s3"), stack["STAGING_BUCKET"], f"acme/churn/{holdouts.RULE}"))
    assert answers[0] == answers[1]
    assert kept[0] == kept[1]


def test_the_live_versions_training_is_kept_however_many_newer_versions_failed(
    inspected: Callable[..., Run], customer_s3: Any
) -> None:
    live = inspected(ROWS)
    put_training(live, "2026-11-22T18:00:00Z")
    start_job(live)
    later = inspected(ROWS)
    put_training(later, "2026-11-22T19:00:00Z")
    put_version(live.tenant, live.model, live.version, {"execution": live.execution})
    registry.promote(live.tenant, live.model, live.version)
    for number in range(101):
        failed = {"execution": f"e-{number}", "status": "rolled back", "ended_at": "2099-01-01T00:00:00Z"}
        put_version(live.tenant, live.model, f"v20990101-000000-{number:04x}", failed)
    assert retention.prune(later, 1) == []


def test_the_rule_outlives_trainings_that_were_pruned(
    inspected: Callable[..., Run], stack: dict[str, str], customer_s3: Any
) -> None:
    first = inspected(ROWS, holdout_rows_max=100)
    put_training(first, "2026-11-22T18:00:00Z")
    start_job(first)
    later = inspected(ROWS)
    put_training(later, "2026-11-22T19:00:00Z")
    assert retention.prune(later, 1) == [], "its execution is not over"
    upload = registry.require_execution(first.tenant, first.execution)["upload"]
    registry.end_execution(first.tenant, first.execution, {"upload": upload, "status": "succeeded"})
    assert retention.prune(later, 1) == [first.execution]
    staged = [row["Key"] for row in platform("s3").list_objects_v2(Bucket=stack["STAGING_BUCKET"])["Contents"]]
    assert f"acme/churn/{holdouts.RULE}" in staged
    assert not [key for key in staged if first.execution in key]
    assert part(inspected(ROWS), stack, "holdout") == part(later, stack, "holdout")


def test_what_the_live_version_saw_of_a_holdout_is_counted(
    inspected: Callable[..., Run], stack: dict[str, str]
) -> None:
    first = inspected(ROWS[:2000])
    start_job(first)
    put_version("acme", "churn", first.version, {"execution": first.execution})
    later = inspected(ROWS)
    assert len(part(later, stack, "holdout")) > 400
    assert holdouts.seen(later, first.version) == [False] * len(part(later, stack, "holdout"))
    assert holdouts.seen(later, "v20200101-000000-none") is None
    by_entity = inspected(ROWS, entity_column="n")
    assert holdouts.seen(by_entity, first.version) is None
    put_version("acme", "churn", "v1", {"execution": "acme-churn-before-there-were-rules"})
    assert holdouts.seen(later, "v1") is None


def test_a_version_of_a_wider_holdout_has_seen_none_and_one_of_a_narrower_one_counts(
    inspected: Callable[..., Run], stack: dict[str, str]
) -> None:
    wide = inspected(ROWS)
    start_job(wide)
    narrow = inspected(ROWS, holdout_rows_max=100)
    for run in (wide, narrow):
        put_version("acme", "churn", f"v-{run.execution}", {"execution": run.execution})
    assert not any(holdouts.seen(narrow, f"v-{wide.execution}") or [True])
    trained, seen = part(narrow, stack, "train"), holdouts.seen(wide, f"v-{narrow.execution}")
    assert seen == [row in trained for row in lines(wide, stack, "holdout")]
    assert sum(seen) > 300


def test_versions_that_were_judged_on_most_of_a_holdout_are_counted_over_uploads(
    inspected: Callable[..., Run], stack: dict[str, str]
) -> None:
    def judged(run: Run) -> int:
        sample = holdouts.sample(run)
        looks = holdouts.count_looks(run, sample)
        row = {"execution": run.execution, "evaluation": {}, "holdout_sample": sample}
        put_version("acme", "churn", run.version, row)
        return looks

    first = inspected(ROWS)
    assert [judged(first), judged(first)] == [1, 1], "a repeat is no other look"
    start_job(first)
    assert judged(replace(first, version="v20991231-000000-beef")) == 2, "another candidate of the same training"
    assert judged(inspected(ROWS[::-1] + [f"{number},0,yes" for number in range(3000, 3900)])) == 3
    assert judged(inspected([f"{number},{number % 7},no" for number in range(9000, 12000)] + ROWS[:40])) == 1


def test_the_salt_is_the_models_for_good_and_no_others(tenant: Tenant) -> None:
    salt = registry.holdout_salt("acme", "churn")
    registry.put_model("acme", "churn", ModelSettings("other"))
    registry.put_model("acme", "second", ModelSettings(CHURNED))
    with scoped_to("acme"):
        assert registry.holdout_salt("acme", "churn") == salt
        assert registry.holdout_salt("acme", "second") != salt
    assert len(salt) == 32
    with pytest.raises(NotFound):
        registry.holdout_salt("acme", "nothing")


def test_an_entity_column_may_be_ignored_and_must_be_there(
    inspected: Callable[..., Run], stack: dict[str, str]
) -> None:
    rows = [f"{number % 300},{number},{'yes' if number % 2 else 'no'}" for number in range(1500)]
    run = inspected(rows, entity_column="n", ignore_columns=["n"])
    held = {int(row.split(",")[0]) % 300 for row in part(run, stack, "holdout")}
    assert len(part(run, stack, "holdout")) == 5 * len(held)
    assert 20 < len(held) < 100
    with pytest.raises(EntityColumnMissing):
        inspected(rows, entity_column="customer")
