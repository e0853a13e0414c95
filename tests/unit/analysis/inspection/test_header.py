"""What a header is refused for, and when its names may be shown."""

from __future__ import annotations

import io

import pytest

from tenantml import errors
from tenantml_analysis.inspection import InspectionSettings, inspect

PEOPLE = "".join(f"Person {n} of Nowhere,{'yes' if n % 2 else 'no'},Street {n}\n" for n in range(600))
VISITS = "".join(f"Person {n} of Nowhere,{n % 7},Street {n}\n" for n in range(600))
NUMBERS = "".join(f"{n},{n % 7},{'yes' if n % 2 else 'no'}\n" for n in range(600))


def refusal(text: str, target: str = "churn", **options: object) -> errors.DatasetError:
    with pytest.raises(errors.DatasetError) as raised:
        inspect([text.encode()], InspectionSettings(target, "s", **options), io.BytesIO(), io.BytesIO())  # type: ignore[arg-type]
    return raised.value


@pytest.mark.parametrize(
    ("first", "error"),
    [
        ("Nora Nobody,yes,Main Street", errors.TargetMissing),
        ("Nora Nobody,yes,yes", errors.DuplicateColumn),
        ("Nora Nobody,yes,17", errors.NoHeader),
        ("Nora Nobody,yes,2024-01-31", errors.NoHeader),
        ("Nora Nobody,yes," + "x" * 257, errors.ColumnNameTooLong),
        ("Nora Nobody,yes,", errors.EmptyColumnName),
        ("Nora Nobody^yes^x", errors.WrongDelimiter),
        ("Nora Nobody;yes;x", errors.WrongDelimiter),
    ],
)
def test_a_first_row_that_may_be_values_is_shown_by_its_shape_alone(
    first: str, error: type[errors.DatasetError]
) -> None:
    found = refusal(f"{first}\n{PEOPLE}")
    assert type(found) is error
    assert found.line == 1
    assert not any(word in f"{found} {found.column}" for word in ("Nora", "yes", "Street"))


@pytest.mark.parametrize("rows", [PEOPLE, VISITS])
@pytest.mark.parametrize("first", ["Nora Nobody,n.a.,Main Street", "Nora Nobody,NA,Main Street", "Nora Nobody,5 kg,x"])
def test_a_cell_that_is_no_number_does_not_make_the_first_row_a_header(first: str, rows: str) -> None:
    assert not any(word in str(refusal(f"{first}\n{rows}")) for word in ("Nora", "Main", "kg"))


@pytest.mark.parametrize("first", ["Nora Nobody,Churned,Main Street", "Nora Nobody,CHURN ,Main Street"])
def test_a_cell_that_is_near_the_target_shows_no_other(first: str) -> None:
    found = refusal(f"{first}\n{PEOPLE}")
    assert type(found) is errors.TargetMissing
    assert not any(word in str(found) for word in ("Nora", "Main", "Churned"))


@pytest.mark.parametrize("first", ["age,2019,label", "2018,visits,0", "name,1,2"])
def test_a_year_or_a_number_may_be_a_columns_name(first: str) -> None:
    found = refusal(f"{first}\n{NUMBERS}")
    assert type(found) is errors.TargetMissing
    assert all(repr(name) in str(found) for name in first.split(","))


@pytest.mark.parametrize(
    ("row", "again"),
    [
        ('"age",visits,"churn"', True),
        ("\ufeffage,visits,churn", True),
        ('\ufeff"age",visits,churn', True),
        ('"age",x,churn', False),
        ("age,visits,churn ", False),
        ("Age,visits,churn", False),
    ],
)
@pytest.mark.parametrize("header", ["age,visits,churn", '"age","visits","churn"'])
def test_the_header_again_is_found_however_it_is_quoted(header: str, row: str, again: bool) -> None:
    data = f"{header}\n{NUMBERS}{row}\n{NUMBERS}"
    if again:
        found = refusal(data)
        assert (type(found), found.line) == (errors.RepeatedHeader, 602)
    else:
        settings = InspectionSettings("churn", "s", class_rows_min=1)
        assert inspect([data.encode()], settings, io.BytesIO(), io.BytesIO()).profile["rows"] == 1201


@pytest.mark.parametrize(
    ("data", "what"),
    [
        ('"age,visits,churn"\n"1,2,yes"\n', "remove the quotes around the rows"),
        ("age^visits^churn\n1^2^yes\n", "separated by carets"),
        ("age visits churn\n1 2 yes\n", "separated by blanks"),
        ("age~visits~churn\n1~2~yes\n", "separated by tildes"),
        ("age\x01visits\x01churn\n1\x012\x01yes\n", "as in exports of Hive"),
        ('"age";"visits, all";"churn"\n1;2;yes\n', "separated by semicolons"),
        ("age\tvisits, all\tchurn\n1\t2\tyes\n", "separated by tabs"),
    ],
)
def test_what_is_between_the_cells_is_named(data: str, what: str) -> None:
    found = refusal(data)
    assert type(found) is errors.WrongDelimiter
    assert what in str(found)


@pytest.mark.parametrize(
    ("row", "cure"),
    [
        ("1,2,yes,", "remove the comma at its end"),
        ('"1,2,yes"', "remove the quotes around it"),
        ("(2 rows)", "1 field where the header has 3 columns; remove the line"),
        ("1,2", "2 fields where the header has 3 columns; quote"),
    ],
)
def test_a_row_of_another_length_is_told_what_to_do(row: str, cure: str) -> None:
    found = refusal(f"age,visits,churn\n{NUMBERS}{row}\n")
    assert (type(found), found.line) == (errors.RaggedRow, 602)
    assert cure in str(found)


def test_names_of_a_header_are_shown_when_the_rows_below_are_unlike_it() -> None:
    assert "'age', 'visits', 'label'" in str(refusal("age,visits,label\n" + NUMBERS))
    found = refusal("age,age,label\n" + NUMBERS)
    assert (type(found), found.column) == (errors.DuplicateColumn, "age")
    assert "columns 1, 2" in str(found)


def test_a_header_below_other_lines_is_found() -> None:
    title = refusal("Customers of 2024\nage,visits,churn\n" + NUMBERS)
    assert "line 2, where the target 'churn' is, below a title" in str(title)
    assert "below a 'sep=' line" in str(refusal("sep=,\nage,visits,churn\n" + NUMBERS))
    assert "line 4" in str(refusal("# a\n\n# b\nage,visits,churn\n" + NUMBERS))


def test_an_unnamed_column_that_numbers_the_rows_is_called_an_index() -> None:
    assert "index=False" in str(refusal(",visits,churn\n" + NUMBERS))
    assert "index" not in str(refusal("age,,churn\n" + NUMBERS))


def test_a_column_to_ignore_must_be_there_and_leave_one_to_learn_from() -> None:
    found = refusal("age,visits,churn\n" + NUMBERS, ignore_columns=("visit",))
    assert type(found) is errors.IgnoredColumnMissing
    assert "did you mean 'visits'?" in str(found)
    assert type(refusal("age,visits,churn\n" + NUMBERS, ignore_columns=("age", "visits"))) is errors.NoFeatures


def test_ignored_columns_are_in_neither_part_and_named_in_the_profile() -> None:
    train, holdout = io.BytesIO(), io.BytesIO()
    data = "age,visits,churn\n" + NUMBERS
    for ignored, header in ((("age",), b"visits,churn\n"), (("visits",), b"age,churn\n")):
        settings = InspectionSettings("churn", "s", ignore_columns=ignored)
        profile = inspect([data.encode()], settings, train := io.BytesIO(), holdout := io.BytesIO()).profile
        assert profile["ignore_columns"] == list(ignored)
        assert [column["name"] for column in profile["columns"]] == header.decode().strip().split(",")
        assert {part.getvalue().partition(b"\n")[0] for part in (train, holdout)} == {header.strip()}
        assert {row.count(b",") for part in (train, holdout) for row in part.getvalue().split()} == {1}


def test_names_that_people_mean_alike_are_told() -> None:
    data = "Age,age,churn\n" + NUMBERS
    found = inspect([data.encode()], InspectionSettings("churn", "s"), io.BytesIO(), io.BytesIO())
    assert [(entry["rule"], entry["column"]) for entry in found.advice if entry["rule"] == "names-alike"] == [
        ("names-alike", "Age")
    ]


def test_every_byte_order_mark_at_the_start_goes() -> None:
    found = inspect(
        [b"\xef\xbb\xbf" * 3 + ("age,visits,churn\n" + NUMBERS).encode()],
        InspectionSettings("churn", "s"),
        io.BytesIO(),
        io.BytesIO(),
    )
    assert found.profile["columns"][0]["name"] == "age"
