"""What it costs to hash rows for the holdout, and to evaluate a version: CPU seconds and memory.

    python -m benchmarks.judging [--megabytes 15]

Rows are hashed as the pre-flight reads them; reading is measured apart, so that the table says what hashing adds.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from itertools import islice

import numpy as np

from benchmarks.inspection import CHUNK_BYTES, FILES, MB, cpu_seconds, resident_bytes
from tenantml.domain.predictions.answers import Predictions
from tenantml_analysis.evaluation import EvaluationSettings, LiveAnswers, evaluate
from tenantml_analysis.inspection.reader import Reader
from tenantml_analysis.inspection.records import Limits
from tenantml_analysis.inspection.row_hashes import RowHasher

LIMITS = Limits(128 * 1024, 4 * 1024**2)
ROWS = 20_000


def hashing(name: str, size: int) -> tuple[float, float]:
    """Return the MB per CPU second of reading a file, with what the pre-flight computes of all values anyway, and
    of hashing them.
    """
    rows, target = FILES[name]
    lines = rows(random.Random(7))
    header = next(lines)
    text = header.encode()
    while len(text) < size:
        text += "".join(islice(lines, 1000)).encode()
    names = header.strip().split(",")
    hasher = RowHasher(names, [name for name in names if name != target], "salt")
    reader = Reader((text[at : at + CHUNK_BYTES] for at in range(0, len(text), CHUNK_BYTES)), LIMITS, CHUNK_BYTES)
    found = reader.header()
    assert found
    reading = hashed = 0.0
    began = cpu_seconds()
    for block in reader.rows(found[0].fields):
        assert block.missing.shape == block.first.shape  # computed here, and kept for whoever asks again
        read = cpu_seconds()
        hasher.hashes(block)
        reading, hashed, began = reading + read - began, hashed + cpu_seconds() - read, cpu_seconds()
    return len(text) / MB / reading, len(text) / MB / hashed


def evaluating(classes: int) -> tuple[float, float, int, int]:
    """Return the CPU seconds and the MB above those of the answers that an evaluation with a live version takes, and
    the bytes of its document and its summary.
    """
    draw = np.random.default_rng(7)
    names = tuple(f"class {number}" for number in range(classes))
    truth = draw.integers(0, classes, ROWS)

    def answers(strength: float) -> Predictions:
        values = draw.normal(size=(ROWS, classes))
        values[np.arange(ROWS), truth] += strength
        values = np.exp(values)
        values /= values.sum(axis=1, keepdims=True)
        return Predictions(names, values.argmax(1).tolist(), [tuple(map(repr, row)) for row in values.tolist()])

    challenger, live = answers(2), answers(1.9)
    problem_type = "BinaryClassification" if classes == 2 else "MulticlassClassification"
    settings = EvaluationSettings(problem_type, "Accuracy", "benchmark")
    (idle, _), began = resident_bytes(), cpu_seconds()
    found = evaluate([names[place] for place in truth], challenger, settings, LiveAnswers("v1", live))
    seconds, peak = cpu_seconds() - began, resident_bytes()[1]
    document, summary = (len(json.dumps(part.as_document())) for part in (found, found.summary()))
    return seconds, max(0, peak - idle) / MB, document, summary


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=15)
    size = parser.parse_args().megabytes * MB
    print(f"{'file':<20} {'reading, MB per CPU-s':>22} {'hashing, MB per CPU-s':>22}")
    for name in FILES:
        reading, hashed = hashing(name, size)
        print(f"{name:<20} {reading:>22.0f} {hashed:>22.0f}", flush=True)
    print(f"\n{'20,000 rows':<20} {'CPU s':>8} {'MB':>8} {'document':>10} {'summary':>8}")
    for classes in (2, 10, 100):
        seconds, memory, document, summary = evaluating(classes)
        print(f"{classes:>3} classes {'':<8} {seconds:>8.2f} {memory:>8.1f} {document:>10,} {summary:>8,}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
