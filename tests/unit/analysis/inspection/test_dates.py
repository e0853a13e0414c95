"""The form of a column's dates, as the profile has it."""

from __future__ import annotations

import io

import pytest

from tenantml_analysis.inspection import Inspection, InspectionSettings, inspect


def run(dates: list[str], block_bytes: int = 1 << 20) -> Inspection:
    rows = "".join(f"{dates[n % len(dates)]},{n % 7},{'ab'[n % 3 == 0]}\n" for n in range(900))
    settings = InspectionSettings(target="y", salt="s", block_bytes=block_bytes)
    return inspect([b"x,n,y\n", rows.encode()], settings, io.BytesIO(), io.BytesIO())


@pytest.mark.parametrize("block_bytes", [50, 1 << 20])
@pytest.mark.parametrize(
    ("dates", "type_", "form"),
    [
        (["2024-01-31", "2024-02-29"], "date", "YYYY-MM-DD"),
        (["2024-01-31 10:00", "2024-02-29"], "datetime", "YYYY-MM-DD"),
        (["2024/1/31"], "date", "YYYY/MM/DD"),
        (["01.02.2024", "13.02.2024"], "date", "DD.MM.YYYY"),
        (["01.02.2024", "02.13.2024"], "date", "MM.DD.YYYY"),
        (["01/02/2024", "13/02/2024"], "date", "DD/MM/YYYY"),
        (["01/02/2024", "02/13/2024 10:00:00"], "datetime", "MM/DD/YYYY"),
        (["01/02/2024", "03/04/2024"], "date", None),
        (["13/02/2024", "02/13/2024"], "date", ["DD/MM/YYYY", "MM/DD/YYYY"]),
        (["01.02.2024", "2024-01-31"], "date", ["DD.MM.YYYY", "MM.DD.YYYY", "YYYY-MM-DD"]),
        (["01.02.2024", "2024-01-31", "13.1.2024"], "date", ["YYYY-MM-DD", "DD.MM.YYYY"]),
    ],
)
def test_the_form_is_what_the_days_tell(
    dates: list[str], type_: str, form: str | list[str] | None, block_bytes: int
) -> None:
    found = run(dates, block_bytes)
    column = found.profile["columns"][0]
    assert (column["type"], column["form"]) == (type_, form)
    mixed = [entry for entry in found.advice if entry["rule"] == "dates-of-two-forms"]
    assert bool(mixed) == isinstance(form, list)


def test_two_forms_are_told_with_the_first_line_of_each() -> None:
    dates = ["2024-01-31"] * 30 + ["31/01/2024"]
    (message,) = [str(entry["message"]) for entry in run(dates).advice if entry["rule"] == "dates-of-two-forms"]
    assert "YYYY-MM-DD (first in line 2)" in message
    assert "DD/MM/YYYY (first in line 32)" in message


def test_days_of_no_calendar_are_text() -> None:
    assert run(["2023-02-29", "2024-01-31"]).profile["columns"][0]["type"] == "category"
