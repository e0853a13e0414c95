"""Drift: counts merge exactly, chance alone raises no alarm, a shift does, and no value is told."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tenantml.domain.drift import bins, measure, verdict, watch
from tenantml.domain.drift.bins import Bins
from tenantml.domain.drift.watch import Counting, Watch
from tenantml.domain.predictions.answers import Predictions

TEXTS = {
    "integer": st.integers(-(10**6), 10**6).map(str) | st.just(""),
    "category": st.sampled_from(["basic", "plus", "pro", ""]),
    "presence": st.text("ab", max_size=3),
}
FREEZE = {"integer": bins.of_numbers, "category": bins.of_categories, "presence": bins.of_presence}
COUNTS = st.lists(st.tuples(st.integers(20, 400), st.integers(20, 400)), min_size=2, max_size=20)


def watched(columns: list[Bins], answers: Bins | None = None) -> Watch:
    entries = [{"name": f"c{place}", "bins": column.as_document()} for place, column in enumerate(columns)]
    profile = {"target": {"column": "y"}, "columns": [*entries, {"name": "y", "type": "number"}]}
    return Watch.of({"score_bins": answers and answers.as_document()}, profile)


def answered(values: list[str]) -> Predictions:
    return Predictions((), [], [(value,) for value in values])


@given(st.integers(1, 60), st.floats(0.001, 400))
def test_the_chance_is_that_of_the_chi_square_distribution(freedom: int, value: float) -> None:
    assert measure.chance_of(value, freedom) == pytest.approx(stats.chi2.sf(value, freedom), rel=1e-9, abs=1e-300)


@given(COUNTS)
def test_two_samples_are_tested_as_scipy_tests_them(pairs: list[tuple[int, int]]) -> None:
    before, now = (list(column) for column in zip(*pairs, strict=True))
    found = measure.measure(before, now)
    assert found is not None
    expected = [[row[0] for row in measure._pooled(before, now, sum(now) / sum(before + now))]]
    expected.append([row[1] for row in measure._pooled(before, now, sum(now) / sum(before + now))])
    if len(expected[0]) > 1:
        oracle = stats.chi2_contingency(np.array(expected), correction=False).pvalue
        assert found.chance == pytest.approx(oracle, rel=1e-6, abs=1e-300)


def test_the_index_is_the_sum_of_its_definition() -> None:
    before, now = [1000, 2000, 3000], [3000, 2000, 1000]
    found = measure.measure(before, now)
    shares = [(p / sum(before), q / sum(now)) for p, q in zip(before, now, strict=True)]
    assert found is not None
    assert found.psi == pytest.approx(sum((q - p) * np.log(q / p) for p, q in shares), rel=1e-3)
    assert (found.share_before, found.share) == pytest.approx((1 / 6, 1 / 2))


@given(st.data(), st.sampled_from(sorted(TEXTS)))
def test_every_value_is_in_the_bin_that_its_limits_say(data: st.DataObject, kind: str) -> None:
    training, asked = (data.draw(st.lists(TEXTS[kind], max_size=60)) for _ in range(2))
    found = FREEZE[kind](training)
    assert sum(found.counts) == len(training)
    assert Bins.of_document(json.loads(json.dumps(found.as_document()))) == found
    counts = [0] * found.size
    found.count(asked, counts, 0)
    if found.edges:
        places = np.searchsorted(found.edges, [float(text) for text in asked if text], side="left")
        expected = Counter(places.tolist()) + Counter({found.size - 1: asked.count("")})
    elif found.categories:
        names = {name: place for place, name in enumerate(found.categories)} | {"": found.size - 1}
        expected = Counter(names.get(text, len(found.categories)) for text in asked)
    else:
        expected = Counter(int(not text) for text in asked)
    assert {place: count for place, count in enumerate(counts) if count} == {k: v for k, v in expected.items() if v}


def test_numbers_are_cut_into_tenths_of_training() -> None:
    draw = random.Random(3)
    found = bins.of_numbers([repr(draw.gauss(0, 1)) for _ in range(5000)] + [""] * 100)
    assert (len(found.edges), found.counts[-1]) == (9, 100)
    assert all(abs(count - 500) <= 1 for count in found.counts[:-1])
    assert bins.of_numbers(["0"] * 90 + ["1"] * 10).edges == (0.0,)
    assert bins.of_numbers(["7"] * 9).edges == ()


@given(st.integers(1, 999), st.lists(st.integers(-3, 3).map(str), max_size=30))
def test_two_numbers_are_never_in_one_bin_alone_however_few_one_of_them_are(few: int, rare: list[str]) -> None:
    found = bins.of_numbers(["0"] * few + ["1"] * (1000 - few))
    assert (found.edges, found.counts) == ((0.0,), (few, 1000 - few, 0))
    assert bool(bins.of_numbers(rare).edges) == (len(set(rare)) > 1)
    assert len(bins.of_numbers(rare).edges) < bins.TENTHS
    assert len(bins.of_categories([f"c{place % 50}" for place in range(500)]).categories) == bins.CATEGORIES_MAX


@given(st.lists(st.integers(0, 10**12 - 1), min_size=1, max_size=50), st.data())
def test_counts_of_two_flushes_are_added_by_adding_the_numbers(counts: list[int], data: st.DataObject) -> None:
    halves = [data.draw(st.integers(0, count)) for count in counts]
    first, second = watch.packed(halves), watch.packed([a - b for a, b in zip(counts, halves, strict=True)])
    both = {name: first.get(name, 0) + second.get(name, 0) for name in first | second}
    assert watch.unpacked(both, len(counts)) == counts
    assert all(number < 10**38 for number in both.values())


@given(st.data())
def test_two_processes_count_what_one_would(data: st.DataObject) -> None:
    size = st.integers(1, watch.ALL_ROWS - 1)
    requests = [
        [data.draw(st.lists(TEXTS[kind], min_size=n, max_size=n)) for kind in ("integer", "category", "presence")]
        for n in data.draw(st.lists(size, min_size=1, max_size=20))
    ]
    columns = [FREEZE[kind](["1", "2", "3", ""]) for kind in ("integer", "category", "presence")]
    found = watched(columns, bins.of_answers(answered(["1", "2", "3"])))
    alone, two = Counting(found), (Counting(found), Counting(found))
    for place, request in enumerate(requests):
        answers = answered(["2"] * len(request[0]))
        alone.add(request, answers)
        two[place % 2].add(request, answers)
    numbers = [counting.numbers() for counting in two]
    both = {name: sum(part.get(name, 0) for part in numbers) for name in numbers[0] | numbers[1]}
    assert both == alone.numbers()
    totals = {sum(counts) for _, _, counts in found.parts(watch.unpacked(both, found.size))}
    assert totals == {sum(len(request[0]) for request in requests)}


def test_of_every_third_request_of_many_rows_one_in_eight_is_counted_and_every_row_has_its_turn() -> None:
    found = watched([bins.of_categories([str(number) for number in range(8)])])
    counting = Counting(found)
    for _ in range(8 * watch.ONE_IN):
        counting.add([[str(row % 8) for row in range(1000)]], answered(["1"] * 1000))
    counts = watch.unpacked(counting.numbers(), found.size)
    assert counts == [125] * 8 + [0, 0]
    counting.add([["1"] * 1000], answered(["1"] * 1000))
    assert sum(watch.unpacked(counting.numbers(), found.size)) == 1000 + 125
    counting.clear()
    counting.add([["1"] * 1000], answered(["1"] * 1000))
    assert counting.numbers() == {}


def test_more_columns_than_one_write_holds_are_left_out() -> None:
    column = bins.of_numbers([str(number) for number in range(100)])
    found = watched([column] * 300, column)
    assert len(found.columns) + found.left_out == 300
    assert watch.NUMBERS_MAX * watch.PER_NUMBER - column.size < found.size <= watch.NUMBERS_MAX * watch.PER_NUMBER
    assert (
        "231 columns are not watched"
        in verdict.sentences(verdict.judge(found, [0] * found.size, None) | {"left_out": found.left_out})[-1]
    )


class Model:
    """A model of twelve columns that are asked about, window by window."""

    def __init__(self, seed: int, training_rows: int = 1000) -> None:
        self.draw = random.Random(seed)
        table = self.rows(training_rows)
        freeze = [bins.of_numbers] * 6 + [bins.of_categories] * 4 + [bins.of_presence] * 2
        scores = bins.of_answers(answered([repr(self.draw.random()) for _ in range(training_rows)]))
        self.watch = watched([make(texts) for make, texts in zip(freeze, table, strict=True)], scores)
        self.counted = [0] * self.watch.size
        self.row: dict[str, Any] | None = None

    def rows(self, count: int) -> list[list[str]]:
        draw = self.draw
        categories = [f"secret-{place}" for place in range(30)]
        weights = [1 / (place + 1) for place in range(30)]
        return [
            *([repr(draw.gauss(0, 1)) for _ in range(count)] for _ in range(3)),
            *([str(int(draw.expovariate(0.3))) for _ in range(count)] for _ in range(3)),
            *(draw.choices(categories, weights, k=count) for _ in range(4)),
            *([draw.choice(["x", "x", ""]) for _ in range(count)] for _ in range(2)),
        ]

    def window(self, count: int, **changed: list[str]) -> dict[str, Any]:
        table = self.rows(count)
        for name, texts in changed.items():
            table[int(name[1:])] = texts
        scores = [repr(self.draw.random()) for _ in range(count)]
        for part, texts, first in zip(self.watch.bins, [*table, scores], self.watch.firsts, strict=False):
            part.count(texts, self.counted, first)
        self.row = verdict.judge(self.watch, self.counted, self.row)
        return self.row


def test_chance_alone_raises_an_alarm_in_fewer_than_one_of_a_hundred_windows() -> None:
    suspected = drifted = 0
    for seed in range(30):
        model = Model(seed)
        for _ in range(10):
            status = model.window(measure.ROWS_MIN)["status"]
            suspected, drifted = suspected + (status == verdict.SUSPECTED), drifted + (status == verdict.DRIFTED)
    assert suspected <= 3
    assert drifted == 0


@pytest.mark.parametrize(
    ("column", "make"),
    [
        ("c0", lambda draw: repr(draw.gauss(1, 1))),
        ("c4", lambda draw: str(int(draw.expovariate(0.1)))),
        ("c7", lambda draw: draw.choice(["secret-0", "never seen"])),
        ("c11", lambda draw: draw.choice(["x", "", "", ""])),
        ("c2", lambda draw: draw.choice(["", "0.5"])),
    ],
    ids=["mean", "scale", "new category", "missing", "missing numbers"],
)
def test_a_column_that_shifts_is_found_in_two_windows_and_no_other(column: str, make: Any) -> None:
    model = Model(7)
    for status, windows in ((verdict.SUSPECTED, 1), (verdict.DRIFTED, 2), (verdict.DRIFTED, 3)):
        row = model.window(500, **{column: [make(model.draw) for _ in range(500)]})
        assert row["status"] == status
        assert {part["column"]: part["windows"] for part in row["columns"] if part["windows"]} == {column: windows}
    said = json.dumps(row) + "".join(verdict.sentences(row | {"left_out": 0}))
    assert f"The column '{column}' has drifted in 3 windows" in said
    assert "secret" not in said
    assert "never seen" not in said
    assert verdict.proposal(row)
    assert model.window(500)["status"] == verdict.NONE
    assert verdict.proposal(model.row or {}) is None


def test_answers_that_shift_are_found() -> None:
    draw = random.Random(1)
    found = watched([], bins.of_answers(answered([repr(draw.random()) for _ in range(2000)])))
    row: dict[str, Any] | None = None
    counting = Counting(found)
    for _ in range(2):
        for _ in range(100):
            counting.add([], answered([repr(draw.random() / 2) for _ in range(10)]))
        row = verdict.judge(found, watch.unpacked(counting.numbers(), found.size), row)
    assert row is not None
    assert (row["status"], row["answers"]["windows"]) == (verdict.DRIFTED, 2)
    assert "What it answers has drifted in 2 windows" in verdict.sentences(row | {"left_out": 0})[0]


def test_nothing_is_said_below_300_rows_and_the_window_goes_on() -> None:
    model = Model(5)
    shifted = {"c0": ["9"] * 299}
    first = model.window(299, **shifted)
    assert (first["status"], first["rows"]) == (verdict.UNKNOWN, 299)
    second = model.window(1, c0=["9"])
    assert (second["status"], second["window_rows"], second["rows"]) == (verdict.SUSPECTED, 300, 0)
    third = model.window(200, c0=["9"] * 200)
    assert (third["status"], third["rows"], third["windows"]) == (verdict.SUSPECTED, 200, 1)


def test_counts_that_were_forgotten_begin_again() -> None:
    model = Model(5)
    model.window(1000)
    model.counted = [0] * model.watch.size
    assert model.window(400)["window_rows"] == 400


def test_of_classes_the_second_ones_probability_or_the_number_of_the_predicted_one_is_counted() -> None:
    two = Predictions(("no", "yes"), [0, 1], [("0.9", "0.1"), ("0.2", "0.8")])
    assert bins.scores_of(two) == ["0.1", "0.8"]
    three = Predictions(("a", "b", "c"), [2, 0], [("0.1", "0.2", "0.7"), ("0.6", "0.2", "0.2")])
    assert bins.of_answers(three) == bins.of_categories(["2", "0"])
    assert bins.of_answers(Predictions((), [], [])) is None
