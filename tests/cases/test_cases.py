"""What the pre-flight makes of each file, through its handler; `make cases` takes them through the embedded cloud."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.predictions import holdout
from tenantml.domain.predictions.rows import Schema
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import TenantMLError
from tenantml.services import registry
from tests.cases.cloud import model_of
from tests.cases.files import CASES, GROUPS, TRAINS, UNNAMED, Case, Result, differences

Invoke = Callable[[str, Any], Any]
Preflight = Callable[[Case], Result]


@pytest.fixture
def preflight(tenant: Tenant, stack: dict[str, str], event: Callable[[str], Any], invoke: Invoke) -> Preflight:
    """Configure a model, upload the file, and have it accepted and inspected."""

    def preflight(case: Case) -> Result:
        try:
            registry.put_model(tenant.tenant, "churn", ModelSettings.from_document(case.settings))
            sample = event("accept_upload")
            bucket, key = stack["INGEST_BUCKET"], sample["upload"]["key"]
            stored = platform("s3").put_object(Bucket=bucket, Key=key, Body=case.content)
            sample["upload"] |= {
                "version_id": stored["VersionId"],
                "etag": stored["ETag"].strip('"'),
                "size_bytes": len(case.content),
                "sequencer": f"{time.time_ns():018X}",
            }
            accepted = invoke("accept_upload", sample)
            run = accepted["run"]
            invoke("inspect_dataset", {**event("inspect_dataset"), **accepted, "upload": sample["upload"]})
        except TenantMLError as error:
            return Result(type(error).__name__, str(error))
        except Exception as error:  # noqa: BLE001 - a fault without a name is what is looked for
            return Result(UNNAMED, repr(error))
        _require_that_held_out_rows_can_be_asked_about(Run(**run), stack["STAGING_BUCKET"])
        execution = registry.require_execution(run["tenant"], run["execution"])
        return Result(TRAINS, advice=tuple(execution["advice"]))

    return preflight


def _require_that_held_out_rows_can_be_asked_about(run: Run, bucket: str) -> None:
    """I12: the version is judged by asking it about them."""
    parts = [
        objects.get_bytes(platform("s3"), bucket, f"{run.staging_folder}{name}")
        for name in ("profile.json", "holdout.csv")
    ]
    schema = Schema.from_profile(json.loads(parts[0]))
    rows = holdout.read(parts[1], schema.target, len(schema.classes))
    assert len(rows.lines(schema)) == len(rows.truths)


@pytest.mark.parametrize("cases", GROUPS.values(), ids=GROUPS)
def test_files_come_to_what_people_expect(
    cases: tuple[Case, ...], preflight: Preflight, capfd: pytest.CaptureFixture[str]
) -> None:
    wrong = []
    for case in cases:
        result = preflight(case)
        logged = "".join(capfd.readouterr())
        unlike = differences(case, result) + [f"the log has {text!r}" for text in case.hides if text in logged]
        wrong += [f"{case.name}: {'; '.join(unlike)}; it came to {result}"] if unlike else []
    assert not wrong, "\n".join(wrong)


def test_no_two_cases_or_their_models_have_one_name() -> None:
    assert len({model_of(case) for case in CASES.values()}) == len(CASES) == sum(map(len, GROUPS.values()))
