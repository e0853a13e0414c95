"""Asking a version: rows in batches that its endpoint takes, and its answers as one. Whoever asks brings the call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from tenantml.domain.drift.watch import NOTHING, Watch
from tenantml.domain.predictions import answers, rows, sizes
from tenantml.domain.predictions.answers import Predictions
from tenantml.domain.predictions.rows import Batch, Schema


@dataclass(frozen=True, slots=True)
class Deployed:
    """One version as it was deployed; it never changes."""

    endpoint: str
    output_keys: tuple[str, ...]
    serverless: bool
    schema: Schema
    watch: Watch = NOTHING

    @classmethod
    def of_row(cls, row: Mapping[str, Any], profile: Mapping[str, Any]) -> Deployed:
        """Read a version's row of the registry, and the profile that its row names."""
        schema, watch = Schema.from_profile(profile), Watch.of(row, profile)
        return cls(row["endpoint"], tuple(row["output_keys"]), row["serverless"], schema, watch)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it answers with; none of a regression."""
        return self.schema.classes if self.output_keys else ()

    @property
    def most_bytes(self) -> int:
        """How large a body is that its endpoint takes, or answers."""
        return sizes.SERVERLESS_BYTES if self.serverless else sizes.REAL_TIME_BYTES

    def read(self, answer: bytes, row_count: int) -> Predictions:
        """Return the predictions of an answer to so many rows.

        Raises:
            UnreadableAnswer, WrongPredictionCount: it is not what the version promises.
        """
        return answers.parse(answer, self.output_keys, row_count, self.classes)


def ask(
    version: Deployed,
    lines: Sequence[bytes],
    invoke: Callable[[bytes], bytes],
    rows_max: int = sizes.ROWS_PER_CALL,
    tally: Callable[[Batch], AbstractContextManager[None]] | None = None,
) -> Predictions:
    """Return one prediction per line of CSV; `invoke` sends a body to the version's endpoint, as often as the limits
    ask for, both of what it takes and of what it answers, with at most `rows_max` rows.
    `tally(batch)` is entered around each call and its answer.

    Raises:
        RowTooLarge: the endpoint does not take one of the lines.
        UnreadableAnswer, WrongPredictionCount: an answer is not what the version promises.
    """
    rows_per_call = min(rows_max, sizes.rows_per_call(version.classes, version.most_bytes))

    def answer(batch: Batch) -> Predictions:
        with nullcontext() if tally is None else tally(batch):
            return version.read(invoke(batch.body), batch.row_count)

    return Predictions.joined([answer(batch) for batch in rows.batches(lines, version.most_bytes, rows_per_call)])
