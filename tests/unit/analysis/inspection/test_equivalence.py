"""The fast pre-flight decides what the plain one decides, for any bytes, however the stream is cut."""

from __future__ import annotations

import io
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.errors import (
    DatasetError,
    FeatureNotFinite,
    NoFeatures,
    RareClass,
    SingleClass,
    TargetEmpty,
    TargetNotFinite,
    TooFewRows,
    TooManyClasses,
)
from tenantml_analysis.inspection import Inspection, InspectionSettings, inspect
from tests.unit.analysis.inspection import reference

CONCLUSIONS = (TargetEmpty, TargetNotFinite, FeatureNotFinite, TooFewRows, SingleClass, RareClass, TooManyClasses)
NUMBERS = st.one_of(
    st.integers(-(10**19), 10**19).map(str),
    st.floats(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.sampled_from(
        ["+1", ".5", "5.", "-.5", "1e5", "1E-5", "00012", "-0", "1.2.3", "--1", "-", ".", "1e999", "inf", "Infinity"]
    ),
    st.sampled_from(["7e123456789", "7\n", "\r\n1.5", "18446744073709551616", "7e1234567890", " -.7E+12345678901x"]),
)
TEXTS = st.one_of(
    st.sampled_from(
        [
            "",
            "a",
            "b",
            "NA",
            "null",
            "NaN",
            "-1.#QNAN",
            "-1.#QNANx",
            "#N/A N/A",
            "true",
            "False",
            "2020-01-31",
            "12/31/2020",
        ]
    ),
    st.sampled_from(
        [
            "2020-01-31 10:20:30",
            "2020-01-31T10:20:30.5Z",
            "2020-13-31",
            "2024-02-29",
            "2023-02-29",
            "0000-01-01",
            "2020-01-31 24:00",
            "2020-01-31 23:59:60",
            "31.12.2020",
            "12.11.2020",
            "11/12/2020 10:00",
            " ",
            "\t  \t     \t  ",
            " true",
            " 2020-01-31 ",
            "longer than eight bytes",
            "longer than eight bytez",
        ]
    ),
    st.text(alphabet='ab,"\r\n é€7', max_size=20),
)


def written(fields: list[str], quoting: list[bool], end: str) -> str:
    return (
        ",".join(
            '"' + field.replace('"', '""') + '"' if quote or set(field) & set(',"\r\n') else field
            for field, quote in zip(fields, quoting, strict=True)
        )
        + end
    )


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A plausible CSV, which at times gets a few bytes wrong."""
    width = draw(st.integers(2, 4))
    kinds = [draw(st.sampled_from([NUMBERS, TEXTS, st.one_of(NUMBERS, TEXTS)])) for _ in range(width)]
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quotes = st.booleans() if draw(st.booleans()) else st.just(False)
    rows = draw(st.lists(st.tuples(*kinds), max_size=40))
    header = ["y", "x", "z", "w"][:width]
    if draw(st.sampled_from([False] * 5 + [True])):
        rows.insert(draw(st.integers(0, len(rows))), tuple(header))
    body = "".join(written(list(row), [draw(quotes) for _ in row], end) for row in rows)
    data = (",".join(header) + end + body).encode("utf-8", "surrogatepass")
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(data)))
        cut = draw(st.integers(0, 2))
        data = (
            data[:at]
            + draw(st.sampled_from([b"", b'"', b",", b"\n", b"\r", b"\0", b"\xe9", b'""', b"\n\n", b"x"]))
            + data[at + cut :]
        )
    return data


SMALL = st.fixed_dictionaries(
    {
        "salt": st.sampled_from(["one", "two"]),
        "holdout_fraction": st.sampled_from([0.2, 0.5, 0.3]),
        "holdout_rows_max": st.sampled_from([3, 40, 1000]),
        "holdout_bytes_max": st.sampled_from([60, 10**6]),
        "min_training_rows": st.sampled_from([1, 10]),
        "field_bytes_max": st.sampled_from([12, 131072]),
        "row_bytes_max": st.sampled_from([30, 10**6]),
        "distinct_max": st.sampled_from([2, 5, 100]),
        "block_bytes": st.sampled_from([1, 7, 64, 1 << 20]),
        "ignore_columns": st.sampled_from([(), (), ("x",), ("z",), ("x", "z")]),
    }
)


def chunks_of(data: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(places)] + [b""]


def verdict(data: bytes, chosen: InspectionSettings, cuts: list[int]) -> DatasetError | tuple[Inspection, bytes, bytes]:
    train, holdout = io.BytesIO(), io.BytesIO()
    try:
        return inspect(chunks_of(data, cuts), chosen, train, holdout), train.getvalue(), holdout.getvalue()
    except DatasetError as error:
        return error


def check(data: bytes, chosen: InspectionSettings, cuts: list[int]) -> str:
    expected = reference.verdict(data, chosen)
    found = verdict(data, chosen, cuts)
    if isinstance(found, CONCLUSIONS) or (isinstance(found, NoFeatures) and found.line is None):
        assert isinstance(expected, reference.Outcome), f"{found!r} instead of {expected}"
        if isinstance(found, TargetNotFinite | FeatureNotFinite):
            assert found.line == expected.first_not_finite[str(found.column)]
        return type(found).__name__
    if isinstance(found, DatasetError):
        assert (type(found).__name__, found.line) == expected
        return type(found).__name__
    assert isinstance(expected, reference.Outcome), f"accepted instead of {expected}"
    inspection, train, holdout = found
    profile = inspection.profile
    check_parts(expected, inspection, train, holdout, chosen)
    assert profile["rows"] == expected.rows
    used = inspection.train_rows + inspection.holdout_rows
    assert (profile["target"]["labelled_rows"], used) == (expected.labelled_rows, expected.labelled_rows)
    assert profile["encoding"]["line_ends"] == expected.line_ends
    assert profile["encoding"]["blank_lines"] == expected.blank_lines
    assert profile["size_bytes"] == len(data)
    bins = [column.pop("bins") for column in profile["columns"] if column["name"] != chosen.target]
    assert {sum(found["counts"]) for found in bins} == {expected.labelled_rows}
    assert profile["columns"] == expected.columns
    if profile["target"]["classes"] is not None and expected.columns[0]["type"] not in ("integer", "number"):
        assert {entry["value"]: entry["rows"] for entry in profile["target"]["classes"]} == expected.classes
    return "accepted"


def check_parts(
    expected: reference.Outcome, found: Inspection, train: bytes, holdout: bytes, chosen: InspectionSettings
) -> None:
    """Every row is in one part, byte for byte and in order; of those in the holdout the plain reader says which."""
    trained, held = ([row.text for row in reference.read(part, chosen)] for part in (train, holdout))
    assert trained[0] == held[0] == expected.header
    left_out = expected.rows - expected.labelled_rows
    assert (len(trained), len(held)) == (found.train_rows + left_out + 1, found.holdout_rows + 1)
    assert sorted(trained[1:] + held[1:]) == sorted(expected.staged)
    rows = expected.holdout(classes=found.profile["target"]["classes"] is not None)
    if rows is not None:
        assert held[1:] == rows
    in_order = iter(expected.staged)
    assert all(row in in_order for row in held[1:])


@given(files(), SMALL, st.lists(st.integers(0, 10**6), max_size=5))
@settings(max_examples=100, deadline=None)
def test_any_file_gets_the_verdict_and_the_bytes_of_the_plain_reader(
    data: bytes, options: dict[str, Any], cuts: list[int]
) -> None:
    check(data, InspectionSettings(target="y", **options), cuts)


@given(st.binary(max_size=60), SMALL, st.lists(st.integers(0, 100), max_size=4))
@settings(max_examples=60, deadline=None)
def test_arbitrary_bytes_get_the_verdict_of_the_plain_reader(
    data: bytes, options: dict[str, Any], cuts: list[int]
) -> None:
    check(data, InspectionSettings(target="y", **options), cuts)
    check(b"x,y\n" + data, InspectionSettings(target="y", **options), cuts)


@given(st.text(alphabet='x1,"\r\n', max_size=40), SMALL, st.lists(st.integers(0, 100), max_size=4))
@settings(max_examples=120, deadline=None)
def test_every_mix_of_quotes_commas_and_line_ends_is_read_alike(
    text: str, options: dict[str, Any], cuts: list[int]
) -> None:
    check(b"x,y\n" + text.encode(), InspectionSettings(target="y", **options), cuts)


@pytest.mark.parametrize("seed", range(4))
def test_random_quotes_commas_and_line_ends_are_read_alike(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(700):
        data = b"x,y\n" + bytes(draw.choices(b'x1,"\r\n', (4, 1, 1, 2, 1, 1), k=draw.randint(0, 30)))
        options = {"field_bytes_max": 12, "row_bytes_max": draw.choice([30, 1000]), "min_training_rows": 1}
        check(data, InspectionSettings(target="y", salt="s", block_bytes=draw.choice([1, 7, 64]), **options), [])


@pytest.mark.parametrize("seed", range(10))
def test_a_file_of_many_blocks_gets_the_bytes_and_profile_of_the_plain_reader(seed: int) -> None:
    draw = random.Random(seed)
    makers = [
        lambda: str(draw.randint(-5, 10**6)),
        lambda: f"{draw.gauss(0, 100):.{draw.randint(0, 12)}f}",
        lambda: repr(draw.random()),
        lambda: draw.choice(["red", "green", "a much longer category", "NA", ""]),
        lambda: f"2024-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
        lambda: (
            f"2024-01-{draw.randint(1, 28):02} {draw.randint(10, 23)}:{draw.randint(10, 59)}:{draw.randint(10, 59)}"
        ),
        lambda: f'"said ""{draw.randint(0, 999)}"",\n{draw.random()}"',
        lambda: draw.choice(["1", "2", "1e3", "-7", "+5", " 8", "9 ", "999999999999", "   ", "\t"]),
        lambda: f"{draw.randint(1, 28)}.{draw.randint(1, 12)}.20{draw.randint(10, 99)}",
        lambda: "?" if draw.random() < 0.02 else str(draw.randint(0, 10**4)),
    ]
    width = draw.randint(2, 8)
    chosen = [draw.choice(makers) for _ in range(width)]
    end = draw.choice(["\n", "\r\n"])
    header = ",".join([f"c{i}" for i in range(width - 1)] + ["y"])
    target = draw.choice(
        [lambda: draw.choice("abc"), lambda: f"{draw.random():.6f}", lambda: str(draw.randint(0, 400))]
    )
    rows = [",".join([make() for make in chosen[1:]] + [target()]) for _ in range(1500)]
    data = (header + end + "".join(row + end for row in rows)).encode()
    outcome = check(
        data,
        InspectionSettings(
            target="y",
            salt=str(seed),
            block_bytes=4096,
            holdout_rows_max=draw.choice([100, 10**4]),
            ignore_columns=draw.choice([(), ("c0",)]) if width > 2 else (),
        ),
        [],
    )
    assert outcome in ("accepted", "RareClass")
