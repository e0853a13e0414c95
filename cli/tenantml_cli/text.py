"""Text for people: tables, times, what is not there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_UP, Decimal

NOTHING = "-"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return columns as wide as their widest cell; None and what is empty become a dash."""
    lines = [list(header), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(found.ljust(width) for found, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def listing(what: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table, or that there is nothing to show in it."""
    return table(header, rows) if rows else f"There are no {what}."


def cell(value: object) -> str:
    """Return a value on one line."""
    return NOTHING if value in {None, ""} else " ".join(str(value).split())


def moment(text: str | None) -> str:
    """Return a time as the API writes it (ISO 8601, UTC) without what every time has: `2026-11-28 17:03:01`."""
    return text[:19].replace("T", " ") if text else ""


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Return the seconds between two times as the API writes them, None unless both are known."""
    if not (start and end):
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def duration(seconds: float | None) -> str:
    """Return a duration in its two largest units: `2 h 05 min`, `3 min 12 s`, `9 s`."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, of_hour = divmod(minutes, 60)
    if hours:
        return f"{hours} h {of_hour:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def money(usd: str | None) -> str:
    """Return an amount as the API writes it, in dollars with cents, rounded up, so that nothing that costs is nothing;
    empty where it is not known.
    """
    return f"{Decimal(usd).quantize(Decimal('0.01'), ROUND_UP):,}" if usd is not None else ""


def figure(value: float | None) -> str:
    """Return a measured number: four decimals, or none from 1,000 up."""
    if value is None:
        return ""
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"
