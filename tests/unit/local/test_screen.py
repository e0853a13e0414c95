"""The screen: plain text that only grows in a file, rewritten lines and colours on a terminal."""

from __future__ import annotations

from io import StringIO

import pytest

from local.screen import Screen, figure


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_gets_plain_text_and_no_unfinished_line() -> None:
    out = StringIO()
    screen = Screen(out)
    screen.title("Title", "subtitle")
    with screen.step("deploy") as step:
        step.detail = "64 resources"
    screen.failed("train", "NoCandidate")
    screen.note("quiet")
    text = out.getvalue()
    assert "\x1b" not in text
    assert "\r" not in text
    assert text.startswith("\nTitle  subtitle\n\n")
    assert text.endswith("  ✗ train                             NoCandidate\n    quiet\n")
    assert "…" not in text


def test_a_terminal_gets_colours_and_one_line_that_is_rewritten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    out = Terminal()
    screen = Screen(out)
    screen.busy("train", "TrainingModels", 1.5)
    screen.done("train", seconds=2)
    unfinished, finished = out.getvalue().split("\r\x1b[2K")[1:]
    assert unfinished == "\x1b[36m  … train                      1.5 s  TrainingModels\x1b[0m"
    assert finished.startswith("  \x1b[32m✓\x1b[0m train")


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    out = Terminal()
    Screen(out).done("train")
    assert out.getvalue() == "  ✓ train\n"


def test_a_step_that_fails_is_not_shown_as_done() -> None:
    out = StringIO()
    with pytest.raises(ValueError, match="no"), Screen(out).step("deploy"):
        raise ValueError("no")
    assert out.getvalue() == ""


def test_a_table_is_as_wide_as_its_cells() -> None:
    out = StringIO()
    Screen(out).table(("candidate", "value"), [("a", "0.9"), ("a long name", "10.25")])
    assert out.getvalue() == "    candidate    value\n    a              0.9\n    a long name  10.25\n"


@pytest.mark.parametrize(("value", "text"), [(0.86, "0.8600"), (-3.5, "-3.5000"), (280_020_274.8, "280,020,275")])
def test_a_number_is_written_for_people(value: float, text: str) -> None:
    assert figure(value) == text
