"""Advice: what is valid and yet likely a mistake, found on a sample of rows that the split drew evenly from the file.

A rule's name is stable: it is stored with the execution and may be made fatal by the model's settings.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tenantml.domain.meaning import label_key, names_alike
from tenantml.domain.training.model_settings import ADVICE_RULES, METRICS
from tenantml.errors import AdviceIsFatal
from tenantml_analysis.inspection.almost import Almost
from tenantml_analysis.inspection.classes import Class
from tenantml_analysis.inspection.columns import Column
from tenantml_analysis.inspection.sampling import Sample
from tenantml_analysis.inspection.settings import InspectionSettings
from tenantml_analysis.inspection.values import Kind, is_missing

(
    LEAK, IDENTIFIER, CONSTANT, PERSONAL, IMBALANCE, DUPLICATES, UNLABELLED_ROWS, LABELS_ALIKE,
    ALMOST_NUMBER, ALMOST_DATE, TWO_FORMS, NAMES_ALIKE, SCHEMA_CHANGED, NOT_MEASURED,
) = ADVICE_RULES  # fmt: skip

Advice = dict[str, str | None]
Finding = tuple[str, str | None, str]  # rule, column, message

ENTRIES_MAX = 20  # of one rule; more are summed up
SHOWN_CHARACTERS = 64  # of a name or a class
PERSONAL_VALUES_TESTED = 100  # of a column
LEAK_ROWS_FIRST = 16

_EMAIL = re.compile(rb"[^@\s,;]+@[^@\s,;]+\.[A-Za-z]{2,}")
_IBAN = re.compile(rb"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?")
_PHONE = re.compile(
    rb"(?:\+|00)(?=(?:[^0-9]*+\d){4})\d++(?:\)?[ ./-]?\(?\d++){0,6}+|\(?0?\d{2,4}\)?[ /-]\d{3,4}[ -]\d{3,5}"
)
_CARD = re.compile(rb"\d(?:[ -]?\d){12,18}")
_PERSONAL_NAME = re.compile(
    r"(?:^|_)(?:e_?mail|phone|mobile|(?:first|last|full|sur|given|family|maiden|middle)_?name|address|street|"
    r"birth_?(?:date|day)|date_?of_?birth|dob|ssn|social_?security|passport|iban|credit_?card|card_?number|tax_?id|national_?id)(?:_|$)"
)


def personal_data_in(column: Column, values: Sequence[bytes], share: float) -> str | None:
    """Say what personal data a column looks like it holds, by its name or by a share of its values; None for none."""
    longest = max(map(len, values), default=0)
    tests = [
        (what, test) for what, types, shortest, test in _PERSONAL_VALUES if longest >= shortest and column.type in types
    ]
    if tests:
        held = _held(column, values)
        held = held[:: -(-len(held) // PERSONAL_VALUES_TESTED) or 1]
        enough = max(1, round(share * len(held)))
        for what, test in tests:
            if sum(map(test, held)) >= enough:
                return what
    words = re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column.name).lower())
    return "personal data, by its name" if _PERSONAL_NAME.search(words) else None


def _held(column: Column, values: Sequence[bytes]) -> Sequence[bytes]:
    """Return the values of a column that are not missing."""
    return [value for value in values if not is_missing(value)] if column.nulls else values


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


@dataclass(frozen=True)
class Findings:
    """What a pass over the file found: columns, and by the name of a column what personal data it holds and what it
    almost is; the target's part of the profile, its classes and null words; how many rows of how many checked are
    repeated; and a sample.
    """

    columns: list[Column]
    personal: dict[str, str]
    almost: dict[str, Almost]
    target: dict[str, Any]
    classes: list[Class] | None
    null_words: list[Class]
    duplicates: tuple[int, int]
    rows: int
    sample: Sample


def advise(findings: Findings, settings: InspectionSettings) -> list[Advice]:
    """Return the advice, each with `rule`, `column` (or null) and `message`."""
    advice: list[Finding] = []
    target = findings.target["column"]
    labels = _Labels(findings, settings)
    for column, values in zip(findings.columns, findings.sample.columns, strict=True):
        advice += _about_almost(column, findings)
        if column.name != target:
            advice += _about_feature(column, values, labels, findings, settings)
    for names in names_alike([column.name for column in findings.columns]):
        message = (
            f"the names {_listed(names)} differ in case, blanks or invisible characters only; apps will mix them up"
        )
        advice.append((NAMES_ALIKE, names[0], message))
    advice += _about_labels(findings)
    advice += _about_rows(findings, settings)
    return bounded(advice)


def refuse_fatal(advice: Iterable[Advice], fatal: Collection[str]) -> None:
    """End the execution when a rule that its settings make fatal gave advice.

    Raises:
        AdviceIsFatal: with the rule and the column; what was found is in the advice, for it may show classes.
    """
    for entry in advice:
        if entry["rule"] in fatal:
            column = entry["column"]
            about = f" about column {column!r}" if column else ""
            raise AdviceIsFatal(
                f"{entry['rule']}: the model's settings make this rule fatal, and the execution's advice{about} says "
                "what was found; correct the file, or take the rule out of fatal_advice",
                column=column,
            )


def bounded(findings: Iterable[Finding]) -> list[Advice]:
    """Return findings as advice; of a rule that gave too many, one sums up all."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding[0], []).append(finding)
    return [
        {"rule": rule, "column": column, "message": message}
        for of_rule in by_rule.values()
        for rule, column, message in (of_rule if len(of_rule) <= ENTRIES_MAX else [_summed_up(of_rule)])
    ]


def _summed_up(findings: list[Finding]) -> Finding:
    rule, first, message = findings[0]
    columns = list(dict.fromkeys(column for _, column, _ in findings if column))
    if len(columns) == 1:
        return rule, first, f"{len(findings):,} times, first: {message}"
    return rule, None, f"{len(columns):,} columns, {_listed(columns)}; the first {message}"


def counted(rows: int) -> str:
    """Return a number of rows in words."""
    return f"{rows:,} row{'' if rows == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    """Return the first of some names, none of them at length; as escapes where they would look the same."""
    short = [name[:SHOWN_CHARACTERS] + ("…" if len(name) > SHOWN_CHARACTERS else "") for name in names[:ENTRIES_MAX]]
    look = {unicodedata.normalize("NFC", repr(name)) for name in short}
    written = [repr(name) if len(look) == len(short) else ascii(name) for name in short]
    return ", ".join(written) + (", …" if len(names) > ENTRIES_MAX else "")


def _about_almost(column: Column, findings: Findings) -> Iterator[Finding]:
    if almost := findings.almost.get(column.name):
        rule = ALMOST_NUMBER if almost.what == "number" else ALMOST_DATE
        message = f"{almost.message()}. The first is in line {almost.first.line:,} and looks like: {almost.sample}"
        yield rule, column.name, message
    if column.type in ("date", "datetime") and len(column.forms) > 1:
        forms = ", ".join(f"{' or '.join(form)} (first in line {line:,})" for form, line in column.forms.items())
        yield TWO_FORMS, column.name, f"holds dates of several forms: {forms}; write all of them as YYYY-MM-DD"


def _about_feature(
    column: Column, values: list[bytes], labels: _Labels, findings: Findings, settings: InspectionSettings
) -> Iterator[Finding]:
    if column.name in findings.personal:
        message = f"holds what looks like {findings.personal[column.name]}; leave it out unless the model needs it"
        yield PERSONAL, column.name, message
    if column.constant:
        yield CONSTANT, column.name, "is the same in every row and tells the model nothing; leave it out"
        return
    if column.name not in findings.almost and _is_identifier(column, values, settings):
        message = "differs in almost every row, as an identifier does; a model cannot learn from it"
        yield IDENTIFIER, column.name, message
    if _determines(column, values, labels, settings):
        message = (
            f"determines the target in all {findings.sample.rows:,} rows looked at; if it is known only after the "
            "fact, leave it out, or the model will look better than it is"
        )
        yield LEAK, column.name, message


def _about_labels(findings: Findings) -> Iterator[Finding]:
    name, classes = findings.target["column"], findings.classes
    if classes is None:
        return
    by_value = {label.value: label for label in classes}
    for values in names_alike(list(by_value)):
        alike = sorted((by_value[value] for value in values), key=lambda label: label.line)
        places = ", ".join(f"{counted(label.rows)} from line {label.line:,} on" for label in alike[:ENTRIES_MAX])
        message = (
            f"the classes {_listed([label.value for label in alike])} ({places}) differ in case, blanks or invisible "
            "characters only, and are learned apart; write them in one way"
        )
        yield LABELS_ALIKE, name, message


def _about_rows(findings: Findings, settings: InspectionSettings) -> Iterator[Finding]:
    target, rows = findings.target, findings.rows
    repeated, checked = findings.duplicates
    if checked and repeated / checked >= settings.duplicate_share:
        message = (
            f"{repeated:,} of the first {checked:,} rows repeat an earlier one; repeated rows in both parts flatter "
            "the model"
        )
        yield DUPLICATES, None, message
    if unlabelled := rows - target["labelled_rows"]:
        cure = "" if findings.classes is None else "; rename the class, if it is one"
        words = [
            f". {word.value!r} is read as missing: {counted(word.rows)}, first in line {word.line:,}{cure}"
            for word in findings.null_words
        ]
        message = f"{counted(unlabelled)} without a target, which Autopilot leaves out{''.join(words)}"
        yield UNLABELLED_ROWS, target["column"], message
    if findings.classes:
        rarest = min(findings.classes, key=lambda label: label.rows)
        fair = 2 / len(findings.classes)  # for two classes the threshold is the share itself
        if rarest.rows / target["labelled_rows"] < settings.imbalance_share * fair:
            message = (
                f"class {_listed([rarest.value])} has {rarest.rows:,} of {target['labelled_rows']:,} rows; prefer F1, "
                "AUC or BalancedAccuracy to Accuracy"
            )
            yield IMBALANCE, target["column"], message


def schema_changes(profile: dict[str, Any], live: dict[str, Any]) -> list[Finding]:
    """Return one finding when names or types of a profile's columns are not those of the live version's profile."""
    now, before = (
        {column["name"]: column["type"] for column in columns} for columns in (profile["columns"], live["columns"])
    )
    changes = [
        f"{_listed(names)} {what}"
        for names, what in (
            ([name for name in now if name not in before], "new"),
            ([name for name in before if name not in now], "gone"),
        )
        if names
    ]
    changed = [name for name in now if name in before and now[name] != before[name]]
    changes += [f"{_listed([name])} was {before[name]} and is {now[name]}" for name in changed[:ENTRIES_MAX]]
    changes += [f"{len(changed) - ENTRIES_MAX:,} more of another type"] if len(changed) > ENTRIES_MAX else []
    if not changes:
        return []
    message = (
        f"the columns are not those of the live version: {', '.join(changes)}; apps that send its columns may be "
        "refused"
    )
    return [(SCHEMA_CHANGED, None, message)]


def thresholds_not_measured(profile: dict[str, Any], thresholds: Iterable[str]) -> list[Finding]:
    """Return a finding for each metric of a model's thresholds that no version of this file can reach, for it is of
    another problem type than the target's.
    """
    target = profile["target"]
    measured = METRICS[target["problem_type"]]
    found = []
    for metric in thresholds:
        if metric not in measured:
            message = (
                f"the threshold of {metric} keeps every version from going live by itself: the target makes this "
                f"{target['problem_type']}, which is measured by {', '.join(measured)}; change thresholds or "
                "problem_type"
            )
            found.append((NOT_MEASURED, target["column"], message))
    return found


def _is_identifier(column: Column, values: list[bytes], settings: InspectionSettings) -> bool:
    """Texts and whole numbers that hardly repeat; measured numbers and dates may all differ and still teach a model."""
    if column.type not in ("integer", "text") or not column.capped:
        return False
    held = _held(column, values)
    if not held or len(set(held)) < settings.identifier_share * len(held):
        return False
    if column.type == "text":
        return not any(b" " in value.strip() for value in held[:100])  # free text differs in every row too
    numbers = np.array([int(value) for value in held], np.float64)
    return bool(np.all(np.diff(numbers) > 0))


class _Labels:
    """The target's values of the sample, as numbers: codes of classes, or the values themselves."""

    def __init__(self, findings: Findings, settings: InspectionSettings):
        target = findings.sample.target
        column = next(column for column in findings.columns if column.name == findings.target["column"])
        numeric, boolean = column.numeric, column.type == "boolean"
        keys = [label_key(value.decode(), numeric=numeric, boolean=boolean) for value in target]
        codes = {key: code for code, key in enumerate(dict.fromkeys(keys))}
        self.by_class = findings.classes is not None
        self.numbers = np.array(
            [codes[key] if self.by_class else float(value) for key, value in zip(keys, target, strict=True)], np.float64
        )
        self.list = self.numbers.tolist()
        most_frequent = max(Counter(keys).values(), default=0)
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
    if not column.numeric or column.kinds & Kind.NOT_FINITE or (column.nulls and any(map(is_missing, values))):
        return False
    if labels.by_class:  # the first values decide for most columns
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
