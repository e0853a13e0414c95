"""Bins: what the values of a column fall into, frozen when a version is trained, and how many of them fall into each.

Counts are whole numbers under a bin's place, never under a value, so what is counted later says nothing of any cell.
The bins themselves are in the profile, as the categories are: numbers are cut into tenths of the training set at most,
the most frequent categories have a bin each, and of any other column only whether there is a value is counted. What
looks like personal data is such another column. The last bin is of missing values.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from tenantml.domain.predictions.answers import Predictions

TENTHS = 10
CATEGORIES_MAX = 20

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Bins:
    """The bins of one column, or of a version's answers, with how the rows of training fell into them.

    Of numbers `edges` are the highest value of each bin but the last; of categories, `categories` are those with a bin
    of their own, and one of all others follows. Without either the first bin is of whatever is there.
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = {category: place for place, category in enumerate(self.categories)}
        object.__setattr__(self, "_places", places | {"": self.size - 1})

    @property
    def size(self) -> int:
        """How many bins there are."""
        return len(self.counts)

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Bins:
        """Read what `as_document` wrote."""
        return cls(**{name: tuple(values) for name, values in document.items()})

    def as_document(self) -> Document:
        """Return them as a JSON object."""
        found = {"counts": self.counts, "edges": self.edges, "categories": self.categories}
        return {name: list(values) for name, values in found.items() if values}

    def count(self, texts: Sequence[str], into: list[int], first: int) -> None:
        """Add one for each text to the counts of the bins, which begin at the place `first` of `into`; a text is as
        `cells.convert` leaves it, empty where it is missing.
        """
        if self.edges:
            numbers = sorted(map(float, filter(None, texts)))
            ends = [bisect_right(numbers, edge) for edge in self.edges]
            for place, (start, end) in enumerate(pairwise((0, *ends, len(numbers), len(texts))), first):
                into[place] += end - start
        elif self.categories:
            places, other = self._places, len(self.categories)
            for text, count in Counter(texts).items():
                into[first + places.get(text, other)] += count
        else:
            missing = texts.count("")
            into[first] += len(texts) - missing
            into[first + 1] += missing


def of_numbers(texts: Sequence[str]) -> Bins:
    """Return the bins that cut these numbers into tenths; equal numbers are in one bin, so there may be fewer. Where
    the highest number fills a tenth, all that is below it is in another bin, however little.
    """
    numbers = sorted(map(float, filter(None, texts)))
    if not numbers:
        return _filled(texts)
    cuts = {numbers[len(numbers) * tenth // TENTHS] for tenth in range(1, TENTHS)}
    if numbers[-1] in cuts:
        cuts = (cuts - {numbers[-1]}) | set(numbers[: bisect_left(numbers, numbers[-1])][-1:])
    return _filled(texts, edges=tuple(sorted(cuts)))


def of_categories(texts: Sequence[str]) -> Bins:
    """Return a bin for each of the most frequent of these categories."""
    frequent = sorted(Counter(filter(None, texts)).items(), key=lambda item: (-item[1], item[0]))
    return _filled(texts, categories=tuple(category for category, _ in frequent[:CATEGORIES_MAX]))


def of_presence(texts: Sequence[str]) -> Bins:
    """Return two bins: there is a value, or none."""
    return _filled(texts)


def of_answers(predictions: Predictions) -> Bins | None:
    """Return the bins of a version's answers to rows that it was not trained on; None without any."""
    if not predictions.lines:
        return None
    texts = scores_of(predictions)
    return of_categories(texts) if len(predictions.classes) > 2 else of_numbers(texts)


def scores_of(predictions: Predictions, rows: slice = slice(None)) -> list[str]:
    """Return what is counted of answers: of two classes the probability of the second, of more the number of the
    predicted one, of a regression the value.
    """
    if len(predictions.classes) > 2:
        return list(map(str, predictions.labels[rows]))
    return [line[-1] for line in predictions.lines[rows]]


def _filled(texts: Sequence[str], edges: tuple[float, ...] = (), categories: tuple[str, ...] = ()) -> Bins:
    empty = (0,) * (2 + len(edges or categories))  # beside the edges or categories: the last or all others, and missing
    counts = list(empty)
    Bins(empty, edges, categories).count(texts, counts, 0)
    return Bins(tuple(counts), edges, categories)
