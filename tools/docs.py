"""`python -m tools.docs`: generate the parts of the documentation that come from the code.

A part is a whole file, or the text of a page between `<!-- generated: NAME -->` and `<!-- /generated -->`.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks import capacity
from benchmarks.load_model import Load
from tenantml import errors
from tenantml.domain.api import schemas
from tenantml.domain.api.document import document
from tenantml.errors import (
    accounts,
    batches,
    datasets,
    internal,
    requests,
    stops,
    tenancy,
    training,
    transient,
    uploads,
)
from tenantml.services.registry import keys
from tenantml.services.registry.keys import Key
from tools import cli_docs, evaluation_docs, states, webhook_docs

REPOSITORY = Path(__file__).resolve().parents[1]
ERROR_MODULES = (uploads, datasets, training, batches, accounts, transient, stops, tenancy, requests, internal)
SHOWN = 20  # values of a setting
ERRORS_INTRODUCTION = """
Every failure has a name: the class in `layers/core/tenantml/errors/`, from which `make docs` writes this page; the
error's name in Step Functions and Lambda; and the `code` of an API's answer, whose `type` links here. A number is the
HTTP status of an error that the API may return. The message states what was wrong and where; this page states what to
do, and in brackets whose turn it is. If it is the turn of the customer's cloud team or of the operator, a failed
execution notifies operators, through the alarm on failed executions.
"""


def openapi() -> str:
    """Return the API's document."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def errors_page() -> str:
    """Return `docs/errors.md`: each module of the errors is a section, introduced by its docstring."""
    titles, sections = [], []
    for module in ERROR_MODULES:
        title, _, introduction = inspect.cleandoc(module.__doc__ or "").partition("\n\n")
        titles.append(title.rstrip("."))
        kinds = [kind for kind in errors.kinds() if kind.__module__ == module.__name__]
        sections += [f"## {titles[-1]}", _unwrapped(introduction), *map(_error, kinds)]
    contents = " · ".join(f"[{title}](#{anchor(title)})" for title in titles)
    return "\n\n".join(["# Errors", _unwrapped(ERRORS_INTRODUCTION), f"Contents: {contents}", *sections]) + "\n"


def _error(kind: type[errors.TenantMLError]) -> str:
    status = f"{kind.status}. " if kind.status else ""
    who = "" if kind.turn == errors.NOBODY else f" ({kind.turn})"
    return f"### {kind.__name__}\n\n{status}{_unwrapped(kind.__doc__ or '')}\\\n**Do{who}:** {kind.do}"


def settings_table() -> str:
    """Return a model's settings as the API's document states them."""
    schema = schemas.settings()
    rows = [
        f"| `{name}` | {_values(setting)} | {_default(setting)} | {setting['description']} |"
        for name, setting in schema["properties"].items()
    ]
    return "\n".join(["| setting | what it may be | unless set | what it does |", "|---|---|---|---|", *rows])


def _values(schema: schemas.Schema) -> str:
    if "oneOf" in schema:
        return " or ".join(map(_values, schema["oneOf"]))
    if "enum" in schema:
        return _one_of(schema["enum"])
    if "minimum" in schema:
        return f"{schema['minimum']:,} to {schema['maximum']:,}"
    if schema["type"] == "array":
        return f"a list of {_values(schema['items'])}"
    if schema["type"] == "object":
        names = schema.get("propertyNames", {}).get("enum") or schema["properties"]
        return f"numbers by {_values({'enum': names})}"
    kinds = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return " or ".join({"string": "text"}.get(kind, kind) for kind in kinds)


def _one_of(values: list[object]) -> str:
    if len(values) > SHOWN:
        return f"one of {len(values)}, as [openapi.json](openapi.json) lists them"
    return ", ".join(f"`{value}`" for value in values)


def _default(schema: schemas.Schema) -> str:
    if "default" not in schema:
        return "required"
    default = schema["default"]
    return f"{default:,}" if isinstance(default, int | float) else f"`{json.dumps(default).strip(chr(34))}`"


def rows_table(kinds: Iterable[Callable[..., Key]]) -> str:
    """Return the kinds of rows of a table, each with its two keys and what it holds."""
    rows = ["| pk | sk | what |", "|---|---|---|"]
    for kind in kinds:
        names = inspect.get_annotations(kind, eval_str=True)
        pk, sk = kind(
            **{name: 1 if type_ is int else f"{{{name}}}" for name, type_ in names.items() if name != "return"}
        )
        rows.append(f"| `{pk}` | `{sk}` | {_sentence(kind.__doc__ or '')} |")
    return "\n".join(rows)


def _sentence(docstring: str) -> str:
    text = _unwrapped(docstring)
    return text[0].lower() + text[1:].rstrip(".")


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")


def _unwrapped(text: str) -> str:
    return " ".join(text.split())


FILES: dict[str, Callable[[], str]] = {"docs/openapi.json": openapi, "docs/errors.md": errors_page}
PARTS: dict[str, Callable[[], str]] = {
    "settings": settings_table,
    "states": states.table,
    "cli": cli_docs.reference,
    "evaluation": evaluation_docs.schema,
    "registry rows": lambda: rows_table(keys.REGISTRY),
    "webhook events": webhook_docs.events,
    "webhook words": webhook_docs.words,
    "webhook outcomes": webhook_docs.outcomes,
    "capacity choices": lambda: capacity.choices(Load(tenants=1)),
    "capacity shared": lambda: capacity.shared(Load(tenants=1)),
    "capacity alone": capacity.alone,
    "evidence rows": lambda: rows_table(keys.EVIDENCE),
}


def rendered(repository: Path = REPOSITORY) -> Iterator[tuple[Path, str]]:
    """Yield every page with a generated part, with its text as it must be.

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
            begin, end = f"<!-- generated: {name} -->\n", "<!-- /generated -->"
            before, _, rest = text.partition(begin)
            text = f"{before}{begin}{PARTS[name]()}\n{end}{rest.partition(end)[2]}"
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
