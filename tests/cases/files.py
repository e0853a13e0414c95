"""Files as people have them, each with what it must come to.

All data is made up. The shapes are those that exports of Excel, pandas, R, SAP, SAS, Postgres, MySQL and SQL Server
have, and what public bug reports tell of.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

TRAINS = "trains"
REFUSED = "refused"  # by an error of any name
NAMED = "named"  # either of the two: a training, or an error of any name
UNNAMED = "InternalFailure"
ANY = None
"""Advice of any rules."""

HEADER = ("seats", "price", "region", "since", "trial", "renewed")
TARGET = "renewed"
ROWS = 700


@dataclass(frozen=True)
class Case:
    """A file, the model's settings, and what comes of it.

    `outcome` is `TRAINS`, `REFUSED`, `NAMED` or an error's name. A training has exactly the `advice` rules. The error's
    message, or else one of the advice, has each text of `says`, and nothing has one of `hides`.
    """

    name: str
    content: bytes = field(repr=False)
    outcome: str
    advice: frozenset[str] | None = frozenset()
    says: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """What came of a file: `TRAINS` or an error's name and message, and the advice."""

    outcome: str
    message: str = ""
    advice: tuple[dict[str, Any], ...] = ()


def differences(case: Case, result: Result) -> list[str]:
    """Return how a result is not what its case expects."""
    rules = {entry["rule"] for entry in result.advice}
    messages = [result.message, *(entry["message"] for entry in result.advice)]
    fits = {
        TRAINS: result.outcome == TRAINS,
        REFUSED: result.outcome not in {TRAINS, UNNAMED},
        NAMED: result.outcome != UNNAMED,
    }
    wrong = [] if fits.get(case.outcome, result.outcome == case.outcome) else [f"expected {case.outcome}"]
    if result.outcome == TRAINS and case.advice is not None and rules != case.advice:
        wrong.append(f"expected advice {', '.join(sorted(case.advice)) or 'of no rule'}")
    wrong += [f"nothing says {text!r}" for text in case.says if not any(text in message for message in messages)]
    wrong += [f"{text!r} is shown" for text in case.hides if any(text in message for message in messages)]
    return wrong


Row = list[Any]
Change = Callable[[int, Row], Any]


def people(count: int = ROWS) -> list[Row]:
    """Subscriptions; whether one is renewed follows from seats and region, with some noise."""
    draw = random.Random(4)
    rows: list[Row] = []
    for _ in range(count):
        seats, region = draw.randint(1, 90), draw.choice(["north", "south", "east", "west"])
        since = f"20{draw.randint(18, 24)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
        renewed = ((seats > 45) ^ (region == "west")) ^ (draw.random() < 0.05)
        price = f"{draw.uniform(10, 999):.2f}"
        rows.append([seats, price, region, since, draw.choice(["true", "false"]), "yes" if renewed else "no"])
    return rows


def text(rows: Iterable[Sequence[Any]], header: Sequence[str] = HEADER, **form: Any) -> str:
    """Return a table as CSV."""
    out = io.StringIO()
    csv.writer(out, **{"lineterminator": "\n"} | form).writerows([header, *rows])
    return out.getvalue()


def changed(column: str, change: Change, count: int = ROWS) -> str:
    """Return the table with one column rewritten; `change` takes a row's number, from 0, and the row."""
    place = HEADER.index(column)
    rows = people(count)
    return text([*row[:place], change(number, row), *row[place + 1 :]] for number, row in enumerate(rows))


def some(odd: str, every: int, column: str) -> Change:
    """Put an odd cell into one row in so many, the first of them in line 42."""
    place = HEADER.index(column)
    return lambda number, row: odd if number % every == 40 % every and number >= 40 else row[place]


def cycled(*values: Any) -> Change:
    """Put these values in turn."""
    return lambda number, _: values[number % len(values)]


def spelt(column: str, *spellings: Callable[[str], str]) -> Change:
    """Write a column in turn in each of these spellings, by a draw of its own."""
    draw, place = random.Random(7), HEADER.index(column)
    return lambda _, row: draw.choice(spellings)(str(row[place]))


def _euro(number: str) -> str:
    return f"{float(number) * 7:,.2f}".translate(str.maketrans(",.", ".,"))


GOOD = text(people())
LINES = GOOD.splitlines(keepends=True)
NULLS = ("NA", "NULL", "NaN", "None", "n/a", "#N/A", "", "nan")


def _renewed_as(no: str, yes: str) -> Change:
    return lambda _, row: yes if row[5] == "yes" else no


def _case(name: str, content: str | bytes, outcome: str, *advice: str, **more: Any) -> Case:
    settings = {"target": TARGET} | more.pop("settings", {})
    expected = frozenset(advice) if advice else more.pop("advice", frozenset())
    return Case(
        name, content.encode() if isinstance(content, str) else content, outcome, expected, settings=settings, **more
    )


def trains(name: str, content: str | bytes, *advice: str, **more: Any) -> Case:
    """A file that trains, with advice of exactly these rules."""
    return _case(name, content, TRAINS, *advice, **more)


def refused(name: str, content: str | bytes, error: str = REFUSED, *says: str, **more: Any) -> Case:
    """A file that is refused by this name."""
    return _case(name, content, error, says=says, **more)


ORDINARY = (
    trains("plain", GOOD),
    trains("windows-line-ends", text(people(), lineterminator="\r\n")),
    trains("old-mac-line-ends", text(people(), lineterminator="\r")),
    trains("no-last-line-end", GOOD.rstrip("\n")),
    trains("blank-lines-at-the-end", GOOD + "\n\r\n\n"),
    trains("byte-order-mark", "\ufeff" + GOOD),
    _case("two-byte-order-marks", "\ufeff\ufeff" + GOOD, NAMED, advice=ANY),
    trains("all-quoted", text(people(), quoting=csv.QUOTE_ALL)),
    trains(
        "scripts-of-the-world",
        changed("region", cycled("Ålesund", "Łódź", "Хабаровск", "兄弟島", "Zürich", "São Paulo", "ירושלים", "กรุงเทพ")),
    ),
    trains("emoji", changed("region", cycled("👍", "👍🏽", "🏳️‍🌈", "☕"))),
    *(
        _case(f"control-{ord(control):x}", changed("region", lambda n, r, c=control: f"{r[2]}{c}x"), NAMED, advice=ANY)
        for control in "\x01\x0b\x0c\x1a\x1c\x1d\x1e\x7f\x85\xa0\u200b\u2028\u2029\ufeff\ufffe"
    ),
    trains(
        "notes-of-several-lines",
        changed("region", cycled("first,\nsecond", 'said "no"', "\r\n", "-", "=cmd()", "@SUM(A1)", "", "plain")),
    ),
    trains("json-in-cells", changed("region", cycled('{"a": [1, 2]}', "[]", '{"b": null}', "null"))),
    trains("codes-with-leading-zeros", changed("region", lambda n, _: f"{n % 40:05d}")),
    trains("excel-exponents", changed("price", lambda n, _: f"{1 + n % 90 / 10:.2f}E+05")),
    trains("numbers-of-17-digits", changed("price", lambda n, _: 10**16 + n * 7919 % 10007), advice=ANY),
    trains("numbers-with-line-breaks", changed("price", lambda n, r: f"{r[1]}\n" if n % 9 == 0 else r[1])),
    trains(
        "numbers-past-64-bits",
        changed("price", lambda n, _: 10**20 + n * 7919 % 10007),
        "almost-a-number",
        says=("more digits than 64 bits hold", "line 2"),
    ),
    refused(
        "hexadecimal-ids",
        text(
            [[f"{n * 7919:013x}" if n != 40 else "7e12345678901", *row] for n, row in enumerate(people())],
            ("id", *HEADER),
        ),
        "ExponentTooLong",
        "line 42",
        "'id'",
    ),
    trains(
        "hexadecimal-ids-left-out",
        text([["7e12345678901", *row] for row in people()], ("id", *HEADER)),
        settings={"ignore_columns": ["id"]},
    ),
    refused(
        "points-of-postgis",
        changed("region", lambda n, _: f"0101000020E6100000000000000000{n % 90:02X}40"),
        "ExponentTooLong",
        "line 2",
    ),
    trains("one-long-text", changed("region", lambda n, r: "lorem ipsum " * 9000 if n == 50 else r[2])),
    trains("repeated-rows", text(people(100) * 7), "duplicate-rows"),
    trains("row-that-tells-the-target", changed("region", lambda _, row: f"was {row[5]}"), "target-leak"),
    trains("phone-numbers", changed("region", lambda n, _: f"+47 22 {n % 90:02d} 55 01"), "personal-data"),
    trains("hardly-any-of-a-class", changed("renewed", lambda n, _: "yes" if n % 60 == 0 else "no"), "class-imbalance"),
    trains("exactly-500-rows", text(people(500))),
    trains("200-classes", changed("renewed", lambda n, r: f"area-{(r[0] * 4 + len(r[2])) % 200:03d}", 1600)),
    trains("regression", changed("renewed", lambda n, row: row[0] * 1.5 - 70 + n % 37)),
    trains(
        "regression-with-gaps",
        changed("renewed", lambda n, r: ("NA", "NULL", "None", "")[n % 4] if n % 9 == 0 else r[0] + n % 37 / 2),
        "rows-without-target",
    ),
    trains(
        "wide",
        text(
            [[n * k % 97 for k in range(1, 301)] + ["yn"[n % 97 > 40]] for n in range(520)],
            [f"m{k}" for k in range(300)] + [TARGET],
        ),
        advice=ANY,
    ),
)

MISSING = (
    trains("null-words-in-numbers", changed("price", lambda n, r: NULLS[n // 10 % 8] if n % 10 == 0 else r[1])),
    trains("null-words-in-whole-numbers", changed("seats", lambda n, r: NULLS[n // 10 % 8] if n % 10 == 0 else r[0])),
    trains("null-words-in-dates", changed("since", lambda n, r: NULLS[n // 10 % 8] if n % 10 == 0 else r[3])),
    trains("null-words-in-booleans", changed("trial", lambda n, r: NULLS[n // 10 % 8] if n % 10 == 0 else r[4])),
    trains("null-words-in-texts", changed("region", lambda n, r: NULLS[n // 10 % 8] if n % 10 == 0 else r[2])),
    trains("blanks-in-numbers", changed("price", lambda n, r: (" ", "\t", "   ")[n % 3] if n % 50 == 0 else r[1])),
    trains("blanks-in-texts", changed("region", lambda n, r: " " if n % 50 == 0 else r[2])),
    trains("blanks-around-numbers", changed("price", lambda _, r: f" {r[1]} ")),
    trains("an-empty-column", changed("region", cycled("")), "constant-column"),
    trains(
        "one-null-among-classes",
        changed("renewed", some("NA", ROWS, "renewed")),
        "rows-without-target",
        says=("1 row without a target", "'NA' is read as missing: 1 row, first in line 42"),
    ),
    trains("blank-among-classes", changed("renewed", some(" ", 60, "renewed")), "rows-without-target"),
    trains(
        "zero-and-one-with-gaps",
        changed("renewed", lambda n, r: "" if n % 50 == 0 else int(r[5] == "yes")),
        "rows-without-target",
    ),
    trains(
        "class-named-none",
        changed("renewed", lambda n, r: "None" if r[0] < 30 + n % 9 else "Mild" if r[0] < 60 else "Severe", 1000),
        advice=ANY,
        says=("'None' is read as missing: ", " rows, first in line ", "rename the class, if it is one"),
    ),
    refused(
        "infinity-in-feature", changed("price", some("inf", 25, "price")), "FeatureNotFinite", "line 42", "'price'"
    ),
    refused("number-beyond-a-double", changed("price", some("1e999", 25, "price")), "FeatureNotFinite", "line 42"),
    refused(
        "infinity-in-target", changed("renewed", lambda n, r: "-inf" if n == 40 else r[1]), "TargetNotFinite", "line 42"
    ),
)

ODD_CELLS = (
    trains(
        "one-cell-dash",
        changed("price", some("-", ROWS, "price")),
        "almost-a-number",
        says=("is a number in 699 of 700 rows and text because of the others: a dash", "line 42 and looks like: -"),
    ),
    *(
        trains(f"few-cells-{name}", changed("price", some(odd, 60, "price")), "almost-a-number", says=("line 42",))
        for name, odd in (
            ("question-mark", "?"),
            ("sas-dot", "."),
            ("postgres-null", r"\N"),
            ("excel-error", "#DIV/0!"),
            ("below-a-limit", "<0.5"),
            ("two-dots", "1.234.56"),
            ("accounting-minus", "(12.50)"),
            ("sap-minus", "12.50-"),
            ("apostrophe", "'12.50"),
            ("typographic-minus", "−12.50"),
            ("hexadecimal", "0x1F"),
            ("underscore", "1_000"),
            ("word", "about ten"),
        )
    ),
    trains("few-cells-in-whole-numbers", changed("seats", some("twelve", 60, "seats")), "almost-a-number"),
    *(
        trains(
            f"all-cells-{name}",
            changed("price", lambda _, r, form=form: form(r[1])),
            "almost-a-number",
            says=(f"looks like a number with {words} in 700 of 700 rows looked at",),
        )
        for name, words, form in (
            (
                "currency",
                "a currency sign and a thousands separator",
                lambda number: f"${float(number) * 7 + 999:,.2f}",
            ),
            ("unit", "a unit", lambda number: f"{number} kg"),
            ("decimal-comma", "a decimal comma", lambda number: number.replace(".", ",")),
            ("decimal-comma-and-thousands", "a thousands separator and a decimal comma", _euro),
            ("thousands", "a thousands separator", lambda number: f"{float(number) * 7:,.2f}"),
            ("percent", "a percent sign", lambda number: f"{number}%"),
            ("formula", "a formula of a spreadsheet", '="{}"'.format),
            ("fortran", "a D before the exponent", "{}D+02".format),
        )
    ),
    trains(
        "target-percent",
        changed("renewed", lambda n, _: f"{n % 60}%"),
        "almost-a-number",
        says=("looks like a number with a percent sign in 700 of 700 rows looked at",),
    ),
    refused(
        "target-one-text",
        changed("renewed", lambda n, r: "n.a." if n == 40 else r[1]),
        "RareClass",
        "the target is a number in 699 of 700 rows and text because of the others",
        "leave these cells empty (line 42, ",
    ),
    trains(
        "target-one-text-left-empty",
        changed("renewed", lambda n, r: "" if n == 40 else r[0] + n % 37 / 2),
        "rows-without-target",
    ),
    refused(
        "target-one-text-of-a-regression",
        changed("renewed", lambda n, r: "n.a." if n == 40 else r[1]),
        "TargetMismatch",
        "line 42",
        settings={"problem_type": "Regression", "objective": "MSE"},
    ),
)

BOOLEANS = (
    trains("booleans-of-any-case", changed("trial", cycled("true", "TRUE", "False", "false", "True"))),
    trains("booleans-of-r", changed("trial", lambda _, r: str(r[4]).upper())),
    trains("booleans-of-postgres", changed("trial", lambda _, r: str(r[4])[0])),
    trains("booleans-and-numbers", changed("trial", cycled("true", "1", "0", "false"))),
)

LABELS = (
    trains("target-of-numbers", changed("renewed", _renewed_as("0", "1"))),
    trains("target-of-floats", changed("renewed", _renewed_as("0.0", "1.0"))),
    trains("target-of-negative-one", changed("renewed", _renewed_as("-1", "1"))),
    trains("target-of-r-booleans", changed("renewed", _renewed_as("FALSE", "TRUE"))),
    trains("target-of-uci-booleans", changed("renewed", _renewed_as("False.", "True."))),
    trains("target-of-exponents", changed("renewed", _renewed_as("1e3", "2e3"))),
    trains("target-of-grades", changed("renewed", lambda n, r: (r[0] + n % 9) // 20 + 1)),
    trains("target-of-quotes", changed("renewed", _renewed_as('it\'s "no"', "yes, [sure]\n'really'"))),
    trains("target-of-17-digits", changed("renewed", _renewed_as("100000000000000001", "100000000000000002"))),
    trains(
        "labels-by-case",
        changed("renewed", spelt("renewed", str, str.upper, str.title)),
        "labels-alike",
        says=(
            "the classes 'NO', 'No', 'no' (92 rows from line 2 on, 119 rows from line 5 on, 114 rows from line 6 on)",
            "the classes 'yes', 'YES', 'Yes' (135 rows from line 3 on, 130 rows from line 10 on, 110 rows from line 13",
        ),
    ),
    trains("labels-by-blank", changed("renewed", spelt("renewed", str, "{} ".format)), "labels-alike"),
    trains("labels-by-zero-width-space", changed("renewed", spelt("renewed", str, "{}\u200b".format)), "labels-alike"),
    trains("labels-by-non-breaking-space", changed("renewed", spelt("renewed", str, "{}\xa0".format)), "labels-alike"),
    trains(
        "labels-by-composition",
        changed("renewed", lambda n, r: ("sí", "si\u0301")[n % 2] if r[5] == "yes" else "no"),
        "labels-alike",
    ),
    trains(
        "labels-of-numbers-three-ways",
        changed("renewed", lambda n, r: ("1.0", "1", "01")[n % 3] if r[5] == "yes" else "0"),
        settings={"problem_type": "BinaryClassification", "objective": "F1"},
    ),
    trains(
        "labels-of-booleans-three-ways",
        changed("renewed", lambda n, r: ("TRUE", "True", "true")[n % 3] if r[5] == "yes" else "False"),
        settings={"problem_type": "BinaryClassification", "objective": "F1"},
    ),
    refused(
        "labels-by-case-of-two-classes",
        changed("renewed", spelt("renewed", str, str.upper)),
        "TargetMismatch",
        "line",
        settings={"problem_type": "BinaryClassification", "objective": "F1"},
    ),
    refused("a-class-of-one-row", changed("renewed", some("maybe", ROWS, "renewed")), "RareClass", "line 42"),
    refused("one-class", changed("renewed", cycled("yes")), "SingleClass"),
    refused("no-target-anywhere", changed("renewed", cycled("", "NA", " ")), "TargetEmpty"),
    refused("499-rows", text(people(499)), "TooFewRows", "499"),
)

NO_DATA = (
    refused("header-again", "".join([*LINES[:300], LINES[0], *LINES[300:]]), "RepeatedHeader", "line 301"),
    refused(
        "header-again-in-quotes",
        "".join([*LINES[:300], ",".join(f'"{name}"' for name in HEADER), "\n", *LINES[300:]]),
        "RepeatedHeader",
        "line 301",
    ),
    trains(
        "total-at-the-end",
        GOOD + "Total,345678.10,,,,\n",
        "almost-a-number",
        "rows-without-target",
        says=("text in the last row, as totals are", "in line 702"),
    ),
    trains(
        "units-below-the-header",
        LINES[0] + "pieces,EUR,,,,\n" + "".join(LINES[1:]),
        "almost-a-number",
        "rows-without-target",
        says=("text in the first row, as units are", "in line 2 "),
    ),
    refused(
        "dashes-below-the-header",
        LINES[0] + "-----,-----,------,-----,-----,-------\n" + "".join(LINES[1:]),
        REFUSED,
        "line 2",
    ),
    refused("rows-affected-at-the-end", GOOD + "\n(700 rows affected)\n", "RaggedRow", "line 703"),
    refused("sep-line", "sep=,\n" + GOOD, "NoHeader", "below a 'sep=' line; remove the lines above the header"),
    refused(
        "title-above-the-header", "Customers of 2024\n" + GOOD, "NoHeader", "the header seems to be in line 2, where"
    ),
    refused("comment-above-the-header", "# exported 2024-01-01\n" + GOOD, REFUSED, "line 2"),
    _case(
        "index-of-pandas",
        text(([n, *row] for n, row in enumerate(people())), ("", *HEADER)),
        NAMED,
        advice=ANY,
        says=("row number",),
    ),
    _case(
        "row-names-of-r",
        text(([n, *row] for n, row in enumerate(people(), 1)), ("", *HEADER), quoting=csv.QUOTE_NONNUMERIC),
        NAMED,
        advice=ANY,
        says=("row number",),
    ),
    trains(
        "index-of-pandas-read-again",
        text(([n, *row] for n, row in enumerate(people())), ("Unnamed: 0", *HEADER)),
        "identifier-like",
    ),
    refused(
        "no-header-with-personal-data",
        text(
            [[f"Person {n} of Nowhere", "XX00 0000", n, "yn"[n % 2]] for n in range(600)],
            ["Nora Nobody", "XX00 1111", "17", "yes"],
        ),
        REFUSED,
        hides=("Nora", "Nobody", "XX00 1111"),
    ),
    refused(
        "no-header-and-a-missing-number",
        text([[f"Person {n} of Nowhere", n, "yn"[n % 2]] for n in range(600)], ["Nora Nobody", "NA", "renewed?"]),
        "TargetMissing",
        hides=("Nora", "Nobody", "renewed?"),
    ),
    refused(
        "no-header-of-emoji",
        text([[f"👍 {n}", "☕", "yn"[n % 2]] for n in range(600)], ["🏳️‍🌈 Nora", "é", "yes"]),
        "TargetMissing",
        hides=("🌈", "Nora", "́"),
    ),
    refused(
        "no-header-of-texts",
        text([[f"Person {n} of Nowhere", "north", "yn"[n % 2]] for n in range(600)], ["Nora Nobody", "south", "yes"]),
        REFUSED,
        hides=("Nora", "Nobody"),
    ),
    refused(
        "no-header-twice-the-same",
        text([["Nora Nobody", "Nora Nobody", "17"]] * 600, ["Nora Nobody", "Nora Nobody", "17"]),
        REFUSED,
        hides=("Nora",),
    ),
    refused("semicolons", text(people(), delimiter=";"), "WrongDelimiter"),
    refused("tabs", text(people(), delimiter="\t"), "WrongDelimiter"),
    refused(
        "semicolons-and-quotes", text(people(), delimiter=";", quoting=csv.QUOTE_ALL), "WrongDelimiter", "semicolons"
    ),
    refused("carets", text(people(), delimiter="^"), "WrongDelimiter", "carets"),
    refused("blanks", text(people(), delimiter=" "), "WrongDelimiter", "blanks"),
    refused(
        "rows-in-quotes", "".join(f'"{line[:-1]}"\n' for line in LINES), "WrongDelimiter", "quotes around the rows"
    ),
    refused(
        "a-row-in-quotes",
        "".join([*LINES[:41], f'"{LINES[41][:-1]}"\n', *LINES[42:]]),
        "RaggedRow",
        "line 42",
        "quotes",
    ),
    refused("vertical-bars", text(people(), delimiter="|"), "WrongDelimiter"),
    refused(
        "semicolons-without-header",
        text([["Nora Nobody", n, "no"] for n in range(600)], ["Nora Nobody", "1", "yes"], delimiter=";"),
        "WrongDelimiter",
        hides=("Nora",),
    ),
    refused(
        "comma-at-the-end-of-rows", LINES[0] + "".join(f"{line[:-1]},\n" for line in LINES[1:]), "RaggedRow", "line 2"
    ),
    refused("comma-at-the-end-of-all", "".join(f"{line[:-1]},\n" for line in LINES), "EmptyColumnName"),
    refused(
        "backslash-quotes",
        LINES[0] + '1,2,"said \\"no\\"",2020-01-01,true,yes\n' + "".join(LINES[1:]),
        "StrayQuote",
        "line 2",
    ),
    refused(
        "unclosed-quote",
        "".join([*LINES[:41], '1,2,"north,2020-01-01,true,yes\n', *LINES[41:]]),
        "UnclosedQuote",
        "line 42",
    ),
    refused("nul", changed("region", some("a\0b", ROWS, "region")), "NulByte", "line 42"),
    refused("latin-1", changed("region", some("café", ROWS, "region")).encode("latin-1"), "NotUtf8", "line 42"),
    refused("utf-16", GOOD.encode("utf-16"), "NotUtf8"),
    refused("gzip", gzip.compress(GOOD.encode(), mtime=0), "NotCsv"),
    refused("json-lines", "".join(f'{{"seats": {n}, "renewed": "no"}}\n' for n in range(600)), "NotCsv"),
    refused("error-page", "<!DOCTYPE html><html><body>Sign in</body></html>", "NotCsv"),
    refused("empty", "", "EmptyFile"),
    refused("header-only", LINES[0], "HeaderOnly"),
)

DATES = (
    *(
        trains(f"dates-{name}", changed("since", lambda _, r, form=form: form(*str(r[3]).split("-"))))
        for name, form in (
            ("german", lambda y, m, d: f"{d}.{m}.{y}"),
            ("british", lambda y, m, d: f"{d}/{m}/{y}"),
            ("american", lambda y, m, d: f"{int(m)}/{int(d)}/{y}"),
            ("japanese", lambda y, m, d: f"{y}/{m}/{d}"),
            ("with-times", lambda y, m, d: f"{y}-{m}-{d} 17:03:{d}"),
            ("with-zones", lambda y, m, d: f"{y}-{m}-{d}T17:03:01.123+02:00"),
            ("compact", lambda y, m, d: f"{y}{m}{d}"),
        )
    ),
    trains("dates-for-ever", changed("since", some("9999-12-31", 10, "since"))),
    trains("dates-long-ago", changed("since", some("1582-10-15", 10, "since"))),
    trains(
        "dates-never-past-the-twelfth", changed("since", lambda n, _: f"0{n % 9 + 1}.0{n % 8 + 1}.2020"), advice=ANY
    ),
    trains(
        "dates-of-two-forms",
        changed("since", lambda n, r: r[3] if n % 2 else "/".join(str(r[3]).split("-")[::-1])),
        "dates-of-two-forms",
        says=("DD/MM/YYYY (first in line 2), YYYY-MM-DD (first in line 3)",),
    ),
    trains("dates-impossible", changed("since", some("2021-02-31", ROWS, "since")), "almost-a-date", says=("line 42",)),
    trains(
        "dates-zero-of-mysql", changed("since", some("0000-00-00", 60, "since")), "almost-a-date", says=("line 42",)
    ),
)


def _renamed(**names: str) -> str:
    return text(people(), [names.get(name, name) for name in HEADER])


_CONSTANTS = [f"c{n}" for n in range(1000)]
NAMES = (
    trains("name-of-two-lines", _renamed(seats="seats\n(licences)"), settings={"max_candidates": 10}),
    trains(
        "names-of-symbols",
        text(people(), ['say "seats", please', "[price] <€>", "{region}", "since:", "100 %s", TARGET]),
        settings={"max_candidates": 10},
    ),
    trains("names-of-programs", text(people(), ["__proto__", "index", "class", "null", "0", TARGET])),
    trains("names-of-the-world", text(people(), ["席", "цена", "région", "تاريخ", "😀", TARGET])),
    trains(
        "names-alike",
        text(([*row, row[0]] for row in people()), [*HEADER, "Seats"]),
        "names-alike",
        says=("the names 'seats', 'Seats' differ in case",),
    ),
    refused("name-without-end", _renamed(seats="s" * 20_000), "ColumnNameTooLong"),
    refused("names-twice", _renamed(seats="price"), "DuplicateColumn", "'price'"),
    refused("name-missing", _renamed(seats=" "), "EmptyColumnName"),
    refused("blanks-after-commas", text(people()).replace(",", ", "), "TargetMissing", "did you mean"),
    refused(
        "years-for-names",
        text(([row[0], *row[:5]] for row in people()), ["2019", "2020", "2021", "region", "since", "trial"]),
        "TargetMissing",
        "'2019'",
    ),
    refused(
        "header-that-begins-as-a-comment",
        text(people(), ["#renewed", *HEADER[1:5], "seats"]),
        "TargetMissing",
        "did you mean '#renewed'",
    ),
    refused("target-of-another-case", _renamed(renewed="Renewed"), "TargetMissing", "did you mean 'Renewed'"),
    trains(
        "constant-columns",
        text(([*row, *["1"] * 1000] for row in people(520)), [*HEADER, *_CONSTANTS]),
        "constant-column",
        says=("1,000",),
    ),
    refused("constant-columns-alone", text(([*["1"] * 1000, row[5]] for row in people(520)), [*_CONSTANTS, TARGET])),
    refused(
        "constant-column-is-fatal",
        changed("trial", cycled("true")),
        "AdviceIsFatal",
        "'trial'",
        settings={"fatal_advice": ["constant-column"]},
    ),
    trains(
        "ignored-columns",
        text(([f"customer-{n * 7919:09x}", *row] for n, row in enumerate(people())), ["customer", *HEADER]),
        settings={"ignore_columns": ["customer", "trial"]},
    ),
    refused("ignored-column-that-is-not-there", GOOD, REFUSED, "custmer", settings={"ignore_columns": ["custmer"]}),
)

GROUPS = {
    "ordinary": ORDINARY,
    "missing": MISSING,
    "odd-cells": ODD_CELLS,
    "booleans": BOOLEANS,
    "labels": LABELS,
    "no-data": NO_DATA,
    "dates": DATES,
    "names": NAMES,
}
CASES = {case.name: case for cases in GROUPS.values() for case in cases}
