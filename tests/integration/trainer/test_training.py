"""Jobs that train for real."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk

PORTFOLIO = [
    "LightGBM",
    "LightGBMShallow",
    "XGBoost",
    "LinearModel",
    "LightGBMExtraTrees",
    "RandomForest",
    "ExtraTrees",
    "LightGBMDeep",
]


def feature_lines(path: Path, count: int = 50) -> str:
    """The first rows of a training file as an endpoint takes them: no header, no target."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))[1 : count + 1]
    body = io.StringIO()
    csv.writer(body).writerows(row[:-1] for row in rows)
    return body.getvalue()


def numbers(count: int, columns: int, seed: int = 3) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).normal(size=(count, columns))


def test_a_job_goes_through_autopilots_secondary_statuses_in_order(churn_job: Any) -> None:
    statuses = [event["secondary_status"] for event in churn_job.events if event["event"] == "status"]
    assert statuses == [
        "AnalyzingData",
        "PreTraining",
        "TrainingModels",
        "GeneratingExplainabilityReport",
        "GeneratingModelInsightsReport",
    ]


def test_an_ensembling_job_trains_the_whole_portfolio_and_an_ensemble(churn_job: Any) -> None:
    assert list(churn_job.candidates) == [*PORTFOLIO, "WeightedEnsemble"]
    assert churn_job.last["reason"] == "Completed"


def test_the_problem_type_and_its_default_objective_are_found(churn_job: Any) -> None:
    problem = next(event for event in churn_job.events if event["event"] == "problem")
    assert problem == {"event": "problem", "problem_type": "BinaryClassification", "objective": "F1"}


def test_the_best_candidate_has_the_best_objective_and_finds_the_signal(churn_job: Any) -> None:
    values = {name: candidate["objective"]["value"] for name, candidate in churn_job.candidates.items()}
    assert values[churn_job.last["best"]] == max(values.values())
    assert max(values.values()) > 0.9


def test_a_candidate_has_one_small_artefact_and_autopilots_metrics(churn_job: Any) -> None:
    for candidate in churn_job.candidates.values():
        (container,) = candidate["containers"]
        assert container["supported"] == ["predicted_label", "probability", "probabilities", "labels"]
        assert container["environment"]["SAGEMAKER_INFERENCE_OUTPUT"] == "predicted_label"
        assert 0 < (churn_job.folder / container["artifact"]).stat().st_size < 2_000_000
        assert set(candidate["metrics"]) == {
            *("Accuracy", "AUC", "BalancedAccuracy", "F1", "LogLoss", "Precision", "Recall")
        }


def test_the_explainability_report_ranks_the_columns_that_decide(churn_job: Any) -> None:
    ranked = list(importance_of(churn_job))
    assert set(ranked[:3]) == {"Plan", "Minutes", "Calls"}
    assert ranked[3] == "Note"


def test_the_insights_report_agrees_with_the_candidate(churn_job: Any) -> None:
    report = json.loads((churn_job.folder / "output/insights/statistics.json").read_text())
    found, best = report["binary_classification_metrics"], churn_job.candidates[churn_job.last["best"]]
    counts = np.array([list(row.values()) for row in found["confusion_matrix"].values()])
    assert counts.sum() == report["dataset"]["item_count"] == 300
    said = {"accuracy": "Accuracy", "f1": "F1", "precision": "Precision", "recall": "Recall", "auc": "AUC"}
    assert {name: found[name]["value"] for name in said} == pytest.approx(
        {name: best["metrics"][metric] for name, metric in said.items()}
    )
    assert np.trace(counts) / counts.sum() == pytest.approx(best["metrics"]["Accuracy"])
    assert all(0 <= found[name]["standard_deviation"] < 0.2 for name in said)


def importance_of(job: Any) -> dict[str, float]:
    """The columns of a job's explainability report, the first first."""
    report = json.loads((job.folder / "output/explainability/analysis.json").read_text())
    found: dict[str, float] = report["explanations"]["kernel_shap"]["label0"]["global_shap_values"]
    return found


def test_the_notebook_counts_rows_and_names_columns_and_has_no_cell(churn_job: Any) -> None:
    path = churn_job.folder / "output/notebooks/SageMakerAutopilotDataExplorationNotebook.ipynb"
    text = "".join(json.loads(path.read_text())["cells"][0]["source"])
    assert all(f'"{name}"' in text for name in ("Plan", "Minutes", "Calls", "Note"))
    assert not any(cell in text for cell in ("basic", "gold", "paid, late"))


def test_two_runs_give_identical_probabilities(churn_job: Any, churn_csv: Path, train_here: Callable[..., Any]) -> None:
    again = train_here(churn_csv, "Churn?")
    body = feature_lines(churn_csv)
    keys = {"SAGEMAKER_INFERENCE_OUTPUT": "predicted_label,probabilities"}
    for name in [*PORTFOLIO, "WeightedEnsemble"]:
        assert again.chain(name, keys).invoke(body) == churn_job.chain(name, keys).invoke(body)


def test_a_candidates_metrics_are_those_of_what_its_artefact_answers(
    train_here: Callable[..., Any], write: Any, tmp_path: Path
) -> None:
    values = numbers(400, 3)
    labels = np.where(values[:, 0] + values[:, 1] > 1, "high", np.where(values[:, 0] > 0, "mid", "low")).tolist()
    rows = [["a", "b", "c", "y"], *([*row, label] for row, label in zip(values.tolist(), labels, strict=True))]
    training, judged = write(tmp_path / "t.csv", rows[:301]), write(tmp_path / "v.csv", [rows[0], *rows[301:]])
    job = train_here(
        training, "y", max_candidates=1, channels={"training": [str(training)], "validation": [str(judged)]}
    )
    said = job.chain("LightGBM").invoke(feature_lines(judged, 100)).split()
    truth = labels[300:]
    assert job.candidates["LightGBM"]["metrics"] | {"LogLoss": 0} == pytest.approx(
        {
            "Accuracy": sk.accuracy_score(truth, said),
            "BalancedAccuracy": sk.balanced_accuracy_score(truth, said),
            "F1macro": sk.f1_score(truth, said, average="macro"),
            "PrecisionMacro": sk.precision_score(truth, said, average="macro"),
            "RecallMacro": sk.recall_score(truth, said, average="macro"),
            "LogLoss": 0,
        }
    )


def test_a_regression_is_found_trained_and_explained(train_here: Callable[..., Any]) -> None:
    values = numbers(500, 4)
    target = 3 * values[:, 0] + np.where(values[:, 1] > 0, 2, -2)
    rows = [["a", "b", "c", "d", "y"], *([*row, y] for row, y in zip(values.tolist(), target.tolist(), strict=True))]
    rows += [[1, 1, 1, 1, gap] for gap in ("", "NA", "NaN")]  # no target, no lesson
    job = train_here(rows, "y")
    best = job.candidates[job.last["best"]]
    assert next(event for event in job.events if event["event"] == "problem")["problem_type"] == "Regression"
    assert best["objective"] == {"name": "MSE", "value": min(c["metrics"]["MSE"] for c in job.candidates.values())}
    assert best["metrics"]["RMSE"] == pytest.approx(best["metrics"]["MSE"] ** 0.5)
    assert best["metrics"]["R2"] > 0.9
    assert best["containers"][0]["supported"] is None
    assert set(list(importance_of(job))[:2]) == {"a", "b"}
    report = json.loads((job.folder / "output/insights/statistics.json").read_text())
    assert report["regression_metrics"]["r2"]["value"] == pytest.approx(best["metrics"]["R2"])
    assert report["regression_metrics"]["r2"]["standard_deviation"] == "NaN", "of under 200 rows"
    answer = job.chain(job.last["best"]).invoke("2,1,0,0\n,,,\n")
    assert float(answer.split()[0]) == pytest.approx(8, abs=2)


def test_unusual_columns_are_read_trained_and_served(train_here: Callable[..., Any]) -> None:
    random = np.random.default_rng(5)
    rows: list[list[object]] = [["day", "note", "id", "same", "gaps", "none", "flag", "x, y", "target"]]
    for number in range(300):
        x = random.normal()
        words = " ".join(random.choice(["late", "paid", "call", "again", "later", "never"], 8))
        date = f"20{random.integers(10, 25)}-0{random.integers(1, 9)}-1{random.integers(0, 9)}"
        gaps = random.choice(["", "NULL", "3.5", "-1e3"])
        rows.append([date, words, f"id-{number}", "k", gaps, "", random.choice(["true", "false"]), x, int(x > 0)])
    rows[1][7] = "inf"
    job = train_here(rows, "target", objective="AUC", problem_type="BinaryClassification", max_candidates=4)
    assert list(job.candidates) == [*PORTFOLIO[:3], "WeightedEnsemble"]
    assert job.candidates["LightGBM"]["metrics"]["AUC"] > 0.95
    chain = job.chain("WeightedEnsemble")
    assert chain.invoke("2024-01-11,late,id-9,k,3.5,,true,2\n") == "1\n"
    assert len(chain.invoke("not a date,,new,other,word,7,maybe,nan\n,,,,,,,\n").split()) == 2


def test_any_name_of_a_column_trains_with_every_kind_of_model(train_here: Callable[..., Any]) -> None:
    names = ["age\n(years)", 'a "quoted", name', "[x]", "{y}", "<z>", "a:b", "\\", "兄弟", " ", "0"]
    rows = [[*names, "y"], *([*row, int(row[2] > 0)] for row in numbers(200, 10).round(2).tolist())]
    job = train_here(rows, "y")
    assert list(job.candidates) == [*PORTFOLIO, "WeightedEnsemble"]
    assert set(importance_of(job)) == set(names)
    assert next(iter(importance_of(job))) == "[x]"


def test_infinities_and_booleans_of_any_case_train_with_every_kind_of_model(train_here: Callable[..., Any]) -> None:
    rows: list[list[object]] = [["a", "flag", "y"]]
    for number in range(300):
        flag = ["true", "False", "TRUE", "NA"][number % 4]
        rows.append(["-inf" if number % 50 == 0 else number, flag, "yes" if flag.lower() == "true" else "no"])
    job = train_here(rows, "y")
    assert list(job.candidates) == [*PORTFOLIO, "WeightedEnsemble"]
    chain = job.chain(job.last["best"])
    assert chain.invoke("1,true\n2,TRUE\ninf,True\n3,False\n") == "yes\nyes\nyes\nno\n"


def test_a_wide_dataset_is_trained_and_explained_in_bounded_time(train_here: Callable[..., Any]) -> None:
    values = numbers(150, 150)
    header = [f"c{number}" for number in range(150)]
    rows = [[*header, "y"], *([*row, ["no", "yes"][int(row[7] > 0)]] for row in values.round(3).tolist())]
    job = train_here(rows, "y", max_candidates=2)
    assert job.last["best"] is not None
    assert len(importance_of(job)) == 150
    assert next(iter(importance_of(job))) == "c7"


def test_a_class_that_only_validation_has_counts_as_a_mistake(
    train_here: Callable[..., Any], write: Any, tmp_path: Path
) -> None:
    def row(number: int) -> list[object]:
        return [number % 3, "abc"[number % 3]]

    training = write(tmp_path / "t.csv", [["x", "y"], *(row(number) for number in range(300))])
    judged = write(tmp_path / "v.csv", [["x", "y"], *(row(number) for number in range(90)), *[[1, "new"]] * 10])
    channels = {"training": [str(training)], "validation": [str(judged)]}
    job = train_here(training, "y", max_candidates=1, channels=channels)
    assert job.candidates["LightGBM"]["metrics"]["Accuracy"] == pytest.approx(0.9)
    report = json.loads((job.folder / "output/insights/statistics.json").read_text())
    found = report["multiclass_classification_metrics"]
    assert sum(found["confusion_matrix"]["NaN"].values()) == 10
    assert found["accuracy"] == {"value": pytest.approx(0.9), "standard_deviation": "NaN"}


def test_max_candidates_stops_the_job_and_says_so(churn_hpo_job: Any) -> None:
    assert list(churn_hpo_job.candidates) == PORTFOLIO[:2]
    assert churn_hpo_job.last["reason"] == "MaxCandidatesReached"
    assert churn_hpo_job.last["best"] in PORTFOLIO[:2]


def test_a_runtime_cap_before_any_candidate_completes_without_one(
    train_here: Callable[..., Any], churn_csv: Path
) -> None:
    job = train_here(churn_csv, "Churn?", max_runtime_seconds=0.001)
    assert job.last == {
        "event": "completed",
        "best": None,
        "reason": "MaxAutoMLJobRuntimeReached",
        "artifacts": {},
    }


def test_a_generous_runtime_cap_changes_nothing(
    train_here: Callable[..., Any], churn_csv: Path, churn_job: Any
) -> None:
    job = train_here(churn_csv, "Churn?", max_runtime_seconds=600, max_candidates=1)
    assert job.candidates["LightGBM"]["metrics"] == churn_job.candidates["LightGBM"]["metrics"]
    assert job.last["reason"] == "MaxCandidatesReached"


@pytest.mark.parametrize(
    ("rows", "settings", "reason"),
    [
        ([["a", "y"], [1, 2]], {"target": "z"}, "target attribute 'z' is not in the header"),
        ([["a", "y"], *[[1, "k"]] * 9], {}, "the same value in every row"),
        ([["a", "y"], *[[1, ""]] * 9], {}, "no row with a value in the target"),
        ([["y"], *[["k"]] * 9], {}, "no column beside the target"),
        ([["a", "y"], *[[1, "k"], [1, "l"]] * 9], {}, "No feature column tells rows apart"),
        ([["a", "y"], *[[1, 2, 3]] * 9], {}, "cannot be read as CSV"),
        ([["a", "y"], *[[n, n % 3] for n in range(9)]], {"problem_type": "BinaryClassification"}, "two target values"),
        ([["a", "y"], *[[n, "ab"[n % 2]] for n in range(9)]], {"problem_type": "Regression"}, "of finite numbers"),
        ([["a", "y"], *[[n, n % 2] for n in range(9)]], {"objective": "MSE"}, "MSE is not one of F1, Accuracy"),
    ],
)
def test_what_cannot_be_trained_fails_with_a_reason(
    train_here: Callable[..., Any], rows: list[list[object]], settings: dict[str, Any], reason: str
) -> None:
    job = train_here(rows, **({"target": "y"} | settings))
    assert job.last["event"] == "failed"
    assert reason in job.last["reason"]
