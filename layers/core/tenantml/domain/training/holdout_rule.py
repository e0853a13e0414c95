"""The rule of a model's holdout: which hashes of rows are held out; each training hands it on to the next.

A row is held out when its hash is below the threshold. The threshold never rises from one training to the next, and
what was ever given back to training stays there: so no row that one training saw is in a later holdout. The pre-flight
(`tenantml_analysis.inspection`) hashes rows and applies the rule; `tenantml.services.holdouts` keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

RULE_FORMAT = 1
PINNED_MAX = 10_000  # hashes of either kind: 340 KB of JSON; past it the oldest are forgotten, and `overlap` says so
SAMPLE_MAX = 64  # hashes: 1 KB beside an evaluation; tells a share of one half within an eighth
_HASHES = 2**64


@dataclass(frozen=True)
class HoldoutRule:
    """Which rows are held out, by the hash of these columns; `by_entity` says that a setting names the column.

    Rows whose hash is in `to_training` are not, though it is below the threshold: training needed them once, or too
    many rows have it. Rows whose hash is in `to_holdout` are, though it is not: in the model's first training their
    class had no other.
    """

    columns: tuple[str, ...]
    threshold: int
    by_entity: bool = False
    to_training: tuple[int, ...] = ()
    to_holdout: tuple[int, ...] = ()

    @classmethod
    def following(
        cls, before: HoldoutRule | None, columns: Sequence[str], fraction: float, *, by_entity: bool = False
    ) -> HoldoutRule:
        """Return the rule to begin an upload's split with: what the training before left, or a fresh one when there is
        none or when other columns are hashed.
        """
        threshold = int(fraction * _HASHES)
        if before is None or not before.hashes_as(columns):
            return cls(tuple(columns), threshold, by_entity)
        return replace(before, threshold=min(threshold, before.threshold), by_entity=by_entity)

    @property
    def fraction(self) -> float:
        """The share of the rows that are held out."""
        return self.threshold / _HASHES

    def hashes_as(self, columns: Sequence[str]) -> bool:
        """Say whether a row's hash by these columns is its hash by this rule."""
        return set(self.columns) == set(columns)

    def holds(self, number: int) -> bool:
        """Say whether rows of this hash are held out (`assignment.holds` says it of an array)."""
        return (number < self.threshold and number not in self._trained) or number in self._held

    @cached_property
    def _trained(self) -> frozenset[int]:
        return frozenset(self.to_training)

    @cached_property
    def _held(self) -> frozenset[int]:
        return frozenset(self.to_holdout)

    def pinning(self, *, to_training: Iterable[int] = (), to_holdout: Iterable[int] = ()) -> HoldoutRule:
        """Return the rule with more hashes that always go to one side; what trains once is never held out again."""
        trained = dict.fromkeys([*self.to_training, *to_training])
        held = dict.fromkeys(number for number in [*self.to_holdout, *to_holdout] if number not in trained)
        return replace(self, to_training=tuple(trained)[-PINNED_MAX:], to_holdout=tuple(held)[-PINNED_MAX:])

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object; whole numbers of 64 bits as hexadecimal text, for not every reader has them."""
        return {
            "format": RULE_FORMAT,
            "columns": list(self.columns),
            "threshold": f"{self.threshold:x}",
            "by_entity": self.by_entity,
            "to_training": [f"{number:x}" for number in self.to_training],
            "to_holdout": [f"{number:x}" for number in self.to_holdout],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> HoldoutRule:
        """Return the rule that `as_document` wrote."""
        return cls(
            tuple(document["columns"]),
            int(document["threshold"], 16),
            document["by_entity"],
            tuple(int(number, 16) for number in document["to_training"]),
            tuple(int(number, 16) for number in document["to_holdout"]),
        )


def hashed_columns(
    names: Sequence[str],
    target: str,
    ignored: Sequence[str] = (),
    entity: str | None = None,
    before: HoldoutRule | None = None,
) -> list[str]:
    """Return the columns to hash of a file: the entity column; or those of the training before, while all are there,
    so that a column that is new or ignored from now on moves no row; or every feature. The target is never among them.
    """
    if entity is not None:
        return [entity]
    there = [name for name in names if name != target]
    if before is not None and not before.by_entity and set(before.columns) <= set(there):
        return list(before.columns)
    return [name for name in there if name not in ignored]


def overlap(holdout: Iterable[int], now: HoldoutRule, before: HoldoutRule | None) -> list[bool] | None:
    """Say of each row of a holdout, given by its hash, whether a training by the rule `before` may have been trained on
    it; None when that cannot be told, because it split by other columns or by no rule.
    """
    if before is None or not before.hashes_as(now.columns):
        return None
    return [not before.holds(number) for number in holdout]


def sample_of(holdout: Iterable[int]) -> list[str]:
    """Return the lowest hashes of a holdout's rows, by which it is told later how much of it was looked at before."""
    return [f"{number:016x}" for number in sorted(set(holdout))[:SAMPLE_MAX]]


def is_mostly_in(sample: Sequence[str], other: Sequence[str]) -> bool:
    """Say whether at least half of a holdout's different rows are in another holdout, as their samples tell: of hashes
    that are lower than the highest in a full sample, the sample has all.
    """
    comparable = [number for number in sample if len(other) < SAMPLE_MAX or number <= other[-1]]
    return bool(comparable) and 2 * len(set(other).intersection(comparable)) >= len(comparable)
