"""Answers: what an endpoint says, as predictions that mean the same for every training mode.

An endpoint answers CSV without a header, one line per row. Classification: the columns are the keys that the model was
told to answer with, lists quoted as `"[0.9, 0.1]"` and `"['False.', 'True.']"`. Regression: one number. The answer's
own `probability` is P(positive class) from a tuned binary model and P(predicted label) from an ensemble (SageMaker
Developer Guide, "Configure inference output in generated containers"), so only `probabilities` is used.

Predictions are written as the text of JSON that goes into our own answer: to make objects of them, only to have these
written, takes longer than reading them. So probabilities keep the digits that the endpoint wrote.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import re
from collections.abc import Iterable, Sequence

from tenantml.errors import UnreadableAnswer, WrongPredictionCount

OUTPUT_KEYS = ("predicted_label", "probability", "probabilities", "labels")
"""What a classification endpoint is asked for: the columns of its answers, in this order."""

_NEEDED_KEYS = ("predicted_label", "probabilities", "labels")
# One item of a list and the comma after it: text as Python or JSON quote it, or a bare word such as 1.5 or True.
_ITEM = re.compile(r"""\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s'",\[\]]+)\s*(,|\Z)""", re.DOTALL)

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# Numbers of JSON that are between 0 and 1 as they are written: a negative exponent after one digit, or none.
_PROBABILITY = r"(?:0(?:\.[0-9]+)?|1(?:\.0+)?|[1-9](?:\.[0-9]+)?[eE]-0*[1-9][0-9]*)"
_PROBABILITIES = re.compile(f"{_PROBABILITY}(?:, ?{_PROBABILITY})*")


def parse(body: bytes, output_keys: Sequence[str], row_count: int) -> list[str]:
    """Return one prediction per row, in order, as JSON; `output_keys` are those that the version's model was prepared
    with.

    Classification: `{"predicted_label", "probability", "probabilities": {class: p}}`, `probability` being that of the
    predicted label. Regression (no keys): `{"predicted_value"}`.

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
    at_once = _read_at_once(text, row_count) if tuple(output_keys) == OUTPUT_KEYS else None
    return _read_line_by_line(text, output_keys, row_count) if at_once is None else at_once


def _read_line_by_line(text: str, output_keys: Sequence[str], row_count: int) -> list[str]:
    try:
        lines = [line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line]
    except csv.Error as error:
        raise UnreadableAnswer(f"the endpoint's answer is not CSV: {error}") from error
    if len(lines) != row_count:
        raise WrongPredictionCount(
            f"the endpoint answered {len(lines)} predictions to {row_count} rows; send them again"
        )
    width = len(output_keys) or 1
    predictions = []
    for number, line in enumerate(lines, 1):
        try:
            if len(line) != width:
                raise ValueError(f"{len(line)} columns where {width} were asked for")
            predictions.append(
                _classification(dict(zip(output_keys, line, strict=True)))
                if output_keys
                else f'{{"predicted_value":{_finite(line[0])!r}}}'
            )
        except ValueError as error:
            raise UnreadableAnswer(f"prediction {number} of the endpoint's answer cannot be read: {error}") from error
    return predictions


def _read_at_once(text: str, row_count: int) -> list[str] | None:
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
    try:
        [classes] = map(_classes_of, set(labels))
    except ValueError:
        return None
    places = {f"\n{label}": (json.dumps(label), place) for place, label in enumerate(classes)}
    *cells, end = opening.split(",")
    if end or len(cells) != 2 * row_count or not places.keys() >= set(cells[::2]):
        return None
    if {text.count(",") for text in probabilities} != {len(classes) - 1}:
        return None
    written = _form_of(classes)
    of_each_line = zip(*[iter(joined.replace(" ", "").split(","))] * len(classes), strict=True)
    return [
        written % (label, line[place], *line)
        for (label, place), line in zip(map(places.__getitem__, cells[::2]), of_each_line, strict=True)
    ]


def _form_of(classes: Sequence[str]) -> str:
    """Return a prediction's JSON with places for label, probability and the probability of each class."""
    of_classes = ",".join(json.dumps(label).replace("%", "%%") + ":%s" for label in classes)
    return '{"predicted_label":%s,"probability":%s,"probabilities":{' + of_classes + "}}"


def _classification(fields: dict[str, str]) -> str:
    classes = _classes_of(fields["labels"])
    texts = _inner(fields["probabilities"]).split(",")
    if len(texts) != len(classes):
        raise ValueError(f"{len(texts)} probabilities for {len(classes)} labels")
    if not _are_probabilities(list(map(float, texts))):
        raise ValueError("a probability is not between 0 and 1")
    probabilities = dict(zip(classes, map(_json_number, texts), strict=True))
    label = _class_of(fields["predicted_label"], probabilities)
    return _form_of(classes) % (json.dumps(label), probabilities[label], *probabilities.values())


def _json_number(text: str) -> str:
    """Return a number in its own digits where JSON takes them: `.5` and `5.` it does not."""
    text = text.strip()
    return text if _JSON_NUMBER.fullmatch(text) else repr(float(text))


def _are_probabilities(values: list[float]) -> bool:
    # Rounding may leave a probability a hair outside; a sum with NaN in it is NaN.
    return min(values) >= -1e-6 and max(values) <= 1.000001 and math.isfinite(sum(values))


def _classes_of(text: str) -> list[str]:
    classes = _texts(text)
    if len(set(classes)) != len(classes):
        raise ValueError("a label comes twice")
    return classes


def _class_of(label: str, classes: Iterable[str]) -> str:
    """Find the class of a label; a container may write the number 1 here and 1.0 there."""
    if label in classes:
        return label
    try:
        return next(name for name in classes if float(name) == float(label))
    except (ValueError, StopIteration):
        raise ValueError("the predicted label is none of the labels") from None


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
