"""A version is evaluated through its endpoint, next to the live one on the same rows, and judged."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError

from functions.deployment import evaluate_version
from tenantml.aws import sagemaker_runtime
from tenantml.aws.clients import platform
from tenantml.domain.predictions.answers import OUTPUT_KEYS
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training import explanation
from tenantml.domain.training.holdout_rule import HoldoutRule
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import BelowBaseline, BelowQualityBar, CustomerThrottled, DeploymentFailed, DidNotBeatLive
from tenantml.services import holdouts, registry
from tests import markup
from tests.rows import order_of, put_training

Invoke = Callable[[str, Any], Any]
Sample = Callable[[str], Any]

SECRET = "kirsche"  # a cell of no label: it may be nowhere but in the bucket and the endpoint
PROFILE: dict[str, Any] = {
    "columns": [
        {"name": "number", "type": "integer"},
        {"name": "note", "type": "text"},
        {"name": "Churn?", "type": "category", "categories": ["no", "yes"]},
    ],
    "target": {"column": "Churn?", "classes": [{"value": "no", "rows": 700}, {"value": "yes", "rows": 300}]},
}


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self._content

    def read(self, *_: Any) -> bytes:
        found, self._content = self._content, b""
        return found


@dataclass
class Endpoints:
    """Endpoints on the wire: each is right about every row but those whose number `errs_every` divides, or answers
    with an error code.
    """

    errs_every: dict[str, int] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    texts: dict[str, bytes] = field(default_factory=dict)
    slow_over_rows: int = 10**9
    asked: list[tuple[str, int, bytes]] = field(default_factory=list)

    def answer(self, request: Any, **_: Any) -> AWSResponse:
        """InvokeEndpoint."""
        endpoint, body = request.url.split("/")[-2], request.body
        body = body.encode() if isinstance(body, str) else bytes(body)
        lines = body.decode().splitlines()
        self.asked.append((endpoint, len(lines), lines[0].encode()))
        if len(lines) > self.slow_over_rows:
            raise ReadTimeoutError(endpoint_url=request.url)
        if code := self.codes.get(endpoint):
            status = {"ValidationError": 400, "ModelError": 424}.get(code, 503)
            message = json.dumps({"message": "Endpoint x of account 1 not found."}).encode()
            return AWSResponse(request.url, status, {"x-amzn-errortype": code}, _Body(message))
        every = self.errs_every.get(endpoint, 0)
        text = "".join(self._line(int(line.split(",")[0]), every) for line in lines).encode()
        return AWSResponse(request.url, 200, {"content-type": "text/csv"}, _Body(self.texts.get(endpoint, text)))

    def _line(self, number: int, every: int) -> str:
        yes = is_yes(number) != bool(every and number % every == 0)
        return f"{'yes' if yes else 'no'},0.9,\"[{'0.1, 0.9' if yes else '0.9, 0.1'}]\",\"['no', 'yes']\"\n"


def is_yes(number: int) -> bool:
    return number % 10 < 3


@pytest.fixture
def endpoints(stack: dict[str, str], tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoints]:
    """What the customer's endpoints answer."""
    sagemaker_runtime._client.cache_clear()  # one of this account, for this test alone
    found, events = Endpoints(), sagemaker_runtime._client(tenant.region).meta.events
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    events.register_first("before-send.sagemaker-runtime.InvokeEndpoint", found.answer)
    yield found
    events.unregister("before-send.sagemaker-runtime.InvokeEndpoint", found.answer)
    sagemaker_runtime._client.cache_clear()


def endpoint_of(run: Run) -> str:
    return registry.get_tenant(run.tenant).account.endpoint(run.model, run.version)


def put_holdout(stack: dict[str, str], run: Run, count: int, header: str = "note,number,Churn?") -> None:
    rows = [f'"{SECRET}, {number}",{number},{"yes" if is_yes(number) else "no"}' for number in range(count)]
    text = "\n".join([header, *rows, ""])
    platform("s3").put_object(Bucket=stack["STAGING_BUCKET"], Key=f"{run.staging_folder}holdout.csv", Body=text)


def put_deployed(stack: dict[str, str], run: Run, profile: dict[str, Any] = PROFILE, **settings: Any) -> None:
    """Let a version be as its deployment has it once its endpoint is in service."""
    place = {"bucket": stack["STAGING_BUCKET"], "key": f"{run.staging_folder}profile.json"}
    platform("s3").put_object(Bucket=place["bucket"], Key=place["key"], Body=json.dumps(profile))
    asked = {"candidate": "c", "endpoint": endpoint_of(run), "order": order_of(run.version), "settings": settings}
    registry.request_version(run, asked)
    described = {
        "status": "deploying",
        "problem_type": "BinaryClassification",
        "objective": {"name": "F1", "value": 0.9},
        "validated": {"F1": 0.9},
        "output_keys": list(OUTPUT_KEYS),
        "serverless": False,
        "importance": {"source": "autopilot"},
        "profile": place,
    }
    registry.update_version(run.tenant, run.model, run.version, described)


@pytest.fixture
def challenger(
    tenant: Tenant, run: Run, stack: dict[str, str], endpoints: Endpoints, invoke: Invoke, event: Sample
) -> Run:
    """A version whose endpoint is in service; 400 rows were held out of its training."""
    invoke("accept_upload", event("accept_upload"))
    put_training(run, "2026-11-22T17:10:00Z")
    put_holdout(stack, run, 400)
    put_deployed(stack, run)
    return run


@pytest.fixture
def live(challenger: Run, stack: dict[str, str]) -> Run:
    """The version that answers now."""
    run = Run("acme-churn-0f3c9a8b7d6e5f41", "acme", "churn", "v20261121-170301-0f3c")
    put_deployed(stack, run)
    registry.promote("acme", "churn", run.version)
    return run


def judged(invoke: Invoke, event: Sample) -> dict[str, Any]:
    invoke("evaluate_version", event("evaluate_version"))
    decision: dict[str, Any] = invoke("judge_version", event("judge_version"))
    return decision


def version_of(run: Run) -> dict[str, Any]:
    found = registry.find_version(run.tenant, run.model, run.version)
    assert found
    return found


def evaluation_of(run: Run, stack: dict[str, str]) -> dict[str, Any]:
    stored = platform("s3").get_object(Bucket=stack["STAGING_BUCKET"], Key=run.evaluation_key)["Body"].read()
    document: dict[str, Any] = json.loads(stored)
    return document


def set_model(**settings: Any) -> None:
    """Let the execution have other settings."""
    document = ModelSettings("Churn?", **settings).as_document()
    registry.update_execution("acme", "acme-churn-55c304f9941bab27", {"settings": document})


def test_a_first_version_is_evaluated_through_its_endpoint_and_goes_live(
    challenger: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    endpoints.errs_every[endpoint_of(challenger)] = 40
    assert judged(invoke, event) == {"decision": "promote"}
    found, version = evaluation_of(challenger, stack), version_of(challenger)
    assert (found["rows"], found["minority_rows"], found["live"]) == (400, 120, None)
    assert found["metrics"]["Accuracy"]["value"] == 0.975
    assert found["metrics"]["Accuracy"]["low"] < 0.975 < found["metrics"]["Accuracy"]["high"]
    assert found["baseline"]["metrics"]["Accuracy"] == 0.7, "always no, the training's most frequent"
    assert (found["latency"]["calls"], found["latency"]["rows_per_call"]) == (1, 400)
    assert version["evaluation"]["metrics"] == found["metrics"]
    assert (version["evaluation"]["looks"], version["verdict"]["refusal"]) == (1, None)
    assert version["verdict"]["sentences"][-1] == "Nothing is live yet, so it goes live."
    assert sum(version["score_bins"]["counts"]) == 400, "what its answers are compared with later"
    (asked,) = endpoints.asked
    assert asked == (endpoint_of(challenger), 400, f'0,"{SECRET}, 0"'.encode()), "in the order of training, no target"


def test_what_each_threshold_would_cost_is_by_the_costs_that_the_model_names(
    challenger: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    endpoints.errs_every[endpoint_of(challenger)] = 40
    set_model(cost_false_positive=2, cost_false_negative=0.5)
    judged(invoke, event)
    found = evaluation_of(challenger, stack)["thresholds"]
    assert (found["cost_false_positive"], found["cost_false_negative"]) == (2, 0.5)
    assert {row["cost"] for row in found["table"] if 0.1 < row["threshold"] < 0.9} == {0.5 * 10}, "ten yes were missed"
    assert found["table"][0]["cost"] == 2 * 280, "all are said to be yes"


def test_a_version_that_is_worse_on_the_same_rows_is_refused_with_numbers_and_can_be_promoted_by_hand(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    endpoints.errs_every |= {endpoint_of(challenger): 5, endpoint_of(live): 50}
    with pytest.raises(DidNotBeatLive) as refused:
        judged(invoke, event)
    assert "the live version may have been trained on rows of this holdout" in str(refused.value)
    assert "F1 is 0.667, the live version's 0.966: worse by 0.299 on these rows" in str(refused.value)
    verdict, found = version_of(challenger)["verdict"], evaluation_of(challenger, stack)
    assert (verdict["decision"], verdict["refusal"]) == ("keep", "DidNotBeatLive")
    assert verdict["sentences"][-1] == str(refused.value)
    assert (found["live"]["version"], found["live"]["rows_seen"]) == (live.version, None)
    assert found["live"]["gains"]["Accuracy"]["value"] == pytest.approx(-0.18)
    assert registry.is_live("acme", "churn", live.version)

    registry.update_version("acme", "churn", challenger.version, {"settings": {"promote": "always"}})
    assert judged(invoke, event) == {"decision": "promote"}
    assert version_of(challenger)["verdict"]["sentences"][-1] == "It was asked for by hand, so it goes live."


@pytest.mark.parametrize("every", [50, 100])
def test_a_version_that_is_as_good_or_better_takes_over(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, every: int
) -> None:
    endpoints.errs_every |= {endpoint_of(challenger): every, endpoint_of(live): 50}
    assert judged(invoke, event) == {"decision": "promote"}


def test_a_version_below_its_thresholds_or_no_better_than_always_the_same_answer_is_refused(
    challenger: Run, endpoints: Endpoints, invoke: Invoke, event: Sample
) -> None:
    endpoints.errs_every[endpoint_of(challenger)] = 10
    set_model(thresholds={"Accuracy": 0.95})
    with pytest.raises(BelowQualityBar, match=r"Accuracy at least 0\.950 \(it is 0\.900"):
        judged(invoke, event)
    set_model()
    endpoints.errs_every[endpoint_of(challenger)] = 1
    with pytest.raises(BelowBaseline, match="no better than"):
        judged(invoke, event)


NUMBER_ONLY = PROFILE | {"columns": [PROFILE["columns"][0], PROFILE["columns"][2]]}
NOT_COMPARED: dict[str, tuple[dict[str, Any], str]] = {
    "it needs the column 'gone', which the new file does not have": (
        PROFILE | {"columns": [{"name": "gone", "type": "text"}, *PROFILE["columns"]]},
        "",
    ),
    "it predicts the column 'note'": (PROFILE | {"target": {"column": "note"}}, ""),
    "it cannot answer these rows (row 1, column 'note'": (
        PROFILE | {"columns": [{"name": "note", "type": "integer"}, PROFILE["columns"][2]]},
        "",
    ),
    "its endpoint is gone": (PROFILE, "ValidationError"),
    "it cannot answer these rows (the model failed on these rows": (PROFILE, "ModelError"),
}


@pytest.mark.parametrize("reason", NOT_COMPARED)
def test_a_live_version_that_cannot_be_asked_is_not_compared_and_said_so_and_the_setting_decides(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str], reason: str
) -> None:
    profile, code = NOT_COMPARED[reason]
    put_deployed(stack, live, profile)
    endpoints.codes |= {endpoint_of(live): code}
    assert judged(invoke, event) == {"decision": "promote"}
    assert version_of(challenger)["evaluation"]["not_compared"].startswith(reason)
    set_model(undecided="keep")
    with pytest.raises(DidNotBeatLive, match="could not be compared: it"):
        judged(invoke, event)


def test_a_live_version_finds_its_columns_by_name_in_a_file_that_has_others(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    put_deployed(stack, live, NUMBER_ONLY)
    assert judged(invoke, event) == {"decision": "promote"}
    assert [line for endpoint, _, line in endpoints.asked if endpoint == endpoint_of(live)] == [b"0"]
    assert version_of(challenger)["evaluation"]["live"]["gain"]["value"] == 0


def test_a_row_that_is_larger_than_an_endpoint_takes_is_left_out_and_said_so(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    # 4 MB of a serverless endpoint, 6,291,456 bytes of any other (SageMaker, "Endpoints and quotas").
    notes = [f"note{number}" for number in range(40)]
    texts = [{"name": name, "type": "text"} for name in notes]
    for run in (challenger, live):
        put_deployed(stack, run, PROFILE | {"columns": [PROFILE["columns"][0], *texts, PROFILE["columns"][2]]})
    lines = [",".join(["number", *notes, "Churn?"])]
    for number in range(400):
        cell = "x" * (130_000 if number == 7 else 3)
        lines.append(",".join([str(number), *[cell] * len(notes), "yes" if is_yes(number) else "no"]))
    key, body = f"{challenger.staging_folder}holdout.csv", "\n".join([*lines, ""])
    platform("s3").put_object(Bucket=stack["STAGING_BUCKET"], Key=key, Body=body)
    registry.update_version("acme", "churn", live.version, {"serverless": True})
    assert judged(invoke, event) == {"decision": "promote"}
    found = evaluation_of(challenger, stack)
    assert (found["rows"], found["rows_too_large"]) == (400, 0)
    assert found["not_compared"].startswith("it cannot answer these rows (row 8: 5200042 bytes")

    registry.update_version("acme", "churn", challenger.version, {"serverless": True})
    endpoints.asked.clear()
    assert judged(invoke, event) == {"decision": "promote"}
    found, version = evaluation_of(challenger, stack), version_of(challenger)
    assert (found["rows"], found["rows_too_large"], found["live"]["rows"]) == (399, 1, 399)
    assert sum(count for endpoint, count, _ in endpoints.asked if endpoint == endpoint_of(challenger)) == 399
    assert version["verdict"]["sentences"][0].startswith("Left out: 1 of the rows held out")


def test_what_does_not_answer_now_is_tried_again_and_no_verdict(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample
) -> None:
    for run in (live, challenger):
        endpoints.codes = {endpoint_of(run): "ServiceUnavailable"}
        with pytest.raises(CustomerThrottled, match=f"{endpoint_of(run)} does not answer now"):
            judged(invoke, event)
    assert "verdict" not in version_of(challenger)
    endpoints.codes = {endpoint_of(live): "ServiceUnavailable"}
    registry.update_version("acme", "churn", challenger.version, {"settings": {"promote": "always"}})
    assert judged(invoke, event) == {"decision": "promote"}, "by hand, nobody waits for the live version"
    assert version_of(challenger)["evaluation"]["not_compared"] == "it does not answer now"


def test_a_live_version_that_answers_no_more_does_not_keep_out_the_one_that_would(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample
) -> None:
    def evaluate_again(attempt: int) -> None:
        invoke("evaluate_version", event("evaluate_version") | {"attempt": attempt})

    endpoints.codes = {endpoint_of(live): "ServiceUnavailable"}
    with pytest.raises(CustomerThrottled):
        evaluate_again(evaluate_version.LIVE_ATTEMPTS - 1)
    evaluate_again(evaluate_version.LIVE_ATTEMPTS)
    assert version_of(challenger)["evaluation"]["not_compared"] == "it does not answer now"
    assert invoke("judge_version", event("judge_version")) == {"decision": "promote"}
    endpoints.codes = {endpoint_of(challenger): "ServiceUnavailable"}
    with pytest.raises(CustomerThrottled):
        evaluate_again(evaluate_version.LIVE_ATTEMPTS)


def test_an_endpoint_that_is_slow_is_asked_for_fewer_rows_at_once(
    challenger: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    endpoints.slow_over_rows = 60
    assert judged(invoke, event) == {"decision": "promote"}
    latency = evaluation_of(challenger, stack)["latency"]
    assert (latency["calls"], latency["rows_per_call"]) == (8, 50)
    endpoints.slow_over_rows = 10
    with pytest.raises(CustomerThrottled, match="did not answer in time"):
        judged(invoke, event)


@pytest.mark.parametrize(("code", "text"), [("ValidationError", None), ("ModelError", None), ("", b"no\n"), ("", b"x")])
def test_a_new_version_that_cannot_answer_its_own_holdout_does_not_go_live(
    challenger: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, code: str, text: bytes | None
) -> None:
    endpoints.codes[endpoint_of(challenger)] = code
    if text is not None:
        endpoints.texts[endpoint_of(challenger)] = text
    why = "is not in the account any more" if code == "ValidationError" else "cannot answer the rows that were held out"
    with pytest.raises(DeploymentFailed, match=why):
        judged(invoke, event)


@pytest.mark.parametrize(("count", "sentence"), [
    (0, "The holdout has 0 rows; without at least 30 there is no verdict."),
    (29, "The holdout has 29 rows; without at least 30 there is no verdict."),
    (199, "Undecided: 199 rows are too few to tell, 200 are needed."),
])  # fmt: skip
def test_a_holdout_that_is_too_small_gives_no_verdict_and_says_so(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str],
    count: int, sentence: str,
) -> None:  # fmt: skip
    put_holdout(stack, challenger, count)
    assert judged(invoke, event) == {"decision": "promote"}, "as good on the rows that there are"
    verdict = version_of(challenger)["verdict"]
    assert not verdict["decided"]
    assert sentence in verdict["sentences"]
    set_model(thresholds={"F1": 0.95})
    with pytest.raises(BelowQualityBar, match=r"by Autopilot's own validation .* F1 at least 0\.950 \(it is 0\.900\)"):
        judged(invoke, event)


def test_a_holdout_of_one_class_gives_no_verdict(
    challenger: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    rows = "".join(f"n,{number * 10},yes\n" for number in range(300))
    key = f"{challenger.staging_folder}holdout.csv"
    platform("s3").put_object(Bucket=stack["STAGING_BUCKET"], Key=key, Body=f"note,number,Churn?\n{rows}")
    assert judged(invoke, event) == {"decision": "promote"}
    assert (
        "All 300 rows of the holdout are of one class, so there is no verdict."
        in (version_of(challenger)["verdict"]["sentences"])
    )


def test_versions_of_one_holdout_have_an_evaluation_each_and_are_counted(
    challenger: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    other = Run(challenger.execution, "acme", "churn", "v20261123-170301-aaaa")
    put_deployed(stack, other)
    for run, looks in ((challenger, 1), (other, 2), (other, 2)):
        invoke("evaluate_version", event("evaluate_version") | {"run": run.as_document()})
        assert version_of(run)["evaluation"]["looks"] == looks
        assert evaluation_of(run, stack)["rows"] == 400


def test_no_cell_is_in_an_evaluation_a_row_a_log_or_a_failure(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    endpoints.errs_every[endpoint_of(challenger)] = 3
    with pytest.raises(DidNotBeatLive) as refused:
        judged(invoke, event)
    said = [json.dumps(evaluation_of(challenger, stack)), json.dumps(version_of(challenger)), str(refused.value)]
    assert not [text for text in (*said, capsys.readouterr().out) if SECRET in text]


def test_an_evaluation_is_shown_to_its_tenant_and_its_absence_named(
    challenger: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    def get(version: str, tail: str = "/evaluation") -> tuple[int, dict[str, Any]]:
        asked = event("tenant_api") | {
            "httpMethod": "GET", "body": None, "resource": f"/models/{{model}}/versions/{{version}}{tail}",
            "pathParameters": {"model": "churn", "version": version},
        }  # fmt: skip
        answer = invoke("tenant_api", asked)
        return answer["statusCode"], json.loads(answer["body"])

    assert get("v20260101-000000-0000")[1]["code"] == "NotFound"
    status, problem = get(challenger.version)
    assert (status, problem["code"]) == (409, "NotEvaluated")
    judged(invoke, event)
    status, shown = get(challenger.version)
    assert status == 200
    assert shown | {"request_id": ""} == evaluation_of(challenger, stack) | {"request_id": ""}
    version = get(challenger.version, "")[1]
    assert version["evaluation"]["metrics"] == shown["metrics"]
    assert version["verdict"]["decision"] == "promote"
    registry.forget_training("acme", "churn", challenger.execution)
    status, problem = get(challenger.version)
    assert (status, problem["code"]) == (409, "ArtefactsGone")


def test_a_report_says_what_is_known_of_a_version_at_every_time_to_its_tenant_alone(
    challenger: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str]
) -> None:
    def get(tenant: str = "acme", version: str = challenger.version) -> dict[str, Any]:
        asked = event("tenant_api") | {
            "httpMethod": "GET", "body": None, "resource": "/models/{model}/versions/{version}/report",
            "pathParameters": {"model": "churn", "version": version},
            "requestContext": {"authorizer": {"tenant": tenant, "key_id": "0123456789ab"}},
        }  # fmt: skip
        answer: dict[str, Any] = invoke("tenant_api", asked)
        return answer

    def text_of(answer: dict[str, Any]) -> str:
        assert answer["statusCode"] == 200
        return markup.read(answer["body"]).one("main").text

    assert "was not evaluated" in text_of(get())
    judged(invoke, event)
    answer = get()
    assert "Nothing is live yet, so it goes live." in text_of(answer)
    assert "400" in text_of(answer)
    assert (answer["headers"]["Content-Type"], answer["headers"]["Cache-Control"]) == (
        "text/html; charset=utf-8", "no-store",
    )  # fmt: skip
    policy = answer["headers"]["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert SECRET not in answer["body"], "a cell"
    registry.promote("acme", "churn", challenger.version)
    assert "This version is live" in text_of(get()), "what it says is what holds now"
    registry.forget_training("acme", "churn", challenger.execution)
    assert "Nothing is live yet, so it goes live." in text_of(get()), "the summary outlives the artefacts"

    registry.add_tenant(Tenant.from_document(registry.get_tenant("acme").as_document() | {"tenant": "globex"}))
    registry.put_model("globex", "churn", ModelSettings("Churn?"), None)
    strange, unknown = get("globex"), get("globex", "v20200101-000000-0000")
    assert (strange["statusCode"], json.loads(strange["body"])["code"]) == (404, "NotFound")
    for refused in (strange, unknown):
        refused["body"] = {name: value for name, value in json.loads(refused["body"]).items() if name != "request_id"}
    assert strange["body"] == unknown["body"]


def keep_split(run: Run, threshold: int, rows: int) -> None:
    """Let a training have held out so many rows, whose hashes are their numbers, by a rule of this threshold."""
    holdouts.keep(run, None, HoldoutRule(("note", "number"), threshold), list(range(rows)))


@pytest.mark.parametrize(("threshold", "rows", "accuracy"), [(10_000, 400, 1 - 6 / 400), (300, 300, 1 - 5 / 300)])
def test_both_versions_are_compared_on_the_rows_on_which_neither_was_trained(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str],
    tenant: Tenant, threshold: int, rows: int, accuracy: float,
) -> None:  # fmt: skip
    keep_split(challenger, 10_000, 400)
    keep_split(live, threshold, threshold)
    for run, every in ((challenger, 9), (live, 70)):
        endpoints.errs_every[endpoint_of(run)] = every
    with pytest.raises(DidNotBeatLive, match=f"on {rows} rows of the holdout F1 is .* more than the margin"):
        judged(invoke, event)
    found, verdict = evaluation_of(challenger, stack), version_of(challenger)["verdict"]
    assert (found["rows"], found["live"]["rows"], found["live"]["rows_seen"]) == (400, rows, 400 - rows)
    assert found["live"]["metrics"]["Accuracy"] == pytest.approx(accuracy, abs=1e-5)
    assert verdict["decided"], "neither saw these rows, so it is no guess"
    assert "on which neither was trained" in verdict["sentences"][2]
    assert version_of(challenger)["evaluation"]["looks"] == 1


def test_too_few_rows_that_the_live_version_did_not_see_are_undecided(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample
) -> None:
    keep_split(challenger, 10_000, 400)
    keep_split(live, 199, 199)
    set_model(undecided="keep")
    with pytest.raises(DidNotBeatLive, match="199 rows on which neither version was trained are too few to tell"):
        judged(invoke, event)
    keep_split(live, 0, 0)
    with pytest.raises(DidNotBeatLive, match="not be compared: it may have been trained on all of these rows"):
        judged(invoke, event)


@pytest.mark.parametrize("rows", ["n,1,no\n" * 29, "n,10,yes\n" * 300])
def test_what_happens_without_a_verdict_is_what_the_setting_says(
    challenger: Run, live: Run, endpoints: Endpoints, invoke: Invoke, event: Sample, stack: dict[str, str], rows: str
) -> None:
    key = f"{challenger.staging_folder}holdout.csv"
    platform("s3").put_object(Bucket=stack["STAGING_BUCKET"], Key=key, Body=f"note,number,Churn?\n{rows}")
    set_model(undecided="promote")
    assert judged(invoke, event) == {"decision": "promote"}
    set_model(undecided="keep")
    with pytest.raises(DidNotBeatLive, match=r"no verdict\. The setting undecided is keep, so the live version stays"):
        judged(invoke, event)


@pytest.mark.parametrize(
    ("seconds_between_looks", "source", "reason", "asked"),
    [(0, "permutation", None, 12), (50, None, explanation.NOT_SHUFFLED, 3), (800, None, "no report", 1)],
    ids=["time enough", "the time ends meanwhile", "no time left"],
)
def test_what_autopilot_did_not_explain_is_found_by_shuffling_only_while_there_is_time(
    challenger: Run,
    endpoints: Endpoints,
    invoke: Invoke,
    event: Sample,
    monkeypatch: pytest.MonkeyPatch,
    seconds_between_looks: int,
    source: str | None,
    reason: str | None,
    asked: int,
) -> None:
    unexplained = {"source": None, "reason": "no report"}
    registry.update_version(challenger.tenant, challenger.model, challenger.version, {"importance": unexplained})
    ticks = itertools.count(0, seconds_between_looks)
    monkeypatch.setattr(evaluate_version, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    assert judged(invoke, event) == {"decision": "promote"}
    found = version_of(challenger)["importance"]
    assert (found["source"], found["reason"], len(endpoints.asked)) == (source, reason, asked)
