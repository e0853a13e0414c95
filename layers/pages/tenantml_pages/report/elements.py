"""HTML as elements of the standard library's ElementTree, which writes every text and attribute escaped.

No text of a tenant's is ever put together with markup, so none can become markup. Only the page's own script and style,
which browsers read as they are, are written without escaping; they are files beside this one and hold nothing of a
tenant's.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence
from typing import TypeAlias

TEXT_CHARACTERS_MAX = 100

Element = ET.Element
Node: TypeAlias = "ET.Element | str | Iterable[Node] | None"


def element(tag: str, *children: Node, **attributes: object) -> Element:
    """Return an element; None is left out, of the children and of the attributes.

    An attribute's name ends in an underscore where Python has the word, and has others for hyphens: `class_`,
    `aria_label`.
    """
    named = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
    made = ET.Element(tag, {name: str(value) for name, value in named.items() if value is not None})
    for child in _flat(children):
        if not isinstance(child, str):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + child
        else:
            made.text = (made.text or "") + child
    return made


def _flat(children: Iterable[Node]) -> Iterable[str | Element]:
    for child in children:
        if isinstance(child, str | ET.Element):
            yield child
        elif child is not None:
            yield from _flat(child)


def write(root: Element) -> str:
    """Return the page's text."""
    return "<!doctype html>\n" + ET.tostring(root, encoding="unicode", method="html")


def name(text: str) -> Element:
    """Return a name or a label of a tenant's, in at most 100 characters; whichever way it is written, what is around it
    stays in order.
    """
    if len(text) > TEXT_CHARACTERS_MAX:
        text = text[: TEXT_CHARACTERS_MAX - 1] + "…"
    return element("bdi", text)


def quoted(text: str) -> Node:
    """Return a name or a label of a tenant's within a sentence, whose stops and commas are not its own."""
    return ["“", name(text), "”"]


def paragraph(*children: Node, class_: str | None = None) -> Element:
    """Return a paragraph."""
    return element("p", *children, class_=class_)


def bullets(items: Iterable[Node]) -> Element:
    """Return a list without an order."""
    return element("ul", (element("li", item) for item in items))


def table(caption: str, header: Sequence[Node], rows: Iterable[Sequence[Node]], *, words: int = 1) -> Element:
    """Return a table that scrolls by itself where it is too wide; each row begins with its header, and the first
    `words` columns hold words, the others numbers.
    """

    def cell(place: int, content: Node, scope: str) -> Element:
        if isinstance(content, ET.Element) and content.tag == "td":
            return content
        is_header = scope == "col" or place == 0
        number = None if place < words else "number"
        return element("th" if is_header else "td", content, scope=scope if is_header else None, class_=number)

    head = element("tr", (cell(place, content, "col") for place, content in enumerate(header)))
    body = (element("tr", (cell(place, content, "row") for place, content in enumerate(row))) for row in rows)
    made = element("table", element("caption", caption), element("thead", head), element("tbody", body))
    return element("div", made, class_="scroll", tabindex="0", role="group", aria_label=caption)


def facts(rows: Iterable[tuple[str, Node]]) -> Element:
    """Return what is known by name; what has no value is left out."""
    pairs = ((element("dt", label), element("dd", value)) for label, value in rows if value is not None)
    return element("dl", (part for pair in pairs for part in pair))


def folded(summary: str, *content: Node) -> Element:
    """Return what is shown to those who open it, and in print."""
    return element("details", element("summary", summary), *content)


def section(identity: str, title: str, *content: Node) -> Element:
    """Return a part of the page under a heading of its own."""
    heading = element("h2", title, id=f"{identity}-title")
    return element("section", heading, *content, id=identity, aria_labelledby=f"{identity}-title")
