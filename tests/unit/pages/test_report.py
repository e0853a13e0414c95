"""The model report as a browser takes it apart: what it says, that nothing of a tenant's becomes markup, its bounds."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.domain.judging.evaluation_summary import Summary
from tenantml_pages.report import figures, policy, render
from tests import markup
from tests.markup import Element
from tests.unit.pages import facts
from tests.unit.pages.facts import CLASSES, HOSTILE, Facts

KINDS: dict[str, Callable[[], Facts]] = {
    "binary": facts.binary,
    "multiclass": facts.multiclass,
    "regression": facts.regression,
    "unjudged": facts.unjudged,
}
NETWORK = {"src", "srcset", "action", "formaction", "data", "poster", "ping", "background"}


@pytest.fixture(scope="module", params=KINDS)
def page(request: pytest.FixtureRequest) -> Element:
    return markup.read(render(KINDS[request.param]()))


def rows_of(table: Element) -> list[list[str]]:
    """What is in each row of a table."""
    return [[cell.text for cell in row.content if isinstance(cell, Element)] for row in table.one("tbody").all("tr")]


def table_of(section: Element, caption: str) -> Element:
    """The table under a caption."""
    return next(table for table in section.all("table") if table.one("caption").text == caption)


def test_it_says_how_many_rows_of_the_file_were_trained_on_and_which_were_not(page: Element) -> None:
    said = page.one("section", id="data").text
    assert "2,400 rows trained on, 600 rows held out" in said
    has_profile = "Churn?" in said
    assert ("12 rows without a target left out" in said) is has_profile


def test_every_section_has_a_heading_and_is_linked_to(page: Element) -> None:
    identities = [part.attributes["id"] for part in page.one("main").all("section")]
    assert [link.attributes["href"] for link in page.one("nav").all("a")] == [f"#{name}" for name in identities]
    for part in page.one("main").all("section"):
        assert part.one("h2").attributes["id"] == part.attributes["aria-labelledby"]
    assert {"verdict", "quality", "importance", "candidates", "data", "advice", "use", "limits", "cost", "call"} <= {
        *identities
    }
    every = [one.attributes["id"] for one in page.all() if "id" in one.attributes]
    assert len(every) == len(set(every))
    assert page.one("html").attributes["lang"] == "en"


def test_its_policy_names_the_hash_of_each_script_and_style_and_lets_nothing_else_run(page: Element) -> None:
    (meta,) = page.all("meta", http_equiv="Content-Security-Policy")
    allowed = dict(part.split(" ", 1) for part in meta.attributes["content"].split("; "))
    assert allowed.pop("default-src") == "'none'"
    assert (allowed.pop("base-uri"), allowed.pop("form-action"), allowed.pop("img-src")) == (
        "'none'",
        "'none'",
        "data:",
    )
    for tag in ("script", "style"):
        found = ["".join(str(text) for text in one.content) for one in page.all(tag)]
        digests = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in found]
        assert allowed.pop(f"{tag}-src") == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert allowed == {}
    assert policy() == f"{meta.attributes['content']}; frame-ancestors 'none'"


def test_nothing_of_it_is_fetched_or_runs_by_an_attribute(page: Element) -> None:
    for one in page.all():
        assert not {name for name in one.attributes if name.startswith("on") or name in {"style", *NETWORK}}, one.tag
        assert one.tag not in {"link", "img", "iframe", "object", "embed", "form", "base"}
        assert one.attributes.get("href", "#").startswith("#")
    for style in page.all("style"):
        assert not re.findall(r"@import|url\((?![\"']?data:)", style.text)


def test_names_that_are_written_to_be_run_are_text() -> None:
    page = markup.read(render(facts.multiclass()))
    assert len(page.all("script")) == 3
    column, label = f"Column {HOSTILE}", CLASSES[6]
    for identity, text in (
        ("importance", column), ("advice", column), ("data", column), ("mistakes", label), ("data", label),
    ):  # fmt: skip
        assert text in page.one(id=identity).text
    hostile = facts.binary()
    hostile["version"] |= {
        "approval": {"decision": "approve", "by": HOSTILE, "reason": HOSTILE, "decided_at": None},
        "error": {"code": "X", "message": HOSTILE},
        "live": False,
    }
    hostile["upload"]["key"] = f"acme/churn/{HOSTILE}"
    hostile["profile"]["ignore_columns"] = [HOSTILE]
    again = markup.read(render(hostile))
    assert len(again.all("script")) == 3
    assert again.all("img") == []
    assert again.one(id="verdict").text.count(HOSTILE) == 3


def test_a_name_within_a_sentence_is_quoted() -> None:
    found = facts.binary()
    label, column = "True.", "Is it, or not?"
    found["evaluation"]["positive_class"] = label
    found["evaluation"]["per_class"][0] |= {"label": label, "rows": 3}
    found["importance"]["features"][0] |= {"feature": column, "share": 0.8}
    found["profile"]["target"]["column"] = column
    found["version"]["approval"] = {"decision": "approve", "by": "operator", "reason": label, "decided_at": None}
    page = markup.read(render(found))
    said = [one for tag in ("p", "li") for one in page.all(tag) if one.all("bdi")]
    assert len(said) == 5
    for sentence in said:
        for named in sentence.all("bdi"):
            assert f"“{named.text}”" in sentence.text
    assert "the curves mean the class “True.”." in page.one(id="quality").text
    assert "are of “True.”: little can be said of this class." in page.one(id="limits").text


def _structure(page: Element) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.tag, tuple(one.attributes)) for one in page.all()]


@settings(max_examples=25, deadline=None)
@given(text=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40))
def test_no_text_of_a_tenants_changes_what_the_page_is_made_of(text: str) -> None:
    def written(name: str) -> Element:
        found = facts.unjudged()
        found["version"]["advice"] = [{"rule": "leak", "column": name, "message": name}]
        found["profile"] = {
            "target": {"column": name, "classes": [{"value": name, "rows": 1}]},
            "columns": [{"name": name, "type": "text"}, {"name": f"{name}x", "type": "text"}],
            "ignore_columns": [name],
        }
        found["importance"] = {"source": "autopilot", "features": [{"feature": name, "value": 1.0, "share": 1.0}]}
        return markup.read(render(found))

    page = written(text)
    assert _structure(page) == _structure(written("harmless"))
    assert " ".join(text.split()) in page.one(id="importance").text


def test_the_verdict_is_said_first_in_words_with_the_few_numbers_that_matter() -> None:
    found = facts.binary()
    verdict = markup.read(render(found)).one(id="verdict")
    assert verdict.one(class_="headline").text.startswith("This version is live")
    assert [item.text for item in verdict.one("ul").all("li")] == found["version"]["verdict"]["sentences"]
    metric = Summary.from_document(found["version"]["evaluation"]).metrics["Accuracy"]
    assert f"Accuracy {metric.value:.3f}" in verdict.text
    assert f"{metric.low:.3f} to {metric.high:.3f}" in verdict.text
    assert "Held-out rows 600" in verdict.text


@pytest.mark.parametrize(
    ("changes", "headline"),
    [
        ({"live": False, "promoted_at": None, "status": "awaiting approval"}, "waits for a person to approve it"),
        ({"live": False, "status": "standby"}, "was live from 2026-11-22 17:40 UTC on, and does not answer any more"),
        (
            {"live": False, "promoted_at": None, "error": {"code": "DidNotBeatLive", "message": "m"}},
            "did not go live: DidNotBeatLive",
        ),
        ({"live": False, "promoted_at": None, "status": "deploying"}, "is being deployed"),
    ],
)
def test_it_says_what_the_version_is_now(changes: dict[str, Any], headline: str) -> None:
    found = facts.binary()
    found["version"] |= changes
    assert headline in markup.read(render(found)).one(class_="headline").text


def test_every_metric_is_next_to_the_baseline_and_the_live_version() -> None:
    found = facts.binary()
    table = table_of(markup.read(render(found)).one(id="quality"), "Metrics on the held-out rows")
    assert [cell.text for cell in table.one("thead").all("th")] == [
        "Metric", "This version", "95 % interval", "Always the same answer", "Gain", "Live version then", "Gain",
        "95 % interval of the gain",
    ]  # fmt: skip
    assert [row[0] for row in rows_of(table)] == list(found["evaluation"]["metrics"])
    accuracy = next(row for row in rows_of(table) if row[0] == "Accuracy")
    live = found["evaluation"]["live"]
    assert accuracy[1] == f"{found['evaluation']['metrics']['Accuracy']['value']:.3f}"
    assert accuracy[5:7] == [f"{live['metrics']['Accuracy']:.3f}", f"+{live['gains']['Accuracy']['value']:.3f}"]


def test_a_version_whose_evaluation_is_deleted_keeps_the_objective_and_its_verdict() -> None:
    found = facts.binary() | dict.fromkeys(("evaluation", "profile", "candidates", "importance"))
    page = markup.read(render(found))
    accuracy = next(row for row in rows_of(page.one(id="quality").one("table")) if row[0] == "Accuracy")
    assert accuracy[3] == f"{found['version']['evaluation']['baseline']['value']:.3f}"
    assert "deleted with the artefacts" in page.one(id="importance").text
    assert len(page.one(id="verdict").all("li")) > 2


def test_too_few_rows_are_said_to_be_too_few() -> None:
    found = facts.binary()
    for place in (found["evaluation"], found["version"]["evaluation"]):
        place |= {"rows": 12, "metrics": {}, "baseline": None, "live": None}
    for curve in ("confusion", "per_class", "roc", "precision_recall", "thresholds", "calibration"):
        found["evaluation"][curve] = None
    page = markup.read(render(found))
    assert "12 rows were held out, too few to measure anything on" in page.one(id="quality").text
    assert "judged on 12 rows, which is few" in page.one(id="limits").text
    assert page.all("figure") == []


def test_every_plot_has_its_words_and_a_table_of_the_same(page: Element) -> None:
    for figure in page.all("figure"):
        drawing = figure.one("div", role="img")
        data = json.loads(drawing.attributes["data-plot"])
        assert data["x"] == sorted(data["x"])
        assert {len(one["values"]) for one in data["series"]} == {len(data["x"])}
        assert figure.one("h3").text in drawing.attributes["aria-label"]
        assert figure.one("figcaption").text in drawing.attributes["aria-label"]
        assert [item.text for item in figure.one("ul").all("li")] == [one["label"] for one in data["series"]]
        assert len(rows_of(figure.one("table"))) >= 2


def test_the_curves_are_those_of_the_evaluation() -> None:
    found = facts.binary()
    page = markup.read(render(found))
    drawn = {
        figure.one("h3").text: json.loads(figure.one("div", role="img").attributes["data-plot"])
        for figure in page.all("figure")
    }
    assert set(drawn) == {"ROC curve", "Precision and recall", "Reliability diagram"}
    for title, name in (("ROC curve", "roc"), ("Precision and recall", "precision_recall")):
        curve = found["evaluation"][name]
        assert (drawn[title]["x"], drawn[title]["series"][0]["values"]) == (curve["x"], curve["y"])
    bins = found["evaluation"]["calibration"]["bins"]
    assert drawn["Reliability diagram"]["series"][0]["values"][1:-1] == [one["share"] for one in bins]


def test_the_confusion_matrix_has_every_class_and_a_regression_its_residuals() -> None:
    found = facts.multiclass()
    section = markup.read(render(found)).one(id="mistakes")
    matrix = section.one(class_="scroll matrix").one("table")
    confusion = found["evaluation"]["confusion"]
    assert [cell.text for cell in matrix.one("thead").all("th")][1:] == confusion["labels"]
    counts = [[int(cell.text.split()[0]) for cell in row.all("td")] for row in matrix.one("tbody").all("tr")]
    assert counts == confusion["counts"]
    assert [row[0] for row in rows_of(table_of(section, "Each class"))] == [
        one["label"] for one in found["evaluation"]["per_class"]
    ]
    residuals = markup.read(render(facts.regression())).one(id="mistakes")
    assert [figure.one("h3").text for figure in residuals.all("figure")] == ["Predicted and true", "Residuals"]
    assert "50 % of the predictions are off by at most" in residuals.text


def test_the_importance_of_very_many_columns_is_bounded_and_the_rest_is_summed_up() -> None:
    found = facts.regression(columns=2000)
    text = render(found)
    section = markup.read(text).one(id="importance")
    shown = rows_of(section.one("table"))
    assert len(shown) == 30
    assert shown[0][0] == f"Column {HOSTILE}"
    assert "The other 1,970 columns come to" in section.text
    assert len(text.encode()) < 300_000


def test_a_report_stays_under_a_megabyte_whatever_it_is_made_of() -> None:
    found = facts.multiclass()
    long = "ü<" * 5000
    found["version"]["advice"] = [{"rule": "leak", "column": long, "message": long}] * 300
    found["candidates"] = [{**found["candidates"][0], "name": f"c{n}"} for n in range(750)]
    found["profile"]["columns"] = [{"name": f"{n}{long}", "type": "category"} for n in range(10_000)]
    found["profile"]["ignore_columns"] = [long] * 1000
    found["profile"]["target"]["classes"] = [{"value": f"{long}{n}", "rows": 5} for n in range(2000)]
    found["importance"]["features"] = [{"feature": f"{long}{n}", "value": 1.0, "share": 0.001} for n in range(1000)]
    found["evaluation"]["per_class"] = [
        {"label": f"{long}{n}", "rows": 5, "predicted": 5, "precision": 1.0, "recall": 1.0, "f1": 1.0}
        for n in range(100)
    ]
    assert len(render(found).encode()) < 1_000_000


def test_costs_that_are_not_known_are_not_nothing() -> None:
    cost = markup.read(render(facts.unjudged())).one(id="cost")
    for what in ("Training", "Cost of the training", "Cost of the endpoint"):
        assert f"{what} not known" in cost.text
    assert not re.search(r"[$€]|\b0 (s|min)\b", cost.text)
    known = markup.read(render(facts.binary())).one(id="cost").text
    assert "31 min from start to end of the AutoML job" in known
    assert "1 × ml.m5.2xlarge" in known
    assert "1,204 requests, 2 failed, 41 ms on average" in known
    assert "Cost of the training $3.80 for 90 min of instances" in known
    assert "Cost of the endpoint $0.461 an hour" in known


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"endpoint": "none", "instance_type": "ml.m5.large"}, "none: it stood while the version was judged"),
        ({"endpoint": "real-time", "instance_type": "ml.m5.large", "max_instances": 3}, "1 to 3 × ml.m5.large"),
        ({"endpoint": "serverless", "serverless_memory_mb": 4096}, "serverless with 4,096 MB"),
    ],
)
def test_what_stands_is_said_by_the_kind_of_endpoint(plan: dict[str, Any], said: str) -> None:
    found = facts.unjudged()
    found["version"] |= {"plan": plan}
    assert said in markup.read(render(found)).one(id="cost").text


@pytest.mark.parametrize(
    ("plan", "least", "most", "said"),
    [
        ({"endpoint": "none"}, "0.115000", None, "$0.115 an hour while the version was judged, and nothing since"),
        ({"endpoint": "real-time", "max_instances": 3}, "0.115000", "0.345000", "and up to $0.345 with the most"),
        ({"endpoint": "real-time", "max_instances": 3}, None, None, "Cost of the endpoint not known"),
    ],
)
def test_what_an_endpoint_costs_is_said_with_its_least_and_its_most_instances(
    plan: dict[str, Any], least: str | None, most: str | None, said: str
) -> None:
    found = facts.unjudged() | {"endpoint_usd_per_hour": least, "endpoint_most_usd_per_hour": most}
    found["version"] |= {"plan": {"instance_type": "ml.m5.large"} | plan}
    assert said in markup.read(render(found)).one(id="cost").text


def test_how_to_call_it_is_a_request_of_the_real_columns_in_json() -> None:
    found = facts.regression()
    command = next(text for text in markup.read(render(found)).one(id="call").one("pre").one("code").content)
    assert isinstance(command, str)
    body = json.loads(command.partition("<<'JSON'\n")[2].removesuffix("\nJSON"))
    names = [column["name"] for column in found["profile"]["columns"]]
    assert list(body["rows"][0]) == names[:-1], "all but the target"


def test_what_is_doubtful_is_among_the_limits() -> None:
    found = facts.binary()
    found["version"]["evaluation"] |= {"looks": 3, "rows_too_large": 2}
    found["evaluation"]["metrics"]["AUC"] = {"value": 0.997, "low": 0.99, "high": 1.0}
    found["importance"]["features"][0]["share"] = 0.8
    limits = markup.read(render(found)).one(id="limits").text
    for said in (
        "2 more held-out rows larger than",
        "judged on these held-out rows 3 times",
        "AUC is 0.997",
        "has 80.0 % of the importance",
    ):
        assert said in limits


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"), (0, "0"), (-6.7e-16, "0"), (0.901, "0.901"), (-0.25, "−0.250"), (0.00042, "0.00042"), (12, "12"),
        (123.456, "123.5"), (53280.84, "53,280.8"), (556236000.0, "556,236,000"), (1.36e13, "1.36e+13"),
    ],
)  # fmt: skip
def test_a_number_has_the_digits_that_count(value: float | None, written: str) -> None:
    assert figures.number(value) == written


def test_a_number_at_a_glance_has_a_name_for_what_is_large() -> None:
    values = (0.25, -1_500_000, 999_999_999, 13_078_100_000.0, 1e13)
    assert [*map(figures.short, values)] == ["0.250", "−1.5 million", "1000.0 million", "13.1 billion", "1e+13"]
