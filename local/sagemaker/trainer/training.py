"""One job from data to candidates and reports, reported as events."""

import json
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

from autogluon.features.generators import AutoMLPipelineFeatureGenerator

from local.sagemaker.serving.artefact import Algorithm, Features
from local.sagemaker.trainer.candidates import Candidate, plan_containers, write_containers
from local.sagemaker.trainer.dataset import Dataset, Split, prepare
from local.sagemaker.trainer.deadline import Deadline, RuntimeCapReached
from local.sagemaker.trainer.job import Events, Job, JobFailed
from local.sagemaker.trainer.metrics import Objective, choose_objective, measure
from local.sagemaker.trainer.portfolio import ENSEMBLE_NAME, PORTFOLIO, Matrix, Recipe, train, weigh
from local.sagemaker.trainer.reports import explain, explanation_page, insights, notebook


def run(job: Job, events: Events, deadline: Deadline) -> None:
    """Train a job to its `completed` event. Raises JobFailed."""
    candidates: list[Candidate] = []
    reason = "Completed"
    try:
        with deadline.enforced():
            events.status("AnalyzingData")
            dataset = prepare(job)
            objective = choose_objective(dataset.problem_type, job.objective)
            events.emit("problem", problem_type=dataset.problem_type, objective=objective.name)
            events.status("PreTraining")
            workshop = Workshop(job, dataset, objective)
        events.status("TrainingModels")
        recipes, ensemble = choose_recipes(job)
        reason = "Completed" if len(recipes) + ensemble == possible_candidates(job) else "MaxCandidatesReached"
        for candidate, training_seconds in workshop.candidates(recipes, ensemble=ensemble, deadline=deadline):
            candidates.append(candidate)
            announce(candidate, training_seconds, job, workshop, events)
    except RuntimeCapReached:
        reason = "MaxAutoMLJobRuntimeReached"
    if not candidates:
        if reason != "MaxAutoMLJobRuntimeReached":
            raise JobFailed("No candidate could be trained on this dataset; the trainer's log says why.")
        events.emit("completed", best=None, reason=reason, artifacts={})
        return
    best = choose_best(candidates, objective)
    artifacts = write_reports(best, job, workshop, events)
    events.emit("completed", best=best.name, reason=reason, artifacts=artifacts)


def possible_candidates(job: Job) -> int:
    """How many candidates a job without a cap has."""
    return len(PORTFOLIO) + (job.mode == "ENSEMBLING")


def choose_recipes(job: Job) -> tuple[tuple[Recipe, ...], bool]:
    """The models to train and whether an ensemble of them follows; the ensemble counts as a candidate."""
    allowed = min(job.max_candidates or possible_candidates(job), possible_candidates(job))
    ensemble = job.mode == "ENSEMBLING" and allowed > 2  # of two candidates, an ensemble would be one of one model
    return PORTFOLIO[: allowed - ensemble], ensemble


def choose_best(candidates: list[Candidate], objective: Objective) -> Candidate:
    """The best on the objective; of equals the earlier, which is the simpler."""
    best = candidates[0]
    for candidate in candidates[1:]:
        if objective.better(candidate.metrics[objective.name], best.metrics[objective.name]):
            best = candidate
    return best


class Workshop:
    """What all candidates of a job share: the features and the rows to fit on and to judge by."""

    def __init__(self, job: Job, dataset: Dataset, objective: Objective) -> None:
        self.dataset, self.objective, self._seed = dataset, objective, job.seed
        self._probability_of_positive = job.mode == "HYPERPARAMETER_TUNING"
        generator = AutoMLPipelineFeatureGenerator(verbosity=0)
        fitted = generator.fit_transform(dataset.train.features)
        if not any(fitted[column].nunique() > 1 for column in fitted.columns):
            raise JobFailed("No feature column tells rows apart: each is constant, empty, or different in every row.")
        self.features = Features(dataset.columns, dataset.kinds, generator)
        self._fit = Matrix(fitted, dataset.train.target)
        known = dataset.validation.known
        if not len(known.target):
            raise JobFailed("No row of the validation dataset has a target value of the training dataset.")
        self._stop_on = self._matrix(known)
        self._judge_by = self._matrix(dataset.validation)

    def _matrix(self, split: Split) -> Matrix:
        return Matrix(self.features.transform(split.features), split.target)

    def candidates(
        self, recipes: tuple[Recipe, ...], *, ensemble: bool, deadline: Deadline
    ) -> Iterator[tuple[Candidate, float]]:
        """Train one candidate after the other, each with the seconds that it took. Raises RuntimeCapReached.

        A model that cannot be fitted on this dataset is no candidate; the log has its traceback.
        """
        members: list[Any] = []
        for recipe in recipes:
            started = time.monotonic()
            try:
                with deadline.enforced():
                    model = self._train(recipe)
                    candidate = self._judge(recipe.name, ((1.0, model),))
            except Exception:  # noqa: BLE001 - any library's failure costs this candidate only
                print(f"{recipe.name} is left out:", traceback.format_exc(), file=sys.stderr)
                continue
            members += [model] if recipe.in_ensemble else []
            yield candidate, time.monotonic() - started
        if ensemble and len(members) > 1:
            started = time.monotonic()
            with deadline.enforced():
                weights = weigh(members, self.objective, len(self.dataset.classes), self._seed, self._stop_on)
                chosen = tuple((weight, model) for weight, model in zip(weights, members, strict=True) if weight)
                candidate = self._judge(ENSEMBLE_NAME, chosen)
            yield candidate, time.monotonic() - started

    def _train(self, recipe: Recipe) -> Any:
        classes, meta = len(self.dataset.classes), self.features.generator.feature_metadata
        return train(recipe, self.objective, classes, self._seed, self._fit, self._stop_on, meta)

    def _judge(self, name: str, members: tuple[tuple[float, Any], ...]) -> Candidate:
        algorithm = Algorithm(len(self.dataset.classes), members, self._probability_of_positive)
        scores = algorithm.scores(self._judge_by.features)
        metrics = measure(self.dataset.problem_type, self._judge_by.target, scores)
        if self.objective.name not in metrics:
            raise ValueError(f"{self.objective.name} is undefined on the validation rows")
        return Candidate(name, algorithm, metrics, scores)


def announce(candidate: Candidate, training_seconds: float, job: Job, workshop: Workshop, events: Events) -> None:
    """Write a candidate's containers and tell of it."""
    plans = plan_containers(job.mode, workshop.dataset, workshop.features, candidate.algorithm)
    name = workshop.objective.name
    events.emit(
        "candidate",
        name=candidate.name,
        objective={"name": name, "value": candidate.metrics[name]},
        metrics=candidate.metrics,
        containers=write_containers(job.folder, candidate.name, plans),
        training_seconds=round(training_seconds, 3),
    )


def write_reports(best: Candidate, job: Job, workshop: Workshop, events: Events) -> dict[str, str]:
    """Write the reports of a finished job; answers their folders."""
    dataset = workshop.dataset
    events.status("GeneratingExplainabilityReport")
    analysis = explain(best, dataset, workshop.features, workshop.objective, job.seed)
    events.status("GeneratingModelInsightsReport")
    files = {
        "explainability/analysis.json": json.dumps(analysis, indent=2),
        "explainability/report.html": explanation_page(analysis),
        "insights/statistics.json": json.dumps(insights(best, dataset, job.seed), indent=2),
        "notebooks/SageMakerAutopilotDataExplorationNotebook.ipynb": json.dumps(notebook(dataset), indent=1),
    }
    for name, text in files.items():
        path = job.folder / "output" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return {folder: f"output/{folder}" for folder in ("explainability", "insights", "notebooks")}
