"""A row's hash is that of its features' values, however the file is written."""

from __future__ import annotations

import csv
import io
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tenantml_analysis.inspection.reader import Reader
from tenantml_analysis.inspection.records import Limits
from tenantml_analysis.inspection.row_hashes import RowHasher
from tenantml_analysis.inspection.words import Words

LIMITS = Limits(128 * 1024, 4 * 1024**2)
cells = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
long_cells = st.sampled_from(["x" * 8, "x" * 9, "x" * 256, "x" * 257, "x" * 256 + "y", "é" * 200])
tables = st.lists(st.tuples(cells, cells | long_cells, cells), min_size=1, max_size=20)
NAMES = ("first", "second", "third")


def written(names: tuple[str, ...], rows: list[tuple[str, ...]], **how: object) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, **how)  # type: ignore[arg-type]
    writer.writerows([names, *rows])
    return text.getvalue().encode()


def hashes(file: bytes, columns: tuple[str, ...], salt: str = "acme/churn", block_bytes: int = 1024**2) -> Words:
    """Hash a file's rows through the pre-flight's own reader."""
    reader = Reader(iter([file]), LIMITS, block_bytes)
    found = reader.header()
    assert found is not None
    record, _, _ = found
    names = [name.decode() for name in record.fields]
    hasher = RowHasher(names, columns, salt)
    parts = [hasher.hashes(rows) for rows in reader.rows(record.fields)]
    return np.concatenate(parts)


@given(rows=tables)
@example(rows=[("a", "b", "c"), ("a", 'say "b"', "c,d"), ("a\nb", "", "\r\n")])
@settings(max_examples=60, deadline=None)
def test_quotes_line_ends_and_the_order_of_columns_do_not_count(rows: list[tuple[str, ...]]) -> None:
    plain = hashes(written(NAMES, rows), NAMES)
    quoted = hashes(written(NAMES, rows, quoting=csv.QUOTE_ALL, lineterminator="\n"), NAMES)
    turned = hashes(written(NAMES[::-1], [row[::-1] for row in rows]), NAMES[::-1])
    assert plain.tolist() == quoted.tolist() == turned.tolist()
    assert len(plain) == len(rows)


@given(rows=tables)
@settings(max_examples=60, deadline=None)
def test_rows_of_other_values_have_other_hashes_and_equal_ones_the_same(rows: list[tuple[str, ...]]) -> None:
    shown = [tuple("" if _missing(cell) else cell for cell in row) for row in rows]
    found = hashes(written(NAMES, rows), NAMES).tolist()
    assert len(set(zip(shown, found, strict=True))) == len(set(found)) == len(set(shown))


def _missing(cell: str) -> bool:
    from tenantml.domain.meaning import is_missing

    return is_missing(cell)


def test_a_missing_value_is_one_however_it_is_written() -> None:
    rows = [(text, "b", "c") for text in ("", "NA", "null", "  ", "NaN")]
    assert len(set(hashes(written(NAMES, rows), NAMES).tolist())) == 1


def test_the_label_and_other_columns_that_are_not_hashed_do_not_count() -> None:
    one, other = written(NAMES, [("a", "b", "yes")]), written(NAMES, [("a", "b", "no")])
    assert hashes(one, NAMES[:2]).tolist() == hashes(other, NAMES[:2]).tolist()
    assert hashes(one, NAMES).tolist() != hashes(other, NAMES).tolist()


def test_columns_are_told_apart_by_name_and_models_by_salt() -> None:
    file = written(NAMES, [("x", "y", "c"), ("y", "x", "c"), ("x", "x", "c"), ("y", "y", "c")])
    assert len(set(hashes(file, NAMES).tolist())) == 4
    assert not set(hashes(file, NAMES).tolist()) & set(hashes(file, NAMES, salt="acme/other").tolist())


def test_the_size_of_blocks_does_not_count() -> None:
    rows = [(str(number), "x" * number, "c") for number in range(400)]
    file = written(NAMES, rows)
    assert hashes(file, NAMES, block_bytes=700).tolist() == hashes(file, NAMES).tolist()


def test_hashes_stay_what_they_are_for_stored_rules_depend_on_them() -> None:
    file = written(NAMES, [("1", "a text of more than eight bytes", ""), ("2", "x" * 300, "b")])
    assert hashes(file, NAMES).tolist() == [12773404623911653273, 11491654955413344871]


@pytest.mark.parametrize("form", ["{}", "{}.5", "2024-01-{:02}", "customer {} of many more"])
def test_hashes_of_rows_alike_spread_evenly(form: str) -> None:
    rows = [(form.format(number), str(number % 7), "c") for number in range(20_000)]
    found = hashes(written(NAMES, rows), NAMES)
    sixteenths = Counter((found >> np.uint64(60)).tolist())
    expected = len(rows) / 16
    chi_squared = sum((sixteenths[part] - expected) ** 2 / expected for part in range(16))
    assert chi_squared < 45  # 15 degrees of freedom: exceeded by chance in 1 of 10,000
    assert len(set(found.tolist())) == len(set(rows))
