"""An endpoint that scales does so in the customer's account, and a version for batches alone leaves nothing there."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import post_form
from tests.waiting import wait_for

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant

MODEL = "planned"


def test_a_version_that_scales_is_replaced_by_one_for_batches_alone_of_which_nothing_stands(
    acme: Tenant, iris: Path, tmp_path: Path
) -> None:
    trained = acme.train(MODEL, iris, target="species", max_candidates=1, max_instances=2)
    assert trained["error"] is None, trained
    clients = acme.platform.cloud.clients(acme.account_id)
    endpoint = acme.registered.account.endpoint(MODEL, trained["version"])

    def targets() -> list[Any]:
        variants = [f"endpoint/{endpoint}/variant/AllTraffic"]
        found: list[Any] = clients("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=variants
        )["ScalableTargets"]
        return found

    (target,) = targets()
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 2)
    plan = acme.api.call("GET", f"/models/{MODEL}/versions/{trained['version']}")["plan"]
    assert (plan["endpoint"], plan["max_instances"]) == ("real-time", 2)
    assert "max_instances asks for instances that scale" in plan["reason"]

    asked = {"execution": trained["execution"], "endpoint": "none", "promote": "always"}
    answer = acme.api.call("POST", f"/models/{MODEL}/versions", json.dumps(asked).encode(), "application/json")
    version = f"/models/{MODEL}/versions/{answer['version']}"
    deployed = wait_for(
        lambda: acme.api.call("GET", version), lambda found: found["ended_at"], seconds=240, is_passing=False
    )
    assert (deployed["live"], deployed["error"], deployed["plan"]["endpoint"]) == (True, None, "none")
    assert targets() == []
    left = clients("sagemaker").list_endpoints(NameContains=f"-{MODEL}-", StatusEquals="InService")["Endpoints"]
    assert left == []

    rows = without_target(iris)
    with pytest.raises(Refused) as refused:
        acme.api.predict(MODEL, rows)
    assert (refused.value.status, refused.value.code) == (409, "NoEndpoint")
    asked_for = acme.api.call("POST", f"/models/{MODEL}/batches", b"{}", "application/json")
    file = tmp_path / "rows.csv"
    file.write_text(rows)
    post_form(asked_for["form"]["url"], asked_for["form"]["fields"], file)
    batch = wait_for(
        lambda: acme.api.call("GET", f"/models/{MODEL}/batches/{asked_for['batch']}"),
        lambda found: found["ended_at"],
        seconds=120,
        is_passing=False,
    )
    assert (batch["status"], batch["rows"], batch["version"]) == ("succeeded", 10, answer["version"])


def without_target(path: Path) -> str:
    """Return ten rows of a file, without the column that is predicted."""
    header, *rows = csv.reader(path.read_text().splitlines())
    place = header.index("species")
    kept = ([cell for number, cell in enumerate(row) if number != place] for row in [header, *rows[:10]])
    return "".join(f"{','.join(row)}\n" for row in kept)
