"""The files that browsers are given, by the page that they belong to: what is not listed here is served to nobody."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
PAGES = {"app": "tenant", "docs": "api"}
"""Each page by its path: the folder of its own files, whose `index.html` is the page."""
PARTS = {"app": ("pico.min.css", "preact.js"), "docs": ()}
SWAGGER = {"docs": ("swagger-ui.min.css", "swagger-ui-bundle.min.js")}
_WORTH_PACKING_BYTES = 1024


@dataclass(frozen=True)
class File:
    """A file as it is sent: its media type, and its text packed by gzip, in base64, for browsers that unpack."""

    media_type: str
    text: str
    packed: str | None


@lru_cache(maxsize=64)
def find(page: str, name: str = "index.html") -> File | None:
    """Return a file of a page; None when there is none of this name."""
    found = _listing(page).get(name)
    if found is None:
        return None
    content = found.read_bytes()
    packed = gzip.compress(content, 6, mtime=0) if len(content) > _WORTH_PACKING_BYTES else None
    return File(TYPES[name.rpartition(".")[2]], content.decode(), base64.b64encode(packed).decode() if packed else None)


@lru_cache(maxsize=len(PAGES))
def _listing(page: str) -> dict[str, Traversable]:
    """Return the files of a page by their names: its own, the parts, and Swagger UI as Powertools ships it.

    Its package is in the core layer.
    """
    here = files("tenantml_pages")
    listed = {file.name: file for file in (here / PAGES[page]).iterdir() if file.name.rpartition(".")[2] in TYPES}
    listed |= {name: here / "parts" / name for name in PARTS[page]}
    if page in SWAGGER:
        theirs = files("aws_lambda_powertools.event_handler.openapi.swagger_ui")
        listed |= {name: theirs / name for name in SWAGGER[page]}
    return listed
