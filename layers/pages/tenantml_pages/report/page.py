"""The page: what is said first, the sections, and the policy that lets it run its own script and nothing else."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tenantml_pages.report import candidates_section, card, data, importance_section, mistakes, quality, verdict
from tenantml_pages.report.elements import Element, element, folded, paragraph, write
from tenantml_pages.report.figures import moment

_HERE = Path(__file__).parent
_PARTS = _HERE.parent / "parts"


class _Assets(NamedTuple):
    style: str
    scripts: tuple[str, ...]
    licences: str
    policy: str


def render(facts: Mapping[str, Any]) -> str:
    """Return the report of a version as one HTML file, under 1 MB whatever it is made of.

    `facts` has `tenant`; `made_at`, a time; `settings`, those that it was trained with; `version`, `training`, `upload`
    and `cost` as the API shows them; `endpoint_usd_per_hour`, what its instances cost, and of one that scales
    `endpoint_most_usd_per_hour`; and `evaluation`, `profile`,
    `candidates` and `importance` as they are kept: None where they are not, or not any more.
    """
    version, assets = facts["version"], _assets()
    sections = [
        verdict.section_of(facts),
        *quality.sections_of(facts),
        *mistakes.sections_of(facts),
        importance_section.section_of(facts),
        candidates_section.section_of(facts),
        *data.sections_of(facts),
        *card.sections_of(facts),
    ]
    links = (element("li", element("a", part.findtext("h2") or "", href=f"#{part.get('id')}")) for part in sections)
    title = f"{version['model']} {version['version']}: model report"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=assets.policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", assets.style),
    )
    body = element(
        "body",
        element("a", "Skip to the verdict", href="#verdict", class_="skip"),
        _header(facts),
        element("nav", element("ul", links), aria_label="Contents", class_="container"),
        element("main", sections, class_="container"),
        _footer(facts, assets),
        (element("script", script) for script in assets.scripts),
    )
    return write(element("html", head, body, lang="en"))


def policy() -> str:
    """Return the Content-Security-Policy that the page is served with: that of its own, and no frame around it."""
    return f"{_assets().policy}; frame-ancestors 'none'"


def _header(facts: Mapping[str, Any]) -> Element:
    version = facts["version"]
    return element(
        "header",
        paragraph("Model report", class_="kind"),
        element("h1", version["model"]),
        paragraph(
            "Version ", element("code", version["version"]), f" of tenant {facts['tenant']}, as it was on ",
            moment(facts["made_at"]), ".",
        ),
        class_="container",
    )  # fmt: skip


def _footer(facts: Mapping[str, Any], assets: _Assets) -> Element:
    return element(
        "footer",
        paragraph(
            "Made by TenantML from what it keeps of this version, execution ",
            element("code", facts["version"]["execution"]),
            ". The file holds all it needs and asks the network for nothing. It names columns and classes, and has no "
            "row of the data.",
        ),
        folded("Licences of the libraries in this file", element("pre", assets.licences)),
        class_="container",
    )


@lru_cache(maxsize=1)
def _assets() -> _Assets:
    def read(*names: str) -> str:
        return "\n".join((_PARTS / name).read_text(encoding="utf-8").strip() for name in names)

    own_style, language, own_script = (
        (_HERE / name).read_text(encoding="utf-8") for name in ("report.css", "language.js", "report.js")
    )
    style = f"{read('pico.min.css', 'uplot.css')}\n{own_style}"
    scripts = (language, read("uplot.js"), own_script)
    licences = "\n\n".join(read(f"licences/{name}.txt") for name in ("pico", "uplot"))
    allowed = (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; "
        f"style-src {_hash(style)}; script-src {' '.join(map(_hash, scripts))}"
    )
    return _Assets(style, scripts, licences, allowed)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
