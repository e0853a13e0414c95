"""`python -m tools.definitions [--check] DEFINITION...`: format state machine definitions.

A value that fits stands on one line, and a list of names always does. A Retry or Catch rule that does not fit has its
names on the first line and everything else on the second.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

WIDTH, INDENT = 120, 2


def formatted(definition: dict[str, Any]) -> str:
    """Return a definition as it is committed."""
    return _formatted(definition, 0, 0) + "\n"


def _formatted(value: Any, indent: int, used: int) -> str:
    """Format one value. `used` is what stands before it on its line, without the indent."""
    line = json.dumps(value, ensure_ascii=False)
    is_list_of_names = isinstance(value, list) and all(isinstance(item, str) for item in value)
    if not isinstance(value, dict | list) or is_list_of_names or indent + used + len(line + ",") <= WIDTH:
        return line
    if isinstance(value, dict) and "ErrorEquals" in value:
        names, *others = (f"{json.dumps(name)}: {json.dumps(item, ensure_ascii=False)}" for name, item in value.items())
        return f"{{{names},\n{' ' * indent} {', '.join(others)}}}"
    if isinstance(value, dict):
        opening, closing, items = "{", "}", [(f"{json.dumps(name)}: ", item) for name, item in value.items()]
    else:
        opening, closing, items = "[", "]", [("", item) for item in value]
    inner = indent + INDENT
    lines = ",\n".join(f"{' ' * inner}{name}{_formatted(item, inner, len(name))}" for name, item in items)
    return f"{opening}\n{lines}\n{' ' * indent}{closing}"


def main(arguments: list[str]) -> int:
    """Format the files, or with `--check` print those that are not formatted; 1 when there are any."""
    check, paths = "--check" in arguments, [Path(argument) for argument in arguments if argument != "--check"]
    unformatted = [path for path in paths if path.read_text() != formatted(json.loads(path.read_text()))]
    for path in unformatted:
        if check:
            print(f"{path}: not formatted; run `make format`")
        else:
            path.write_text(formatted(json.loads(path.read_text())))
    return int(check and bool(unformatted))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
