"""The bins that the profile keeps of each column."""

from __future__ import annotations

import io
import random
from typing import Any

from tenantml.domain.drift.measure import measure
from tenantml.domain.drift.watch import Watch
from tenantml.domain.predictions.rows import Schema, read_csv
from tenantml_analysis.inspection import InspectionSettings, binning, inspect

SETTINGS = InspectionSettings(target="y", salt="s")


def bins_of(rows: list[str]) -> dict[str, Any]:
    text = "\n".join(["mail,age,plan,since,note,y", *rows]).encode()
    profile = inspect([text], SETTINGS, io.BytesIO(), io.BytesIO()).profile
    Schema.from_profile(profile)
    return {column["name"]: column.get("bins") for column in profile["columns"]}


def row_of(draw: random.Random) -> str:
    age, plan = draw.choice(["", str(draw.randint(18, 90))]), draw.choice(["basic", "plus", "NA"])
    note = f'"said ""{draw.random()}"", twice"'
    return (
        f"{draw.getrandbits(40):x}@example.com,{age},{plan},2024-01-{draw.randint(1, 28):02},{note},{draw.choice('ny')}"
    )


def test_numbers_are_cut_categories_listed_and_personal_data_only_counted() -> None:
    draw = random.Random(1)
    found = bins_of([row_of(draw) for _ in range(900)])
    assert len(found["age"]["edges"]) == 9
    assert set(found["plan"]["categories"]) == {"basic", "plus"}
    assert 200 < found["plan"]["counts"][-1] < 400, "NA is missing"
    for name in ("mail", "since", "note"):
        assert found[name] == {"counts": [900, 0]}
    assert found["y"] is None
    assert "example" not in str(found)


def test_bins_of_a_large_file_are_of_rows_drawn_from_all_of_it() -> None:
    draw = random.Random(2)
    rows = [
        f"a,{number % 100 + (number >= 10_000) * 100},b,2024-01-01,c,{draw.choice('ny')}" for number in range(20_000)
    ]
    counts = bins_of(rows)["age"]["counts"]
    assert binning.ROWS / 2 <= sum(counts) <= binning.ROWS
    even = measure([100] * 10, counts[:-1])
    assert even is not None
    assert even.psi < 0.01


def test_a_training_file_has_not_drifted_from_itself_as_predictions_read_it() -> None:
    draw = random.Random(3)
    rows = [row_of(draw) for _ in range(900)]
    text = "\n".join(["mail,age,plan,since,note,y", *rows]).encode()
    profile = inspect([text], SETTINGS, io.BytesIO(), io.BytesIO()).profile
    asked = "\n".join(["mail,age,plan,since,note", *(row.rpartition(",")[0] for row in rows)]).encode()
    prepared = read_csv(asked, Schema.from_profile(profile), max_rows=1000)
    watch = Watch.of({}, profile)
    counts = [0] * watch.size
    for (place, _, column), first in zip(watch.columns, watch.firsts, strict=False):
        column.count(prepared.values[place], counts, first)
    assert [tuple(part) for _, _, part in watch.parts(counts)] == [column.counts for column in watch.bins]
