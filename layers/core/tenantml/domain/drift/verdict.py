"""The verdict of a check: which columns have drifted in two windows, one after the other, and what a person is told.

A window has at least `ROWS_MIN` counted rows; it begins where the last one ended, and while it has fewer, nothing is
said and it goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tenantml.domain.drift.bins import Bins
from tenantml.domain.drift.measure import PSI_LIMIT, ROWS_MIN, Drift, measure
from tenantml.domain.drift.watch import Watch

WINDOWS = 2
STATUSES = UNKNOWN, NONE, SUSPECTED, DRIFTED = "unknown", "none", "suspected", "drifted"
"""Too few rows yet; nothing; something in one window only; something in two."""

Row = dict[str, Any]


def judge(watch: Watch, counted: Sequence[int], known: Row | None) -> Row:
    """Return what a check found, from all counts of a version so far and what the check before found.

    `columns` and `answers` are of the last window that was long enough, `rows` those of the open one.
    """
    known = known or {"windows": 0, "columns": [], "answers": None, "status": UNKNOWN}
    before = known.get("counted") or [0] * watch.size
    window = [count - earlier for count, earlier in zip(counted, before, strict=False)]
    if len(before) != watch.size or min(window, default=0) < 0:  # the counts were forgotten meanwhile
        before, window = [0] * watch.size, list(counted)
    parts = watch.parts(window)
    rows = max((sum(counts) for _, _, counts in parts), default=0)
    if rows < ROWS_MIN:
        return known | {"rows": rows, "counted": before}
    streaks = {row["column"]: row["windows"] for row in [*known["columns"], known["answers"]] if row}
    found = [
        _of_part(name, part, drift, streaks.get(name, 0), len(parts))
        for name, part, counts in parts
        if (drift := measure(part.counts, counts))
    ]
    longest = max((row["windows"] for row in found), default=0)
    return {
        "status": DRIFTED if longest >= WINDOWS else SUSPECTED if longest else NONE,
        "windows": known["windows"] + 1,
        "window_rows": rows,
        "rows": 0,
        "counted": list(counted),
        "columns": [row for row in found if row["column"] is not None],
        "answers": next((row for row in found if row["column"] is None), None),
    }


def _of_part(name: str | None, part: Bins, drift: Drift, streak: int, tested: int) -> Row:
    return {
        "column": name,
        "psi": round(drift.psi, 4),
        "windows": streak + 1 if drift.has_drifted(tested) else 0,
        "bin": _words(part, drift.bin),
        "share": round(drift.share, 4),
        "share_before": round(drift.share_before, 4),
    }


def _words(part: Bins, place: int) -> str:
    """Return what a bin is of, without any value."""
    if place == part.size - 1:
        return "missing"
    if part.edges:
        ends = {0: "the lowest numbers", len(part.edges): "the highest numbers"}
        return ends.get(place, f"numbers of part {place + 1} of {len(part.edges) + 1}, from the lowest")
    if part.categories:
        return "a category among the most frequent" if place < len(part.categories) else "other categories"
    return "a value"


def sentences(row: Row | None) -> list[str]:
    """Return in words what the last check found, None before the first."""
    if row is None:
        return ["No check has looked at this version yet: one looks every day at the version that answers."]
    said = _found(row)
    if row["left_out"]:
        said.append(f"{row['left_out']} columns are not watched: they are too many, or the training is of before.")
    return said


def _found(row: Row) -> list[str]:
    if row["status"] == UNKNOWN:
        return [f"{row['rows']:,} rows are counted, and from {ROWS_MIN} on something can be said."]
    parts = [*row["columns"], *([row["answers"]] if row["answers"] else [])]
    drifted = sorted((part for part in parts if part["windows"]), key=lambda part: -part["psi"])
    said = [
        f"{'The column ' + repr(part['column']) if part['column'] is not None else 'What it answers'} has drifted in "
        f"{part['windows']} window{'s' * (part['windows'] > 1)} (index {part['psi']:.2f}, above {PSI_LIMIT}): "
        f"{part['bin']} in {part['share']:.0%} of the rows, {part['share_before']:.0%} before."
        for part in drifted
    ] or [f"Nothing has drifted: {len(parts)} distributions of {row['window_rows']:,} rows are as in training."]
    if row["answers"] is None:
        said.append("Its answers are not watched: there was no holdout to compare them with.")
    return said


def proposal(row: Row) -> str | None:
    """Return what to do about it, None while nothing is to be done."""
    if row["status"] != DRIFTED:
        return None
    return "Upload rows of the last weeks to train a new version: POST /models/{model}/uploads"
