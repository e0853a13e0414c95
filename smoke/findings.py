"""The report of a comparison, for people: which call, which member, who has what, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from smoke.comparison import Difference

ISSUES = "https://github.com/tenantml/tenantml/issues/new"


def render(differences: Sequence[Difference], recorded: Path) -> str:
    """Return the report as Markdown."""
    if not differences:
        return "No difference: members, types, statuses, error codes and forms of names are the same.\n"
    calls = groupby(differences, key=lambda difference: difference.call)
    groups = [(call, list(found)) for call, found in calls]
    lines = [f"{_count(len(differences), 'difference')} in {_count(len(groups), 'call')}.", ""]
    for call, found in groups:
        lines += [f"## {call}", ""]
        for difference in found:
            where = f"`{difference.member}`" if difference.member else "the call"
            lines.append(f"- {where}: AWS {difference.aws}; emulator {difference.emulator}. Do: {difference.do}.")
        lines.append("")
    lines += [
        "## What to do",
        "",
        f"Open an issue at {ISSUES} with this report and {recorded}: it holds no account, key, name of a host or cell.",
        "Read it once before you send it. `make smoke RECORDED=aws.json` compares it again, without AWS.",
        "",
    ]
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
