"""Coverage-guided search for a file that the pre-flight neither reads nor refuses by name: `make fuzz`.

What it finds is written to `build/fuzz/`; the same command with such a file as its argument repeats it.
"""

from __future__ import annotations

import contextlib
import io
import sys

import atheris

with atheris.instrument_imports(include=["tenantml_analysis", "tenantml"]):
    from tenantml.errors import DatasetError
    from tenantml_analysis.inspection import InspectionSettings, inspect

LARGE_ROWS = b"".join(b"%d,%d.5,%s\n" % (n, n % 7, (b"no", b"yes")[n % 2]) for n in range(40))


def try_file(data: bytes) -> None:
    """Inspect a file made of some bytes: alone, below a header, or below rows too."""
    drawn = atheris.FuzzedDataProvider(data)
    settings = InspectionSettings(
        target="y",
        salt="salt",
        block_bytes=drawn.ConsumeIntInRange(1, 300),
        distinct_max=drawn.ConsumeIntInRange(1, 20),
        min_training_rows=1,
        class_rows_min=1,
        ignore_columns=("x",) if drawn.ConsumeBool() else (),
    )
    before = drawn.PickValueInList([b"", b"x,y\n", b"x,z,y\n" + LARGE_ROWS])
    content = before + drawn.ConsumeBytes(sys.maxsize)
    with contextlib.suppress(DatasetError):
        inspect([content], settings, io.BytesIO(), io.BytesIO())


if __name__ == "__main__":
    atheris.Setup(sys.argv, try_file)
    atheris.Fuzz()
