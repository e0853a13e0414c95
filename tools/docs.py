"""`python -m tools.docs`: write what the documentation takes from the code.

That is a whole file, or the text of a page between `<!-- generated: NAME -->` and `<!-- /generated -->`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tenantml.domain.api.document import document
from tools import states

REPOSITORY = Path(__file__).resolve().parents[1]


def openapi() -> str:
    """Return the API's document."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


FILES: dict[str, Callable[[], str]] = {"docs/openapi.json": openapi}
PARTS: dict[str, Callable[[], str]] = {"states": states.table}


def rendered(repository: Path = REPOSITORY) -> Iterator[tuple[Path, str]]:
    """Yield every page that holds something generated, with its text as it must be.

    Raises:
        LookupError: a page asks for a part that does not exist, or no page asks for one that does.
    """
    for name, generate in FILES.items():
        yield repository / name, generate()
    unused = set(PARTS)
    for page in sorted([*repository.glob("*.md"), *repository.glob("docs/**/*.md")]):
        text = page.read_text(encoding="utf-8")
        names = re.findall(r"^<!-- generated: (.+) -->$", text, re.MULTILINE)
        unused -= set(names)
        for name in names:
            if name not in PARTS:
                raise LookupError(f"{page.name} asks for the part {name!r}; there are {', '.join(PARTS)}")
            begin, end = f"<!-- generated: {name} -->\n", "\n<!-- /generated -->"
            before, _, rest = text.partition(begin)
            text = f"{before}{begin}{PARTS[name]()}{end}{rest.partition(end)[2]}"
        if names:
            yield page, text
    if unused:
        raise LookupError(f"no page has a place for {', '.join(sorted(unused))}")


def stale(repository: Path = REPOSITORY) -> list[str]:
    """Return the pages that are not as the code says."""
    return [
        str(page.relative_to(repository))
        for page, text in rendered(repository)
        if not page.exists() or page.read_text(encoding="utf-8") != text
    ]


if __name__ == "__main__":
    for written, content in rendered():
        written.write_text(content, encoding="utf-8")
