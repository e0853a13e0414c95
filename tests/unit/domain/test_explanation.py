"""What Autopilot explains: where a job says that its reports are, and what Clarify's analysis means."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.training.explanation import MOST_FEATURES, Reports, importance_of
from tests.tenants import account_of

ACCOUNT = account_of("222222222222", "us-east-1")
FOLDER = "churn/acme-churn-0123456789abcdef/"
OUTPUT = f"s3://{ACCOUNT.bucket}/{FOLDER}output/job"
EXPLAINED, JUDGED = f"{OUTPUT}/documentation/explainability/output/best", f"{OUTPUT}/documentation/model_monitor/best/"
NOTEBOOK = f"{OUTPUT}/sagemaker-automl-candidates/pr-1/notebooks/SageMakerAutopilotDataExplorationNotebook.ipynb"


def candidate(name: str, **locations: str) -> dict[str, Any]:
    return {"CandidateName": name, "CandidateProperties": {"CandidateArtifactLocations": locations}}


def key(uri: str) -> str:
    return uri.removeprefix(f"s3://{ACCOUNT.bucket}/")


def test_the_places_are_those_that_the_candidate_and_its_job_name() -> None:
    found = Reports.of(
        ACCOUNT,
        FOLDER,
        candidate("best", Explainability=EXPLAINED, ModelInsights=JUDGED),
        {"AutoMLJobArtifacts": {"DataExplorationNotebookLocation": NOTEBOOK}},
    )
    assert found == Reports(f"{key(EXPLAINED)}/", key(JUDGED), [key(NOTEBOOK)])
    assert found.places() == [
        ("explainability", f"{key(EXPLAINED)}/"), ("model-insights", key(JUDGED)), ("notebook", key(NOTEBOOK)),
    ]  # fmt: skip
    assert found.readable() == [f"{key(EXPLAINED)}/*", f"{key(JUDGED)}*", key(NOTEBOOK)]
    assert Reports(**json.loads(json.dumps(found.as_document()))) == found


def test_the_job_says_of_its_best_candidate_what_a_list_leaves_out_and_nothing_of_others() -> None:
    job = {"BestCandidate": candidate("best", Explainability=EXPLAINED)}
    assert Reports.of(ACCOUNT, FOLDER, {"CandidateName": "best"}, job).explainability == f"{key(EXPLAINED)}/"
    assert Reports.of(ACCOUNT, FOLDER, {"CandidateName": "other"}, job) == Reports()


@pytest.mark.parametrize(
    "uri",
    [
        "s3://somebody-else/churn/acme-churn-0123456789abcdef/output",
        f"s3://{ACCOUNT.bucket}/churn/acme-churn-ffffffffffffffff/output",
        f"s3://{ACCOUNT.bucket}",
        "https://example.com/report",
        "",
    ],
)
def test_what_is_not_this_trainings_is_no_report(uri: str) -> None:
    job = {"AutoMLJobArtifacts": {"DataExplorationNotebookLocation": uri}}
    assert Reports.of(ACCOUNT, FOLDER, candidate("a", Explainability=uri, ModelInsights=uri), job) == Reports()


def analysis(**labels: Any) -> dict[str, Any]:
    """As in the SageMaker developer guide, "Analysis results"."""
    shap = {label: {"global_shap_values": values, "expected_value": 0.5} for label, values in labels.items()}
    return {"version": "1.0", "explanations": {"kernel_shap": shap}, "pre_training_bias_metrics": {"facets": {}}}


def test_features_are_ranked_by_their_mean_absolute_value_with_their_share() -> None:
    found = importance_of(analysis(label0={"plan": 0.1, "age": 0.3, "calls": 0.1}))
    assert found == {
        "source": "autopilot",
        "features": [
            {"feature": "age", "value": 0.3, "share": pytest.approx(0.6)},
            {"feature": "calls", "value": 0.1, "share": pytest.approx(0.2)},
            {"feature": "plan", "value": 0.1, "share": pytest.approx(0.2)},
        ],
        "left_out": 0,
        "reason": None,
        "rows": None,
    }


def test_of_several_classes_a_feature_has_the_mean() -> None:
    found = importance_of(analysis(cat={"a": 0.2, "b": 0.0}, dog={"a": 0.4, "b": 0.1}))
    assert [(row["feature"], row["value"]) for row in found["features"]] == [
        ("a", pytest.approx(0.3)),
        ("b", pytest.approx(0.05)),
    ]


def test_features_that_all_count_nothing_share_nothing() -> None:
    assert importance_of(analysis(label0={"a": 0, "b": 0}))["features"][0]["share"] == 0


def test_what_is_kept_of_a_wide_table_is_bounded() -> None:
    found = importance_of(analysis(label0={f"c{number:05}": number for number in range(MOST_FEATURES + 7)}))
    assert (len(found["features"]), found["left_out"]) == (MOST_FEATURES, 7)
    assert found["features"][0]["feature"] == f"c{MOST_FEATURES + 6:05}"


HUGE = st.sampled_from([10**309, -(10**400), 10**308, 1.7e308])


@pytest.mark.parametrize("values", [{"a": 10**309}, {"a": -(10**400), "b": 1}, {"a": 1.7e308, "b": 1.7e308}])
def test_a_number_that_no_float_holds_is_no_importance(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="too large"):
        importance_of(json.loads(json.dumps(analysis(label0=values))))


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | HUGE | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(JSON | JSON.map(lambda shap: {"explanations": {"kernel_shap": shap}}) | JSON.map(lambda v: analysis(label0=v)))
def test_any_other_document_is_refused_and_never_half_read(document: object) -> None:
    try:
        found = importance_of(document)
    except ValueError:
        return
    shares = [row["share"] for row in found["features"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1) or not any(shares)
