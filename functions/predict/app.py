"""POST /models/{model}/predictions: rows in, one prediction per row out, by the version that is live."""

from __future__ import annotations

import base64
from typing import Any

from tenantml import http
from tenantml.aws import serving
from tenantml.domain import answers, rows
from tenantml.entrypoint import logger
from tenantml.errors import TenantMLError, UnsupportedMediaType

MAX_ROWS = 10_000
REAL_TIME_BYTES = 6_291_456  # SageMaker's limits of one call
SERVERLESS_BYTES = 4_194_304
ROWS_PER_CALL = 5_000

READERS = {"application/json": rows.read_json, "text/csv": rows.read_csv}


def predict(event: dict[str, Any], tenant: str) -> dict[str, Any]:
    """Return the answer's body; the tenant is the authorizer's, whatever the request says."""
    kind = http.header(event, "content-type").split(";")[0].strip().lower()
    reader = READERS.get(kind)
    if reader is None:
        raise UnsupportedMediaType(f"the Content-Type {kind!r} is not taken; send application/json or text/csv")
    live = serving.live_version(tenant, event["pathParameters"]["model"])
    text = event.get("body") or ""
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode("utf-8", "surrogatepass")
    prepared = reader(body, live.schema, max_rows=MAX_ROWS, reject_unseen=live.reject_unseen)
    predictions: list[dict[str, Any]] = []
    for batch in rows.batches(prepared.lines, SERVERLESS_BYTES if live.serverless else REAL_TIME_BYTES, ROWS_PER_CALL):
        predictions += answers.read(serving.invoke(live, batch.body), live.output_keys, batch.row_count)
    return {"model": live.model, "version": live.version, "predictions": predictions, "advice": prepared.advice}


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request; every refusal has a code, and every bug the id under which it is logged."""
    request_id, tenant = context.aws_request_id, http.tenant_of(event)
    logger.append_keys(request_id=request_id, tenant=tenant)
    try:
        return http.answer(200, predict(event, tenant) | {"request_id": request_id}, request_id)
    except TenantMLError as error:
        logger.info("request refused", extra={"code": type(error).__name__})
        return http.problem(error, request_id)
    except Exception:
        logger.exception("unnamed failure: this is a bug")
        return http.bug(request_id)
