"""A chain of containers from CSV rows to CSV answers, steered by SAGEMAKER_INFERENCE_INPUT and _OUTPUT.

Keys and their meaning: "Configure inference output in generated containers" of the SageMaker developer guide.
"""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.sagemaker.serving.artefact import Algorithm, Labels, Parts, Rows, WrongColumns

Answer = dict[str, list[Any]]  # key -> one value a row, in the order of the output

ALGORITHM_KEYS = ("predicted_label", "probability", "probabilities")
ALL_KEYS = (*ALGORITHM_KEYS, "labels")


class BrokenChain(ValueError):
    """The containers cannot work together as their environment asks."""


def keys(environment: Mapping[str, str], variable: str) -> tuple[str, ...]:
    """The inference keys that a variable names; `predicted_label` alone when it is not set."""
    named = tuple(key.strip() for key in environment.get(variable, "").split(",") if key.strip())
    return named or ("predicted_label",)


@dataclass(frozen=True)
class Container:
    """One step of the chain: its parts and what it is configured to take and to give."""

    parts: Parts
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Chain:
    """A model that can be invoked."""

    containers: tuple[Container, ...]

    @classmethod
    def load(cls, description: Mapping[str, Any]) -> "Chain":
        """Load `{"containers": [{"artifact_dir", "environment"}]}`.

        Raises BrokenChain when a part is missing, a container is asked for a key it cannot give, or expects other keys
        than the container before it gives.
        """
        containers = tuple(
            Container(
                Parts.load(Path(container["artifact_dir"])),
                keys(container["environment"], "SAGEMAKER_INFERENCE_INPUT"),
                keys(container["environment"], "SAGEMAKER_INFERENCE_OUTPUT"),
            )
            for container in description["containers"]
        )
        chain = cls(containers)
        chain.check()
        return chain

    def check(self) -> None:
        """Refuse a chain that would answer nonsense, before it answers."""
        if not self.containers or self.containers[0].parts.features is None:
            raise BrokenChain("the first container must hold the feature transformation")
        algorithms = [container.parts.algorithm for container in self.containers if container.parts.algorithm]
        if len(algorithms) != 1:
            raise BrokenChain(f"the chain must hold one algorithm, it holds {len(algorithms)}")
        if algorithms[0].class_count == 0:
            return  # A regression has one answer, no keys.
        given: tuple[str, ...] | None = None
        for position, container in enumerate(self.containers, start=1):
            if container.parts.algorithm is None and container.parts.labels is None:
                continue
            if given is not None and container.inputs != given:
                raise BrokenChain(f"container {position} expects {container.inputs}, the one before it gives {given}")
            able = (
                ALGORITHM_KEYS if container.parts.labels is None else ALL_KEYS if given is None else (*given, "labels")
            )
            unknown = [key for key in container.outputs if key not in able]
            if unknown:
                raise BrokenChain(f"container {position} cannot give {', '.join(unknown)}, only {', '.join(able)}")
            given = container.outputs

    def invoke(self, body: str) -> str:
        """Answer a CSV body without header, features only, with one CSV line a row.

        Raises WrongColumns, also when there are no rows, and csv.Error.
        """
        features = self.containers[0].parts.features
        alone = features is not None and len(features.columns) == 1  # then an empty line is a row with a null
        value: Any = [row or [""] for row in csv.reader(io.StringIO(body, newline="")) if row or alone]
        if not value:
            raise WrongColumns("the body holds no rows")
        for container in self.containers:
            value = step(container, value)
        return to_csv(value)


def step(container: Container, value: Any) -> Any:
    """What a container makes of rows, of a frame of features, or of the answer before it."""
    parts = container.parts
    if parts.features is not None:
        rows: Rows = value
        value = parts.features.transform(parts.features.raw(rows))
    if parts.algorithm is not None:
        value = predict(parts.algorithm, value)
    if parts.labels is not None:
        value = restore_labels(parts.labels, value, descending=parts.algorithm is not None)
    if parts.algorithm is None and parts.labels is None:
        return value  # features travel whole
    return value if "value" in value else {key: value[key] for key in container.outputs}


def predict(algorithm: Algorithm, features: Any) -> Answer:
    """Scores as inference keys, with class numbers as labels; a regression has the key `value` alone."""
    scores = algorithm.scores(features)
    if algorithm.class_count == 0:
        return {"value": scores.tolist()}
    chosen = scores.argmax(axis=1)
    reported = scores[:, 1] if algorithm.probability_of_positive and algorithm.class_count == 2 else scores.max(axis=1)
    return {"predicted_label": chosen.tolist(), "probability": reported.tolist(), "probabilities": scores.tolist()}


def restore_labels(labels: Labels, answer: Answer, *, descending: bool) -> Answer:
    """The same answer with the target's own spelling, and the key `labels`.

    `descending` turns the order of classes around, as the single container of ENSEMBLING was seen to do.
    """
    restored = dict(answer)
    if "predicted_label" in answer:
        restored["predicted_label"] = [labels.classes[number] for number in answer["predicted_label"]]
    if "probabilities" in answer and descending:
        restored["probabilities"] = [row[::-1] for row in answer["probabilities"]]
    classes = list(reversed(labels.classes) if descending else labels.classes)
    restored["labels"] = [classes] * max((len(column) for column in answer.values()), default=0)
    return restored


def to_csv(answer: Answer) -> str:
    """One line a row; lists as Python prints them, quoted where CSV needs it: `True.,0.9,"[0.1, 0.9]"`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows(zip(*answer.values(), strict=True))
    return text.getvalue()


def read_description(serve_dir: Path) -> Mapping[str, Any]:
    """The content of SERVE_DIR/model.json."""
    description: Mapping[str, Any] = json.loads((serve_dir / "model.json").read_text(encoding="utf-8"))
    return description
