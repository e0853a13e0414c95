"""Protections that are removed one at a time, to see whether a test notices: the rows of the tables in this folder.

A row has a `name`; the `file`, the `text` in it that protects, and what it `becomes` (nothing, unless stated); and the
`tests` of the fastest layer that should see it. The text stands in the file exactly once, or is the first one `after`
a text that does. Protections that cover each other are removed together: `also` has further changes.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]


class Stale(Exception):
    """A row's text is not where it says: what it removes was moved, renamed, or is gone."""


@dataclass(frozen=True)
class Change:
    """One text of a file that becomes another."""

    file: str
    text: str
    becomes: str = ""
    after: str = ""

    def made_in(self, content: str) -> str:
        """Return the file's content with the change.

        Raises:
            Stale: the text, or what it comes after, is not there, or not once.
        """
        unique = self.after or self.text
        if (count := content.count(unique)) != 1:
            raise Stale(f"{self.file} has this text {count} times, not once:\n{unique}")
        start = content.index(unique)
        if (place := content.find(self.text, start)) < 0:
            raise Stale(f"{self.file} has no such text after {self.after!r}:\n{self.text}")
        return content[:place] + self.becomes + content[place + len(self.text) :]


@dataclass(frozen=True)
class Mutant:
    """A removed protection, and the tests that must fail without it; its group is its table's name."""

    name: str
    group: str
    changes: tuple[Change, ...]
    tests: tuple[str, ...]

    @classmethod
    def of_row(cls, group: str, row: dict[str, Any]) -> Mutant:
        """Return the mutant of a table's row."""
        rest = {name: value for name, value in row.items() if name not in {"name", "tests", "also"}}
        changes = tuple(Change(**change) for change in (rest, *row.get("also", ())))
        return cls(row["name"], group, changes, tuple(row["tests"]))

    def contents(self, root: Path) -> dict[Path, str]:
        """Return the changed content of each file of a checkout that the mutant changes.

        Raises:
            Stale: a text is not where the row says.
        """
        changed: dict[Path, str] = {}
        for change in self.changes:
            path = root / change.file
            if not path.is_file():
                raise Stale(f"{change.file} does not exist")
            changed[path] = change.made_in(changed.get(path) or path.read_text())
        return changed


def read_tables(root: Path = REPOSITORY) -> list[Mutant]:
    """Return the rows of all tables of a checkout, in the order of their files."""
    return [
        Mutant.of_row(table.stem, row)
        for table in sorted((root / "tests" / "mutants").glob("*.toml"))
        for row in tomllib.loads(table.read_text())["mutant"]
    ]
