"""A model that is paused costs nothing, says so, and answers again as before."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenantml.aws.dynamodb import to_item
from tenantml.services import served
from tenantml.services.registry import keys
from tenantml_cli.errors import Refused
from tests.e2e.conftest import RECEIVER
from tests.e2e.test_operations import sweep
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant

MODEL = "nightly"


def test_a_paused_model_refuses_by_name_leaves_no_endpoint_and_answers_again_with_the_same_candidate(
    acme: Tenant, iris: Path
) -> None:
    trained = acme.train(MODEL, iris, target="species", max_candidates=1)
    assert trained["error"] is None, trained
    rows = without_target(iris)
    before = acme.api.predict(MODEL, rows)

    def model() -> dict[str, Any]:
        return acme.api.call("GET", f"/models/{MODEL}")

    def endpoints() -> list[Any]:
        sagemaker = acme.platform.cloud.client("sagemaker", acme.account_id)
        found: list[Any] = sagemaker.list_endpoints(NameContains=f"-{MODEL}-")["Endpoints"]
        return found

    def answer() -> Any:
        try:
            return acme.api.predict(MODEL, rows)
        except Refused as refused:
            return refused.status, refused.code

    wanted = ["model.paused", "model.resumed", "version.promoted", "version.returned"]
    acme.api.put_webhook(MODEL, {"url": f"https://{RECEIVER}/in", "events": wanted})
    paused = acme.api.call("PUT", f"/models/{MODEL}/state", b'{"paused": true}')
    assert (paused["live_version"], paused["state"]["status"]) == (None, "paused")
    assert paused["state"]["paused_version"] == trained["version"]
    assert wait_for(answer, lambda found: isinstance(found, tuple), seconds=30) == (409, "ModelPaused")
    wait_for(endpoints, lambda found: not found, seconds=120)
    document = acme.api.call("GET", f"/models/{MODEL}/openapi.json")
    assert "Row" in document["components"]["schemas"], "its contract stays"

    acme.api.call("PUT", f"/models/{MODEL}/state", b'{"paused": false}')
    resumed = wait_for(model, lambda found: found["state"]["status"] == "live", seconds=120)["live_version"]
    after = wait_for(answer, lambda found: isinstance(found, dict), seconds=30)
    assert after["predictions"] == before["predictions"]
    assert after["version"] == resumed
    version = acme.api.call("GET", f"/models/{MODEL}/versions/{resumed}")
    assert (version["returns_to"], version["execution"]) == (trained["version"], trained["execution"])
    known = acme.api.call("GET", f"/models/{MODEL}/versions/{resumed}/evaluation")
    assert known["rows"] == version["evaluation"]["rows"], "it was not judged again"
    told = wait_for(lambda: acme.api.deliveries(MODEL), lambda rows: len(rows) >= 2, seconds=60)
    assert sorted(row["type"] for row in told) == ["model.paused", "model.resumed"]
    acme.api.delete_webhook(MODEL)


def without_target(path: Path) -> str:
    """Return ten rows of a file, without the column that is predicted."""
    with path.open(newline="") as file:
        rows = [[value for name, value in row.items() if name != "species"] for row in csv.DictReader(file)][:10]
    with path.open(newline="") as file:
        header = [name for name in next(csv.reader(file)) if name != "species"]
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue()


def test_an_idle_model_is_paused_and_the_first_prediction_resumes_it(acme: Tenant, iris: Path) -> None:
    model = acme.api.call("GET", f"/models/{MODEL}")
    live = model["live_version"]
    acme.api.configure(MODEL, model["settings"] | {"idle_hours": 1, "resume": "on-request"})
    wait_for(
        lambda: acme.api.call("GET", f"/models/{MODEL}/versions/{live}"), lambda found: found["ended_at"], seconds=60
    )
    platform, long_ago = acme.platform, "2026-01-01T00:00:00Z"
    for key, name, value in (
        (keys.model(acme.name, MODEL), "updated_at", long_ago),
        (keys.version(acme.name, MODEL, live), "promoted_at", long_ago),
        (keys.version(acme.name, MODEL, live), "returned", {"at": long_ago, "by": "k"}),
        (keys.served(acme.name, MODEL, live), "forget_at", 10**9 + served.KEPT_SECONDS),
    ):
        platform.cloud.client("dynamodb").update_item(
            TableName=platform.outputs["RegistryTable"],
            Key=to_item(key._asdict()),
            UpdateExpression="SET #name = :value",
            ExpressionAttributeNames={"#name": name},
            ExpressionAttributeValues=to_item({":value": value}),
        )
    assert sweep(platform, acme.name)["paused"] == [MODEL]
    paused = acme.api.call("GET", f"/models/{MODEL}")["state"]
    assert (paused["status"], paused["paused_by"], paused["paused_version"]) == ("paused", "idle", live)
    sagemaker = platform.cloud.client("sagemaker", acme.account_id)
    wait_for(
        lambda: sagemaker.list_endpoints(NameContains=f"-{MODEL}-")["Endpoints"], lambda found: not found, seconds=120
    )

    rows = without_target(iris)
    answers: list[Any] = []

    def answer() -> Any:
        try:
            answers.append(acme.api.predict(MODEL, rows))
        except Refused as refused:
            answers.append((refused.status, refused.code))
        return answers[-1]

    wait_for(answer, lambda found: isinstance(found, dict), seconds=120)
    assert (503, "ModelResuming") in answers
    assert not [found for found in answers if isinstance(found, tuple) and found != (503, "ModelResuming")]
    resumed = acme.api.call("GET", f"/models/{MODEL}/versions/{answers[-1]['version']}")
    assert (resumed["returns_to"], resumed["returned"]["by"]) == (live, "on-request")
    saved = {row["model"]: row["saved"] for row in acme.api.call("GET", "/usage")["spending"]["models"]}[MODEL]
    assert saved["seconds"] > 0
    assert float(saved["usd"]) > 0
