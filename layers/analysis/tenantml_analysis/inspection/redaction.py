"""Excerpts that show the shape of a value and nothing of its content."""

from __future__ import annotations

import unicodedata

SHOWN_CHARACTERS = 60
_PICTURES = {"So", "Sk"}  # emoji and the colours of their skin


def redacted(value: bytes) -> str:
    """Return the first characters of a value with letters and the marks that belong to them shown as `a`, as emoji
    are, and digits as `9`.
    """
    text = value[: SHOWN_CHARACTERS * 4].decode("utf-8", "replace")
    shape = "".join(map(_shape, text))
    return shape[:SHOWN_CHARACTERS] + (
        "…" if len(shape) > SHOWN_CHARACTERS or len(value) > SHOWN_CHARACTERS * 4 else ""
    )


def _shape(character: str) -> str:
    category = unicodedata.category(character)
    if category[0] in "LM" or (category in _PICTURES and not character.isascii()):
        return "a"
    return "9" if character.isnumeric() else character if character.isprintable() else "·"
