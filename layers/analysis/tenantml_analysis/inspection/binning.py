"""The bins of the columns, which drift is measured by, cut from rows drawn evenly from the whole file.

Values are read as those of predictions are, so that the same value falls into the same bin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tenantml.domain.drift import bins
from tenantml.domain.meaning import is_missing
from tenantml.domain.predictions import cells
from tenantml.domain.predictions.cells import NUMBERS

ROWS, BYTES = 2_000, 512 * 1024
"""As many rows are drawn, and no more of them than are this long together: the test of drift knows how many."""


def bins_of(entry: Mapping[str, Any], drawn: Sequence[bytes]) -> dict[str, Any]:
    """Return the bins of a column, by its part of the profile and the values that were drawn of it.

    What looks like personal data shows neither limits nor categories there, and so has bins of neither.
    """
    column, values = cells.column_of(entry), [value.decode() for value in drawn]
    if column.type in NUMBERS and "min" in entry:
        found = bins.of_numbers(cells.convert(values, column, in_json=False))
    elif column.categories:
        found = bins.of_categories(cells.convert(values, column, in_json=False))
    else:
        found = bins.of_presence(["" if is_missing(value) else value for value in values])
    return found.as_document()
