"""The executions of a tenant, and the receipts of what they did in its account."""

from __future__ import annotations

from typing import Any

from tenantml import http
from tenantml.api.named import name_in_path
from tenantml.domain.api import pagination, views
from tenantml.domain.names import is_model
from tenantml.domain.training.execution_outcome import STATUSES
from tenantml.domain.uploads.upload import MAX_KEY_BYTES
from tenantml.errors import InvalidRequest, NotFound
from tenantml.http import Answer
from tenantml.services import receipts, registry

Json = dict[str, Any]


def list_executions(tenant: str, event: Json) -> Answer:
    """GET /executions?model=&upload_key=&status=: newest first."""
    query = http.query_of(event)
    if query.get("status", STATUSES[0]) not in STATUSES:
        raise InvalidRequest(f"status: expected one of {', '.join(STATUSES)}")
    if len(query.get("upload_key", "")) > MAX_KEY_BYTES:
        raise InvalidRequest(f"upload_key: no upload's key has over {MAX_KEY_BYTES} characters")
    if "model" in query and not is_model(query["model"]):
        raise InvalidRequest("model: no model can have this name")

    def wanted(row: Json) -> bool:
        found = {"model": row.get("model"), "upload_key": row["upload"]["key"], "status": row["status"]}
        return all(query.get(name, value) == value for name, value in found.items())

    page = registry.list_executions(tenant, pagination.read(query), wanted)
    return Answer(
        200, {"executions": [views.execution_summary(row) for row in page.rows], "next_token": page.next_token}
    )


def get_execution(tenant: str, event: Json) -> Answer:
    """GET /executions/{execution}: an upload's; that of a batch is shown with its batch."""
    row = registry.find_execution(tenant, name_in_path(event, "execution"))
    if row is None:
        raise http.not_found()
    if "batch" in row:
        raise NotFound(f"this is the execution of a batch; GET /models/{row['model']}/batches/{row['batch']} shows it")
    return Answer(200, views.execution(row))


def get_receipt(tenant: str, event: Json) -> Answer:
    """GET /executions/{execution}/receipt: what this execution did in the customer's account, call by call; every
    page of it is verified as a whole.
    """
    execution = name_in_path(event, "execution")
    request = pagination.read(http.query_of(event), pagination.MAX_ENTRIES, pagination.MAX_ENTRIES)
    if registry.find_execution(tenant, execution) is None or (found := receipts.read(tenant, execution)) is None:
        raise http.not_found()
    page = pagination.page_of(found["entries"], request)
    return Answer(200, found | {"entries": page.rows, "next_token": page.next_token})
