"""Mends of the pinned emulator, applied from outside when the embedded cloud starts."""

from __future__ import annotations


def apply_all() -> None:
    """Apply every mend, or raise when the emulator is not the one that they were written for."""
