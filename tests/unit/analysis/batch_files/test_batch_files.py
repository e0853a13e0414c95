"""A batch's file: its rows as a prediction request's, in parts, and joined again with what was answered to each."""

from __future__ import annotations

import csv
import io
import resource
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml import errors
from tenantml.domain.predictions import answers, sizes
from tenantml.domain.predictions.asking import Deployed
from tenantml.domain.predictions.rows import Schema, read_csv
from tenantml_analysis.batch_files import batch_file
from tenantml_analysis.batch_files.batch_file import BatchFile
from tenantml_analysis.batch_files.joining import Joined

PROFILE = {
    "target": {"column": "left", "classes": [{"value": "no"}, {"value": "yes"}]},
    "columns": [
        {"name": "calls", "type": "integer", "nulls": 0},
        {"name": "plan", "type": "category", "nulls": 0, "categories": ["a", "b"]},
        {"name": "left", "type": "category", "nulls": 0, "categories": ["no", "yes"]},
        {"name": "note", "type": "text", "nulls": 0},
    ],
    "ignore_columns": ["id"],
}
VERSION = Deployed("endpoint", answers.OUTPUT_KEYS, False, Schema.from_profile(PROFILE))
REGRESSION = Deployed("endpoint", (), False, VERSION.schema)
HEADER = ["note", "id", "calls", "plan"]
NOTES = st.text(st.sampled_from('ab ,"\n\r'), max_size=8).map(lambda text: f"n{text}")
MIB_OF_RSS = 1024 if sys.platform == "linux" else 1024**2


def as_csv(rows: list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


def opened(
    content: bytes, *, chunk: int = 1 << 20, reject_unseen: bool = False, version: Deployed = VERSION
) -> BatchFile:
    chunks = (content[at : at + chunk] for at in range(0, len(content), chunk))
    return BatchFile(chunks, version, reject_unseen=reject_unseen)


def answer_of(body: bytes) -> bytes:
    """What an ensemble answers: leaves in more than 4 calls."""
    rows = csv.reader(io.StringIO(body.decode(), newline=""), strict=True)
    said = [("yes", 0.75) if int(row[0]) > 4 else ("no", 0.25) for row in rows]
    return "".join(f"{label},{p},\"[{1 - p}, {p}]\",\"['no', 'yes']\"\n" for label, p in said).encode()


def joined(content: bytes) -> tuple[int, list[list[str]]]:
    bodies = [part.body for part in opened(content).parts()]
    result = Joined(opened(content), VERSION, lambda number: answer_of(bodies[number - 1]))
    text = b"".join(result.text()).decode()
    return result.rows, list(csv.reader(io.StringIO(text, newline=""), strict=True))


@given(st.lists(st.tuples(NOTES, st.integers(0, 9), st.sampled_from("abc")), min_size=1, max_size=30))
@settings(max_examples=100)
def test_a_result_has_every_row_of_its_file_in_order_with_its_own_prediction(told: list[tuple[str, int, str]]) -> None:
    rows = [[note, "7", str(calls), plan] for note, calls, plan in told]
    count, (header, *found) = joined(as_csv([HEADER, *rows]))
    assert header == ["row_number", *HEADER, "predicted_label", "probability", "probability_no", "probability_yes"]
    assert count == len(rows)
    assert [row[:5] for row in found] == [[str(number), *row] for number, row in enumerate(rows, 1)]
    assert [row[5] for row in found] == ["yes" if calls > 4 else "no" for _, calls, _ in told]


@given(st.lists(st.tuples(NOTES, st.integers(0, 9)), min_size=1, max_size=40), st.integers(1, 60), st.integers(1, 7))
@settings(max_examples=60)
def test_the_parts_are_the_same_however_the_file_arrives(
    told: list[tuple[str, int]], chunk: int, rows_max: int
) -> None:
    rows = [[note, "7", str(calls), "a"] for note, calls in told]
    content = as_csv([HEADER, *rows])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sizes, "ROWS_PER_CALL", rows_max)
        at_once = list(opened(content).parts())
        assert list(opened(content, chunk=chunk).parts()) == at_once
    assert [len(part.rows) for part in at_once[:-1]] == [rows_max] * (len(at_once) - 1)
    assert [row for part in at_once for row in part.rows] == rows


@given(st.lists(st.tuples(NOTES, st.integers(0, 9), st.sampled_from("abc")), min_size=1, max_size=30))
@settings(max_examples=60)
def test_a_row_means_what_it_means_to_a_prediction(told: list[tuple[str, int, str]]) -> None:
    content = as_csv([HEADER, *([note, "7", str(calls), plan] for note, calls, plan in told)])
    file, asked = opened(content), read_csv(content, VERSION.schema, max_rows=100)
    assert b"".join(part.body for part in file.parts()) == b"".join(asked.lines)
    assert file.advice == asked.advice


@pytest.mark.parametrize(
    ("content", "error", "said"),
    [
        (b"", errors.EmptyFile, "empty"),
        (b"note,calls,plan\n", errors.HeaderOnly, "line 1"),
        (b"note,plan\nx,a\n", errors.MissingColumn, "'calls'"),
        (b"note,calls,plan,more\nx,1,a,1\n", errors.UnexpectedColumn, "'more'"),
        (b"note,calls,plan,left\nx,1,a,no\n", errors.UnexpectedColumn, "'left'"),
        (b"note,calls,plan,note\nx,1,a,x\n", errors.RepeatedColumn, "'note'"),
        (b'note,calls,plan\n"x\ny",1,a\nx,secret,a\n', errors.InvalidValue, "row 2, line 4, column 'calls'"),
        (b"\n\nnote,calls,plan\n\nx,1,a\nx,secret,a\n", errors.InvalidValue, "row 2, line 6, column 'calls'"),
        (b"note,calls,plan\nx,1,a\nx,1\n", errors.RaggedRow, "line 3"),
        (b'note,calls,plan\n"x,1,a\n', errors.UnclosedQuote, "line 2"),
        (b"note;calls;plan\nx;1;a\n", errors.MissingColumn, "semicolons"),
        (b"note,calls,plan\nx,1,zz\n", errors.UnseenCategory, "row 1, line 2, column 'plan'"),
    ],
)
def test_a_file_is_refused_by_name_and_line_and_shows_no_cell(
    content: bytes, error: type[errors.TenantMLError], said: str
) -> None:
    with pytest.raises(error) as refused:
        list(opened(content, reject_unseen=True).parts())
    assert said in str(refused.value)
    assert "secret" not in str(refused.value)
    assert "zz" not in str(refused.value)


def test_a_row_is_named_by_its_number_in_the_whole_file_beyond_the_first_block(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch_file, "MIB", 64)
    content = as_csv([HEADER, *([f"n{number}", "7", "1", "a"] for number in range(99)), ["n", "7", "x", "a"]])
    with pytest.raises(errors.InvalidValue, match="row 100, line 101, column 'calls'"):
        list(opened(content).parts())


@pytest.mark.parametrize(
    ("answer", "error"),
    [(b"", errors.WrongPredictionCount), (b"no,0.1\n", errors.UnreadableAnswer)],
)
def test_an_answer_that_does_not_hold_each_row_makes_no_result(answer: bytes, error: type[Exception]) -> None:
    file = opened(b"note,calls,plan\nx,1,a\n")
    with pytest.raises(error):
        list(Joined(file, VERSION, lambda _: answer).text())


def test_a_regression_is_joined_with_its_value() -> None:
    file = opened(b'note,calls,plan\n"x\ny",1,a\nz,2,b\n', version=REGRESSION)
    assert b"".join(Joined(file, REGRESSION, lambda _: b"1.5\n-2\n").text()) == (
        b'row_number,note,calls,plan,predicted_value\r\n1,"x\ny",1,a,1.5\r\n2,z,2,b,-2.0\r\n'
    )


@pytest.mark.explore
def test_no_two_columns_of_a_result_have_one_name() -> None:
    names = ("row_number", "predicted_value", "tenantml_row_number")
    columns = [{"name": name, "type": "integer", "nulls": 0} for name in (*names, "left")]
    version = Deployed("endpoint", (), False, Schema.from_profile(PROFILE | {"columns": columns}))
    file = opened(b"row_number,predicted_value,tenantml_row_number\n7,1,2\n", version=version)
    assert b"".join(Joined(file, REGRESSION, lambda _: b"1.5\n").text()) == (
        b"tenantml_tenantml_row_number,row_number,predicted_value,tenantml_row_number,tenantml_predicted_value\r\n"
        b"1,7,1,2,1.5\r\n"
    )


def test_200000_rows_with_line_breaks_are_joined_in_bounded_memory() -> None:
    rows_of_file = 200_000

    def file() -> BatchFile:
        return BatchFile(chunks(), VERSION, reject_unseen=False)

    def chunks() -> Iterator[bytes]:
        yield b"note,calls,plan\n"
        for start in range(0, rows_of_file, 1000):
            yield b"".join(b'"line\nbreak, ""%d""",%d,a\n' % (row, row % 10) for row in range(start, start + 1000))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bodies = (part.body for part in file().parts())
    result = Joined(file(), VERSION, lambda _: answer_of(next(bodies)))
    lines = size_bytes = 0
    for text in result.text():
        lines += sum(1 for _ in csv.reader(io.StringIO(text.decode(), newline=""), strict=True))
        size_bytes += len(text)
    assert (result.rows, lines) == (rows_of_file, rows_of_file + 1)
    assert size_bytes > 10 * 1024**2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * MIB_OF_RSS
