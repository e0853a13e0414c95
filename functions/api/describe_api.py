"""GET /openapi.json: the API's contract, for everybody.

No key is asked for: the contract is in the repository, generators cannot send a header easily, and this function has no
permission that anything could be done with.
"""

from __future__ import annotations

from typing import Any

from tenantml import http
from tenantml.domain.api.document import document


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with the document."""
    return http.answer(200, document(), context.aws_request_id, {"Cache-Control": "public, max-age=300"})
