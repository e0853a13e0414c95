"""What the path of a request names; one that does not exist is as one of another tenant."""

from __future__ import annotations

import re
from typing import Any

from tenantml import http
from tenantml.domain.api.operations import PATH_PARAMETERS
from tenantml.services import registry

Json = dict[str, Any]


def find_model(tenant: str, event: Json) -> Json:
    """Return the row of the path's model; one that does not exist is as one of another tenant."""
    row = registry.find_model(tenant, http.model_of(event))
    if row is None or "settings" not in row:
        raise http.not_found()
    return row


def find_version(tenant: str, event: Json) -> tuple[Json, Json]:
    """Return the rows of the path's model and version; one that does not exist is as one of another tenant."""
    version = registry.find_version(tenant, http.model_of(event), name_in_path(event, "version"))
    row = find_model(tenant, event)  # later than the version: one that has just gone live is it
    if version is None:
        raise http.not_found()
    return row, version


def name_in_path(event: Json, parameter: str) -> str:
    """Return a name of the path that something may have."""
    found = http.in_path(event, parameter)
    if not re.fullmatch(PATH_PARAMETERS[parameter]["pattern"].strip("^$"), found):
        raise http.not_found()
    return found
