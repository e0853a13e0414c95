"""From a request to the operation that answers it, by the table of operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from tenantml import http
from tenantml.domain.api.operations import OPERATIONS
from tenantml.domain.tenancy.tenant import require_active
from tenantml.entrypoint import Handler
from tenantml.services import registry

Json = dict[str, Any]


def handler_of(function: str, *modules: ModuleType, own: Iterable[Callable[[str, Json], http.Answer]] = ()) -> Handler:
    """Make a function's Lambda handler, which answers an active tenant.

    Its operations are in the modules under the names that the table says, or are the function's `own`.

    Raises:
        LookupError: an operation of the function is nowhere, or in several places.
    """
    places = [vars(module) for module in modules] + [{handle.__name__: handle for handle in own}]
    operations = {
        (operation.method, operation.path): (operation, _the_one(operation.handler, places))
        for operation in OPERATIONS
        if operation.function == function
    }

    @http.api
    def handler(event: Json, tenant: str) -> http.Answer:
        """Answer one request of an active tenant."""
        require_active(registry.find_tenant(tenant))
        operation, handle = operations[event["httpMethod"], event["resource"]]
        http.check_query(event, operation.query_names)
        return handle(tenant, event)

    return handler


def _the_one(name: str, places: list[dict[str, Any]]) -> Callable[[str, Json], http.Answer]:
    found: list[Callable[[str, Json], http.Answer]] = [place[name] for place in places if name in place]
    if len(found) != 1:
        raise LookupError(f"{name}: found in {len(found)} places")
    return found[0]
