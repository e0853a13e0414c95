"""Advice: what is valid and yet likely a mistake, found on a sample of rows that the split drew evenly from the file.

A rule's name is stable: it is stored with the execution and may be made fatal by the model's settings.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tenantml.domain.training.model_settings import ADVICE_RULES
from tenantml.errors import AdviceIsFatal
from tenantml_analysis.inspection.columns import Column
from tenantml_analysis.inspection.settings import InspectionSettings
from tenantml_analysis.inspection.values import NULLS, Kind

LEAK, IDENTIFIER, CONSTANT, PERSONAL, IMBALANCE, DUPLICATES, UNLABELLED_ROWS = ADVICE_RULES

PERSONAL_VALUES_TESTED = 100  # of a column
LEAK_ROWS_FIRST = 16

_EMAIL = re.compile(rb"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}")
_IBAN = re.compile(rb"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?")
_PHONE = re.compile(rb"(?:\+|00)\d{1,3}[ ./-]?(?:\(?\d+\)?[ ./-]?){2,6}\d|\(?0?\d{2,4}\)?[ /-]\d{3,4}[ -]\d{3,5}")
_CARD = re.compile(rb"\d(?:[ -]?\d){12,18}")
_PERSONAL_NAME = re.compile(
    r"(?:^|_)(?:e_?mail|phone|mobile|(?:first|last|full|sur|given|family|maiden|middle)_?name|address|street|"
    r"birth_?(?:date|day)|date_?of_?birth|dob|ssn|social_?security|passport|iban|credit_?card|card_?number|tax_?id|national_?id)(?:_|$)"
)


@dataclass(frozen=True)
class Sample:
    """Rows drawn evenly from the file: values as read, by column, and the target's values beside them."""

    columns: list[list[bytes]]
    target: list[bytes]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.target)


def personal_data_in(column: Column, values: Sequence[bytes], share: float) -> str | None:
    """Say what personal data a column looks like it holds, by its name or by a share of its values; None for none."""
    longest = max(map(len, values), default=0)
    tests = [
        (what, test) for what, types, shortest, test in _PERSONAL_VALUES if longest >= shortest and column.type in types
    ]
    if tests:
        held = [value for value in values if value not in NULLS]
        held = held[:: -(-len(held) // PERSONAL_VALUES_TESTED) or 1]
        enough = max(1, round(share * len(held)))
        for what, test in tests:
            if sum(map(test, held)) >= enough:
                return what
    words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name).lower())
    return "personal data, by its name" if _PERSONAL_NAME.search(words) else None


def _is_card(value: bytes) -> bool:
    """Luhn's check over 13 to 19 digits that are not all the same."""
    if not _CARD.fullmatch(value):
        return False
    digits = [int(chr(c)) for c in value if 48 <= c <= 57]
    doubled = sum(sum(divmod(2 * digit, 10)) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + doubled) % 10 == 0 and len(set(digits)) > 1


def _is_iban(value: bytes) -> bool:
    """ISO 13616: the number made of the rearranged letters and digits is 1 modulo 97."""
    if not _IBAN.fullmatch(value):
        return False
    plain = value.replace(b" ", b"").decode()
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


# What a value may be, in columns of which types, how long it is at least, and the test.
_PERSONAL_VALUES: tuple[tuple[str, tuple[str, ...], int, Callable[[bytes], bool]], ...] = (
    ("e-mail addresses", ("text", "category"), 6, lambda value: b"@" in value and _EMAIL.fullmatch(value) is not None),
    ("IBANs", ("text", "category"), 15, _is_iban),
    ("card numbers", ("text", "category", "integer", "number"), 13, _is_card),
    ("phone numbers", ("text", "category"), 7, lambda value: _PHONE.fullmatch(value) is not None),
)


def advise(
    columns: list[Column],
    target: dict[str, Any],
    personal: dict[str, str],
    sample: Sample,
    duplicates: tuple[int, int],
    rows: int,
    settings: InspectionSettings,
) -> list[dict[str, Any]]:
    """Return the advice, each with `rule`, `column` (or null) and `message`, in the order of the columns.

    `target` is the target's part of the profile, `personal` what columns hold by name, `duplicates` how many rows
    of how many checked are repeated.

    Raises:
        AdviceIsFatal: a rule that the settings make fatal gave advice.
    """
    found: list[tuple[str, str | None, str]] = []
    labels = _Labels(sample.target, settings, by_class=target["classes"] is not None)
    for column, values in zip(columns, sample.columns, strict=True):
        if column.name == target["column"]:
            continue
        if column.name in personal:
            found.append(
                (
                    PERSONAL,
                    column.name,
                    f"holds what looks like {personal[column.name]}; leave it out unless the model needs it",
                )
            )
        if not column.capped and len(column.values) <= 1 and (not column.nulls or not column.values):
            found.append((CONSTANT, column.name, "is the same in every row and tells the model nothing; leave it out"))
            continue
        if _is_identifier(column, values, settings):
            found.append(
                (
                    IDENTIFIER,
                    column.name,
                    "differs in almost every row, as an identifier does; a model cannot learn from it",
                )
            )
        if _determines(column, values, labels, settings):
            message = (
                f"determines the target in all {sample.rows:,} rows looked at; if it is known only after the fact, "
                "leave it out, "
                "or the model will look better than it is"
            )
            found.append((LEAK, column.name, message))
    found += _about_rows(target, duplicates, rows, settings)
    for rule, name, message in found:
        if rule in settings.fatal_advice:
            raise AdviceIsFatal(
                f"{rule}: {f'column {name!r} ' if name else ''}{message}; the model's settings make this rule fatal",
                column=name,
            )
    return [{"rule": rule, "column": name, "message": message} for rule, name, message in found]


def _about_rows(
    target: dict[str, Any], duplicates: tuple[int, int], rows: int, settings: InspectionSettings
) -> Iterable[tuple[str, str | None, str]]:
    repeated, checked = duplicates
    if checked and repeated / checked >= settings.duplicate_share:
        message = (
            f"{repeated:,} of the first {checked:,} rows repeat an earlier one; repeated rows in both parts flatter "
            "the model"
        )
        yield DUPLICATES, None, message
    if rows > target["labelled_rows"]:
        message = (
            f"{rows - target['labelled_rows']:,} rows have no target; they go to training, where Autopilot leaves "
            "them out"
        )
        yield UNLABELLED_ROWS, target["column"], message
    if target["classes"]:
        rarest = min(target["classes"], key=lambda entry: entry["rows"])
        fair = 2 / len(target["classes"])  # for two classes the threshold is the share itself
        if rarest["rows"] / target["labelled_rows"] < settings.imbalance_share * fair:
            message = (
                f"class {rarest['value']!r} has {rarest['rows']:,} of {target['labelled_rows']:,} rows; prefer F1, "
                "AUC or BalancedAccuracy to Accuracy"
            )
            yield IMBALANCE, target["column"], message


def _is_identifier(column: Column, values: list[bytes], settings: InspectionSettings) -> bool:
    """Texts and whole numbers that hardly repeat; measured numbers and dates may be all different and still be told
    from.
    """
    if column.type not in ("integer", "text") or not column.capped:
        return False
    held = [value for value in values if value not in NULLS]
    if not held or len(set(held)) < settings.identifier_share * len(held):
        return False
    if column.type == "text":
        return not any(b" " in value.strip() for value in held[:100])  # free text differs in every row too
    numbers = np.array([int(value) for value in held], np.float64)
    return bool(np.all(np.diff(numbers) > 0))


class _Labels:
    """The target's values of the sample, as numbers: codes of classes, or the values themselves."""

    def __init__(self, target: list[bytes], settings: InspectionSettings, *, by_class: bool):
        codes = {value: code for code, value in enumerate(dict.fromkeys(target))}
        self.by_class = by_class
        self.numbers = np.array([codes[value] if by_class else float(value) for value in target], np.float64)
        self.list = self.numbers.tolist()
        most_frequent = max(Counter(target).values(), default=0)
        # With hardly another value than the most frequent one, anything would seem to determine it.
        self.telling = len(target) - most_frequent >= settings.leak_minority_rows


def _determines(column: Column, values: list[bytes], labels: _Labels, settings: InspectionSettings) -> bool:
    """Say whether the target follows from the column: value by value, by ranges that do not overlap, or on a straight
    line.
    """
    if not labels.telling:
        return False
    if len(values) >= settings.leak_rows_per_value * len(set(values)):
        seen: dict[bytes, float] = {}
        if all(seen.setdefault(value, label) == label for value, label in zip(values, labels.list, strict=True)):
            return True
    if not column.numeric or column.kinds & Kind.NOT_FINITE or (column.nulls and not NULLS.isdisjoint(values)):
        return False
    if labels.by_class:  # most columns are told by their first values
        return all(_lie_apart(values[:rows], labels.list[:rows]) for rows in (LEAK_ROWS_FIRST, len(values)))
    numbers = np.array(list(map(float, values)))
    if np.ptp(numbers) == 0 or np.ptp(labels.numbers) == 0:
        return False
    return bool(abs(np.corrcoef(numbers, labels.numbers)[0, 1]) >= settings.leak_correlation)


def _lie_apart(values: list[bytes], labels: list[float]) -> bool:
    """Say whether each class has a range of numbers for itself."""
    ordered = sorted(zip(map(float, values), labels, strict=True))
    edges = [(low, high) for (low, label), (high, next_label) in pairwise(ordered) if label != next_label]
    return len(edges) == len(set(labels)) - 1 and all(low < high for low, high in edges)
