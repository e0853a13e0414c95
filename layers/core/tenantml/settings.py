"""The settings in a function's environment, read when they are needed and never at import."""

from __future__ import annotations

import os


class MissingSetting(RuntimeError):
    """The template did not give this function a variable that it needs: a bug of the deployment, not of a request."""


def setting(name: str, default: str | None = None) -> str:
    """Return the environment variable `name`; a `default` is for one that a deployment may omit.

    Raises:
        MissingSetting: it is absent or empty, and has no default.
    """
    value = os.environ.get(name, "")
    if not value and default is not None:
        return default
    if not value:
        raise MissingSetting(
            f"the environment variable {name} is not set; see this function's Environment in template.yaml"
        )
    return value
