"""Write the API's document: `python -m tools.openapi docs/openapi.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tenantml.domain.api.document import document


def rendered() -> str:
    """Return the document as it is committed."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(rendered(), encoding="utf-8")
