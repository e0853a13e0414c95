"""A pass that stops anywhere and is resumed elsewhere decides and writes what one pass does, byte for byte."""

from __future__ import annotations

import io
import os
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenantml.errors import DatasetError
from tenantml_analysis.inspection import Inspection, InspectionSettings, checkpoint
from tenantml_analysis.inspection.preflight import Inspector
from tests.unit.analysis.inspection.test_equivalence import SMALL, chunks_of, files, verdict

QUOTED = (
    b"\xef\xbb\xbfn,text,y\r\n"
    + b"".join(
        b'%d,"a ""word"",\r\n\nline %d \xc3\xa9",%s\r\n\n' % (n, n % 7, b"no" if n % 3 else b"yes") for n in range(60)
    )
    + b'61,"ends in\r",no'
)


def in_legs(
    data: bytes, chosen: InspectionSettings, cuts: list[int], enough: Callable[[], bool]
) -> DatasetError | tuple[Inspection, bytes, bytes]:
    """Do what `verdict` does, in as many legs as `enough` makes."""
    train, holdout = io.BytesIO(), io.BytesIO()
    try:
        inspector = Inspector(chunks_of(data, cuts), chosen, train, holdout)
        while not inspector.read(enough):
            inspector = checkpoint.loads(checkpoint.dumps(inspector))
            inspector.resume(chunks_of(data[inspector.position :], cuts), train, holdout)
        return inspector.conclude(), train.getvalue(), holdout.getvalue()
    except DatasetError as error:
        return error


def same(found: Any, expected: Any) -> bool:
    if isinstance(expected, DatasetError):
        return (type(found), str(found), vars(found)) == (type(expected), str(expected), vars(expected))
    return bool(found == expected)


@given(files(), SMALL, st.lists(st.integers(0, 10**6), max_size=5), st.lists(st.booleans(), min_size=1, max_size=7))
@settings(max_examples=150, deadline=None)
def test_a_pass_in_legs_is_one_pass(data: bytes, options: dict[str, Any], cuts: list[int], stops: list[bool]) -> None:
    chosen = InspectionSettings(target="y", **options)
    found = in_legs(data, chosen, cuts, cycle([*stops, False]).__next__)
    assert same(found, verdict(data, chosen, cuts))


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 5, 8, 13, 64, 1000])
def test_quoted_line_breaks_lie_across_every_cut(block_bytes: int) -> None:
    chosen = InspectionSettings(target="y", salt="s", min_training_rows=10, block_bytes=block_bytes)
    expected = verdict(QUOTED, InspectionSettings(target="y", salt="s", min_training_rows=10), [])
    assert isinstance(expected, tuple)
    assert in_legs(QUOTED, chosen, list(range(0, len(QUOTED), block_bytes)), lambda: True) == expected


def test_a_pass_is_resumed_by_another_process(tmp_path: Any) -> None:
    """Python hashes text differently in each process; nothing of a pass may depend on that."""
    draw = random.Random(3)
    rows = [f"{draw.randint(0, 400)},{draw.choice('abc')},{draw.choice(['no', 'yes'])}\n" for _ in range(3000)]
    data = ("n,c,y\n" + "".join(rows + rows[:200])).encode()
    chosen = InspectionSettings(target="y", salt="s", block_bytes=8192)
    expected = verdict(data, chosen, [])
    assert isinstance(expected, tuple)
    train, holdout = io.BytesIO(), io.BytesIO()
    inspector = Inspector([data], chosen, train, holdout)
    assert not inspector.read(cycle([False, True]).__next__)
    (tmp_path / "found").write_bytes(checkpoint.dumps((inspector, train.getvalue(), holdout.getvalue(), data)))
    script = (
        "import io, sys; from tenantml_analysis.inspection import checkpoint; "
        "inspector, train, holdout, data = checkpoint.loads(open(sys.argv[1], 'rb').read()); "
        "parts = io.BytesIO(), io.BytesIO(); parts[0].write(train); parts[1].write(holdout); "
        "inspector.resume([data[inspector.position:]], *parts); assert inspector.read(); found = inspector.conclude(); "
        "open(sys.argv[1], 'wb').write(checkpoint.dumps((found, parts[0].getvalue(), parts[1].getvalue())))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "found")], check=True, env=environment)
    assert checkpoint.loads((tmp_path / "found").read_bytes()) == expected


@pytest.mark.parametrize("harmful", [os.system, eval, subprocess.Popen, checkpoint.dumps])
def test_bytes_that_name_anything_else_run_nothing(harmful: Any) -> None:
    with pytest.raises(pickle.UnpicklingError, match="a checkpoint holds no"):
        checkpoint.loads(pickle.dumps(harmful))
