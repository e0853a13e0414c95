"""A trained candidate: its scores, its containers, its `model.tar.gz` files."""

import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.sagemaker.serving.artefact import Algorithm, Features, Floats, Labels, Parts
from local.sagemaker.serving.containers import ALGORITHM_KEYS, ALL_KEYS
from local.sagemaker.trainer.dataset import Dataset
from local.sagemaker.trainer.job import Mode


@dataclass(frozen=True)
class Candidate:
    """A candidate and how it did on the validation rows."""

    name: str
    algorithm: Algorithm
    metrics: dict[str, float]
    scores: Floats  # of the validation rows


@dataclass(frozen=True)
class ContainerPlan:
    """One inference container of a candidate, before it is written."""

    role: str
    parts: Parts
    supported: tuple[str, ...] | None
    environment: dict[str, str]


def plan_containers(mode: Mode, dataset: Dataset, features: Features, algorithm: Algorithm) -> list[ContainerPlan]:
    """The containers as Autopilot lays them out: one in ENSEMBLING, three in HPO (two for a regression).

    Only containers that can choose what they answer have SAGEMAKER_INFERENCE_SUPPORTED; each of those answers
    `predicted_label` unless configured otherwise.
    """
    labels = Labels(dataset.classes) if dataset.classes else None
    if mode == "ENSEMBLING":
        return [_plan("inference", Parts(features, algorithm, labels), ALL_KEYS if labels else None, {})]
    transform = {"AUTOML_TRANSFORM_MODE": "feature-transform"}
    plans = [
        _plan("data-transformer", Parts(features=features), None, transform),
        _plan("algorithm", Parts(algorithm=algorithm), ALGORITHM_KEYS if labels else None, {}),
    ]
    if labels:
        inverse = {"AUTOML_TRANSFORM_MODE": "inverse-label-transform", "SAGEMAKER_INFERENCE_INPUT": "predicted_label"}
        plans.append(_plan("label-inverse-transform", Parts(labels=labels), ALL_KEYS, inverse))
    return plans


def _plan(role: str, parts: Parts, supported: tuple[str, ...] | None, environment: dict[str, str]) -> ContainerPlan:
    chosen = (
        {"SAGEMAKER_INFERENCE_SUPPORTED": ",".join(supported), "SAGEMAKER_INFERENCE_OUTPUT": "predicted_label"}
        if supported
        else {}
    )
    return ContainerPlan(role, parts, supported, environment | chosen)


def write_containers(job_folder: Path, name: str, plans: list[ContainerPlan]) -> list[dict[str, Any]]:
    """Write each container's archive below `candidates/NAME`; answers the event's `containers`."""
    written: list[dict[str, Any]] = []
    for plan in plans:
        artefact = Path("candidates", name, "model.tar.gz" if len(plans) == 1 else f"{plan.role}/model.tar.gz")
        _archive(plan.parts, job_folder / artefact)
        written.append(
            {
                "role": plan.role,
                "artifact": artefact.as_posix(),
                "supported": list(plan.supported) if plan.supported else None,
                "environment": plan.environment,
            }
        )
    return written


def _archive(parts: Parts, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        parts.save(Path(scratch))
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:  # more costs time and saves little
            for file in sorted(Path(scratch).iterdir()):
                archive.add(file, arcname=file.name)
