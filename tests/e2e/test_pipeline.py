"""From an uploaded CSV to predictions, in the tenant's own account: what must be true after it, and after it failed."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import threading
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local import SAAS_ACCOUNT
from local.inventory import calls_into
from local.platform import Platform
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import Document
from tests.e2e.conftest import TRAINING_SECONDS
from tests.waiting import wait_for

QUICK = {"max_candidates": 2, "bake_minutes": 1}

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant


def features_of(path: Path, target: str, count: int) -> list[dict[str, Any]]:
    """Return the first rows of a dataset, numbers as numbers, without the target."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row, _ in zip(csv.DictReader(file), range(count), strict=False)]
    return [{name: float(value) for name, value in row.items() if name != target} for row in rows]


def access_points(platform: Platform) -> list[str]:
    """Return the names of the access points on the staging bucket: who may read there, beside the stack's roles."""
    control, bucket = platform.cloud.client("s3control"), platform.outputs["StagingBucket"]
    found = control.list_access_points(AccountId=SAAS_ACCOUNT, Bucket=bucket)["AccessPointList"]
    return [row["Name"] for row in found]


def keys_of(tenant: Tenant) -> list[str]:
    """Return the keys of the objects in the tenant's bucket."""
    bucket = tenant.registered.account.bucket
    return [
        row["Key"]
        for row in tenant.platform.cloud.client("s3", tenant.account_id)
        .list_objects_v2(Bucket=bucket)
        .get("Contents", [])
    ]


@pytest.mark.parametrize("delivery", ["copy", "upload", "in-place"])
def test_each_delivery_trains_in_the_customers_account_and_leaves_no_grant_and_no_copy(
    acme: Tenant, breast_cancer: Path, delivery: str
) -> None:
    model = f"cancer-{delivery}"
    ended = acme.train(model, breast_cancer, target="malignant", delivery=delivery, **QUICK)
    assert ended["error"] is None, ended
    assert ended["status"] == "succeeded"
    assert ended["rows"] == {"train": 500, "holdout": 69}
    assert ended["training"]["problem_type"] == "BinaryClassification"
    assert access_points(acme.platform) == []
    grants = acme.platform.cloud.client("dynamodb").scan(TableName=acme.platform.outputs["GrantsTable"])["Items"]
    assert grants == []
    assert not [key for key in keys_of(acme) if key.startswith(f"{model}/") and "/input/" in key]
    job = ended["training"]["job_name"]
    theirs = acme.platform.cloud.client("sagemaker", acme.account_id).describe_auto_ml_job_v2(AutoMLJobName=job)
    assert theirs["AutoMLJobArn"].split(":")[4] == acme.account_id
    with pytest.raises(ClientError, match=r"can't find an AutoML job called"):
        acme.platform.cloud.client("sagemaker").describe_auto_ml_job_v2(AutoMLJobName=job)
    answered = acme.api.predict_rows(model, features_of(breast_cancer, "malignant", 3))
    assert answered["version"] == ended["version"]
    assert [set(found["probabilities"]) for found in answered["predictions"]] == [{"no", "yes"}] * 3


def test_a_regression_answers_with_values(acme: Tenant, diabetes: Path) -> None:
    ended = acme.train(
        "progression", diabetes, target="progression", problem_type="Regression", objective="RMSE", **QUICK
    )
    assert ended["error"] is None, ended
    assert ended["training"]["objective"]["name"] == "RMSE"
    answered = acme.api.predict_rows("progression", features_of(diabetes, "progression", 2))
    assert [25 < found["predicted_value"] < 346 for found in answered["predictions"]] == [True, True]


@pytest.mark.parametrize("mode", ["ENSEMBLING", "HYPERPARAMETER_TUNING"])
def test_a_multiclass_model_answers_alike_in_both_modes(acme: Tenant, iris: Path, mode: str) -> None:
    model = f"species-{mode[0].lower()}"
    ended = acme.train(model, iris, target="species", mode=mode, **QUICK)
    assert ended["error"] is None, ended
    assert ended["training"]["problem_type"] == "MulticlassClassification"
    found = acme.api.predict_rows(model, features_of(iris, "species", 1))["predictions"][0]
    assert found["predicted_label"] == "setosa"
    assert found["probability"] == found["probabilities"]["setosa"]
    assert sum(found["probabilities"].values()) == pytest.approx(1)


def test_a_new_version_takes_over_without_a_lost_request_and_the_old_one_is_removed(
    acme: Tenant, iris: Path, tmp_path: Path
) -> None:
    first = acme.train("takeover", iris, target="species", **QUICK)
    assert first["error"] is None, first
    row, answered, failed, stop = features_of(iris, "species", 1), [], [], threading.Event()

    def ask() -> None:
        while not stop.wait(0.05):  # below the 50 requests a second of a tenant
            try:
                answered.append(acme.api.predict_rows("takeover", row)["version"])
            except Refused as error:
                failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        again = tmp_path / "again.csv"
        again.write_bytes(iris.read_bytes())
        second = acme.train("takeover", again, target="species", **QUICK)
    finally:
        stop.set()
        asking.join()
    assert second["error"] is None, second
    assert failed == []
    assert sorted(set(answered)) == [first["version"], second["version"]]
    assert answered == sorted(answered)
    endpoints = acme.platform.cloud.client("sagemaker", acme.account_id).list_endpoints(NameContains="-takeover-")[
        "Endpoints"
    ]
    assert [found["EndpointName"] for found in endpoints if found["EndpointStatus"] != "Deleting"] == [
        second["endpoint"]["name"]
    ]


def test_artefacts_that_no_kept_version_needs_go_with_a_later_training(
    acme: Tenant, iris: Path, tmp_path: Path
) -> None:
    trained = []
    for number in range(3):
        path = tmp_path / f"kept{number}.csv"
        path.write_bytes(iris.read_bytes())
        trained.append(acme.train("kept", path, target="species", keep_versions=1, **QUICK))
    oldest, *kept = [ended["execution"] for ended in trained]
    artefacts = {key.split("/")[1] for key in keys_of(acme) if key.startswith("kept/")}
    assert artefacts == set(kept)
    with pytest.raises(Refused) as refusal:
        acme.api.deploy("kept", {"execution": oldest})
    assert refusal.value.code == "ArtefactsGone"


def version_of(tenant: Tenant, model: str, version: str) -> Document:
    """Wait for a version's deployment to end, and return the version."""
    return wait_for(
        lambda: tenant.api.version(model, version), lambda found: found["ended_at"], seconds=TRAINING_SECONDS
    )


def test_another_candidate_takes_over_and_a_deployment_that_is_stopped_costs_nothing_that_was_paid_for(
    acme: Tenant, iris: Path
) -> None:
    trained = acme.train("again", iris, target="species", **QUICK)
    first = version_of(acme, "again", trained["version"])
    (other,) = {row["name"] for row in first["candidates"]} - {first["candidate"]}
    by_hand = {"execution": trained["execution"], "promote": "always"}  # whatever either makes of flowers it never saw
    request = by_hand | {"candidate": other}
    second = version_of(acme, "again", acme.api.deploy("again", request)["version"])
    assert (second["error"], second["live"], second["candidate"]) == (None, True, other)
    row = features_of(iris, "species", 1)
    assert acme.api.predict_rows("again", row)["version"] == second["version"]

    asked = acme.api.deploy("again", request | {"instance_type": "ml.m5.xlarge"})["version"]
    machine = acme.platform.outputs["DeploymentStateMachineArn"].replace(":stateMachine:", ":execution:")
    acme.platform.cloud.client("stepfunctions").stop_execution(executionArn=f"{machine}:acme_again_{asked}")
    third = version_of(acme, "again", asked)
    assert (third["error"]["code"], third["live"]) == ("ExecutionStopped", False)
    assert acme.api.predict_rows("again", row)["version"] == second["version"]
    fourth = version_of(acme, "again", acme.api.deploy("again", by_hand)["version"])
    assert (fourth["error"], fourth["live"], fourth["candidate"]) == (None, True, first["candidate"])
    prefix, digest = acme.registered.prefix, trained["execution"][-16:]
    jobs = acme.platform.cloud.client("sagemaker", acme.account_id).list_auto_ml_jobs(NameContains=f"{prefix}-{digest}")
    assert [job["AutoMLJobName"] for job in jobs["AutoMLJobSummaries"]] == [trained["training"]["job_name"]]


def stripes(count: int) -> list[list[object]]:
    """The first rows of a table of which 500 teach little and thousands nearly all: the target alternates 60 times
    along one number.
    """
    drawn = random.Random(20)
    places = [(drawn.random(), drawn.random()) for _ in range(count)]
    rows = [[f"{along:.6f}", f"{noise:.6f}", ("light", "dark")[int(along * 60) % 2]] for along, noise in places]
    return [["along", "noise", "stripe"], *rows]


def test_a_worse_challenger_is_refused_with_numbers_the_live_version_answers_on_and_it_is_promoted_by_hand(
    acme: Tenant, write_csv: Callable[[str, list[list[object]]], Path]
) -> None:
    whole, fewer = write_csv("whole.csv", stripes(5000)), write_csv("fewer.csv", stripes(650))
    acme.api.configure("judged", {"target": "stripe", **QUICK})
    first = acme.outcome(acme.api.upload("judged", whole))
    assert first["error"] is None, first
    row = [{"along": 0.5, "noise": 0.5}]
    answered, failed, stop = [], [], threading.Event()

    def ask() -> None:
        while not stop.wait(0.05):
            try:
                answered.append(acme.api.predict_rows("judged", row)["version"])
            except Refused as error:
                failed.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        second = acme.outcome(acme.api.upload("judged", fewer))
        refused = version_of(acme, "judged", second["version"])
        answered_before = set(answered)
        request = {"tenant": acme.name, "model": "judged", "execution": second["execution"], "promote": "always"}
        by_hand = acme.platform.call("DeployVersionFunction", request)["version"]
        promoted = version_of(acme, "judged", by_hand)
    finally:
        stop.set()
        asking.join()
    assert (second["error"]["code"], refused["error"]["code"]) == ("DidNotBeatLive", "DidNotBeatLive")
    live, metrics = refused["evaluation"]["live"], refused["evaluation"]["metrics"]
    assert live["version"] == first["version"]
    assert metrics["F1"]["value"] < live["value"]
    assert (live["rows"], live["rows_seen"]) == (second["rows"]["holdout"], 0), "neither was trained on any of them"
    assert [version["evaluation"]["looks"] for version in (refused, promoted)] == [2, 3]
    assert f"F1 is {metrics['F1']['value']:.3f}, the live version's {live['value']:.3f}" in second["error"]["message"]
    assert refused["verdict"]["sentences"][-1] == second["error"]["message"]
    assert answered_before == {first["version"]}
    assert (promoted["live"], promoted["error"]) == (True, None)
    assert failed == []
    assert set(answered) == {first["version"], by_hand}
    whole_of_it = acme.api.evaluation("judged", by_hand)
    assert whole_of_it["metrics"] == promoted["evaluation"]["metrics"] == metrics
    assert whole_of_it["latency"]["calls"] >= 1


def test_a_tenant_returns_to_the_version_before_at_once_and_to_one_whose_endpoint_is_gone_by_deploying_it(
    acme: Tenant, globex: Tenant, iris: Path, tmp_path: Path
) -> None:
    settings = {"target": "species", **QUICK, "bake_minutes": 24 * 60}
    first = acme.train("return", iris, **settings)["version"]
    again = tmp_path / "again.csv"
    again.write_bytes(iris.read_bytes())
    key = acme.api.upload("return", again)
    second = acme.execution(key, lambda document: document["state"] == "CheckBake")["version"]
    row = features_of(iris, "species", 1)
    returned = acme.api.return_to("return", first)
    assert (returned["version"], returned["live"], returned["status"]) == (first, True, "live")
    assert returned["returned"]["by"] in {found["key_id"] for found in acme.api.call("GET", "/keys")["keys"]}
    assert acme.outcome(key)["status"] == "succeeded", "it was live, and the tenant chose the other one"
    assert acme.api.predict_rows("return", row)["version"] == first
    retired = version_of(acme, "return", second)
    assert (retired["status"], retired["live"]) == ("retired", False)

    whose = {"tenant": acme.name, "model": "return"}
    asked = acme.platform.call("ReturnVersionFunction", whose | {"version": second})  # by an operator
    repeated = acme.api.return_to("return", second)
    assert (repeated["version"], repeated["live"]) == (asked["version"], False), "a repeat starts nothing more"
    assert (repeated["returns_to"], repeated["returned"]["by"]) == (second, "operator")
    assert acme.api.predict_rows("return", row)["version"] == first, "the live one answers meanwhile"
    wait_for(
        lambda: acme.api.predict_rows("return", row)["version"],
        lambda found: found == asked["version"],
        seconds=TRAINING_SECONDS,
    )
    at_once = acme.platform.call("ReturnVersionFunction", whose | {"version": first})
    assert (at_once["version"], at_once["live"]) == (first, True), "its endpoint stands while the other one bakes"
    globex.api.configure("return", {"target": "species"})
    for api, version in ((globex.api, first), (acme.api, "v20200101-000000-0000")):
        with pytest.raises(Refused) as refusal:
            api.return_to("return", version)
        assert refusal.value.code == "NotFound"


def waiting_version(tenant: Tenant, model: str, version: str) -> Document:
    """Wait until a version awaits an approval, and return the version."""
    deadline = time.monotonic() + TRAINING_SECONDS
    while not (found := tenant.api.call("GET", f"/models/{model}/versions/{version}"))["approval"]:
        assert (time.monotonic() < deadline, found["error"]) == (True, None)
        time.sleep(0.1)
    return found


def test_a_version_that_awaits_an_approval_answers_when_it_is_approved_and_one_that_is_refused_leaves_nothing(
    acme: Tenant, globex: Tenant, iris: Path, tmp_path: Path
) -> None:
    first = acme.train("approved", iris, target="species", **QUICK)["version"]
    acme.api.configure("approved", {"target": "species", "promote": "manual", **QUICK})
    globex.api.configure("approved", {"target": "species"})
    again, row = tmp_path / "again.csv", features_of(iris, "species", 1)
    again.write_bytes(iris.read_bytes())
    key = acme.api.upload("approved", again)
    under_way = acme.execution(key, lambda document: document["state"] == "AwaitApproval")
    second = waiting_version(acme, "approved", under_way["version"])
    assert (second["status"], second["live"], second["approval"]["decision"]) == ("awaiting approval", False, None)
    assert acme.api.predict_rows("approved", row)["version"] == first, "the live one answers meanwhile"
    for api, version, code in (
        (globex.api, second["version"], "NotFound"),
        (acme.api, "v20200101-000000-0000", "NotFound"),
        (acme.api, first, "NotAwaitingApproval"),
    ):
        with pytest.raises(Refused) as refusal:
            api.decide("approved", version, {"decision": "approve"})
        assert refusal.value.code == code
    with ThreadPoolExecutor() as pool:  # at once
        word = {"decision": "approve", "reason": "it is spring"}
        approved = [
            *pool.map(lambda _: acme.api.decide("approved", second["version"], word)["approval"], range(4)),
        ]
    assert [found == approved[0] for found in approved] == [True] * 4
    assert approved[0]["by"] in {found["key_id"] for found in acme.api.call("GET", "/keys")["keys"]}
    with pytest.raises(Refused) as refusal:
        acme.api.decide("approved", second["version"], {"decision": "refuse"})
    assert refusal.value.code == "AlreadyDecided"
    ended = acme.outcome(key)
    assert (ended["status"], ended["error"]) == ("succeeded", None)
    assert acme.api.predict_rows("approved", row)["version"] == second["version"]

    third = acme.api.deploy("approved", {"execution": ended["execution"]})["version"]
    waiting_version(acme, "approved", third)
    acme.api.decide("approved", third, {"decision": "refuse", "reason": "not before the audit"})
    refused = version_of(acme, "approved", third)
    assert (refused["error"]["code"], refused["status"], refused["live"]) == ("ApprovalRefused", "rolled back", False)
    assert (refused["approval"]["decision"], refused["approval"]["reason"]) == ("refuse", "not before the audit")
    assert acme.api.predict_rows("approved", row)["version"] == second["version"]
    endpoints = acme.platform.cloud.client("sagemaker", acme.account_id).list_endpoints(NameContains="-approved-")
    assert [found["EndpointName"] for found in endpoints["Endpoints"]] == [second["endpoint"]]


def test_a_newer_upload_stops_the_training_of_an_older_one_which_is_superseded(
    acme: Tenant, iris: Path, tmp_path: Path
) -> None:
    acme.api.configure("newest", {"target": "species", "max_candidates": 250})
    older = acme.api.upload("newest", iris)
    acme.execution(older, lambda document: (document["training"] or {}).get("status") == "InProgress")
    acme.api.configure("newest", {"target": "species", **QUICK})
    again = tmp_path / "again.csv"
    again.write_bytes(iris.read_bytes())
    newer = acme.outcome(acme.api.upload("newest", again))
    superseded = acme.outcome(older)
    assert (superseded["status"], superseded["error"]["code"]) == ("superseded", "UploadSuperseded")
    assert (newer["status"], newer["error"]) == ("succeeded", None)
    sagemaker = acme.platform.cloud.client("sagemaker", acme.account_id)
    job = sagemaker.describe_auto_ml_job_v2(AutoMLJobName=superseded["training"]["job_name"])
    assert job["AutoMLJobStatus"] == "Stopped"
    row = features_of(iris, "species", 1)
    assert acme.api.predict_rows("newest", row)["version"] == newer["version"]


def test_nobody_deploys_another_tenants_training(acme: Tenant, globex: Tenant, iris: Path) -> None:
    trained = acme.train("mine", iris, target="species", **QUICK)
    globex.api.configure("mine", {"target": "species"})
    for execution in (trained["execution"], "globex-mine-0123456789abcdef", "e" * 2000):  # past a key of DynamoDB's
        with pytest.raises(Refused) as refusal:
            globex.api.deploy("mine", {"execution": execution})
        assert refusal.value.code == "NotFound"


ROWS = [["a", "b", "y"]] + [[i, f"t{i % 7}", "yes" if i % 3 else "no"] for i in range(600)]
TEXT = "\n".join(",".join(str(cell) for cell in row) for row in ROWS) + "\n"
NUMBERS = "a,b,y\n" + "".join(f"{i},t{i % 7},{i}.5\n" for i in range(600))


def zipped(name: str) -> bytes:
    """Return a zip archive that holds one file of this name."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr(name, TEXT)
    return whole.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.csv", b"", "EmptyFile"),
        ("header.csv", b"a,b,y\n", "HeaderOnly"),
        ("few.csv", "\n".join(TEXT.split("\n")[:400]).encode(), "TooFewRows"),
        ("target.csv", TEXT.replace("a,b,y", "a,b,z", 1).encode(), "TargetMissing"),
        ("ragged.csv", TEXT.replace("300,t6,", "300,t6,extra,", 1).encode(), "RaggedRow"),
        ("short.csv", TEXT.replace("300,t6,no", "300,t6", 1).encode(), "RaggedRow"),
        ("utf16.csv", TEXT.encode("utf-16"), "NotUtf8"),
        ("latin1.csv", TEXT.replace("t6", "t\xe9", 1).encode("latin-1"), "NotUtf8"),
        ("nul.csv", TEXT.replace("t6", "t\0", 1).encode(), "NulByte"),
        ("quote.csv", TEXT.replace("t6", '"t6', 1).encode(), "UnclosedQuote"),
        ("stray.csv", TEXT.replace("t5", '"t"5', 1).encode(), "StrayQuote"),
        (
            "row.csv",
            (",".join(f"c{i}" for i in range(50)) + ",y\n" + ("t" * 100_000 + ",") * 50 + "no\n").encode(),
            "RowTooLong",
        ),
        ("twice.csv", TEXT.replace("a,b,y", "a,a,y", 1).encode(), "DuplicateColumn"),
        ("oneclass.csv", TEXT.replace("no", "yes").encode(), "SingleClass"),
        ("rare.csv", TEXT.replace("300,t6,no", "300,t6,maybe", 1).encode(), "RareClass"),
        ("unlabelled.csv", TEXT.replace("yes", "").replace("no", "").encode(), "TargetEmpty"),
        ("unnamed.csv", TEXT.replace("a,b,y", "a,,y", 1).encode(), "EmptyColumnName"),
        ("headless.csv", TEXT.removeprefix("a,b,y\n").encode(), "NoHeader"),
        ("semicolons.csv", TEXT.replace(",", ";").encode(), "WrongDelimiter"),
        ("tabs.csv", TEXT.replace(",", "\t").encode(), "WrongDelimiter"),
        ("field.csv", TEXT.replace("t6", "t" * (128 * 1024 + 1), 1).encode(), "FieldTooLong"),
        ("wide.csv", (",".join(f"c{i}" for i in range(9_999)) + ",y\n").encode(), "TooManyColumns"),
        ("gzip.csv", gzip.compress(TEXT.encode()), "NotCsv"),
        ("zip.csv", zipped("file.csv"), "NotCsv"),
        ("xlsx.csv", zipped("[Content_Types].xml"), "NotCsv"),
        ("html.csv", b"<!DOCTYPE html><html><body>Sign in</body></html>", "NotCsv"),
        ("infinite.csv", NUMBERS.replace(",300.5", ",inf", 1).encode(), "TargetNotFinite"),
        ("nan.csv", NUMBERS.replace(",300.5", ",NaN", 1).encode(), "TargetNotFinite"),
    ],
)
def test_a_file_that_cannot_be_trained_on_has_a_named_outcome_and_nothing_is_called_in_the_customers_account(
    globex: Tenant, tmp_path: Path, name: str, content: bytes, code: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    before = calls_into(globex.platform.cloud, globex.account_id)
    ended = globex.train("bad", path, target="y")
    assert (ended["status"], ended["error"]["code"]) == ("failed", code)
    assert ended["error"]["message"]
    assert calls_into(globex.platform.cloud, globex.account_id) == before


def test_a_file_over_the_models_cap_is_refused_by_its_size_and_nothing_of_it_is_read(globex: Tenant) -> None:
    globex.api.configure("capped", {"target": "y", "max_upload_bytes": 100})
    described = failure_of(globex.platform, "globex/capped/large.csv", TEXT.encode())
    assert described["error"] == "UploadTooLarge"
    ended = globex.outcome("globex/capped/large.csv")
    assert (ended["status"], ended["error"]["code"]) == ("failed", "UploadTooLarge")
    assert "100 at most" in ended["error"]["message"]
    history = globex.platform.cloud.client("stepfunctions").get_execution_history(
        executionArn=described["executionArn"]
    )["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    assert "InspectDataset" not in entered


RICH = "a,b,y\n" + "".join(
    f'{i},"said ""t{i % 7}"", on\n2026-01-{i % 28 + 1:02}",{"=cmd()" if i % 3 else "no"}\n' for i in range(600)
)


@pytest.mark.parametrize(
    ("file_name", "content"),
    [
        ("bom.csv", b"\xef\xbb\xbf" + TEXT.encode()),
        ("my file + more (1).CSV", TEXT.encode()),
        ("quoted.csv", RICH.encode()),
        ("crlf.csv", TEXT.replace("\n", "\r\n").encode()),
        ("nulls.csv", TEXT.replace("t6", "").replace("t5", "NULL").encode()),
    ],
)
def test_a_file_that_only_looks_odd_is_accepted_with_advice(globex: Tenant, file_name: str, content: bytes) -> None:
    globex.api.configure("odd", {"target": "y"})
    key = f"globex/odd/{file_name}"
    globex.platform.cloud.client("s3").put_object(Bucket=globex.platform.outputs["IngestBucket"], Key=key, Body=content)
    inspected = globex.execution(key, lambda document: document["rows"] or document["ended_at"])
    globex.stop(inspected["execution"])
    ended = globex.outcome(key)
    assert ended["error"]["code"] == "ExecutionStopped"
    assert sum(ended["rows"].values()) == 600
    assert ended["rows"]["train"] >= 500  # about 120 rows are below the threshold; training gets back what it lacks
    assert 60 < ended["rows"]["holdout"] <= 100
    assert {"rule": "identifier-like", "column": "a"}.items() <= ended["advice"][0].items()


def test_advice_that_the_model_makes_fatal_ends_the_execution(globex: Tenant, tmp_path: Path) -> None:
    path = tmp_path / "constant.csv"
    path.write_text(TEXT.replace("a,b,y", "a,b,c,y").replace(",yes", ",same,yes").replace(",no", ",same,no"))
    before = calls_into(globex.platform.cloud, globex.account_id)
    ended = globex.train("strict", path, target="y", fatal_advice=["constant-column"])
    assert (ended["status"], ended["error"]["code"]) == ("failed", "AdviceIsFatal")
    assert "'c'" in ended["error"]["message"]
    assert calls_into(globex.platform.cloud, globex.account_id) == before


def failure_of(platform: Platform, key: str, content: bytes = b"a,b\n") -> Document:
    """Drop a file straight into the bucket, as an operator may, and return its execution's description when it has
    ended.
    """
    s3, steps = platform.cloud.client("s3"), platform.cloud.client("stepfunctions")
    version_id = s3.put_object(Bucket=platform.outputs["IngestBucket"], Key=key, Body=content)["VersionId"]
    described: dict[str, Document] = {}

    def ended() -> list[Document]:
        machine = platform.outputs["TrainingStateMachineArn"]
        for found in steps.list_executions(stateMachineArn=machine)["executions"]:
            arn = found["executionArn"]
            if found["status"] != "RUNNING" and arn not in described:
                described[arn] = steps.describe_execution(executionArn=arn)
        return [found for found in described.values() if json.loads(found["input"])["version_id"] == version_id]

    return wait_for(ended, bool, seconds=TRAINING_SECONDS)[0]


@pytest.mark.parametrize(
    ("key", "error"),
    [
        ("nobody/model/file.csv", "UnknownTenant"),
        ("globex/unconfigured/file.csv", "UnknownModel"),
        ("file.csv", "WrongUploadKey"),
        ("globex/bad/deeper/file.csv", "WrongUploadKey"),
        ("globex/bad/..", "WrongUploadKey"),
        ("globex//file.csv", "WrongUploadKey"),
        ("globex/bad/file.xlsx", "WrongUploadKey"),
        ("globex/bad/", "WrongUploadKey"),
    ],
)
def test_a_file_in_the_wrong_place_ends_in_a_named_failure(globex: Tenant, key: str, error: str) -> None:
    before = calls_into(globex.platform.cloud, globex.account_id)
    described = failure_of(globex.platform, key)
    assert (described["status"], described["error"]) == ("FAILED", error)
    assert calls_into(globex.platform.cloud, globex.account_id) == before


def test_a_stopped_execution_is_cleaned_up_and_its_outcome_recorded(
    acme: Tenant, breast_cancer: Path, tmp_path: Path
) -> None:
    path = tmp_path / "stopped.csv"
    path.write_bytes(breast_cancer.read_bytes())
    acme.api.configure("stopped", {"target": "malignant", "delivery": "in-place"})
    key = acme.api.upload("stopped", path)
    started = acme.execution(key, lambda document: document["training"])
    acme.stop(started["execution"])
    ended = acme.outcome(key)
    assert ended["error"]["code"] == "ExecutionStopped"
    assert access_points(acme.platform) == []
    job = acme.platform.cloud.client("sagemaker", acme.account_id).describe_auto_ml_job_v2(
        AutoMLJobName=started["training"]["job_name"]
    )
    assert job["AutoMLJobStatus"] in {"Stopping", "Stopped"}
    assert not [key for key in keys_of(acme) if key.startswith("stopped/")]
