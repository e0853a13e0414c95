"""What the pre-flight makes of each file, and for some what its state keeps and logs.

`make cases` takes all of them through the embedded cloud.
"""

from __future__ import annotations

import io
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
from tenantml.entrypoint import logger
from tenantml.errors import TenantMLError
from tenantml.services import registry
from tenantml_analysis.inspection import InspectionSettings, inspect
from tenantml_analysis.inspection.advice import refuse_fatal
from tests.cases.cloud import model_of
from tests.cases.files import CASES, GROUPS, TRAINS, UNNAMED, Case, Result, differences

Invoke = Callable[[str, Any], Any]
Outcome = Callable[[Case], Result]

HIDING = [case for case in CASES.values() if case.hides]
OF_MUCH_ADVICE = CASES["constant-columns"]


def of_preflight(case: Case) -> Result:
    """Inspect a file as the state does."""
    held_out = io.BytesIO()
    try:
        settings = ModelSettings.from_document(case.settings)
        rules = InspectionSettings(
            target=settings.target,
            salt="s",
            problem_type=settings.problem_type,
            ignore_columns=tuple(settings.ignore_columns),
        )
        found = inspect([case.content], rules, io.BytesIO(), held_out)
        refuse_fatal(found.advice, settings.fatal_advice)
    except TenantMLError as error:
        return Result(type(error).__name__, str(error))
    except Exception as error:  # noqa: BLE001 - a fault without a name is what is looked for
        return Result(UNNAMED, repr(error))
    _require_that_held_out_rows_can_be_asked_about(found.profile, held_out.getvalue())
    return Result(TRAINS, advice=tuple(found.advice))


@pytest.fixture
def of_states(tenant: Tenant, stack: dict[str, str], event: Callable[[str], Any], invoke: Invoke) -> Outcome:
    """Configure a model, upload the file, and have it accepted and inspected."""

    def outcome(case: Case) -> Result:
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
            run = Run(**accepted["run"])
            invoke("inspect_dataset", {**event("inspect_dataset"), **accepted, "upload": sample["upload"]})
        except TenantMLError as error:
            return Result(type(error).__name__, str(error))
        profile, held_out = (
            objects.get_bytes(platform("s3"), stack["STAGING_BUCKET"], f"{run.staging_folder}{name}")
            for name in ("profile.json", "holdout.csv")
        )
        _require_that_held_out_rows_can_be_asked_about(json.loads(profile), held_out)
        execution = registry.require_execution(run.tenant, run.execution)
        return Result(TRAINS, advice=tuple(execution["advice"]))

    return outcome


def _require_that_held_out_rows_can_be_asked_about(profile: Any, text: bytes) -> None:
    """I12: the version is judged by asking it about them."""
    schema = Schema.from_profile(profile)
    rows = holdout.read(text, schema.target, len(schema.classes))
    assert len(rows.lines(schema)) == len(rows.truths)


@pytest.mark.parametrize("cases", GROUPS.values(), ids=GROUPS)
def test_files_come_to_what_people_expect(cases: tuple[Case, ...]) -> None:
    wrong = {
        case.name: (unlike, result) for case in cases if (unlike := differences(case, result := of_preflight(case)))
    }
    assert wrong == {}


@pytest.mark.parametrize("case", [*HIDING, OF_MUCH_ADVICE], ids=lambda case: case.name)
def test_a_state_ends_alike_and_its_log_shows_no_cell(
    case: Case, of_states: Outcome, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    written = io.StringIO()  # whichever test imported the logger first gave it the output of its own
    monkeypatch.setattr(logger.registered_handler, "stream", written)
    assert differences(case, of_states(case)) == []
    logged = "".join([written.getvalue(), *capfd.readouterr()])
    assert case.name == OF_MUCH_ADVICE.name or "named failure" in logged
    assert [text for text in case.hides if text in logged] == []


def test_no_two_cases_or_their_models_have_one_name() -> None:
    assert len({model_of(case) for case in CASES.values()}) == len(CASES) == sum(map(len, GROUPS.values()))
