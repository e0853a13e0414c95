"""Which trainings are kept: their artefacts in the customer's bucket, their holdout and profile in ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]


def superfluous(
    trainings: Iterable[Row], versions: Iterable[Row], answers: str | None, keep_versions: int
) -> list[str]:
    """Return the executions whose artefacts nobody needs any more, the oldest first.

    Needed are the last `keep_versions` trainings of versions that were live, that of the version that `answers` or does
    when a pause is over, of those that are being deployed or whose endpoint stands to be returned to, and the last one,
    whatever became of it. A training counts once, however often its version was resumed or returned to.
    """
    by_age = sorted(trainings, key=lambda row: (row["trained_at"], row["execution"]))
    rows = list(versions)
    were_live = sorted((row for row in rows if "promoted_at" in row), key=lambda row: str(row["promoted_at"]))
    needed = set(list(dict.fromkeys(row["execution"] for row in reversed(were_live)))[:keep_versions])
    needed |= in_use(rows, answers) | {row["execution"] for row in by_age[-1:]}
    return [row["execution"] for row in by_age if row["execution"] not in needed]


def in_use(versions: Iterable[Row], answers: str | None) -> set[str]:
    """Return the executions of versions that are being deployed, answer, or stand to be returned to."""
    return {
        row["execution"]
        for row in versions
        if "ended_at" not in row or row["version"] == answers or row.get("status") == "standby"
    }
