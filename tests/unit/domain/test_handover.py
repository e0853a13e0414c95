"""What stays with a customer who leaves: a client that says what our API said, and a page that says what it costs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.handover import package
from tenantml.domain.predictions import answers, rows
from tenantml.domain.predictions.asking import Deployed
from tenantml.domain.pricing import prices
from tenantml.services import handover_client
from tests.tenants import tenant_of

ACCOUNT = tenant_of("acme", "222222222222", "us-east-1", "x@example.com", "external-id").account
PROFILE: dict[str, Any] = {
    "target": {"column": "Churn?", "classes": [{"value": "0", "rows": 700}, {"value": "1", "rows": 300}]},
    "columns": [
        {"name": "age", "type": "integer"},
        {"name": 'a "quoted", name', "type": "number"},
        {"name": "plan", "type": "category", "categories": ["basic", "pro"]},
        {"name": "intl", "type": "boolean", "categories": ["FALSE", "TRUE"]},
        {"name": "Churn?", "type": "integer"},
    ],
}
ROW = {"keep_versions": 1, "version": "v20261122-170301-9f3c", "endpoint": "tml-abc234-churn-v1", "serverless": False}
CHURN = Deployed.of_row(ROW | {"output_keys": list(answers.OUTPUT_KEYS)}, PROFILE)
SPEND = Deployed.of_row(ROW | {"output_keys": []}, PROFILE)
SOURCE = Path(handover_client.__file__).read_text("utf-8")
PRICES = prices.table("us-east-1,ml.m5.large,hosting,0.115,2026-11-01,a test")


def client_of(version: Deployed) -> ModuleType:
    """The client as it is left beside the model."""
    module = ModuleType("client")
    exec(package.client(SOURCE, ACCOUNT, version), module.__dict__)
    return module


CLIENTS = {version: client_of(version) for version in (CHURN, SPEND)}
VALUES = st.fixed_dictionaries(
    {
        "age": st.none() | st.integers(-(10**9), 10**9),
        'a "quoted", name': st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
        "plan": st.none() | st.sampled_from(["basic", "pro", 'with "quotes"', "a,b", "two\nlines", " spaced "]),
        "intl": st.none() | st.booleans(),
    }
)


@given(VALUES)
def test_the_client_sends_a_row_as_our_api_sent_it(row: dict[str, Any]) -> None:
    ours = rows.read_json(json.dumps({"rows": [row]}).encode(), CHURN.schema, max_rows=1).lines[0].decode()
    theirs = CLIENTS[CHURN].line_of(row, 1)
    (sent,), (expected,) = (list(csv.reader(io.StringIO(line, newline=""))) for line in (theirs, ours))
    assert (sent[0], sent[2:]) == (expected[0], expected[2:])
    assert (sent[1] and float(sent[1])) == (expected[1] and float(expected[1]))


@pytest.mark.parametrize(
    "line",
    [
        "1.0,0.75,\"[0.75, 0.25]\",\"['1.0', '0.0']\"",
        '0,0.9,"[0.9, 0.1]","[0, 1]"',
        "1,1.0,\"[1e-05, 0.99999]\",\"['0', '1']\"",
        '1,0.6,"[0.4, 0.6]","[0.0, 1.0]"',
    ],
)
def test_the_client_reads_an_answer_as_our_api_read_it(line: str) -> None:
    expected = answers.parse(f"{line}\n".encode(), answers.OUTPUT_KEYS, 1, CHURN.classes)
    found = CLIENTS[CHURN].prediction_of(next(csv.reader([line])))
    ours = json.loads(expected.as_json()[0])
    assert found == {name: ours[name] for name in ("predicted_label", "probabilities")}


def test_the_client_of_a_regression_answers_numbers() -> None:
    assert CLIENTS[SPEND].prediction_of(["12.5"]) == {"predicted_value": 12.5}
    assert CLIENTS[SPEND].MODEL["classes"] == []


def test_the_client_names_columns_that_a_row_lacks_or_has_too_many() -> None:
    with pytest.raises(ValueError, match=r"row 3: missing columns \['age'\], unknown columns \['agee'\]"):
        CLIENTS[CHURN].line_of({"agee": 1, 'a "quoted", name': 1, "plan": "pro", "intl": True}, 3)


def test_the_client_holds_no_category_that_it_does_not_need() -> None:
    source = package.client(SOURCE, ACCOUNT, CHURN)
    assert package.PLACEHOLDER not in source
    assert ("basic" in source, "pro'" in source, "TRUE" in source) == (False, False, True)
    assert handover_client.MODEL == {}


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"instance_type": "ml.m5.large", "instance_count": 2}, "167.90 USD a month: 2 x ml.m5.large; 730 hours"),
        (
            {"instance_type": "ml.m5.large", "instance_count": 1, "max_instances": 3},
            "83.95 USD a month: 1 x ml.m5.large, and up to 251.85 USD with 3 x, to which it scales; 730 hours",
        ),
        (
            {"instance_type": "ml.unheard.of", "instance_count": 1, "max_instances": 3},
            "unknown: there is no price of 1 to 3 x ml.unheard.of",
        ),
        ({"instance_type": "ml.unheard.of", "instance_count": 1}, "unknown: there is no price of 1 x ml.unheard.of"),
        ({"instance_type": None, "instance_count": None, "serverless_memory_mb": 2048}, "nothing while nobody calls"),
    ],
)
def test_the_page_says_what_stays_what_it_costs_and_what_must_not_be_deleted(plan: dict[str, Any], said: str) -> None:
    cost = package.monthly_cost(plan, "us-east-1", PRICES)
    assert cost.startswith(said)
    page = package.page(ACCOUNT, "churn", ROW | {"plan": plan}, CHURN, cost)
    scales = plan.get("max_instances") is not None
    assert ("deregister-scalable-target" in page, f"endpoint/{CHURN.endpoint}/variant" in page) == (scales, scales)
    assert ("from 1 to 3 instances" in page) is scales
    for text in (said, "HandedOver", ACCOUNT.roles.serving_execution, ACCOUNT.bucket, "delete-endpoint", "`intl`"):
        assert text in page
