"""Evaluating a version: from the holdout's true values and the endpoint's answers to everything `evaluation.json` says.

The deployment's evaluating state calls `evaluate`, with the holdout's target column as text and the answers as
`tenantml.domain.predictions.answers.parse` read them: what an app would have got. The live version's endpoint is asked
for the same rows. `make demo` and the operators' report call it, too. It reads nothing and decides nothing; the gate in
`tenantml.domain.judging` does, by the summary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tenantml.domain.predictions.answers import Predictions
from tenantml.domain.training.automl_job import DEFAULT_OBJECTIVES
from tenantml_analysis.evaluation.baseline import class_baseline, number_baseline
from tenantml_analysis.evaluation.classification import binary_parts, class_parts
from tenantml_analysis.evaluation.regression import residuals
from tenantml_analysis.evaluation.report import Comparison, Evaluation, LiveComparison, shortened
from tenantml_analysis.evaluation.resampling import RESAMPLES_MAX, Bootstrap
from tenantml_analysis.evaluation.scored_rows import class_rows, number_rows, positive_class
from tenantml_analysis.evaluation.scoring import BinaryScorer, MulticlassScorer, NumberScorer, Scorer

BINARY, REGRESSION = "BinaryClassification", "Regression"
_CHALLENGER, _BASELINE, _LIVE = 0, 1, 2


@dataclass(frozen=True)
class LiveAnswers:
    """What the live version answered for the same rows, or why it did not (`not_compared`).

    `seen` says on which of the rows it may have been trained (`tenantml.services.holdouts.seen`): None when that is
    unknown, nothing for none.
    """

    version: str
    answers: Predictions | None
    seen: Sequence[bool] | None = ()
    not_compared: str = ""


@dataclass(frozen=True)
class EvaluationSettings:
    """What is known beside rows and answers.

    `objective` is the metric to compare by; of an unknown one, Autopilot's default for the problem type takes the
    place. `seed` names the evaluation (such as its execution): the same one gives the same intervals.
    `training_classes` has the training set's rows by class: what the naive baseline knows, the holdout's own where it
    is not given. `positive_class` is the second of two classes unless it is named.
    """

    problem_type: str
    objective: str
    seed: str
    training_classes: Mapping[str, int] = field(default_factory=dict)
    positive_class: str | None = None
    cost_false_positive: float = 1.0
    cost_false_negative: float = 1.0
    resamples_max: int = RESAMPLES_MAX


def evaluate(
    truths: Sequence[str], answers: Predictions, settings: EvaluationSettings, live: LiveAnswers | None = None
) -> Evaluation:
    """Return the evaluation of a version by its answers to the rows of a holdout, of which there may be none.

    With the live version it is compared on the rows on which neither was trained.

    Raises:
        ValueError: the answers are not of the problem type, or not one to each row.
    """
    if not truths:
        return _of_no_rows(settings, live)
    if bool(answers.classes) == (settings.problem_type == REGRESSION):
        raise ValueError(f"the answers are not those of {settings.problem_type}")
    if live is not None and live.answers is not None and bool(live.answers.classes) != bool(answers.classes):
        kinds = ("numbers", "classes")
        reason = f"it answers {kinds[bool(live.answers.classes)]}, the new one {kinds[bool(answers.classes)]}"
        live = LiveAnswers(live.version, None, not_compared=reason)
    if live is not None and live.answers is not None and live.seen and any(live.seen):
        return replace(evaluate(truths, answers, settings), **_on_unseen_rows(truths, answers, settings, live))
    both = [answers] if live is None or live.answers is None else [answers, live.answers]
    evaluated = _numbers if settings.problem_type == REGRESSION else _classes
    return evaluated(truths, both, settings, live)


def _on_unseen_rows(
    truths: Sequence[str], answers: Predictions, settings: EvaluationSettings, live: LiveAnswers
) -> dict[str, Any]:
    """Return the fields about the live version, compared on the rows on which it was not trained."""
    rows = [number for number, seen in enumerate(live.seen or ()) if not seen]
    if not rows or live.answers is None:
        return {"not_compared": "it may have been trained on all of these rows"}
    rival = replace(live, answers=live.answers.of(rows), seen=())
    found = evaluate([truths[number] for number in rows], answers.of(rows), settings, rival)
    compared = found.live and replace(found.live, rows_seen=len(truths) - len(rows))
    return {"live": compared, "not_compared": found.not_compared}


def _classes(
    truths: Sequence[str], both: list[Predictions], settings: EvaluationSettings, live: LiveAnswers | None
) -> Evaluation:
    rows, answered = class_rows(truths, both)
    models = [answered[0], class_baseline(rows, settings.training_classes), *answered[1:]]
    scorers: list[Scorer]
    positive = None
    if settings.problem_type == BINARY:
        named = None if settings.positive_class is None else rows.classes.find(settings.positive_class)
        positive = positive_class(rows.names) if named is None else named
        scorers = [BinaryScorer(rows, model, positive) for model in models]
    else:
        scorers = [MulticlassScorer(rows, model) for model in models]
    bootstrap = Bootstrap(scorers, rows.truth, settings.seed, settings.resamples_max)
    minority_rows = int(rows.counts.sum() - rows.counts.max())
    parts = class_parts(rows, answered[0])
    if positive is not None:
        costs = settings.cost_false_positive, settings.cost_false_negative
        parts |= binary_parts(rows, answered[0], positive, *costs)
    return Evaluation(
        problem_type=settings.problem_type,
        objective=_objective(settings, bootstrap.names),
        rows=len(truths),
        minority_rows=minority_rows,
        classes=len(rows.names),
        positive_class=None if positive is None else shortened(rows.names[positive]),
        resamples=bootstrap.resamples,
        metrics=bootstrap.estimates(_CHALLENGER),
        baseline=_comparison(bootstrap, _BASELINE),
        live=_live_comparison(bootstrap, live, len(truths), minority_rows),
        not_compared="" if live is None else live.not_compared,
        **parts,
    )


def _numbers(
    truths: Sequence[str], both: list[Predictions], settings: EvaluationSettings, live: LiveAnswers | None
) -> Evaluation:
    truth, answered = number_rows(truths, both)
    models = [answered[0], number_baseline(truth), *answered[1:]]
    bootstrap = Bootstrap(
        [NumberScorer(truth, model) for model in models],
        np.zeros(len(truth), np.int64),
        settings.seed,
        settings.resamples_max,
    )
    return Evaluation(
        problem_type=settings.problem_type,
        objective=_objective(settings, bootstrap.names),
        rows=len(truths),
        minority_rows=None,
        classes=None,
        positive_class=None,
        resamples=bootstrap.resamples,
        metrics=bootstrap.estimates(_CHALLENGER),
        baseline=_comparison(bootstrap, _BASELINE),
        live=_live_comparison(bootstrap, live, len(truths), None),
        not_compared="" if live is None else live.not_compared,
        residuals=residuals(truth, answered[0].values),
    )


def _of_no_rows(settings: EvaluationSettings, live: LiveAnswers | None) -> Evaluation:
    return Evaluation(
        problem_type=settings.problem_type,
        objective=_objective(settings, ()),
        rows=0,
        minority_rows=None,
        classes=None,
        positive_class=None,
        resamples=0,
        metrics={},
        baseline=None,
        live=None,
        not_compared="" if live is None else live.not_compared or "the holdout has no rows",
    )


def _objective(settings: EvaluationSettings, names: Sequence[str]) -> str:
    if settings.objective in names:
        return settings.objective
    return next(name for name, problem_type in DEFAULT_OBJECTIVES.items() if problem_type == settings.problem_type)


def _comparison(bootstrap: Bootstrap, model: int) -> Comparison:
    gains = {name: gain for name in bootstrap.names if (gain := bootstrap.gain(_CHALLENGER, model, name)) is not None}
    return Comparison({name: bootstrap.value(model, name) for name in gains}, gains)


def _live_comparison(
    bootstrap: Bootstrap, live: LiveAnswers | None, rows: int, minority_rows: int | None
) -> LiveComparison | None:
    """Return the comparison on so many rows, of which the live version saw none, or nobody knows how many."""
    if live is None or live.answers is None:
        return None
    compared, rows_seen = _comparison(bootstrap, _LIVE), None if live.seen is None else 0
    return LiveComparison(compared.metrics, compared.gains, live.version, rows, minority_rows, rows_seen)
