"""A row that one training saw is in no later holdout, whatever was changed, added, removed or reordered in between."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.domain.training.holdout_rule import (
    SAMPLE_MAX,
    HoldoutRule,
    hashed_columns,
    is_mostly_in,
    overlap,
    sample_of,
)
from tenantml_analysis.inspection.assignment import CHANCE_ROWS_MAX, Assignment, holds
from tenantml_analysis.inspection.words import Words

COLUMNS = ("age", "city")
MIN_TRAINING_ROWS, CLASS_ROWS_MIN = 20, 2

Row = tuple[int, int]  # a hash and a class


@dataclass
class Model:
    """A model that is trained again and again: its rule, and every hash that a training saw."""

    rows_max: int = 10_000
    fraction: float = 0.2
    block_rows: int = 7
    rule: HoldoutRule | None = None
    trained: set[int] = field(default_factory=set)
    train: list[Row] = field(default_factory=list)
    holdout: list[Row] = field(default_factory=list)

    def upload(self, rows: list[Row], *, classes: bool = True) -> Model:
        rule = HoldoutRule.following(self.rule, COLUMNS, self.fraction)
        assignment = Assignment(rule, first=self.rule is None, rows_max=self.rows_max, bytes_max=10**9)
        kept: list[Row] = []
        self.train = []
        for start in range(0, len(rows), self.block_rows):
            block = rows[start : start + self.block_rows]
            hashes, strata = words(number for number, _ in block), np.array([label for _, label in block], np.int64)
            for row, keeps in zip(
                block, assignment.keep_back(hashes, strata, np.ones(len(block), np.int64)), strict=True
            ):
                (kept if keeps else self.train).append(row)
            kept = self._split(kept, assignment.thin())
            assert len(kept) <= self.rows_max + CHANCE_ROWS_MAX * len({label for _, label in rows})
        mask, hashes, found = assignment.finish(
            classes=classes, min_training_rows=MIN_TRAINING_ROWS, class_rows_min=CLASS_ROWS_MIN
        )
        self.holdout = self._split(kept, mask)
        assert [number for number, _ in self.holdout] == hashes.tolist()
        self.rule = HoldoutRule.from_document(json.loads(json.dumps(found.as_document())))
        assert self.rule == found
        self.trained |= {number for number, _ in self.train}
        return self

    def _split(self, kept: list[Row], mask: object) -> list[Row]:
        held: list[Row] = []
        for row, stays in zip(kept, np.asarray(mask), strict=True):
            (held if stays else self.train).append(row)
        return held


def words(numbers: object) -> Words:
    return np.array(list(numbers), np.uint64)  # type: ignore[call-overload]


def drawn(seed: int, rows: int, classes: int = 2) -> list[Row]:
    draw = np.random.default_rng(seed)
    hashes = draw.integers(0, 2**64, rows, dtype=np.uint64).tolist()
    return [(number, number % classes) for number in hashes]


# A class follows from the features, so that duplicates are of one class; some rows have no label.
small_rows = st.lists(
    st.integers(0, 2**64 - 1).map(lambda number: (number, number % 4 - (number % 29 == 0) * 10)), max_size=60
)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Row]]:
    """Uploads that keep, drop, repeat, reorder and add rows of the ones before."""
    known: list[Row] = []
    uploads = []
    for _ in range(draw(st.integers(2, 5))):
        again = draw(st.lists(st.sampled_from(known), max_size=60)) if known else []
        rows = draw(st.permutations(again + draw(small_rows)))
        known += rows
        uploads.append(list(rows))
    return uploads


@given(uploads=histories(), rows_max=st.sampled_from([3, 10, 10_000]), fraction=st.sampled_from([0.05, 0.2, 0.5]))
@settings(max_examples=100, deadline=None)
def test_what_one_training_saw_is_in_no_later_holdout(uploads: list[list[Row]], rows_max: int, fraction: float) -> None:
    model = Model(rows_max=rows_max, fraction=fraction)
    for rows in uploads:
        seen, before = set(model.trained), model.rule
        model.upload(rows)
        labelled = {number for number, label in model.holdout if label >= 0}
        assert not labelled & seen
        assert not {number for number, _ in model.holdout} & {number for number, _ in model.train}
        assert sorted(model.train + model.holdout) == sorted(rows)
        assert all(label >= 0 for _, label in model.holdout)
        assert len(model.holdout) <= rows_max
        if before is not None:
            assert model.rule is not None
            assert overlap(labelled, model.rule, before) == [False] * len(labelled)


@given(
    rows=st.lists(small_rows.filter(bool), min_size=1, max_size=3).map(lambda parts: sum(parts, parts[0] * 2)),
    rows_max=st.sampled_from([3, 10, 10_000]),
    block_rows=st.integers(1, 60),
    order=st.randoms(use_true_random=False),
)
@settings(max_examples=80, deadline=None)
def test_neither_the_order_of_rows_nor_the_size_of_blocks_counts(
    rows: list[Row], rows_max: int, block_rows: int, order: object
) -> None:
    plain = Model(rows_max=rows_max).upload(rows)
    shuffled = list(rows)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    other = Model(rows_max=rows_max, block_rows=block_rows).upload(shuffled)
    assert sorted(plain.holdout) == sorted(other.holdout)
    assert plain.rule is not None
    assert other.rule is not None
    assert plain.rule.threshold == other.rule.threshold


@given(threshold=st.integers(0, 30), pinned=st.tuples(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40))))
def test_a_rule_says_of_one_hash_what_it_says_of_many(threshold: int, pinned: tuple[set[int], set[int]]) -> None:
    rule = HoldoutRule(COLUMNS, threshold).pinning(to_training=pinned[0], to_holdout=pinned[1])
    assert holds(rule, words(range(40))).tolist() == [rule.holds(number) for number in range(40)]


def test_one_row_in_five_is_held_out_and_appended_rows_move_none_of_the_others() -> None:
    rows = drawn(1, 20_000)
    model = Model(block_rows=5000).upload(rows)
    first = set(model.holdout)
    assert len(first) == pytest.approx(4000, rel=0.05)
    model.upload(drawn(2, 5000) + rows)
    assert set(model.holdout) & set(rows) == first
    assert len(model.holdout) == pytest.approx(5000, rel=0.05)


def test_a_bounded_holdout_stays_bounded_and_later_uploads_hold_out_nothing_that_was_trained_on() -> None:
    large, small = drawn(1, 40_000), drawn(1, 40_000)[:4000]
    model = Model(rows_max=1000, block_rows=1000).upload(large)
    assert 500 <= len(model.holdout) <= 1000
    model.upload(small)
    assert model.rule is not None
    assert {number for number, _ in model.holdout} == {n for n, _ in small if n < model.rule.threshold}
    assert 30 <= len(model.holdout) <= 70  # 4,000 rows, of which one in 80 is still held out


def test_a_class_that_is_rare_is_on_both_sides() -> None:
    for seed in range(50):
        rows = drawn(seed, 300, 1) + [(number, 1) for number, _ in drawn(seed + 1000, 3, 1)]
        model = Model(block_rows=100).upload(rows)
        held, trained = (sum(label == 1 for _, label in part) for part in (model.holdout, model.train))
        assert held >= 1
        assert trained >= 2
        held_before = [row for row in model.holdout if row[1] == 1]
        model.upload(rows[::-1])
        assert sorted(held_before) == sorted(row for row in model.holdout if row[1] == 1)


def test_a_regression_holds_nothing_out_for_the_sake_of_its_first_values() -> None:
    rows = [(number, place) for place, (number, _) in enumerate(drawn(3, 200))]
    model = Model(block_rows=50).upload(rows, classes=False)
    assert model.rule is not None
    assert model.rule.to_holdout == ()
    assert len(model.holdout) == sum(number < model.rule.threshold for number, _ in rows)


def test_training_keeps_its_minimum() -> None:
    model = Model().upload(drawn(1, MIN_TRAINING_ROWS))
    assert (len(model.train), len(model.holdout)) == (MIN_TRAINING_ROWS, 0)
    given_back = {number for number, _ in model.train}
    model.upload(drawn(1, MIN_TRAINING_ROWS) + drawn(2, 500))
    assert not given_back & {number for number, _ in model.holdout}
    assert len(model.holdout) > 50


def test_a_row_that_comes_a_thousand_times_pushes_nothing_else_out() -> None:
    repeated = [(1, 0)] * 3000  # the lowest hash: held out if any is
    model = Model(rows_max=1000, block_rows=500).upload(repeated + drawn(1, 4000))
    assert model.rule is not None
    assert 1 in model.rule.to_training
    assert (1, 0) not in model.holdout
    assert 500 <= len(model.holdout) <= 1000


def test_a_new_column_moves_no_row_and_another_entity_is_a_new_rule() -> None:
    before = HoldoutRule(("age", "city"), 2**60)
    assert hashed_columns(["city", "new", "y", "age"], "y", before=before) == ["age", "city"]
    assert hashed_columns(["city", "new", "y", "age"], "y", ["age"], before=before) == ["age", "city"]
    assert hashed_columns(["city", "y"], "y", before=before) == ["city"]
    assert hashed_columns(["city", "age", "y"], "age", before=before) == ["city", "y"]
    assert hashed_columns(["city", "y", "id"], "y", ["id"], "id", before) == ["id"]
    by_id = HoldoutRule.following(before, ["id"], 0.5, by_entity=True)
    assert hashed_columns(["city", "y", "id"], "y", ["id"], before=by_id) == ["city"]
    assert HoldoutRule.following(before, ("city", "age"), 0.5).threshold == 2**60
    assert HoldoutRule.following(before, ("id",), 0.5) == HoldoutRule(("id",), 2**63)


@pytest.mark.parametrize(("share", "values"), [(0.5, 40), (0.9, 3), (1.0, 2)])
def test_few_values_that_many_rows_have_do_not_take_more_than_the_share(share: float, values: int) -> None:
    for seed in range(20):
        repeated = [(number, 0) for number, _ in drawn(seed, values, 1)] * int(share * 5000 / values)
        rows = repeated + drawn(seed + 100, 5000 - len(repeated))
        model = Model(block_rows=1000).upload(rows)
        assert len(model.holdout) <= 0.2 * len(rows) + 5 * (0.16 * len(rows)) ** 0.5 + 3
        assert not {number for number, _ in model.holdout} & {number for number, _ in model.train}


def test_the_overlap_is_told_row_by_row_and_unknown_where_it_cannot_be() -> None:
    now, wider = HoldoutRule(COLUMNS, 2**63), HoldoutRule(COLUMNS, 2**62)
    holdout = [1, 2**62 + 1, 2**62 + 2]
    assert overlap(holdout, now, wider) == [False, True, True]
    assert overlap(holdout, now, now) == [False, False, False]
    assert overlap(holdout, now, None) is None
    assert overlap(holdout, now, HoldoutRule(("id",), 2**63)) is None


def test_what_was_pinned_too_long_ago_is_forgotten_and_counted_as_overlap() -> None:
    before = HoldoutRule(COLUMNS, 2**63).pinning(to_training=range(10_000))
    now = before.pinning(to_training=[20_000])
    assert len(now.to_training) == 10_000
    assert now.holds(0)
    assert overlap([0], now, before) == [True]
    assert len(json.dumps(now.as_document())) < 400_000


@given(ours=st.integers(1, 2000), theirs=st.integers(1, 2000), share=st.floats(0, 1), seed=st.integers(0, 10**6))
@settings(max_examples=100, deadline=None)
def test_a_sample_tells_whether_most_rows_of_a_holdout_are_in_another(
    ours: int, theirs: int, share: float, seed: int
) -> None:
    numbers = [number for number, _ in drawn(seed, ours + theirs)]
    holdout = numbers[:ours]
    other = holdout[: int(share * ours)] + numbers[ours:]
    samples = sample_of(holdout * 2), sample_of(other[::-1])
    assert len(samples[0]) == min(ours, SAMPLE_MAX)
    assert is_mostly_in(samples[0], samples[0])
    exact = len(set(other) & set(holdout)) / ours
    if ours <= SAMPLE_MAX and theirs + ours <= SAMPLE_MAX:
        assert is_mostly_in(*samples) is (exact >= 0.5)
    elif exact == 0 or (exact == 1 and theirs < 2 * ours):
        assert is_mostly_in(*samples) is (exact == 1)


def test_a_holdout_that_was_thinned_was_looked_at_before_and_rows_of_a_new_file_were_not() -> None:
    wide = [number for number, _ in drawn(1, 8000)]
    thinned = [number for number in wide if number < 2**62]
    grown = [*wide, *(number for number, _ in drawn(2, 3000))]
    other = [number for number, _ in drawn(3, 8000)]
    assert is_mostly_in(sample_of(thinned), sample_of(wide))
    assert is_mostly_in(sample_of(grown), sample_of(wide))
    assert not is_mostly_in(sample_of(other), sample_of(wide))
    assert not is_mostly_in(sample_of(wide), [])
    assert not is_mostly_in([], sample_of(wide))
