"""What a person sees: one line per step, rewritten in place on a terminal, and plain lines elsewhere."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Sequence
from typing import Self, TextIO

_BOLD, _DIM, _RED, _GREEN, _CYAN = "1", "2", "31", "32", "36"
_LABEL_WIDTH = 24
_REWRITE = "\r\x1b[2K"


class Screen:
    """Writes to `out`; colours and rewriting only when that is a terminal, never colours under NO_COLOR."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.live = out.isatty() and os.environ.get("TERM") != "dumb"
        self._coloured = self.live and not os.environ.get("NO_COLOR")
        self._unfinished = False

    def title(self, text: str, subtitle: str = "") -> None:
        """A heading with an empty line before and after it."""
        self._write(f"\n{self._paint(_BOLD, text)}{'  ' + self._paint(_DIM, subtitle) if subtitle else ''}\n\n")

    def line(self, text: str = "", *, indent: int = 2) -> None:
        """Plain text, indented."""
        self._write(f"{' ' * indent if text else ''}{text}\n")

    def note(self, text: str) -> None:
        """Text that may be overlooked."""
        self.line(self._paint(_DIM, text), indent=4)

    def busy(self, label: str, detail: str = "", seconds: float | None = None) -> None:
        """What is in progress: replaced by the next line, and omitted where nothing can be replaced."""
        if self.live:
            width = shutil.get_terminal_size().columns - 1
            text = f"  … {label:{_LABEL_WIDTH}}{'' if seconds is None else f'{seconds:6.1f} s  '}{detail}"[:width]
            self._out.write(_REWRITE + self._paint(_CYAN, text))
            self._out.flush()
            self._unfinished = True

    def done(self, label: str, detail: str = "", seconds: float | None = None) -> None:
        """A step that succeeded, and how long it took."""
        self._step(self._paint(_GREEN, "✓"), label, detail, seconds)

    def failed(self, label: str, detail: str = "") -> None:
        """A step that failed."""
        self._step(self._paint(_RED, "✗"), self._paint(_RED, label), detail, None)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Columns as wide as their widest cell; all but the first are aligned to the right."""
        widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
        for number, row in enumerate([header, *rows]):
            first, *others = (
                cell.rjust(width) if column else cell.ljust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            text = "  ".join([first, *others])
            self.line(self._paint(_DIM, text) if number == 0 else text, indent=4)

    def step(self, label: str) -> Step:
        """`with screen.step("deploy") as step: step.detail = "…"` shows the step while it runs, and that it is done."""
        return Step(self, label)

    def _step(self, mark: str, label: str, detail: str, seconds: float | None) -> None:
        took = " " * 10 if seconds is None else f"{seconds:6.1f} s  "
        self._write(f"  {mark} {label:{_LABEL_WIDTH}}{self._paint(_DIM, took)}{detail}".rstrip() + "\n")

    def _write(self, text: str) -> None:
        self._out.write((_REWRITE if self._unfinished else "") + text)
        self._out.flush()
        self._unfinished = False

    def _paint(self, colour: str, text: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._coloured else text


def figure(value: float) -> str:
    """A number as people read it: four decimals, or none from 1,000 up."""
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:,.0f}"


class Step:
    """One step on a screen; prints nothing when an exception ends it, since the handler of that does."""

    def __init__(self, screen: Screen, label: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._screen = screen
        self._label = label
        self._clock = clock
        self._started = clock()
        self.detail = ""

    def __enter__(self) -> Self:
        self._screen.busy(self._label)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._screen.done(self._label, self.detail, self._clock() - self._started)
