"""The training set is to pandas' reader what the profile says of it."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.domain.meaning import NULL_WORDS
from tenantml.errors import DatasetError
from tenantml_analysis.inspection import InspectionSettings, inspect

if TYPE_CHECKING:
    from collections.abc import Sequence

MISSING = st.sampled_from([*NULL_WORDS, "", " ", "\t "])
# Beside missing cells, pandas 2.3.3 reads the least number of 64 bits as missing, too.
WHOLE = st.integers(-(2**63) + 1, 2**63 - 1).map(str) | st.sampled_from(["+5", "007", " 8\n", "\r\n9", "-0"])
PAST = st.integers(2**64, 10**30).map(str) | st.integers(-(10**30), -(2**63) - 1).map(str)
FRACTIONS = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.sampled_from(["1e3", "5.", ".5", "2.5\n"])
BOOLEANS = st.sampled_from(["true", "FALSE", "True", "fAlse"])
TEXTS = st.sampled_from(
    ["1_000", "1,5", "0x10", "1e", " true", "yes", "7e99999999x", "12 €", "\n", "ten", "2021-02-03"]
)
COLUMNS = st.sampled_from(
    [WHOLE, WHOLE | PAST, WHOLE | FRACTIONS, FRACTIONS, BOOLEANS, BOOLEANS | WHOLE, TEXTS, TEXTS | WHOLE | FRACTIONS]
)
DTYPES = {
    "integer": {"int64", "float64"},  # the latter with missing cells
    "number": {"float64"},
    "boolean": {"bool", "object"},
    "empty": {"float64"},
}


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    kinds = draw(st.lists(COLUMNS, min_size=1, max_size=3))
    with_missing = draw(st.booleans())
    columns = [
        draw(
            st.lists(kind | MISSING if with_missing else kind, min_size=2, max_size=8).map(lambda held: (held * 4)[:8])
        )
        for kind in kinds
    ]
    return [list(row) for row in zip(*columns, strict=True)]


def written(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue().encode()


@settings(max_examples=200, deadline=None)
@given(tables())
def test_the_columns_of_a_training_set_have_the_types_of_the_profile_to_pandas(rows: list[list[str]]) -> None:
    names = [f"c{number}" for number in range(len(rows[0]))]
    file = written([[*names, "y"], *([*row, "ab"[number % 2]] for number, row in enumerate(rows))])
    train = io.BytesIO()
    chosen = InspectionSettings(target="y", salt="s", min_training_rows=len(rows))
    try:
        profile = inspect([file], chosen, train, io.BytesIO()).profile
    except DatasetError:
        return
    read = pd.read_csv(io.BytesIO(train.getvalue()))
    assert len(read) == len(rows)
    for column, cells in zip(profile["columns"], zip(*rows, strict=True), strict=False):
        found = str(read[column["name"]].dtype)
        assert found in DTYPES.get(column["type"], {"object"}), (column["type"], found, cells)
        assert int(read[column["name"]].isna().sum()) == column["nulls"]
