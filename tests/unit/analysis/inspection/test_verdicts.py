"""What a tenant's file is refused for, by name and place, and what is accepted."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest

from tenantml import errors
from tenantml_analysis.inspection import Inspection, InspectionSettings, inspect

HEADER = b"x,y\n"
ROWS = b"".join(b"%d,%s\n" % (n, (b"no", b"yes")[n % 3 == 0]) for n in range(700))


def run(data: bytes, **options: Any) -> tuple[Inspection, bytes, bytes]:
    train, holdout = io.BytesIO(), io.BytesIO()
    settings = InspectionSettings(**({"target": "y", "salt": "salt"} | options))
    found = inspect([data[:5], data[5:]], settings, train, holdout)
    return found, train.getvalue(), holdout.getvalue()


REFUSED: list[tuple[str, bytes, type[errors.DatasetError], int | None]] = [
    ("an empty file", b"", errors.EmptyFile, None),
    ("a byte-order mark alone", b"\xef\xbb\xbf", errors.EmptyFile, None),
    ("blank lines alone", b"\n\r\n\r\n", errors.EmptyFile, None),
    ("a header alone", HEADER, errors.HeaderOnly, 1),
    ("a header below a blank line", b"\n" + HEADER, errors.HeaderOnly, 2),
    ("under 500 rows", HEADER + b"".join(ROWS.splitlines(keepends=True)[:499]), errors.TooFewRows, None),
    (
        "499 rows with a target",
        HEADER + b"".join(ROWS.splitlines(keepends=True)[:499]) + b"1,\n" * 9,
        errors.TooFewRows,
        501,
    ),
    ("another target", b"x,z\n" + ROWS, errors.TargetMissing, 1),
    ("an empty target", HEADER + b"1,\n" * 600, errors.TargetEmpty, None),
    ("one class", HEADER + b"1,a\n" * 600, errors.SingleClass, 2),
    ("a class with one row", HEADER + ROWS + b"1,perhaps\n", errors.RareClass, 702),
    ("too many classes", HEADER + b"".join(b"1,t%d\n" % n for n in range(2500)) * 2, errors.TooManyClasses, None),
    ("a name twice", b"x,x,y\n" + ROWS, errors.DuplicateColumn, 1),
    ("a column without name", b"x, ,y\n" + ROWS, errors.EmptyColumnName, 1),
    ("a name of 257 bytes", b"%s,y\n" % (b"n" * 257) + ROWS, errors.ColumnNameTooLong, 1),
    ("no header", ROWS, errors.NoHeader, 1),
    ("a title above the header", b"Customers\n" + HEADER + ROWS, errors.NoHeader, 1),
    ("a comment above the header", b"# exported\n# today\n" + HEADER + ROWS, errors.NoHeader, 1),
    ("a line for Excel above the header", b"sep=,\n" + HEADER + ROWS, errors.NoHeader, 1),
    ("a header again", HEADER + ROWS + HEADER + ROWS, errors.RepeatedHeader, 702),
    ("a header again, in a large file", HEADER + ROWS * 300 + HEADER + ROWS, errors.RepeatedHeader, 210_002),
    ("a header again, below the first", HEADER * 2 + ROWS, errors.RepeatedHeader, 2),
    ("a header again, with CRLF", HEADER + ROWS + b"x,y\r\n" + ROWS, errors.RepeatedHeader, 702),
    (
        "a header again, with a byte-order mark",
        HEADER + ROWS + b"\xef\xbb\xbf" + HEADER + ROWS,
        errors.RepeatedHeader,
        702,
    ),
    ("a header again, at a blank line", HEADER + b"\n" + ROWS + HEADER, errors.RepeatedHeader, 703),
    ("the index of pandas", b",x,y\n" + b"".join(b"%d,1,a\n" % n for n in range(600)), errors.EmptyColumnName, 1),
    ("an infinite feature", HEADER + b"1,no\n2,yes\n" * 300 + b"-inf,no\n", errors.FeatureNotFinite, 602),
    ("a feature too large for a double", HEADER + b"1e999,no\n2,yes\n" * 300, errors.FeatureNotFinite, 2),
    ("no header, with an e-mail", b"a@example.com,b\n", errors.NoHeader, 1),
    ("the target alone", b"y\n" + b"a\nb\n" * 300, errors.NoFeatures, 1),
    ("features that are all the same", b"x,z,y\n" + b"1,,no\n1,,yes\n" * 300, errors.NoFeatures, None),
    ("a short row", HEADER + ROWS + b"1\n", errors.RaggedRow, 702),
    ("a long row", HEADER + ROWS + b"1,2,3\n" + ROWS, errors.RaggedRow, 702),
    ("an unclosed quote", HEADER + ROWS + b'"1,no\n' + b"2,no\n", errors.UnclosedQuote, 702),
    ("an unclosed quote in a large file", HEADER + b'"1,no\n' + ROWS * 40, errors.UnclosedQuote, 2),
    ("text after a quote", HEADER + b'"1"2,no\n', errors.StrayQuote, 2),
    ("semicolons", b"x;y\n1;2\n", errors.WrongDelimiter, 1),
    ("tabs", b"x\ty\n1\t2\n", errors.WrongDelimiter, 1),
    ("UTF-16", (HEADER + ROWS).decode().encode("utf-16"), errors.NotUtf8, 1),
    ("UTF-16 without a mark", (HEADER + ROWS).decode().encode("utf-16-be"), errors.NotUtf8, 1),
    ("a Latin-1 byte", HEADER + ROWS + b"caf\xe9,no\n", errors.NotUtf8, 702),
    ("a NUL byte", HEADER + ROWS + b"a\0b,no\n", errors.NulByte, 702),
    ("a field over 128 KiB", HEADER + b"a" * (128 * 1024 + 1) + b",no\n", errors.FieldTooLong, 2),
    ("a quoted field over 128 KiB", HEADER + b'"' + b"a" * (128 * 1024) + b'""",no\n', errors.FieldTooLong, 2),
    ("a row over 4 MiB", HEADER + b",".join([b"a" * 100_000] * 50) + b"\n", errors.RowTooLong, 2),
    ("10,000 columns", b",".join(b"c%d" % n for n in range(10_000)) + b"\n", errors.TooManyColumns, 1),
    ("gzip", b"\x1f\x8b\x08\x00rest", errors.NotCsv, None),
    ("zip", b"PK\x03\x04rest", errors.NotCsv, None),
    ("xlsx", b"PK\x03\x04..[Content_Types].xml", errors.NotCsv, None),
    ("parquet", b"PAR1\x15\x04", errors.NotCsv, None),
    ("HTML", b"\n<!DOCTYPE html><html>", errors.NotCsv, None),
    ("JSON", b'[{"x": 1}]', errors.NotCsv, None),
    (
        "an infinite target",
        HEADER + b"1,0.5\n2,1.5\n3,2.5\n" * 200 + b"1,inf\n" + b"2,NaN\n",
        errors.TargetNotFinite,
        602,
    ),
    ("a target that is no number", HEADER + b"1,0.5\n2,1.5\n3,NaN\n" * 200, errors.TargetNotFinite, 4),
    ("a target too large for a double", HEADER + b"1,0.5\n2,1e999\n" * 300, errors.TargetNotFinite, 3),
]


@pytest.mark.parametrize(("data", "error", "line"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_file_that_cannot_be_trained_on_is_refused_by_name(
    data: bytes, error: type[errors.DatasetError], line: int | None
) -> None:
    with pytest.raises(error) as raised:
        run(data)
    assert type(raised.value) is error
    assert raised.value.line == line


def test_a_verdict_shows_the_shape_of_a_row_and_nothing_of_its_content() -> None:
    with pytest.raises(errors.RaggedRow) as raised:
        run(HEADER + "Zoë 1987,secret,x\n".encode())
    assert raised.value.sample == "aaa 9999,aaaaaa,a"
    assert "secret" not in str(raised.value)
    assert "3 fields" in str(raised.value)


def test_a_missing_target_comes_with_the_likely_one() -> None:
    with pytest.raises(errors.TargetMissing, match=r"did you mean 'Churn\?'"):
        run(b"x,Churn?\n" + ROWS, target="churn")


def test_a_byte_that_is_not_utf8_is_found_by_its_place() -> None:
    with pytest.raises(errors.NotUtf8, match=r"byte 9 of the file \(0xe9\)"):
        run(HEADER + b"1,no\xe9\n".replace(b"no", b"ca"))


def test_an_upload_over_the_cap_is_refused_while_it_is_read() -> None:
    with pytest.raises(errors.UploadTooLarge):
        run(HEADER + ROWS, size_bytes_max=100)


@pytest.mark.parametrize(
    ("problem_type", "target", "error"),
    [
        ("Regression", lambda n: b"%s" % (b"no", b"yes")[n % 2], errors.TargetMismatch),
        ("BinaryClassification", lambda n: b"abc"[n % 3 : n % 3 + 1], errors.TargetMismatch),
        ("MulticlassClassification", lambda n: b"%.3f" % (n / 7), errors.RareClass),
    ],
)
def test_a_target_that_does_not_fit_the_problem_type_is_refused(
    problem_type: str, target: Callable[[int], bytes], error: type[errors.DatasetError]
) -> None:
    with pytest.raises(error):
        run(HEADER + b"".join(b"%d,%s\n" % (n, target(n)) for n in range(700)), problem_type=problem_type)


@pytest.mark.parametrize(
    ("row", "type_"),
    [
        (b'"a, b\nand ""c""",no\r\n', "category"),
        (b"=cmd(),no\n", "category"),
        (b"2024-02-29,no\n", "date"),
        (b"2024-02-29 10:00,no\n", "datetime"),
        (b"True,no\n", "boolean"),
        (b" 1.5 ,no\n", "number"),
        (b"-7,no\n", "integer"),
        (b"2024-02-30,no\n", "category"),
        (b"NAN,no\n", "category"),
        (b" True,no\n", "category"),
        (b"NA,no\n", "empty"),
        (b'5" pipe,no\n', "category"),
        ("naïve €,no\n".encode(), "category"),
    ],
)
def test_what_readers_agree_on_is_accepted_as_it_is(row: bytes, type_: str) -> None:
    data = b"\xef\xbb\xbfx,n,y\n" + b"".join(
        row.replace(b",no", b",%d,%s" % (n % 3, (b"no", b"yes")[n % 2])) for n in range(800)
    )
    found, train, holdout = run(data + b"\n\r\n")
    assert found.profile["columns"][0]["type"] == type_
    assert train.startswith(b"x,n,y\n")
    assert holdout.startswith(b"x,n,y\n")
    value = row.rpartition(b",")[0]
    assert train.count(value + b",") + holdout.count(value + b",") == 800
    assert found.profile["encoding"]["bom"]
    assert found.profile["encoding"]["blank_lines"] == 2


@pytest.mark.parametrize(
    ("target", "problem_type"),
    [
        (lambda n: str(n % 2), "BinaryClassification"),
        (lambda n: ("True.", "False.")[n % 2], "BinaryClassification"),
        (lambda n: "abc"[n % 3], "MulticlassClassification"),
        (lambda n: str(n % 10), "MulticlassClassification"),
        (str, "Regression"),
        (lambda n: str(n % 3 + 0.5), "Regression"),
        (lambda n: f"{n / 7:.3f}", "Regression"),
        (lambda n: ("1", "1.0", "2")[n % 3], "BinaryClassification"),
    ],
    ids=[
        "two numbers",
        "two texts",
        "three texts",
        "ten numbers",
        "whole numbers",
        "three halves",
        "fractions",
        "1 and 1.0",
    ],
)
def test_the_problem_type_is_guessed_as_autopilot_does(target: Callable[[int], str], problem_type: str) -> None:
    found, _, _ = run(HEADER + "".join(f"{n},{target(n)}\n" for n in range(1000)).encode())
    assert found.profile["target"]["problem_type"] == problem_type
    assert (found.profile["target"]["classes"] is None) == (problem_type == "Regression")
