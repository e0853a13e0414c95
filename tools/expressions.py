"""`python -m tools.expressions DEFINITION...`: every JSONata expression of state machine definitions parses.

`statelint --eval-jsonata` checks only where a number or a boolean belongs, and passes a broken `Output` or `Assign`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jsonata import Jsonata
from jsonata.jexception import JException


def expressions(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """Each `{% … %}` string below `value` with its path, without the braces."""
    if isinstance(value, str) and value.startswith("{%"):
        yield path, value.removeprefix("{%").removesuffix("%}").strip()
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        yield from expressions(f"{path}.{name}", item)


def main(paths: list[str]) -> int:
    """Print the expressions that do not parse; 1 when there are any, or when there was nothing to check."""
    checked = failed = 0
    for path in paths:
        for place, expression in expressions(path, json.loads(Path(path).read_text())):
            checked += 1
            try:
                Jsonata(expression)
            except JException as error:
                failed += 1
                print(f"{place}: {error}: {expression}")
    print(f"{checked} expressions, {failed} do not parse")
    return int(failed > 0 or checked == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
