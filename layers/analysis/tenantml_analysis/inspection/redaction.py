"""Excerpts that show the shape of a value and nothing of its content."""

from __future__ import annotations

SHOWN_CHARACTERS = 60


def redacted(value: bytes) -> str:
    """Return the first characters of a value with letters shown as `a` and digits as `9`."""
    text = value[: SHOWN_CHARACTERS * 4].decode("utf-8", "replace")
    shape = "".join("a" if c.isalpha() else "9" if c.isnumeric() else c if c.isprintable() else "·" for c in text)
    return shape[:SHOWN_CHARACTERS] + (
        "…" if len(shape) > SHOWN_CHARACTERS or len(value) > SHOWN_CHARACTERS * 4 else ""
    )
