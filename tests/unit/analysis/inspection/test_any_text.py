"""Whatever characters a file holds, it is read or refused by name."""

from __future__ import annotations

import contextlib
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.errors import DatasetError
from tenantml_analysis.inspection import Inspection, InspectionSettings, inspect

LABELS = ("no", "yes")
PLANES = [range(first, min(first + 0x10000, 0x110000)) for first in range(0, 0x110000, 0x10000)]


def table(texts: list[str]) -> bytes:
    """Rows that hold the texts in a feature, enough of them to be trained on."""
    rows = (f"{n},{texts[n % len(texts)]},{LABELS[n % 2]}\n" for n in range(max(600, 2 * len(texts))))
    return ("n,x,y\n" + "".join(rows)).encode()


def read(data: bytes, target: str = "y") -> Inspection:
    return inspect([data], InspectionSettings(target=target, salt="s"), io.BytesIO(), io.BytesIO())


@pytest.mark.parametrize(
    "character", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"], ids=lambda c: f"U+{ord(c):04X}"
)
def test_only_cr_and_lf_end_a_line(character: str) -> None:
    assert read(table([f"a{character}b", "c"])).profile["rows"] == 600


@pytest.mark.parametrize("plane", PLANES, ids=lambda plane: f"U+{plane[0]:06X}")
def test_every_character_of_unicode_is_read(plane: range) -> None:
    unsafe = {0, *map(ord, '\r\n,"'), *range(0xD800, 0xE000)}  # what needs quotes, and what UTF-8 cannot write
    blocks = [[chr(code) for code in plane[at : at + 128] if code not in unsafe] for at in range(0, len(plane), 128)]
    found = read(table(["".join(block) for block in blocks if block]))
    assert found.profile["columns"][1]["nulls"] == 0


@given(st.lists(st.text(max_size=12), min_size=1, max_size=8), st.text(max_size=12), st.text(max_size=12))
@settings(max_examples=150, deadline=None)
def test_any_text_in_a_cell_a_label_or_a_name_ends_under_a_name(texts: list[str], label: str, name: str) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace('"', '""') + '"'

    rows = (f"{n},{quoted(texts[n % len(texts)])},{quoted((label, 'yes')[n % 2])}\n" for n in range(600))
    for target in ("y", name):
        data = f"n,{quoted(name)},{quoted('y')}\n{''.join(rows)}".encode("utf-8", "surrogatepass")
        with contextlib.suppress(DatasetError):
            read(data, target)
