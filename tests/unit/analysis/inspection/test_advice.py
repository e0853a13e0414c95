"""What is valid and worth a word."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import pytest

from tenantml.errors import AdviceIsFatal
from tenantml_analysis.inspection import Inspection, InspectionSettings, inspect
from tenantml_analysis.inspection.advice import refuse_fatal, schema_changes


def advised(make: Callable[[int, random.Random, str], str], name: str = "column", **options: Any) -> Inspection:
    draw = random.Random(3)
    labels = [draw.choice(["no", "yes"]) for _ in range(2000)]
    lines = [f"{draw.gauss(0, 1):.6f},{make(n, draw, label)},{label}" for n, label in enumerate(labels)]
    settings = InspectionSettings(**({"target": "y", "salt": "s"} | options))
    return inspect([f"x,{name},y\n".encode(), "\n".join(lines).encode()], settings, io.BytesIO(), io.BytesIO())


def card(n: int) -> str:
    digits = [4, *(int(c) for c in f"{n * 7919:014}")]
    doubled = [sum(divmod(2 * d, 10)) if i % 2 == 0 else d for i, d in enumerate(digits)]
    return "".join(map(str, digits)) + str(-sum(doubled) % 10)


def iban(n: int) -> str:
    account = f"{n:018}"
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


RULES = [
    ("identifier-like", lambda n, draw, label: str(n), "column"),
    ("identifier-like", lambda n, draw, label: f"c-{draw.getrandbits(48):x}", "column"),
    ("constant-column", lambda n, draw, label: "same", "column"),
    ("constant-column", lambda n, draw, label: "", "column"),
    ("personal-data", lambda n, draw, label: f"user{n % 90}@example.com", "column"),
    ("personal-data", lambda n, draw, label: f"+49 30 {draw.randint(100000, 999999)}", "column"),
    ("personal-data", lambda n, draw, label: card(n % 90), "column"),
    ("personal-data", lambda n, draw, label: iban(n % 90), "column"),
    ("personal-data", lambda n, draw, label: draw.choice(["Ann", "Bob"]), "firstName"),
    ("target-leak", lambda n, draw, label: {"no": "0", "yes": "1"}[label], "column"),
    ("target-leak", lambda n, draw, label: f"{draw.random() + (label == 'yes') * 2:.9f}", "column"),
]


SHAPES = [
    "counting number",
    "hexadecimal code",
    "one value",
    "no value",
    "e-mail",
    "phone",
    "card",
    "iban",
    "column name",
    "codes of the classes",
    "ranges of the classes",
]


@pytest.mark.parametrize(("rule", "make", "name"), RULES, ids=SHAPES)
def test_a_suspicious_column_is_named(rule: str, make: Callable[[int, random.Random, str], str], name: str) -> None:
    found = advised(make, name)
    assert [(entry["rule"], entry["column"]) for entry in found.advice] == [(rule, name)]


@pytest.mark.parametrize(
    "make",
    [
        lambda n, draw, label: f"{draw.gauss(0, 1):.9f}",
        lambda n, draw, label: str(draw.randint(0, 9)),
        lambda n, draw, label: str(draw.randint(0, 10**6)),
        lambda n, draw, label: f"free text {draw.getrandbits(48):x}",
        lambda n, draw, label: f"2024-01-{draw.randint(1, 28):02}",
    ],
    ids=["measure", "digit", "amount", "free text", "date"],
)
def test_an_ordinary_column_is_not(make: Callable[[int, random.Random, str], str]) -> None:
    assert advised(make).advice == []


def test_a_column_of_personal_data_is_not_listed_in_the_profile() -> None:
    found = advised(lambda n, draw, label: f"user{n % 90}@example.com")
    assert "categories" not in found.profile["columns"][1]


def test_a_numeric_target_that_a_column_follows_is_a_leak() -> None:
    draw = random.Random(1)
    values = [draw.gauss(0, 1) for _ in range(2000)]
    data = "a,b,y\n" + "".join(f"{value * 3 + 1:.8f},{draw.random()},{value:.8f}\n" for value in values)
    found = inspect([data.encode()], InspectionSettings(target="y", salt="s"), io.BytesIO(), io.BytesIO())
    assert [(entry["rule"], entry["column"]) for entry in found.advice] == [("target-leak", "a")]


def test_imbalance_and_repeated_rows_are_told() -> None:
    data = "x,y\n" + "".join(f"{n % 37},{'yes' if n % 50 == 0 else 'no'}\n" for n in range(3000))
    found = inspect([data.encode()], InspectionSettings(target="y", salt="s"), io.BytesIO(), io.BytesIO())
    assert [entry["rule"] for entry in found.advice] == ["duplicate-rows", "class-imbalance"]


def test_any_rule_can_be_made_fatal() -> None:
    advice = advised(lambda n, draw, label: "same").advice
    refuse_fatal(advice, {"identifier-like"})
    with pytest.raises(AdviceIsFatal, match="constant-column") as raised:
        refuse_fatal(advice, {"identifier-like", "constant-column"})
    assert raised.value.column == "column"


def test_a_rule_that_many_columns_break_is_summed_up() -> None:
    names = [f"c{n}" for n in range(3000)]
    rows = "".join(f"{n % 7}{',1' * 3000},{'ab'[n % 2]}\n" for n in range(520))
    data = ",".join(["n", *names, "y"]) + "\n" + rows
    found = inspect([data.encode()], InspectionSettings(target="y", salt="s"), io.BytesIO(), io.BytesIO())
    (summary,) = [entry for entry in found.advice if entry["rule"] == "constant-column"]
    assert summary["column"] is None
    assert str(summary["message"]).startswith("3,000 columns, 'c0', 'c1', ")
    assert "'c20'" not in str(summary["message"])


def test_columns_that_differ_from_the_live_versions_are_told() -> None:
    def profile(**types: str) -> dict[str, Any]:
        return {"columns": [{"name": name, "type": type_} for name, type_ in types.items()]}

    assert schema_changes(profile(a="text", y="category"), profile(y="category", a="text")) == []
    ((rule, column, message),) = schema_changes(profile(a="text", b="date"), profile(a="number", c="date"))
    assert (rule, column) == ("schema-changed", None)
    assert "'b' new, 'c' gone, 'a' was number and is text" in message
