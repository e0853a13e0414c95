"""Prediction requests: columns by name and type, and no way to send the wrong thing in silence."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml import errors
from tenantml.domain.meaning import is_missing
from tenantml.domain.predictions.rows import PreparedRows, Schema, batches, read_csv, read_json
from tenantml.errors import RequestError, RowError
from tenantml_analysis.inspection import InspectionSettings, inspect

PROFILE = {
    "target": {"column": "Churn?"},
    "columns": [
        {"name": "State", "type": "category", "nulls": 0, "categories": ["KS", "OH", "7", "1.5"]},
        {"name": "Calls", "type": "integer", "nulls": 0},
        {"name": "Churn?", "type": "category", "nulls": 0, "categories": ["False.", "True."]},
        {"name": "Mins", "type": "number", "nulls": 3},
        {"name": "Intl", "type": "boolean", "nulls": 0, "categories": ["FALSE", "TRUE"]},
        {"name": "Since", "type": "date", "nulls": 0},
        {"name": "Seen", "type": "datetime", "nulls": 0},
        {"name": "Note", "type": "text", "nulls": 0},
    ],
}
SCHEMA = Schema.from_profile(PROFILE)
NAMES = [column.name for column in SCHEMA.columns]
ROW = {
    "State": "OH",
    "Calls": 3,
    "Mins": 12.5,
    "Intl": True,
    "Since": "2026-11-22",
    "Seen": "2026-11-22T17:03:01Z",
    "Note": "hi",
}
LINE = b"OH,3,12.5,TRUE,2026-11-22,2026-11-22T17:03:01Z,hi\n"


def in_json(*rows: object, **options: Any) -> PreparedRows:
    return read_json(json.dumps({"rows": rows}).encode(), SCHEMA, max_rows=100, **options)


def in_csv(*rows: dict[str, Any], **options: Any) -> PreparedRows:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return read_csv(text.getvalue().encode(), SCHEMA, max_rows=100, **options)


def one_column(kind: str, *categories: str) -> Schema:
    column = {"name": "it", "type": kind, "categories": list(categories)}
    return Schema.from_profile({"target": {"column": "y"}, "columns": [column]})


def refusal(read: Any, *arguments: Any, **options: Any) -> tuple[str, int | None, str | None]:
    with pytest.raises(RequestError) as refused:
        read(*arguments, **options)
    assert refused.value.status in {400, 413}
    members = getattr(refused.value, "members", {})
    return type(refused.value).__name__, members.get("row"), members.get("column")


def test_columns_go_by_name_into_the_order_of_training() -> None:
    assert in_json(ROW) == in_json(dict(reversed(ROW.items()))) == PreparedRows([LINE], [])
    # A CSV file written by Python says True; training wrote TRUE.
    assert in_csv(ROW) == in_csv(dict(reversed(ROW.items()))) == PreparedRows([LINE], [])


def test_the_target_is_no_column_to_send() -> None:
    assert "Churn?" not in NAMES
    with pytest.raises(errors.UnexpectedColumn, match="what the model predicts"):
        in_json(ROW | {"Churn?": "True."})


def test_null_is_an_empty_field() -> None:
    assert in_json(dict.fromkeys(ROW)).lines == [b",,,,,,\n"]
    assert in_csv(dict.fromkeys(ROW, "")).lines == [b",,,,,,\n"]


def test_a_row_of_one_null_is_still_a_line() -> None:
    assert read_json(b'{"rows": [{"it": null}, {"it": ""}]}', one_column("text"), max_rows=9).lines == [
        b'""\n',
        b'""\n',
    ]
    assert read_csv(b'it\n""\n""\n', one_column("text"), max_rows=9).lines == [b'""\n', b'""\n']


@pytest.mark.parametrize(
    "text", ['say "hi"', "a,b", "a\nb", "a\rb", "a\r\nb", " spaced ", "=cmd()", "007", "é, ü", "😀"]
)
def test_any_text_arrives_as_it_was_sent(text: str) -> None:
    for prepared in (in_json(ROW | {"Note": text}), in_csv(ROW | {"Note": text})):
        assert next(csv.reader(io.StringIO(prepared.lines[0].decode(), newline="")))[-1] == text


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], ("NoRows", None, None)),
        ([ROW] * 101, ("TooManyRows", None, None)),
        ([ROW, 7], ("InvalidRow", 2, None)),
        ([[1, 2]], ("InvalidRow", 1, None)),
        ([ROW, {"State": "OH"}], ("MissingColumn", 2, "Calls")),
        ([ROW, ROW | {"Extra": 1}], ("UnexpectedColumn", 2, "Extra")),
        ([ROW, dict(zip(NAMES, NAMES, strict=True))], ("HeaderAmongRows", 2, None)),
        ([ROW, ROW | {"Calls": "3"}], ("InvalidValue", 2, "Calls")),
        ([ROW | {"Calls": 3.5}], ("InvalidValue", 1, "Calls")),
        ([ROW | {"Calls": True}], ("InvalidValue", 1, "Calls")),
        ([ROW | {"Calls": 2**63}], ("InvalidValue", 1, "Calls")),
        ([ROW | {"Calls": -(2**63) - 1}], ("InvalidValue", 1, "Calls")),
        ([ROW | {"Mins": "12.5"}], ("InvalidValue", 1, "Mins")),
        ([ROW | {"Mins": None}, ROW | {"Mins": -(10**400)}], ("InvalidValue", 2, "Mins")),
        ([ROW | {"Calls": 10**4200}], ("InvalidValue", 1, "Calls")),
        ([ROW | {"Mins": 10**400}], ("InvalidValue", 1, "Mins")),
        ([ROW, ROW, ROW | {"Mins": float("nan")}], ("InvalidValue", 3, "Mins")),
        ([ROW | {"Mins": float("inf")}], ("InvalidValue", 1, "Mins")),
        ([ROW | {"Note": float("-inf")}], ("InvalidValue", 1, "Note")),
        ([ROW | {"Intl": "maybe"}], ("InvalidValue", 1, "Intl")),
        ([ROW | {"Intl": 1}], ("InvalidValue", 1, "Intl")),
        ([ROW | {"Since": "yesterday"}], ("InvalidValue", 1, "Since")),
        ([ROW | {"Since": 20261122}], ("InvalidValue", 1, "Since")),
        ([ROW | {"Since": "2026-11-22T17:03:01"}], ("InvalidValue", 1, "Since")),
        ([ROW | {"Seen": "now"}], ("InvalidValue", 1, "Seen")),
        ([ROW | {"State": True}], ("InvalidValue", 1, "State")),
        ([ROW | {"Note": "x" * 131_073}], ("InvalidValue", 1, "Note")),
        ([ROW | {"Since": "2026-02-31"}], ("InvalidValue", 1, "Since")),
        ([ROW | {"Note": ["a"]}], ("InvalidValue", 1, "Note")),
        ([ROW | {"Note": {"a": 1}}], ("InvalidValue", 1, "Note")),
        ([ROW | {"Note": "a\0b"}], ("InvalidValue", 1, "Note")),
        ([ROW, ROW | {"Note": "\ud800"}], ("InvalidValue", 2, "Note")),
    ],
)
def test_a_row_that_does_not_fit_is_refused_by_name_row_and_column(rows: list[Any], expected: tuple[Any, ...]) -> None:
    assert refusal(in_json, *rows) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"rows": {}}',
        b'{"rows": null}',
        b'{"rows": [], "more": 1}',
        b'{"rows": [], "rows": []}',
        b"\xff",
        b"[" * 200_000,
    ],
)
def test_what_is_no_request_is_refused(body: bytes) -> None:
    assert refusal(read_json, body, SCHEMA, max_rows=9)[0] == "InvalidRequest"


def test_a_key_that_comes_twice_is_refused_and_not_overwritten() -> None:
    body = b'{"rows": [{"it": "a"}, {"it": "b", "it": "c"}]}'
    assert refusal(read_json, body, one_column("text"), max_rows=9) == ("RepeatedColumn", 2, "it")


@given(
    st.lists(
        st.fixed_dictionaries(dict.fromkeys("a:", st.none() | st.text('":\\\\ é,{}u', max_size=4))),
        min_size=1,
        max_size=3,
    ),
    st.integers(0, 2),
    st.booleans(),
    st.sampled_from([": ", ":", " :"]),
)
def test_a_name_that_comes_twice_is_seen_whatever_the_texts_are(
    rows: list[dict[str, str | None]], repeating: int, ascii_only: bool, colon: str
) -> None:
    columns = [{"name": name, "type": "text"} for name in "a:"]
    schema = Schema.from_profile({"target": {"column": "y"}, "columns": columns})
    written = [json.dumps(row, ensure_ascii=ascii_only, separators=(",", colon)) for row in rows]
    assert len(read_json(f'{{"rows": [{",".join(written)}]}}'.encode(), schema, max_rows=9).lines) == len(rows)
    place = repeating % len(rows)
    for more in ('"a": "x"', '":": null', r'"\u0061": ""'):
        sent = [*written[:place], f"{{{more},{written[place][1:]}", *written[place + 1 :]]
        refused = refusal(read_json, f'{{"rows": [{",".join(sent)}]}}'.encode(), schema, max_rows=9)
        assert refused[:2] == ("RepeatedColumn", place + 1)


def test_a_number_too_large_to_parse_is_refused_with_its_place() -> None:
    assert refusal(read_json, b'{"rows": [{"it": 1e999}]}', one_column("number"), max_rows=9) == (
        "InvalidValue",
        1,
        "it",
    )


def test_whole_numbers_may_be_written_with_a_fraction_of_nothing() -> None:
    assert in_json(ROW | {"Calls": 3.0}, ROW | {"Mins": 7}).lines == [LINE, LINE.replace(b"12.5", b"7")]
    assert in_json(ROW | {"Calls": None}, ROW | {"Calls": 3.0}).lines[1] == LINE
    assert in_csv(ROW | {"Calls": " 3.0 ", "Mins": "1.50e1"}).lines == [LINE.replace(b"12.5", b"1.50e1")]


@pytest.mark.parametrize(
    ("header", "rows", "expected"),
    [
        (NAMES, [], ("NoRows", None, None)),
        (NAMES[1:], [], ("MissingColumn", None, "State")),
        ([*NAMES, "Extra"], [], ("UnexpectedColumn", None, "Extra")),
        ([*NAMES, "State"], [], ("RepeatedColumn", None, "State")),
        (NAMES, [list(ROW.values()), ["OH"]], ("InvalidRow", 2, None)),
        (NAMES, [list(ROW.values()), [], list(ROW.values())], ("InvalidRow", 2, None)),
        (NAMES, [list(ROW.values()), NAMES], ("HeaderAmongRows", 2, None)),
        (NAMES, [list((ROW | {"Calls": "many"}).values())], ("InvalidValue", 1, "Calls")),
        (NAMES, [list((ROW | {"Calls": "3.5"}).values())], ("InvalidValue", 1, "Calls")),
        (NAMES, [list((ROW | {"Calls": "9" * 19}).values())], ("InvalidValue", 1, "Calls")),
        (NAMES, [list((ROW | {"Calls": "9" * 5000}).values())], ("InvalidValue", 1, "Calls")),
        (NAMES, [list((ROW | {"Note": "x" * 131_073}).values())], ("InvalidValue", 1, "Note")),
        (NAMES, [list((ROW | {"Mins": "-Infinity"}).values())], ("InvalidValue", 1, "Mins")),
        (NAMES, [list((ROW | {"Mins": "1e999"}).values())], ("InvalidValue", 1, "Mins")),
        (NAMES, [list((ROW | {"Mins": "1_000"}).values())], ("InvalidValue", 1, "Mins")),
        (NAMES, [list((ROW | {"Note": "\0"}).values())], ("InvalidValue", 1, "Note")),
        (NAMES, [list(ROW.values())] * 101, ("TooManyRows", None, None)),
    ],
)
def test_csv_that_does_not_fit_is_refused_by_name_row_and_column(
    header: list[str], rows: list[list[Any]], expected: tuple[Any, ...]
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    assert refusal(read_csv, text.getvalue().encode(), SCHEMA, max_rows=100) == expected


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "NoRows"),
        (b"State;Calls\nOH;3\n", "MissingColumn"),
        (b"\xff\xfe", "InvalidRequest"),
        (b'State,"Calls\n', "InvalidRequest"),
        (b'"State"x,Calls\n', "InvalidRequest"),
    ],
)
def test_what_is_no_csv_of_this_model_is_refused(body: bytes, code: str) -> None:
    assert refusal(read_csv, body, SCHEMA, max_rows=9)[0] == code


def test_a_byte_order_mark_and_blank_lines_at_the_end_are_no_content() -> None:
    assert read_csv(b"\xef\xbb\xbfit\r\na\r\n\r\n\r\n", one_column("text"), max_rows=1).lines == [b"a\n"]
    assert read_json(b'\xef\xbb\xbf{"rows": [{"it": "a"}]}', one_column("text"), max_rows=1).lines == [b"a\n"]


@pytest.mark.parametrize("before", [b"\n", b"\r\n\r\n", b"\xef\xbb\xbf\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_what_a_file_may_have_above_its_header_a_request_may_have_too(before: bytes) -> None:
    assert read_csv(before + b"it\na\n", one_column("text"), max_rows=1).lines == [b"a\n"]


def test_the_name_of_the_only_column_may_be_a_value() -> None:
    assert read_csv(b"it\nit\n", one_column("text"), max_rows=9).lines == [b"it\n"]


def test_the_name_of_one_of_many_columns_may_be_a_value() -> None:
    assert in_json(ROW | {"State": "State"}).lines == [LINE.replace(b"OH", b"State")]


def test_an_unseen_category_is_advised_of_with_its_place() -> None:
    prepared = in_json(ROW, ROW | {"State": "ZZ"}, ROW | {"State": "YY"})
    assert len(prepared.lines) == 3
    [advice] = prepared.advice
    assert (advice["code"], advice["column"], advice["row"], advice["rows"]) == ("UnseenCategory", "State", 2, 2)


def test_an_unseen_category_is_refused_where_the_settings_say_so() -> None:
    assert refusal(in_csv, ROW, ROW | {"State": "ZZ"}, reject_unseen=True) == ("UnseenCategory", 2, "State")
    known = in_json(ROW, ROW | {"State": None}, ROW | {"State": ""}, ROW | {"State": "NA"}, reject_unseen=True)
    assert known.advice == []


def test_a_category_that_looks_like_a_number_may_be_sent_as_one() -> None:
    assert in_json(ROW | {"State": 7}, ROW | {"State": 1.5}, reject_unseen=True).advice == []


def test_a_column_that_was_empty_in_training_takes_what_comes() -> None:
    assert read_json(b'{"rows": [{"it": 7}, {"it": "a"}]}', one_column("empty"), max_rows=9).lines == [b"7\n", b"a\n"]


def test_booleans_are_written_in_the_words_of_training() -> None:
    body = b'{"rows": [{"it": true}, {"it": false}, {"it": "True"}, {"it": null}]}'
    assert read_json(body, one_column("boolean", "False", "True"), max_rows=9).lines == [
        b"True\n",
        b"False\n",
        b"True\n",
        b'""\n',
    ]
    assert read_json(body, one_column("boolean"), max_rows=9).lines[:2] == [b"true\n", b"false\n"]


def test_the_profile_that_the_inspection_writes_is_the_schema() -> None:
    rows = [f"{'ab'[n % 2]},{n},{n / 7},{n % 3 == 0},2026-11-{n % 28 + 1:02d}," for n in range(700)]
    trained_on = "\n".join(["cat,int,num,bool,day,none,target", *(f"{row},{len(row) % 2}" for row in rows)])
    trained_with = InspectionSettings(target="target", salt="any")
    found = inspect([trained_on.encode()], trained_with, io.BytesIO(), io.BytesIO())
    schema = Schema.from_profile(json.loads(json.dumps(found.profile)))
    assert [(column.name, column.type) for column in schema.columns] == [
        ("cat", "category"),
        ("int", "integer"),
        ("num", "number"),
        ("bool", "boolean"),
        ("day", "date"),
        ("none", "empty"),
    ]
    prepared = read_csv("\n".join(["cat,int,num,bool,day,none", *rows]).encode(), schema, max_rows=700)
    assert (len(prepared.lines), prepared.advice) == (700, [])
    row = {"cat": "c", "int": 1, "num": 2, "bool": True, "day": "2026-11-22", "none": None}
    prepared = read_json(json.dumps({"rows": [row]}).encode(), schema, max_rows=1)
    assert (prepared.lines, len(prepared.advice)) == ([b"c,1,2,True,2026-11-22,\n"], 1)


def test_messages_never_hold_a_value() -> None:
    with pytest.raises(RowError) as refused:
        in_json(ROW | {"Mins": "my secret"})
    assert str(refused.value) == "row 1, column 'Mins': expected a finite number, or null; got text"


def test_lines_are_cut_into_as_few_parts_as_the_limits_allow() -> None:
    parts = batches([b"aa\n", b"bb\n", b"cc\n", b"d\n"], max_bytes=6, max_rows=9)
    assert [(part.body, part.row_count) for part in parts] == [(b"aa\nbb\n", 2), (b"cc\nd\n", 2)]
    assert [part.row_count for part in batches([b"a\n"] * 5, max_bytes=99, max_rows=2)] == [2, 2, 1]
    assert batches([], max_bytes=9, max_rows=9) == []
    assert refusal(batches, [b"a\n", b"bbbbbbbbb\n"], 9, 9) == ("RowTooLarge", 2, None)


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=30), st.integers(9, 40), st.integers(1, 6))
def test_cutting_loses_nothing_and_keeps_the_order(lines: list[bytes], max_bytes: int, max_rows: int) -> None:
    parts = batches(lines, max_bytes, max_rows)
    assert b"".join(part.body for part in parts) == b"".join(lines)
    assert sum(part.row_count for part in parts) == len(lines)
    assert all(len(part.body) <= max_bytes and 1 <= part.row_count <= max_rows for part in parts)


_texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
_rows = st.fixed_dictionaries(
    {
        "State": st.none() | _texts,
        "Calls": st.none() | st.integers(-(2**63), 2**63 - 1),
        "Mins": st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**30), 10**30),
        "Intl": st.none() | st.booleans(),
        "Since": st.none() | st.dates().map(str),
        "Seen": st.none() | st.datetimes().map(str),
        "Note": st.none() | _texts,
    }
)


@settings(max_examples=50)
@given(st.lists(_rows, min_size=1, max_size=4).filter(lambda rows: dict(zip(NAMES, NAMES, strict=True)) not in rows))
def test_every_row_is_one_record_and_every_value_comes_back(rows: list[dict[str, Any]]) -> None:
    prepared = in_json(*rows)
    assert len(prepared.lines) == len(rows)
    records = list(csv.reader(io.StringIO(b"".join(prepared.lines).decode(), newline=""), strict=True))
    for row, record in zip(rows, records, strict=True):
        sent = dict(zip(NAMES, record, strict=True))
        for name in ("State", "Since", "Seen", "Note"):
            assert sent[name] == ("" if row[name] is None or is_missing(row[name]) else row[name])
        assert row["Calls"] == (None if sent["Calls"] == "" else int(sent["Calls"]))
        assert (None if row["Mins"] is None else float(row["Mins"])) == (float(sent["Mins"]) if sent["Mins"] else None)
        assert sent["Intl"] == {None: "", True: "TRUE", False: "FALSE"}[row["Intl"]]
    assert in_csv(*(dict(zip(NAMES, record, strict=True)) for record in records)).lines == prepared.lines


@given(st.binary(max_size=60) | _texts.map(str.encode), st.sampled_from([read_json, read_csv]))
def test_whatever_is_sent_is_prepared_or_named(body: bytes, read: Any) -> None:
    try:
        prepared = read(body, one_column("number"), max_rows=3)
    except RequestError:
        return
    assert prepared.lines


def test_a_name_that_was_probably_meant_is_said() -> None:
    with pytest.raises(errors.MissingColumn, match=r"column 'State'.*did you mean it by 'state'\?"):
        in_json({("state" if name == "State" else name): value for name, value in ROW.items()})
    with pytest.raises(errors.MissingColumn, match=r"column 'State'.*did you mean it by ' State'\?"):
        in_csv({(" State" if name == "State" else name): value for name, value in ROW.items()})


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"State;Calls;Mins\nOH;3;4\n", "separated by semicolons"),
        (b"State^Calls^Mins\nOH^3^4\n", "separated by carets"),
        (b"State\tCalls\tMins\nOH\t3\t4\n", "separated by tabs"),
        (b"OH,Secret,3\nKS,Secret,4\n", "begin with a header"),
        (b"Secret,Secret,3\nKS,Secret,4\n", "begin with a header"),
    ],
)
def test_csv_without_a_header_says_so_and_shows_no_cell(body: bytes, said: str) -> None:
    with pytest.raises(errors.MissingColumn, match=said) as refused:
        read_csv(body, SCHEMA, max_rows=9)
    assert "Secret" not in str(refused.value)
    assert refused.value.members["column"] == "State"


def test_columns_that_the_model_ignores_are_taken_and_left_out() -> None:
    schema = Schema.from_profile(PROFILE | {"ignore_columns": ["Row", "Id"]})
    more = {"Row": {"any": ["thing"]}, **ROW, "Id": "\0"}
    body = json.dumps({"rows": [more, ROW, ROW | {"Id": 1}]}).encode()
    assert read_json(body, schema, max_rows=9).lines == [LINE] * 3
    text = io.StringIO()
    writer = csv.DictWriter(text, ["Id", *ROW])
    writer.writeheader()
    writer.writerow(ROW | {"Id": "x" * 200_000})
    assert read_csv(text.getvalue().encode(), schema, max_rows=9).lines == [LINE]
    only = Schema.from_profile(
        {"target": {"column": "y"}, "columns": [{"name": "it", "type": "text"}], "ignore_columns": ["no"]}
    )
    assert read_json(b'{"rows": [{"no": 1, "it": "a"}]}', only, max_rows=9).lines == [b"a\n"]
    assert read_csv(b"no,it\n1,a\n", only, max_rows=9).lines == [b"a\n"]


def test_a_profile_says_the_forms_of_its_dates() -> None:
    columns = [{"name": name, "type": "date"} for name in "abcd"]
    forms = ["DD.MM.YYYY", ["YYYY-MM-DD", "DD/MM/YYYY"], None]
    entries = [column | {"form": form} for column, form in zip(columns, forms, strict=False)]
    schema = Schema.from_profile({"target": {"column": "y"}, "columns": [*entries, columns[3]]})
    assert [column.forms for column in schema.columns] == [("DD.MM.YYYY",), ("YYYY-MM-DD", "DD/MM/YYYY"), (), ()]


def test_rows_may_each_have_their_own_order() -> None:
    assert in_json(*(dict(list(ROW.items())[n:] + list(ROW.items())[:n]) for n in range(7))).lines == [LINE] * 7


@pytest.mark.parametrize("body", ["{}", '{"rows": [{}]}', '{"rows": [{"rows": []}]}', '{"rows": [[["a", 1]]]}'])
def test_objects_and_lists_are_told_apart(body: str) -> None:
    assert refusal(read_json, body.encode(), one_column("text"), max_rows=9)[0] in {
        "InvalidRequest", "MissingColumn", "InvalidRow",
    }  # fmt: skip
