"""Through the whole pre-flight: what one training saw is in no later holdout, however the next file is written."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.domain.training.holdout_rule import HoldoutRule, overlap
from tenantml.errors import EntityColumnMissing
from tenantml_analysis.inspection import Inspection, InspectionSettings, inspect

NAMES = ["id", "city", "note", "y"]

Record = tuple[str, ...]


def records(seed: int, count: int, classes: int = 2) -> list[Record]:
    """Rows of whose features the class follows; the last class is rare."""
    draw = random.Random(seed)
    made = []
    for _ in range(count):
        number = draw.randrange(10**6)
        label = classes - 1 if number % 29 == 0 else number % max(1, classes - 1)
        city, place = draw.choice(["Oslo", "Rome, north", "", 'say "Graz"']), draw.getrandbits(30)
        made.append((str(number), city, f"a note of {place:x}\nin two lines", f"class {label}"))
    return made


@dataclass
class Model:
    """A model that is trained again and again through the pre-flight, with what its trainings saw."""

    options: dict[str, Any] = field(default_factory=dict)
    rule: HoldoutRule | None = None
    trained: set[Record] = field(default_factory=set)
    train: list[Record] = field(default_factory=list)
    holdout: list[Record] = field(default_factory=list)
    found: Inspection | None = None

    def upload(self, rows: list[Record], names: list[str] | None = None, **how: Any) -> Model:
        """Inspect a file of these rows, whose columns come in the order of `names`, written as `csv.writer` is told."""
        names = names or NAMES
        places = [NAMES.index(name) for name in names]
        text = io.StringIO()
        writer = csv.writer(text, **{"lineterminator": "\n"} | how)
        writer.writerow(names)
        writer.writerows([[row[place] for place in places] for row in rows])
        train, holdout = io.BytesIO(), io.BytesIO()
        chosen = InspectionSettings("y", "salt", self.rule, **{"block_bytes": 20_000} | self.options)
        self.found = inspect([text.getvalue().encode()], chosen, train, holdout)
        self.train, self.holdout = (_read(part.getvalue().decode()) for part in (train, holdout))
        self.rule = HoldoutRule.from_document(json.loads(json.dumps(self.found.rule.as_document())))
        assert (len(self.train), len(self.holdout)) == (self.found.train_rows, self.found.holdout_rows)
        self.trained |= set(self.train)
        return self


def _read(text: str) -> list[Record]:
    lines = csv.DictReader(io.StringIO(text, newline=""))
    return [tuple(line.get(name, "") for name in NAMES) for line in lines]


ways = st.fixed_dictionaries(
    {
        "quoting": st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
        "lineterminator": st.sampled_from(["\n", "\r\n"]),
    }
)


@given(data=st.data(), seed=st.integers(0, 10**6), rows_max=st.sampled_from([50, 120, 20_000]))
@settings(max_examples=25, deadline=None)
def test_no_row_that_a_training_saw_is_in_a_later_holdout(data: st.DataObject, seed: int, rows_max: int) -> None:
    model = Model({"holdout_rows_max": rows_max})
    rows = records(seed, data.draw(st.integers(550, 1200)), classes=3)
    for number in range(3):
        seen, before = set(model.trained), model.rule
        names = data.draw(st.permutations(NAMES))
        model.upload(rows, names, **data.draw(ways))
        assert not set(model.holdout) & seen
        assert not set(model.holdout) & set(model.train)
        assert Counter(model.train + model.holdout) == Counter(rows)
        assert len(model.train) >= 500
        assert len(model.holdout) <= min(rows_max, 0.2 * len(rows) + 5 * (0.16 * len(rows)) ** 0.5 + 4)
        assert model.found is not None
        if before is not None:
            assert overlap(model.found.holdout_hashes, model.found.rule, before) == [False] * len(model.holdout)
        draw = random.Random(seed + number)
        kept = draw.sample(rows, int(len(rows) * data.draw(st.sampled_from([0.9, 1.0]))))
        repeated = kept[: data.draw(st.sampled_from([0, 30]))] * 3
        rows = kept + repeated + records(seed + 7 + number, data.draw(st.sampled_from([60, 400])), classes=3)
        draw.shuffle(rows)


def test_the_same_file_twice_gives_the_same_split_and_the_same_rule() -> None:
    rows = records(1, 3000)
    first, again, other = (Model().upload(rows) for _ in range(3))
    assert (first.train, first.holdout, first.rule) == (again.train, again.holdout, again.rule)
    other.upload(rows)
    assert (first.holdout, first.rule) == (other.holdout, other.rule)


def test_rows_of_a_class_that_is_rare_are_on_both_sides_and_stay_there() -> None:
    for seed in range(10):
        rare = [(f"r{seed}{number}", "Oslo", "", "class 1") for number in range(4)]
        rows = records(seed, 900, classes=1) + rare
        model = Model().upload(rows)
        held = [row for row in model.holdout if row in rare]
        assert 1 <= len(held) <= 2
        model.upload(rows[::-1] + records(seed + 50, 300, classes=1), quoting=csv.QUOTE_ALL)
        assert sorted(row for row in model.holdout if row in rare) == sorted(held)


def test_a_corrected_label_and_a_new_column_move_no_row() -> None:
    rows = records(3, 2000)
    model = Model().upload(rows, ["id", "city", "y"])
    held = {row[:2] for row in model.holdout}
    corrected = [
        (*row[:3], "class 0" if row[3] == "class 1" and number % 9 == 0 else row[3]) for number, row in enumerate(rows)
    ]
    model.upload(corrected, NAMES)
    assert {row[:2] for row in model.holdout} == held


def test_all_rows_of_an_entity_are_together_whatever_else_changes() -> None:
    rows = [(f"customer-{number % 400}", str(number), str(number % 7), f"class {number % 2}") for number in range(4000)]
    model = Model({"entity_column": "id", "ignore_columns": ("id",)})
    model.upload(rows, NAMES)
    first = {row[1] for row in model.holdout}
    held = {rows[int(place)][0] for place in first}
    assert len(first) == 10 * len(held)
    assert len(held) == pytest.approx(80, abs=40)
    changed = [(row[0], row[1], row[2] + ".0", row[3]) for row in rows]
    model.upload(changed, NAMES)
    assert {row[1] for row in model.holdout} == first


def test_few_entities_leave_training_its_share() -> None:
    rows = [(f"shop {number % 3}", str(number), "", f"class {number % 2}") for number in range(3000)]
    for salt in map(str, range(10)):
        train, holdout = io.BytesIO(), io.BytesIO()
        text = "id,city,note,y\n" + "".join(f"{','.join(row)}\n" for row in rows)
        found = inspect([text.encode()], InspectionSettings("y", salt, None, "id"), train, holdout)
        assert found.train_rows == 3000


def test_an_entity_column_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(
        EntityColumnMissing, match="no column is called 'ID', which the model's entity_column names; did"
    ):
        Model({"entity_column": "ID"}).upload(records(1, 600))
