"""A model that is paused costs nothing, says so, and answers again as before."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenantml_cli.errors import Refused
from tests.e2e.conftest import RECEIVER
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
