"""What a function is told by its environment, read when it is needed and never at import."""

from __future__ import annotations

import os


class MissingSetting(RuntimeError):
    """The template did not give this function a variable that it needs: a bug of the deployment, not of a request."""


def setting(name: str) -> str:
    """Return the environment variable `name`.

    Raises:
        MissingSetting: it is absent or empty.
    """
    value = os.environ.get(name, "")
    if not value:
        raise MissingSetting(
            f"the environment variable {name} is not set; see this function's Environment in template.yaml"
        )
    return value
