"""POST /models/{model}/predictions: rows in, one prediction per row out, by the version that is live."""

from __future__ import annotations

from typing import Any

from tenantml import http
from tenantml.domain.predictions import answers, rows
from tenantml.errors import UnsupportedMediaType
from tenantml.services import quota, serving

MAX_ROWS = 10_000
REAL_TIME_BYTES = 6_291_456  # SageMaker's limits of one call
SERVERLESS_BYTES = 4_194_304
ROWS_PER_CALL = 5_000

READERS = {"application/json": rows.read_json, "text/csv": rows.read_csv}


@http.api
def handler(event: dict[str, Any], tenant: str) -> tuple[int, dict[str, Any]]:
    """Return one prediction per row, and the version that made them."""
    http.check_query(event)
    kind = http.header(event, "content-type").split(";")[0].strip().lower()
    reader = READERS.get(kind)
    if reader is None:
        raise UnsupportedMediaType(f"the Content-Type {kind!r} is not taken; send application/json or text/csv")
    live = serving.live_version(tenant, http.model_of(event))
    prepared = reader(http.body_of(event), live.schema, max_rows=MAX_ROWS, reject_unseen=live.reject_unseen)
    quota.of(tenant).spend(len(prepared.lines))
    limit_bytes = SERVERLESS_BYTES if live.serverless else REAL_TIME_BYTES
    predictions: list[str] = []
    for batch in rows.batches(prepared.lines, limit_bytes, ROWS_PER_CALL):
        predictions += answers.parse(serving.invoke(live, batch.body), live.output_keys, batch.row_count)
    return 200, {
        "model": live.model,
        "version": live.version,
        "predictions": http.Json(f"[{','.join(predictions)}]"),
        "advice": prepared.advice,
    }
