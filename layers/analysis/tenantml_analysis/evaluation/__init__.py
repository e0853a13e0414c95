"""The evaluation of a version on its holdout: metrics with intervals, next to a naive baseline and the live version."""

from tenantml_analysis.evaluation.evaluating import EvaluationSettings, LiveAnswers, evaluate
from tenantml_analysis.evaluation.report import Evaluation

__all__ = ["Evaluation", "EvaluationSettings", "LiveAnswers", "evaluate"]
