"""What Autopilot explains of a version, as the tenant reads it: and nobody else."""

from __future__ import annotations

import io
import json
import tarfile
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tenantml_cli.errors import Refused
from tests.logs import logged

if TYPE_CHECKING:
    from tests.e2e.conftest import Tenant

MEASUREMENTS = ["petal length (cm)", "petal width (cm)", "sepal length (cm)", "sepal width (cm)"]
MULTICLASS = {"Accuracy", "BalancedAccuracy", "F1macro", "LogLoss", "PrecisionMacro", "RecallMacro"}


def test_a_version_is_explained_to_its_tenant_and_to_no_other(acme: Tenant, globex: Tenant, iris: Path) -> None:
    trained = acme.train("explained", iris, target="species", max_candidates=2)
    assert trained["error"] is None, trained
    version = f"/models/explained/versions/{trained['version']}"

    plan = acme.api.call("GET", version)["plan"]
    assert (plan["instance_type"], plan["steps_up"]) == ("ml.m5.2xlarge", 0)
    assert "; one container with artefacts of " in plan["reason"]

    importance = acme.api.call("GET", f"{version}/importance")
    assert (importance["source"], importance["reason"]) == ("autopilot", None)
    assert sorted(row["feature"] for row in importance["features"]) == MEASUREMENTS
    assert sum(row["share"] for row in importance["features"]) == pytest.approx(1)
    assert "petal" in importance["features"][0]["feature"]

    candidates = acme.api.call("GET", f"{version}/candidates")["candidates"]
    assert [row["deployed"] for row in candidates].count(True) == 1
    assert len(candidates) == 2
    for row in candidates:
        assert {metric["name"] for metric in row["metrics"]} == MULTICLASS
        assert {metric["set"] for metric in row["metrics"]} == {"Validation"}

    handed_out = acme.api.call("GET", f"{version}/artefacts")
    artefacts = {row["name"]: row for row in handed_out["artefacts"]}
    assert {row["kind"] for row in artefacts.values()} == {"model", "explainability", "model-insights", "notebook"}
    with urllib.request.urlopen(artefacts[handed_out["containers"][0]["artefact"]]["url"]) as answer:
        packed = io.BytesIO(answer.read())
    with tarfile.open(fileobj=packed) as model:
        assert model.getnames()
    with urllib.request.urlopen(artefacts["statistics.json"]["url"]) as answer:
        assert json.loads(answer.read())["multiclass_classification_metrics"]["accuracy"]["value"] > 0.8

    globex.api.configure("explained", {"target": "species"})
    for what in ("importance", "candidates", "artefacts"):
        with pytest.raises(Refused) as refused:
            globex.api.call("GET", f"{version}/{what}")
        assert (refused.value.status, refused.value.code) == (404, "NotFound")

    lines = list(logged(acme.platform.cloud))
    assert any(trained["execution"] in line for line in lines), "it has looked"
    assert [line for line in lines if "setosa" in line or "X-Amz-Signature" in line] == []
