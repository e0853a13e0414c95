"""The state that reads an upload: what the model's settings change, and an upload that goes away while it is read."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from urllib3.exceptions import ProtocolError

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.training.run import Run
from tenantml.errors import AdviceIsFatal, DatasetChanged, DatasetUnavailable, RareClass, TenantMLError
from tenantml.services import registry
from tenantml_analysis.inspection import checkpoint, inspect
from tenantml_analysis.inspection.settings import InspectionSettings
from tests.integration.platform.conftest import CHURNED
from tests.rows import put_version

Invoke = Callable[[str, Any], Any]


def table(rows: int = 1000) -> bytes:
    """Codes, eight in ten of them different, and two classes."""
    draw = random.Random(5)
    numbers = (draw.randint(0, 2 * rows) for _ in range(rows))
    return f"n,{CHURNED}\n".encode() + b"".join(b"x%d,%s\n" % (n, draw.choice((b"no", b"yes"))) for n in numbers)


class _Broken:
    """The body of an answer whose connection ends half way."""

    def __init__(self, content: bytes, then: Exception | None):
        self._left, self._then = [content], then

    def stream(self, **_: Any) -> Iterator[bytes]:
        raise NotImplementedError

    def read(self, *_: Any) -> bytes:
        if self._left:
            return self._left.pop()
        if self._then:
            raise self._then
        return b""


@pytest.fixture
def ends_early(stack: dict[str, str]) -> Iterator[Callable[[bytes, Exception | None], None]]:
    """Let S3 send half of an upload once, then end the connection, politely or not."""
    events = platform("s3").meta.events
    handlers = []

    def ends_early(content: bytes, then: Exception | None) -> None:
        left = [_Broken(content[: len(content) // 2], then)]

        def answer(request: Any, **_: Any) -> AWSResponse | None:
            if stack["INGEST_BUCKET"] not in request.url:
                return None
            headers = HTTPHeaders.from_dict({"content-length": str(len(content))})
            return AWSResponse(request.url, 200, headers, left.pop()) if left else None

        events.register_first("before-send.s3.GetObject", answer)
        handlers.append(answer)

    yield ends_early
    for handler in handlers:
        events.unregister("before-send.s3.GetObject", handler)


@pytest.mark.parametrize("then", [None, ProtocolError("connection broken")], ids=["closed", "broken"])
def test_an_upload_that_is_deleted_while_it_is_read_has_changed_when_the_state_tries_again(
    inspection_event: Callable[..., dict[str, Any]],
    ends_early: Callable[[bytes, Exception | None], None],
    invoke: Invoke,
    stack: dict[str, str],
    then: Exception | None,
) -> None:
    content = table()
    state = inspection_event(content)
    ends_early(content, then)
    with pytest.raises(TenantMLError, match="tries again") as raised:
        invoke("inspect_dataset", state)
    assert type(raised.value) is DatasetUnavailable
    upload = state["upload"]
    platform("s3").delete_object(Bucket=upload["bucket"], Key=upload["key"], VersionId=upload["version_id"])
    with pytest.raises(TenantMLError, match="upload it again") as raised:
        invoke("inspect_dataset", state)
    assert type(raised.value) is DatasetChanged
    assert "Contents" not in platform("s3").list_objects_v2(Bucket=stack["STAGING_BUCKET"])
    assert not platform("s3").list_multipart_uploads(Bucket=stack["STAGING_BUCKET"]).get("Uploads")


def test_an_upload_that_is_replaced_while_it_is_read_is_read_as_it_was(
    inspection_event: Callable[..., dict[str, Any]],
    ends_early: Callable[[bytes, Exception | None], None],
    invoke: Invoke,
) -> None:
    content = table()
    state = inspection_event(content)
    ends_early(content, None)
    with pytest.raises(DatasetUnavailable):
        invoke("inspect_dataset", state)
    platform("s3").put_object(Bucket=state["upload"]["bucket"], Key=state["upload"]["key"], Body=b"a,b\n")
    assert sum(invoke("inspect_dataset", state)["rows"].values()) == 1000


def in_legs(invoke: Invoke, state: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Invoke the state as its machine does, until it is over: its last answer, and how many times it went on."""
    answer, legs = invoke("inspect_dataset", state), 0
    while not answer["over"]:
        state, legs = state | {"checkpoint": answer["checkpoint"]}, legs + 1
        answer = invoke("inspect_dataset", state)
    return answer, legs


def staged(state: dict[str, Any], stack: dict[str, str]) -> dict[str, bytes]:
    """What lies in the run's folder, by name."""
    folder = Run(**state["run"]).staging_folder
    keys = platform("s3").list_objects_v2(Bucket=stack["STAGING_BUCKET"], Prefix=folder)["Contents"]
    return {
        row["Key"].removeprefix(folder): objects.get_bytes(platform("s3"), stack["STAGING_BUCKET"], row["Key"])
        for row in keys
    }


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A file of several blocks, some of whose rows break their lines, which is staged in parts; a function has time for
    one block.
    """
    monkeypatch.setattr(objects, "PART_BYTES", 5 * 1024**2)  # the least that S3 takes of a part
    rows = table(40_000).splitlines(keepends=True)
    return rows[0] + b"".join(
        b'"%d\r\n%s%s' % (number, b"long " * 60, row[:1] + b'"' + row[row.index(b",") :])
        for number, row in enumerate(rows[1:])
    )


def test_a_file_of_more_than_one_function_is_staged_as_by_one(
    inspection_event: Callable[..., dict[str, Any]],
    invoke: Invoke,
    stack: dict[str, str],
    large: bytes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    once = inspection_event(large)
    expected = invoke("inspect_dataset", once)
    monkeypatch.setenv("INSPECTION_SECONDS", "0")
    state = inspection_event(large)
    answer, legs = in_legs(invoke, state)
    assert legs >= len(large) // 1024**2 > 2
    assert answer["rows"] == expected["rows"]
    assert objects.StoredObject(**answer["train"]).size_bytes == expected["train"]["size_bytes"]
    found = staged(state, stack)
    assert found.pop("train.csv.checkpoint")
    assert found == staged(once, stack)


def until_a_part_is_sent(invoke: Invoke, state: dict[str, Any], stack: dict[str, str]) -> dict[str, Any]:
    """Return what the leg answered that began the upload in parts."""
    answer = invoke("inspect_dataset", state)
    while not platform("s3").list_multipart_uploads(Bucket=stack["STAGING_BUCKET"]).get("Uploads"):
        answer = invoke("inspect_dataset", state | {"checkpoint": answer["checkpoint"]})
    return dict(answer)


def test_a_leg_that_died_is_repeated(
    inspection_event: Callable[..., dict[str, Any]],
    invoke: Invoke,
    stack: dict[str, str],
    large: bytes,
    ends_early: Callable[[bytes, Exception | None], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    expected = invoke("inspect_dataset", once := inspection_event(large))
    monkeypatch.setenv("INSPECTION_SECONDS", "0")
    state = inspection_event(large)
    first = until_a_part_is_sent(invoke, state, stack)
    key = first["checkpoint"]["key"]
    half = checkpoint.loads(objects.get_bytes(platform("s3"), stack["STAGING_BUCKET"], key))["inspector"]
    ends_early(large[half.position :], ProtocolError("connection broken"))
    monkeypatch.setenv("INSPECTION_SECONDS", "600")
    later = state | {"checkpoint": first["checkpoint"]}
    with pytest.raises(DatasetUnavailable):
        invoke("inspect_dataset", later)
    assert invoke("inspect_dataset", later)["rows"] == expected["rows"]
    found = staged(state, stack)
    del found["train.csv.checkpoint"]
    assert found == staged(once, stack)


def test_a_checkpoint_of_another_run_is_not_gone_on_with(
    inspection_event: Callable[..., dict[str, Any]], invoke: Invoke, large: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INSPECTION_SECONDS", "0")
    other = invoke("inspect_dataset", inspection_event(large))["checkpoint"]
    with pytest.raises(ValueError, match="not this run's"):
        invoke("inspect_dataset", inspection_event(large) | {"checkpoint": other})


def test_the_thresholds_of_advice_are_the_models(
    inspection_event: Callable[..., dict[str, Any]], invoke: Invoke
) -> None:
    state = inspection_event(table())
    invoke("inspect_dataset", state)
    found = registry.require_execution("acme", state["run"]["execution"])["advice"]
    assert [(entry["rule"], entry["column"]) for entry in found] == [("duplicate-rows", None)]
    other = {"duplicate_share": 0.5, "identifier_share": 0.5}
    state = inspection_event(table(), advice_thresholds=other)
    invoke("inspect_dataset", state)
    found = registry.require_execution("acme", state["run"]["execution"])["advice"]
    assert [(entry["rule"], entry["column"]) for entry in found] == [("identifier-like", "n")]
    fatal = inspection_event(table(), advice_thresholds=other, fatal_advice=["identifier-like"])
    with pytest.raises(AdviceIsFatal, match="identifier-like"):
        invoke("inspect_dataset", fatal)


def test_an_execution_that_does_not_become_a_version_leaves_the_profile_of_the_live_one(
    inspection_event: Callable[..., dict[str, Any]], invoke: Invoke, stack: dict[str, str]
) -> None:
    state = inspection_event(table())
    invoke("inspect_dataset", state)
    live, place = Run(**state["run"]), {"bucket": stack["STAGING_BUCKET"]}
    place["key"] = f"{live.staging_folder}profile.json"  # as DeployCandidate notes it
    version = {"profile": place, "problem_type": "BinaryClassification"}
    put_version(live.tenant, live.model, live.version, version)
    registry.promote(live.tenant, live.model, live.version)
    newer = inspection_event(table().replace(b"n,", b"other,", 1))
    invoke("inspect_dataset", newer)
    row = registry.get_model(live.tenant, live.model)
    kept = registry.find_version(live.tenant, live.model, row["live_version"])
    assert kept is not None
    profile = json.loads(objects.get_bytes(platform("s3"), **kept["profile"]))
    assert [column["name"] for column in profile["columns"]] == ["n", CHURNED]
    assert newer["run"]["execution"] != live.execution


def test_columns_unlike_the_live_versions_are_told_and_may_be_fatal(
    inspection_event: Callable[..., dict[str, Any]], invoke: Invoke, stack: dict[str, str]
) -> None:
    def inspect(content: bytes, **settings: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        quiet = {"duplicate_share": 1.0, "identifier_share": 1.0}  # both depend on which rows are held out
        state = inspection_event(content, advice_thresholds=quiet, **settings)
        invoke("inspect_dataset", state)
        return state, registry.require_execution("acme", state["run"]["execution"])["advice"]

    first, advice = inspect(table())
    assert advice == []
    live = Run(**first["run"])
    place = {"bucket": stack["STAGING_BUCKET"], "key": f"{live.staging_folder}profile.json"}
    put_version(live.tenant, live.model, live.version, {"profile": place})
    registry.promote(live.tenant, live.model, live.version)
    assert inspect(table().replace(b"\nx", b"\nz"))[1] == []
    _, advice = inspect(table().replace(b"\nx", b"\n"))
    assert [entry["rule"] for entry in advice] == ["schema-changed"]
    assert "'n' was text and is integer" in advice[0]["message"]
    with pytest.raises(AdviceIsFatal, match="schema-changed"):
        inspect(table().replace(b"n,", b"other,", 1), fatal_advice=["schema-changed"])
    platform("s3").delete_object(Bucket=place["bucket"], Key=place["key"])
    assert inspect(table().replace(b"n,", b"m,", 1))[1] == []


def test_a_threshold_of_another_problem_type_is_told_before_anything_is_spent(
    inspection_event: Callable[..., dict[str, Any]], invoke: Invoke
) -> None:
    def advice(**settings: Any) -> list[dict[str, Any]]:
        state = inspection_event(table(), **settings)
        with suppress(AdviceIsFatal):
            invoke("inspect_dataset", state)
        found = registry.require_execution("acme", state["run"]["execution"])["advice"]
        return [entry for entry in found if entry["rule"] == "threshold-not-measured"]

    assert advice(thresholds={"F1": 0.5, "AUC": 0.5}) == []
    (found,) = advice(thresholds={"F1": 0.5, "RMSE": 3}, fatal_advice=["threshold-not-measured"])
    assert "the threshold of RMSE" in found["message"]
    assert "BinaryClassification, which is measured by Accuracy, AUC" in found["message"]


def test_advice_that_is_fatal_is_kept_and_shows_no_class_in_the_error(
    inspection_event: Callable[..., dict[str, Any]], invoke: Invoke
) -> None:
    state = inspection_event(table().replace(b"no\n", b"No\n", 300), fatal_advice=["labels-alike"])
    with pytest.raises(AdviceIsFatal) as raised:
        invoke("inspect_dataset", state)
    assert "'no'" not in str(raised.value)
    advice = registry.require_execution("acme", state["run"]["execution"])["advice"]
    assert "'No', 'no'" in str(advice)


def test_a_log_shows_no_column_of_a_dataset(
    inspection_event: Callable[..., dict[str, Any]], invoke: Invoke, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(RareClass, match="Churn"):
        invoke("inspect_dataset", inspection_event(table() + b"x1,Nora Quill\n"))
    (logged,) = [vars(record) for record in caplog.records if record.name == "tenantml"]
    assert (logged["code"], logged["reason"]) == ("RareClass", "line 1002")
    assert "Churn" not in str(logged)
    assert "Nora" not in str(logged)


def test_the_row_of_an_execution_stays_small_however_much_there_is_to_advise(
    inspection_event: Callable[..., dict[str, Any]], invoke: Invoke
) -> None:
    names = [f"{'n' * 250}{number}" for number in range(4_000)]
    rows = "".join(f"{number % 9}{',1' * 4_000},{('no', 'yes')[number % 2]}\n" for number in range(501))
    state = inspection_event(f"n,{','.join(names)},{CHURNED}\n{rows}".encode())
    invoke("inspect_dataset", state)
    row = registry.require_execution("acme", state["run"]["execution"])
    assert {entry["rule"] for entry in row["advice"]} >= {"constant-column", "duplicate-rows"}
    assert len(json.dumps(row, default=str)) < 20_000


def test_ignored_columns_are_not_staged(
    inspection_event: Callable[..., dict[str, Any]], invoke: Invoke, stack: dict[str, str]
) -> None:
    content = b"n,m,note,Churn?\n" + b"".join(
        b"%d,%d,  ,%s\n" % (n, 1000 + n, (b"no", b"yes")[n % 3 == 0]) for n in range(900)
    )
    state = inspection_event(content, ignore_columns=["n"])
    invoke("inspect_dataset", state)
    folder = Run(**state["run"]).staging_folder
    for part in ("train.csv", "holdout.csv"):
        lines = objects.get_bytes(platform("s3"), stack["STAGING_BUCKET"], f"{folder}{part}").split(b"\n")
        assert lines[0] == b"m,note,Churn?"
        assert len(lines) > 100
        assert all(re.fullmatch(rb"1\d{3},,(no|yes)", line) for line in lines[1:-1])


@pytest.mark.parametrize(
    "forged",
    [
        {"upload": {"key": "globex/churn/churn.csv"}},
        {"upload": {"version_id": "of-another-upload"}},
        {"upload": {"bucket": "somebody-elses"}},
        {"run": {"tenant": "globex"}},
        {"run": {"model": "other"}},
    ],
    ids=str,
)
def test_an_upload_that_is_not_the_runs_is_neither_read_nor_staged(
    inspection_event: Callable[..., dict[str, Any]],
    invoke: Invoke,
    stack: dict[str, str],
    answer_with: Callable[..., None],
    forged: dict[str, dict[str, str]],
) -> None:
    state = inspection_event(table())
    state |= {part: state[part] | changes for part, changes in forged.items()}
    answer_with("s3", "GetObject", 500, "NobodyMayRead")
    answer_with("s3", "PutObject", 500, "NobodyMayWrite")
    with pytest.raises(ValueError, match="not this run's"):
        invoke("inspect_dataset", state)
    assert "Contents" not in platform("s3").list_objects_v2(Bucket=stack["STAGING_BUCKET"])


def test_what_is_held_out_is_what_the_models_settings_say(
    inspection_event: Callable[..., dict[str, Any]], invoke: Invoke, stack: dict[str, str]
) -> None:
    asked: dict[str, Any] = {"holdout_fraction": 0.4, "holdout_rows_max": 300}
    state = inspection_event(table(), **asked)
    invoke("inspect_dataset", state)
    run = Run(**state["run"])
    salt = registry.holdout_salt(run.tenant, run.model)
    parts = {"train.csv": BytesIO(), "holdout.csv": BytesIO()}
    inspect([table()], InspectionSettings(target=CHURNED, salt=salt, **asked), *parts.values())
    for name, part in parts.items():
        assert objects.get_bytes(platform("s3"), stack["STAGING_BUCKET"], run.staging_folder + name) == part.getvalue()
