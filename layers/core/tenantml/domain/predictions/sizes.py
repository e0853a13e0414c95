"""Sizes: how many rows one call of an endpoint, and one answer of ours, can hold.

They are known before the endpoint is asked: an answer grows by the classes of the model, not by the rows' values. What
cannot fit is refused then, and costs nothing. Text is counted as Lambda carries it: in JSON, escaped once more inside
the answer to API Gateway.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from tenantml.domain.predictions import cells

REQUEST_BYTES = 4_500_000
"""Of a body: in base64, as API Gateway hands it over, with the headers beside it, it is nearly Lambda's limit."""
ANSWER_BYTES = 6_291_456 - 32_768
"""Lambda's limit of a response, less room for the status and headers."""
REAL_TIME_BYTES = 6_291_456
SERVERLESS_BYTES = 4_194_304
"""Of a body to or from an endpoint (SageMaker, "Endpoints and quotas")."""
ROWS_PER_CALL = 5_000

_NUMBER_CHARACTERS = 23  # of a probability: a double of 17 digits, with a point and an exponent such as e-05
_VALUE_CHARACTERS = 25  # of a predicted value: it may be negative, its exponent three digits long
_MARKS = 8  # around a class and its probability in an endpoint's answer: quotes, comma and blank, and `.0` for 1


def rows_per_call(classes: Sequence[str], limit_bytes: int) -> int:
    """Return how many rows' predictions fit into one answer of the endpoint, at least one."""
    if not classes:
        return ROWS_PER_CALL
    line = 2 * _NUMBER_CHARACTERS + max(map(_bytes_of, classes))
    line += sum(_bytes_of(repr(name)) + _NUMBER_CHARACTERS + _MARKS for name in classes)
    return max(1, min(ROWS_PER_CALL, limit_bytes // line))


def rows_in_json(classes: Sequence[str], advice: object) -> int:
    """Return how many predictions fit into our answer as JSON, beside its advice."""
    free = ANSWER_BYTES - escaped_bytes(json.dumps(advice))
    if not classes:
        return free // (escaped_bytes('{"predicted_value":},') + _VALUE_CHARACTERS)
    names = [escaped_bytes(json.dumps(name)) for name in classes]
    line = escaped_bytes('{"predicted_label":,"probability":,"probabilities":{}},') + max(names) + _NUMBER_CHARACTERS
    line += sum(names) + len(names) * (_NUMBER_CHARACTERS + len(":,"))
    return max(0, free // line)


def rows_in_csv(classes: Sequence[str]) -> int:
    """Return how many predictions fit into our answer as CSV."""
    if not classes:
        return ANSWER_BYTES // (_VALUE_CHARACTERS + len("\\n"))
    names = [escaped_bytes(cells.quoted(name)) for name in classes]
    line = max(names) + (len(names) + 1) * (_NUMBER_CHARACTERS + len(",")) + len("\\n")
    return max(0, (ANSWER_BYTES - sum(names) - len(names)) // line)


def escaped_bytes(text: str) -> int:
    """Return the bytes of a text inside a text of JSON, of ASCII alone."""
    return len(json.dumps(text)) - len('""')


def _bytes_of(text: str) -> int:
    return len(cells.quoted(text).encode())
