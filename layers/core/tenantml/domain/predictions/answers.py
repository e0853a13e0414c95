"""Answers: what an endpoint says, as predictions that mean the same for every training mode.

An endpoint answers CSV without a header, one line per row. Classification: the columns are the keys that the model is
configured to answer with; lists are quoted, as `"[0.9, 0.1]"` and `"['False.', 'True.']"`. Regression: one number. Its
own `probability` is P(positive class) from a tuned binary model and P(predicted label) from an ensemble (SageMaker
Developer Guide, "Configure inference output in generated containers"), so only `probabilities` is used.

Classes are answered as the training file writes them: a real ensemble spells the classes 1 and 0 as 1.0 and 0.0, in
descending order. Probabilities keep the digits that the endpoint wrote, and predictions are written as text at once: to
make objects of them, only to have these written, takes longer than reading them.
"""

from __future__ import annotations

import ast
import csv
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

from tenantml.domain.meaning import boolean_of, label_key, number_of
from tenantml.domain.predictions import cells
from tenantml.errors import UnreadableAnswer, WrongPredictionCount

OUTPUT_KEYS = ("predicted_label", "probability", "probabilities", "labels")
"""What a classification endpoint is asked for: the columns of its answers, in this order."""

_NEEDED_KEYS = ("predicted_label", "probabilities", "labels")
# One item of a list and the comma after it: text as Python or JSON quote it, or a bare word such as 1.5 or True.
_ITEM = re.compile(r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s'",\[\]]+)\s*(,|\Z)""", re.DOTALL)

# Numbers of JSON that are between 0 and 1 as they are written: a negative exponent after one digit, or none.
_PROBABILITY = r"(?:0(?:\.[0-9]+)?|1(?:\.0+)?|[1-9](?:\.[0-9]+)?[eE]-0*[1-9][0-9]*)"
_PROBABILITIES = re.compile(f"{_PROBABILITY}(?:, ?{_PROBABILITY})*")


@dataclass(frozen=True, slots=True)
class Predictions:
    """One prediction per row, in order. Of a classification: `lines` hold a probability for each of `classes`, `labels`
    the place of the predicted one among them. Of a regression: no classes, and lines of one value.
    """

    classes: tuple[str, ...]
    labels: list[int]
    lines: list[tuple[str, ...]]

    @classmethod
    def joined(cls, parts: Sequence[Predictions]) -> Predictions:
        """Return the predictions of all parts.

        Raises:
            UnreadableAnswer: they are not of the same classes.
        """
        classes = parts[0].classes
        for part in parts:
            if part.classes != classes:
                raise UnreadableAnswer("the endpoint's answer does not hold the same classes for every row")
        return cls(
            classes,
            [label for part in parts for label in part.labels],
            [line for part in parts for line in part.lines],
        )

    def of(self, rows: Sequence[int]) -> Predictions:
        """Return the predictions for some of the rows."""
        labels = [self.labels[row] for row in rows] if self.labels else []
        return Predictions(self.classes, labels, [self.lines[row] for row in rows])

    def as_json(self) -> list[str]:
        """Return each as JSON: `{"predicted_label", "probability", "probabilities": {class: p}}`, `probability` being
        that of the predicted label, or `{"predicted_value"}`.
        """
        if not self.classes:
            return [f'{{"predicted_value":{value}}}' for (value,) in self.lines]
        classes = [json.dumps(name) for name in self.classes]
        places = ",".join(name.replace("%", "%%") + ":%s" for name in classes)
        form = '{"predicted_label":%s,"probability":%s,"probabilities":{' + places + "}}"
        return [
            form % (classes[place], line[place], *line) for place, line in zip(self.labels, self.lines, strict=True)
        ]

    def as_csv(self) -> list[str]:
        """Return lines of CSV, the header first: `predicted_label`, `probability` and every class, or
        `predicted_value`.
        """
        if not self.classes:
            return ["predicted_value", *(value for (value,) in self.lines)]
        classes = [cells.quoted(name) for name in self.classes]
        lines = (
            f"{classes[place]},{line[place]},{','.join(line)}"
            for place, line in zip(self.labels, self.lines, strict=True)
        )
        return [",".join(["predicted_label", "probability", *classes]), *lines]


def parse(body: bytes, output_keys: Sequence[str], row_count: int, classes: tuple[str, ...] = ()) -> Predictions:
    """Read one prediction per row; `output_keys` are those that the version's model was prepared with, none for a
    regression, and `classes` are the target's as the training file writes them, in the order to answer.

    Raises:
        WrongPredictionCount: there are not `row_count` lines.
        UnreadableAnswer: a line is not what the keys promise.
        ValueError: the keys cannot name a prediction: a bug of whoever prepared the model.
    """
    missing = [key for key in _NEEDED_KEYS if output_keys and key not in output_keys]
    if missing:
        raise ValueError(f"an endpoint that does not answer with {', '.join(missing)} cannot be read")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise UnreadableAnswer(f"the endpoint's answer is not UTF-8: {error}") from error
    at_once = _read_at_once(text, row_count, classes) if tuple(output_keys) == OUTPUT_KEYS else None
    return _read_line_by_line(text, output_keys, row_count, classes) if at_once is None else at_once


def _read_line_by_line(
    text: str, output_keys: Sequence[str], row_count: int, classes: tuple[str, ...] = ()
) -> Predictions:
    try:
        lines = [line for line in cells.csv_reader(text) if line]
    except csv.Error as error:
        raise UnreadableAnswer(f"the endpoint's answer is not CSV: {error}") from error
    if len(lines) != row_count:
        raise WrongPredictionCount(
            f"the endpoint answered {len(lines)} predictions to {row_count} rows; send them again"
        )
    width = len(output_keys) or 1
    parts = []
    for number, line in enumerate(lines, 1):
        try:
            if len(line) != width:
                raise ValueError(f"{len(line)} columns where {width} were asked for")
            parts.append(
                _classification(dict(zip(output_keys, line, strict=True)), classes)
                if output_keys
                else Predictions((), [], [(repr(_finite(line[0])),)])
            )
        except ValueError as error:
            raise UnreadableAnswer(f"prediction {number} of the endpoint's answer cannot be read: {error}") from error
    return Predictions.joined(parts or [Predictions((), [], [])])


def _read_at_once(text: str, row_count: int, classes: tuple[str, ...] = ()) -> Predictions | None:
    """Read the common case in a few passes of C, which takes a fourth of the time; None says nothing yet.

    Common is a line such as `no,0.9,"[0.9, 0.1]","['no', 'yes']"` for each row, only the lists quoted, and all of the
    same classes.
    """
    parts = f"\n{text}".removesuffix("\n").split('"')
    starts, lists, labels = parts[:-1:4], parts[1::4], parts[3::4]
    opening = "".join(starts)  # a line break, predicted_label, a comma, probability and a comma, for each line
    line_breaks = {start[:1] for start in starts} == {"\n"} and opening.count("\n") == row_count
    if len(parts) != 4 * row_count + 1 or {*parts[2::4]} != {","} or parts[-1] or not line_breaks or "\r" in opening:
        return None
    bracketed = "\n".join(lists)
    probabilities = bracketed[1:-1].split("]\n[")
    joined = ",".join(probabilities)
    if (
        bracketed[:1] + bracketed[-1:] != "[]"
        or len(probabilities) != row_count
        or not _PROBABILITIES.fullmatch(joined)
    ):
        return None
    *fields, end = opening.split(",")
    if end or len(fields) != 2 * row_count:
        return None
    try:
        [answered] = map(_classes_of, set(labels))
        places = {label: _place_of(label[1:], answered) for label in set(fields[::2])}
        if {text.count(",") for text in probabilities} != {len(answered) - 1}:
            return None
        lines = list(zip(*[iter(joined.replace(" ", "").split(","))] * len(answered), strict=True))
        return _as_written(Predictions(answered, [places[label] for label in fields[::2]], lines), classes)
    except ValueError:
        return None


def _classification(fields: dict[str, str], classes: tuple[str, ...]) -> Predictions:
    answered = _classes_of(fields["labels"])
    texts = _inner(fields["probabilities"]).split(",")
    if len(texts) != len(answered):
        raise ValueError(f"{len(texts)} probabilities for {len(answered)} labels")
    if not _are_probabilities(list(map(float, texts))):
        raise ValueError("a probability is not between 0 and 1")
    place = _place_of(fields["predicted_label"], answered)
    return _as_written(Predictions(answered, [place], [tuple(map(_json_number, texts))]), classes)


def _json_number(text: str) -> str:
    """Return a number in its own digits where JSON takes them: `.5` and `5.` it does not."""
    text = text.strip()
    return text if cells.JSON_NUMBER.fullmatch(text) else repr(float(text))


def _are_probabilities(values: list[float]) -> bool:
    # Rounding may leave a probability a hair outside; a sum with NaN in it is NaN.
    return min(values) >= -1e-6 and max(values) <= 1.000001 and math.isfinite(sum(values))


def _classes_of(text: str) -> tuple[str, ...]:
    classes = tuple(_texts(text))
    if len(set(classes)) != len(classes):
        raise ValueError("a label comes twice")
    return classes


def _place_of(label: str, classes: Sequence[str]) -> int:
    """Find the class of a label; a container may write the number 1 here and 1.0 there."""
    if label in classes:
        return classes.index(label)
    number = number_of(label)
    for place, name in enumerate(classes):
        if number is not None and number_of(name) == number:
            return place
    raise ValueError("the predicted label is none of the labels")


def _as_written(predictions: Predictions, classes: tuple[str, ...]) -> Predictions:
    """Bring the endpoint's classes into the spelling and the order of the training file.

    Raises:
        ValueError: two of the endpoint's are one class of the file.
    """
    if not classes or predictions.classes == classes:
        return predictions
    key_of, written = _spellings(classes)
    named = tuple(written.get(key_of(name), name) for name in predictions.classes)
    if len(set(named)) != len(named):
        raise ValueError("two labels are one class of the training file")
    if set(named) != set(classes):
        return Predictions(named, predictions.labels, predictions.lines)
    places = {name: place for place, name in enumerate(named)}
    order = [places[name] for name in classes]
    moved = {place: after for after, place in enumerate(order)}
    return Predictions(
        classes,
        [moved[place] for place in predictions.labels],
        [tuple([line[place] for place in order]) for line in predictions.lines],
    )


@lru_cache(maxsize=128)
def _spellings(classes: tuple[str, ...]) -> tuple[Callable[[str], object], dict[object, str]]:
    """Return what tells the classes of a target apart, and the spelling of each."""
    numeric = all(number_of(name) is not None for name in classes)
    boolean = all(boolean_of(name) is not None for name in classes)
    key_of = partial(label_key, numeric=numeric, boolean=boolean)
    return key_of, {key_of(name): name for name in classes}


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value) or "_" in text:  # Python reads 1_000, no container writes it
        raise ValueError("a number is not finite")
    return value


def _inner(text: str) -> str:
    text = text.strip()
    if not (text.startswith("[") and text.endswith("]")):
        raise ValueError("a list is not in square brackets")
    return text[1:-1]


def _texts(text: str) -> list[str]:
    """Read a flat list of texts or bare words. Nothing of the answer is ever evaluated but single quoted texts."""
    inner, position, found = _inner(text), 0, []
    while True:
        item = _ITEM.match(inner, position)
        if item is None:
            raise ValueError("a list of labels is malformed")
        word, position = item[1], item.end()
        found.append(_unquoted(word) if word[0] in "'\"" else word)
        if not item[2]:
            return found


def _unquoted(quoted: str) -> str:
    """Undo the escapes of JSON or, where it has none such, of Python."""
    if "\\" not in quoted:
        return quoted[1:-1]
    try:
        return str(json.loads(quoted, strict=False))
    except ValueError:
        try:
            return str(ast.literal_eval(quoted))
        except SyntaxError as error:
            raise ValueError("a label is malformed") from error
