"""Stands in for local.sagemaker.trainer: same files in and out, no learning. The target column says how it behaves.

`crash` ends without a word, `refuse` fails with a reason, `wait` shows one candidate and stays until it is killed,
`capped` completes without any candidate, `partly` without a report; everything else completes with two candidates.
A candidate knows the label that follows an even and an odd first field; the lesser one errs on every fourth.
"""

import csv
import io
import json
import sys
import tarfile
import time
from collections import Counter
from pathlib import Path

from local.sagemaker.serving.lifeline import exit_with_parent

exit_with_parent()
folder = Path(sys.argv[1])
job = json.loads((folder / "job.json").read_text())
rows = sum(len(Path(path).read_text().splitlines()) - 1 for path in job["channels"]["training"])


def emit(event: str, **fields: object) -> None:
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps({"event": event, **fields}) + "\n")


def labels() -> list[str]:
    """The most frequent label after an even first field, and after an odd one; none where a field is no number."""
    found: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for channel in job["channels"]["training"]:
        header, *lines = csv.reader(Path(channel).read_text().splitlines())
        if job["target"] not in header or not lines or not lines[0][0].isdigit():
            return []
        for line in lines:
            found[int(line[0]) % 2][line[header.index(job["target"])]] += 1
    return [(counts or found[0] + found[1]).most_common(1)[0][0] for counts in found]


def container(role: str, artifact: str, supported: list[str] | None) -> dict[str, object]:
    path = folder / artifact
    path.parent.mkdir(parents=True, exist_ok=True)
    errs_every = 4 if "LightGBM" in artifact else 0
    content = json.dumps({"artifact": artifact, "rows": rows, "labels": labels(), "errs_every": errs_every}).encode()
    with tarfile.open(path, "w:gz") as archive:
        entry = tarfile.TarInfo("answer.json")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    environment = {"SAGEMAKER_INFERENCE_SUPPORTED": ",".join(supported)} if supported else {}
    return {"role": role, "artifact": artifact, "supported": supported, "environment": environment}


def candidate(name: str, value: float) -> None:
    keys = ["predicted_label", "probability", "probabilities", "labels"]
    if job["mode"] == "ENSEMBLING":
        containers = [container("inference", f"candidates/{name}/model.tar.gz", keys)]
    elif job["problem_type"] == "Regression":
        names = ("data-transformer", "algorithm")
        containers = [container(role, f"candidates/{name}/{role}/model.tar.gz", None) for role in names]
    else:
        roles = (("data-transformer", None), ("algorithm", keys), ("label-inverse-transform", keys))
        containers = [container(role, f"candidates/{name}/{role}/model.tar.gz", supported) for role, supported in roles]
    metrics = {"F1": value, "Accuracy": value, "LogLoss": 1 - value}
    objective = {"name": "F1", "value": value}
    emit(
        "candidate", name=name, objective=objective, metrics=metrics, containers=containers, training_seconds=0.01
    )  # fmt: skip


if job["target"] == "crash":
    sys.exit("the double crashes on request")
emit("status", secondary_status="AnalyzingData")
if job["target"] == "refuse":
    emit("failed", reason=f"ClientError: {rows} rows are not enough")
    sys.exit(1)
emit("problem", problem_type="BinaryClassification", objective="F1")
emit("status", secondary_status="TrainingModels")
if job["target"] == "capped":
    emit("completed", best=None, reason="MaxAutoMLJobRuntimeReached", artifacts={})
    sys.exit(0)
candidate("LightGBM", 0.75)
while job["target"] == "wait":
    time.sleep(1)
candidate("WeightedEnsemble", 0.875)
emit("status", secondary_status="GeneratingExplainabilityReport")
header = Path(job["channels"]["training"][0]).read_text().splitlines()[0].split(",")
columns = [column for column in header if column != job["target"]]
importance = {column: 1.0 / place for place, column in enumerate(columns, 1)}
reports = {
    "explainability/analysis.json": {
        "explanations": {"kernel_shap": {"label0": {"global_shap_values": importance, "expected_value": 0.5}}}
    },
    "insights/statistics.json": {"binary_classification_metrics": {"accuracy": {"value": 0.875}}},
    "notebooks/SageMakerAutopilotDataExplorationNotebook.ipynb": {"cells": []},
}
for name, report in reports.items():
    (folder / "output" / name).parent.mkdir(parents=True)
    (folder / "output" / name).write_text(json.dumps(report))
artifacts = {name: f"output/{name}" for name in ("explainability", "insights", "notebooks")}
if job["target"] == "partly":
    emit("partial_failure", reason="The explainability report was not generated.")
    emit("completed", best="WeightedEnsemble", reason="ExplainabilityError", artifacts={})
    sys.exit(0)
emit("completed", best="WeightedEnsemble", reason="Completed", artifacts=artifacts)
