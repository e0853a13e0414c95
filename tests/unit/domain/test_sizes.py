"""What is expected of an answer's size is never less than what an endpoint, or we, come to write."""

from __future__ import annotations

import csv
import io
import json

from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.predictions import sizes
from tenantml.domain.predictions.answers import Predictions

CLASSES = st.lists(st.text(st.characters(codec="utf-8"), max_size=12), min_size=2, max_size=40, unique=True)
LONGEST = "1.2345678901234567e-05"


def one(classes: list[str]) -> Predictions:
    return Predictions(tuple(classes), [classes.index(max(classes, key=len))], [(LONGEST,) * len(classes)])


def escaped(text: str) -> int:
    return len(json.dumps(text)) - 2


@given(CLASSES, st.integers(1, 9))
def test_rows_that_fit_do(classes: list[str], row_count: int) -> None:
    predictions = Predictions.joined([one(classes)] * row_count)
    in_json = sizes.ANSWER_BYTES // sizes.rows_in_json(classes, [])
    assert escaped(",".join(predictions.as_json())) <= (in_json + 1) * row_count
    header, *lines = predictions.as_csv()
    in_csv = (sizes.ANSWER_BYTES - escaped(header)) // sizes.rows_in_csv(classes)
    assert escaped("\n".join([*lines, ""])) <= (in_csv + 1) * row_count


@given(CLASSES)
def test_an_endpoints_line_is_not_longer_than_expected(classes: list[str]) -> None:
    text = io.StringIO()
    probabilities = f"[{', '.join([LONGEST] * len(classes))}]"
    csv.writer(text, lineterminator="\n").writerow([max(classes, key=len), LONGEST, probabilities, repr(classes)])
    expected = 1_000_000_000 // sizes.rows_per_call(classes, 1_000_000)
    assert len(text.getvalue().encode()) <= expected or sizes.rows_per_call(classes, 1_000_000) == sizes.ROWS_PER_CALL


def test_few_classes_do_not_cut_calls_and_values_fit_ten_thousand_times() -> None:
    assert sizes.rows_per_call(("no", "yes"), sizes.SERVERLESS_BYTES) == sizes.ROWS_PER_CALL
    assert sizes.rows_in_json((), []) > 10_000
    assert sizes.rows_in_json(("no", "yes"), []) > 10_000


def test_advice_takes_room_too() -> None:
    advice = [{"code": "UnseenCategory", "column": "c" * 200, "message": "x" * 100}] * 1000
    assert sizes.rows_in_json(("no", "yes"), advice) < sizes.rows_in_json(("no", "yes"), [])
