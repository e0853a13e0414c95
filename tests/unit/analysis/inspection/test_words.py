"""Whole-array tests of values never claim what the definition of a single value denies."""

from __future__ import annotations

import io
import random

import numpy as np

from tenantml.domain.meaning import is_unreadable
from tenantml_analysis.inspection import InspectionSettings, inspect
from tenantml_analysis.inspection.values import Kind, read
from tenantml_analysis.inspection.words import (
    PADDING,
    PlainNumbers,
    blank_only,
    first_words,
    iso_dates,
    keys_of,
    long_exponents,
    words_of,
)


def values(count: int) -> list[bytes]:
    draw = random.Random(5)
    makers = [
        lambda: "".join(draw.choices("0123456789.-+e ", k=draw.randint(1, 24))),
        lambda: repr(draw.random()),
        lambda: repr(draw.gauss(0, 1) * 10 ** draw.randint(-12, 14)),
        lambda: str(draw.randint(-(10 ** draw.randint(1, 19)), 10 ** draw.randint(1, 19))),
        lambda: f"{draw.gauss(0, 1000):.{draw.randint(0, 30)}f}",
        lambda: f"20{draw.randint(10, 99)}-{draw.randint(1, 19):02}-{draw.randint(1, 39):02}{draw.choice(TIMES)}",
        lambda: draw.choice(
            [".", "-", "-.", "1.", "-.5", ".5", "1..2", "", "-0", "é.5", "1é", "12345678é", "12345678."]
        ),
        lambda: str(draw.randint(0, 10 ** draw.randint(1, 9))),
        lambda: "".join(draw.choices(" \t", k=draw.randint(1, 30))) + draw.choice(("", "", "!", "(", ")", "\x08", "x")),
        lambda: "x" * draw.randint(9, 300) + str(draw.randint(0, 9)),
        lambda: (
            f"{' ' * draw.randint(0, 9)}{draw.choice(('', '+', '-', '.', 'e'))}{10 ** draw.randint(0, 20)}"
            f"{draw.choice('eE.x,')}{draw.choice(('', '', '+', '-', 'e'))}{draw.getrandbits(draw.randint(1, 80))}"
            f"{draw.choice(('', 'b72', '.5', 'é'))}"
        ),
    ]
    return [draw.choice(makers)().encode() for _ in range(count)]


TIMES = ("", " 10:20", "T23:59:61", " 10:20:30", "x", " 10:20:70", "T10:20:30Z")


def test_plain_numbers_dates_and_keys_agree_with_single_values() -> None:
    found = values(30_000)
    lengths = np.array([len(value) for value in found])
    starts = np.cumsum(lengths + 1) - lengths - 1
    words = words_of(b",".join(found) + b"," + PADDING)
    first = first_words(words, starts, lengths)
    numbers = PlainNumbers(words, starts, lengths, first)
    dates, times = iso_dates(words, starts, lengths, first)
    for i in np.flatnonzero(numbers.ok).tolist():
        value = read(found[i])
        assert value.number is not None, found[i]
        assert numbers.low[i] <= value.number <= numbers.high[i], found[i]
        assert value.kind == (Kind.NUMBER if numbers.dotted[i] else Kind.INTEGER), found[i]
    assert {read(found[i]).kind for i in np.flatnonzero(dates)} == {Kind.DATE}
    assert {read(found[i]).kind for i in np.flatnonzero(times)} == {Kind.DATETIME}
    exponents = long_exponents(words, starts, lengths, first)
    unreadable = np.array([is_unreadable(value.decode()) for value in found])
    assert not (unreadable & ~exponents).any()
    assert unreadable.sum() > 300
    assert (exponents & ~unreadable).sum() < 1_000  # of 30,000 values
    blank = blank_only(words, starts, lengths, first)
    assert blank.tolist() == [bool(value) and not value.strip(b" \t") for value in found]
    assert blank.sum() > 500
    assert numbers.ok.sum() > 10_000
    keyed = {value for value in found if len(value) <= 256}
    keys = keys_of(words, starts, lengths, first)
    assert len(set(keys[lengths <= 256].tolist())) == len(keyed)


def test_a_column_that_changes_late_is_typed_by_all_its_values() -> None:
    late = {"ids": "10000000000", "grows": "0.5", "turns": "abc", "mixed": "2024-01-01", "long": "x" * 300}
    rows = [f"{10**10 + n},{n},{n},{n},{'y' * 300}{n},{'ab'[n % 2]}" for n in range(3000)]
    rows.append(",".join([*late.values(), "a"]))
    rows += [f"{10**10 + n},{n},-{n},{n % 7}.5,{n},{'ab'[n % 2]}" for n in range(3000)]
    data = (",".join([*late, "y"]) + "\n" + "\n".join(rows)).encode()
    settings = InspectionSettings(target="y", salt="s", block_bytes=8192)
    columns = inspect([data], settings, io.BytesIO(), io.BytesIO()).profile["columns"]
    assert [column["type"] for column in columns] == ["integer", "number", "text", "text", "text", "category"]
    assert (columns[0]["min"], columns[0]["max"]) == (10**10, 10**10 + 2999)
    assert (columns[1]["min"], columns[1]["max"]) == (0.0, 2999.0)


def test_a_file_that_begins_with_many_blank_lines_is_read_below_them() -> None:
    body = b"x,y\n" + b"1,a\n2,b\n" * 300
    settings = InspectionSettings(target="y", salt="s", block_bytes=4096)
    found = inspect([b"\n" * 20_000 + body], settings, io.BytesIO(), io.BytesIO())
    assert found.profile["encoding"]["blank_lines"] == 20_000
    assert found.profile["rows"] == 600
