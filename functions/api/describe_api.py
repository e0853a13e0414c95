"""GET /openapi.json and GET /docs: the API's contract, for everybody.

No key is asked for: the contract is in the repository, generators and browsers cannot send a header easily, and this
function has no permission that anything could be done with.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from tenantml import http
from tenantml.domain.api.document import document

PAGE = Path(__file__).with_name("docs.html")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with the document, or with the page that shows it."""
    request_id = context.aws_request_id
    if event.get("resource") == "/docs":
        return http.page(*page(), request_id)
    return http.answer(200, document(), request_id, {"Cache-Control": "public, max-age=300"})


@lru_cache(maxsize=1)
def page() -> tuple[str, str]:
    """Return the page, and the policy by which a browser runs its script and talks to this API, and nothing else."""
    text = PAGE.read_text(encoding="utf-8")
    script = re.search(r"<script>(.*?)</script>", text, re.DOTALL)
    assert script is not None, "docs.html has one script"
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    return text, (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
