"""`make site`: how Sphinx makes a website of the pages, which are Markdown as GitHub shows it."""

import re

from sphinx.application import Sphinx

REPOSITORY = "https://github.com/tenantml/tenantml/blob/main/"
CONTENTS = """
```{toctree}
:hidden:
:glob:

quickstart
tenants
developers
onboarding
operations
*
decisions/README
```
"""
DECISIONS = "\n```{toctree}\n:hidden:\n:glob:\n\n0*\n```\n"

project = "TenantML"
copyright = "TenantML contributors"  # noqa: A001  (Sphinx's name for it)
extensions = ["myst_parser"]
root_doc = "README"
html_theme = "furo"
html_title = "TenantML"
html_show_sphinx = False
myst_heading_anchors = 4  # as GitHub gives them


def for_the_site(_: Sphinx, page: str, source: list[str]) -> None:
    """Point links out of docs/ to the repository, and give the first page the contents for the side."""
    up = "../../" if "/" in page else "../"
    source[0] = re.sub(rf"\]\({re.escape(up)}(?!\.\.)([^)]+)\)", rf"]({REPOSITORY}\1)", source[0])
    source[0] += {root_doc: CONTENTS, f"decisions/{root_doc}": DECISIONS}.get(page, "")


def setup(app: Sphinx) -> None:
    """Connect what changes a page before it is read."""
    app.connect("source-read", for_the_site)
