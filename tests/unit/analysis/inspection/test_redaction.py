"""An excerpt shows the shape of a value and nothing of its content."""

from __future__ import annotations

import pytest

from tenantml_analysis.inspection.redaction import redacted


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("Nora-17", "aaaa-99"),
        ("नमस्ते", "aaaaaa"),
        ("กรุงเทพ", "aaaaaaa"),
        ("si\u0301", "aaa"),
        ("٣½Ⅷ", "999"),
        ("👍🏽☕ ®", "aaa a"),
        ("🏳️‍🌈", "aa·a"),
        ("$1^`+€", "$9^`+€"),
        ("a\tb\u200b", "a·a·"),
    ],
)
def test_letters_with_their_marks_emoji_and_digits_are_hidden(value: str, shape: str) -> None:
    assert redacted(value.encode()) == shape
