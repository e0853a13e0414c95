"""moto refuses a second access point of one name, as AWS does (`AccessPointAlreadyOwnedByYou`); as shipped it replaces
the first.
"""

from __future__ import annotations

import inspect
from typing import Any

from moto.s3control.exceptions import S3ControlError
from moto.s3control.models import AccessPoint, S3ControlBackend

from local.patches.emulator import digest

SHIPPED = S3ControlBackend.create_access_point  # moto 5.2.5


class AlreadyOwned(S3ControlError):
    """There is one of this name."""

    code = "AccessPointAlreadyOwnedByYou"


def create(self: S3ControlBackend, account_id: str, name: str, *arguments: Any, **options: Any) -> AccessPoint:
    """Create an access point, unless there is one."""
    if name in self.access_points[account_id]:
        raise AlreadyOwned("Your previous request to create the named accesspoint succeeded and you already own it.")
    return SHIPPED(self, account_id, name, *arguments, **options)


def apply() -> None:
    """Let moto answer so; fails when it is not the release that this was written for."""
    assert digest(inspect.getsource(SHIPPED)) == "493f600838e0", "moto has changed: read create_access_point again"
    S3ControlBackend.create_access_point = create  # type: ignore[method-assign]
