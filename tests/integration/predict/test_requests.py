"""Requests as they arrive: what is refused before the endpoint is called, and what is answered in which form."""

from __future__ import annotations

import base64
import csv
import json
from typing import TYPE_CHECKING, Any

import pytest

from tenantml.aws import clients
from tenantml.aws.s3 import objects
from tenantml.domain.predictions import cells, sizes
from tenantml.domain.predictions.answers import OUTPUT_KEYS
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.services.registry import keys, table
from tests.integration.predict.conftest import ROW, STAGING, VERSION, Process, _Context
from tests.rows import put_version

if TYPE_CHECKING:
    from tenantml.domain.tenancy.tenant import Tenant

JSON, CSV = "application/json", "text/csv"
ONE_ROW = json.dumps({"rows": [ROW]}).encode()


def ask(
    tenant: Tenant, body: bytes, kind: str = JSON, query: dict[str, str] | None = None, **headers: str
) -> dict[str, Any]:
    """The function's answer to a body of these bytes."""
    from functions.api.predict import handler

    event = {
        "requestContext": {"authorizer": {"tenant": tenant.tenant}},
        "pathParameters": {"model": "churn"},
        "queryStringParameters": query,
        "headers": {"Content-Type": kind} | {name.replace("_", "-"): value for name, value in headers.items()},
        "body": base64.b64encode(body).decode(),
        "isBase64Encoded": True,
    }
    answer: dict[str, Any] = handler(event, _Context())
    assert len(json.dumps(answer)) <= 6_291_456
    return answer


def classifier(process: Process, classes: list[str], *, serverless: bool = False) -> Tenant:
    """A tenant whose model tells these classes apart."""
    tenant = process.add_tenant(1)
    profile = {
        "columns": [{"name": "age", "type": "integer"}, {"name": "spend", "type": "category"}],
        "target": {"column": "spend", "classes": [{"value": name, "rows": 9} for name in classes]},
    }
    objects.put_json(clients.platform("s3"), STAGING, "classes.json", json.dumps(profile))
    deployed = {
        "endpoint": f"tenantml-churn-{VERSION}",
        "output_keys": list(OUTPUT_KEYS),
        "serverless": serverless,
        "profile": {"bucket": STAGING, "key": "classes.json"},
    }
    put_version(tenant.tenant, "churn", VERSION, deployed)
    return tenant


def answered(classes: list[str], row_count: int) -> tuple[int, str, bytes]:
    """An endpoint's answer with the longest numbers that it may write."""
    numbers = ", ".join(["1.2345678901234567e-05"] * len(classes))
    fields = (classes[0], "1.2345678901234567e-05", f"[{numbers}]", repr(classes))
    return 200, "", (",".join(map(cells.quoted, fields)) + "\n").encode() * row_count


def ages(row_count: int) -> bytes:
    return b"age\n" + b"41\n" * row_count


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status", "said"),
    [
        (b"age,plan\n41,caf\xe9\n", CSV, {}, 400, "not UTF-8 at byte 16"),
        (b'{"rows": [{"age": 41, "plan": "caf\xe9"}]}', JSON, {}, 400, "not UTF-8 at byte 35"),
        (ONE_ROW, "application/json; charset=ISO-8859-1", {}, 415, "charset 'iso-8859-1'"),
        (ONE_ROW, 'text/csv; header=present; charset="utf-16"', {}, 415, "charset 'utf-16'"),
        (ONE_ROW, JSON, {"Content_Encoding": "gzip"}, 415, "Content-Encoding 'gzip'"),
        (ONE_ROW, "text/plain", {}, 415, "text/plain"),
        (b" " * 4_500_001, JSON, {}, 413, "4,500,001 bytes, and at most 4,500,000"),
        (b'{"rows": [{"age": 41, "plan": "%s"}]}' % (b"x" * 131_073), JSON, {}, 400, "131,073 bytes"),
        (b"age,plan\n41,%s\n" % (b"x" * 131_073), CSV, {}, 400, "131,073 bytes"),
    ],
)
def test_a_body_that_cannot_be_taken_as_it_is_is_refused_and_costs_no_call(
    process: Process, body: bytes, kind: str, headers: dict[str, str], status: int, said: str
) -> None:
    answer = ask(process.add_tenant(1), body, kind, **headers)
    assert (answer["statusCode"], process.accounts.calls) == (status, [])
    assert said in json.loads(answer["body"])["detail"]


@pytest.mark.parametrize("kind", ["application/json; charset=UTF-8", "APPLICATION/JSON;charset=utf8"])
def test_utf_8_may_be_announced(process: Process, kind: str) -> None:
    assert ask(process.add_tenant(1), ONE_ROW, kind, Content_Encoding="identity")["statusCode"] == 200


def test_a_query_parameter_is_refused_and_not_ignored(process: Process) -> None:
    answer = ask(process.add_tenant(1), ONE_ROW, query={"version": "v1"})
    assert (answer["statusCode"], json.loads(answer["body"])["code"]) == (400, "InvalidRequest")
    assert "'version'" in json.loads(answer["body"])["detail"]


@pytest.mark.parametrize(
    ("accept", "in_csv"),
    [
        ("text/csv", True),
        ("application/json;q=0.5, text/csv", True),
        ("text/csv;q=0.5, application/json", False),
        ("*/*", False),
        ("text/html, */*;q=0.1", False),
        ("text/csv;q=nan", False),
    ],
)
def test_an_answer_is_csv_where_the_app_prefers_it(process: Process, accept: str, in_csv: bool) -> None:
    classes = ["no", "yes"]
    tenant = classifier(process, classes)
    process.accounts.next_answers = [(200, "", b"yes,0.75,\"[0.75, 0.25]\",\"['yes', 'no']\"\n" * 2)]
    answer = ask(tenant, ages(2), CSV, Accept=accept)
    if not in_csv:
        assert json.loads(answer["body"])["predictions"][0]["predicted_label"] == "yes"
        return
    headers = answer["headers"]
    assert headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert (headers["X-Model-Version"], headers["X-Advice-Count"]) == (VERSION, "0")
    assert list(csv.reader(answer["body"].splitlines())) == [
        ["predicted_label", "probability", "no", "yes"],
        ["yes", "0.75", "0.25", "0.75"],
        ["yes", "0.75", "0.25", "0.75"],
    ]


def test_a_regression_in_csv_is_one_column(process: Process) -> None:
    answer = ask(process.add_tenant(7), ONE_ROW, Accept=CSV)
    assert answer["body"] == "predicted_value\n7.0\n"


@pytest.mark.parametrize("accept", [JSON, CSV])
@pytest.mark.parametrize("names", ["region-{:03}", 'über "{}"'])
def test_what_cannot_be_answered_is_refused_before_any_call_and_what_fits_is_answered(
    process: Process, accept: str, names: str
) -> None:
    classes = [names.format(number) for number in range(200)]
    tenant = classifier(process, classes)
    refused = ask(tenant, ages(10_000), CSV, Accept=accept)
    problem = json.loads(refused["body"])
    assert (refused["statusCode"], problem["code"], process.accounts.calls) == (413, "AnswerTooLarge", [])
    rows_max = problem["rows_max"]
    assert f"at most {rows_max:,} at once" in problem["detail"]
    per_call = sizes.rows_per_call(classes, sizes.REAL_TIME_BYTES)
    counts = [min(per_call, rows_max - start) for start in range(0, rows_max, per_call)]
    process.accounts.next_answers = [answered(classes, count) for count in counts]
    assert all(len(body) <= sizes.REAL_TIME_BYTES for _, _, body in filter(None, process.accounts.next_answers))
    assert ask(tenant, ages(rows_max), CSV, Accept=accept)["statusCode"] == 200
    assert len(process.accounts.calls) == len(counts)


def test_csv_fits_more_rows_and_the_refusal_says_so() -> None:
    classes = tuple(f"region-{number:03}" for number in range(200))
    assert sizes.rows_in_csv(classes) > 1.5 * sizes.rows_in_json(classes, [])


def test_calls_are_cut_by_what_a_serverless_endpoint_answers(process: Process) -> None:
    classes = [f"class {number} with a name of some length" for number in range(60)]
    tenant = classifier(process, classes, serverless=True)
    per_call = sizes.rows_per_call(classes, sizes.SERVERLESS_BYTES)
    process.accounts.next_answers = [answered(classes, per_call), answered(classes, 1)]
    assert len(answered(classes, per_call)[2]) <= sizes.SERVERLESS_BYTES
    assert ask(tenant, ages(per_call + 1), CSV)["statusCode"] == 200
    assert len(process.accounts.calls) == 2


def test_an_answer_with_longer_numbers_than_expected_is_still_refused_by_name(process: Process) -> None:
    classes = [f"region-{number:03}" for number in range(200)]
    tenant = classifier(process, classes)
    rows_max = sizes.rows_in_json(classes, [])
    numbers = ", ".join(["0." + "1" * 60] * 200)
    line = f'{classes[0]},0.5,"[{numbers}]","{classes}"\n'.encode()
    per_call = sizes.rows_per_call(classes, sizes.REAL_TIME_BYTES)
    counts = [min(per_call, rows_max - start) for start in range(0, rows_max, per_call)]
    process.accounts.next_answers = [(200, "", line * count) for count in counts]
    problem = json.loads(ask(tenant, ages(rows_max), CSV)["body"])
    assert problem["code"] == "AnswerTooLarge"
    assert 0 < problem["rows_max"] < rows_max


@pytest.mark.parametrize(("setting", "status", "calls"), [("advise", 200, 1), ("reject", 400, 0)])
def test_an_unseen_category_is_advised_or_refused_as_the_model_says(
    process: Process, setting: str, status: int, calls: int
) -> None:
    tenant = process.add_tenant(1)
    row = {"model": "churn", "live_version": VERSION}
    settings = ModelSettings("spend", unseen_category=setting).as_document()
    table.put(keys.model(tenant.tenant, "churn"), row | {"settings": settings})
    answer = ask(tenant, json.dumps({"rows": [ROW | {"plan": "gold"}]}).encode())
    assert (answer["statusCode"], len(process.accounts.calls)) == (status, calls)
    if setting == "reject":
        assert json.loads(answer["body"])["code"] == "UnseenCategory"
    else:
        assert len(json.loads(answer["body"])["advice"]) == 1
