"""POST /models/{model}/predictions: rows in, one prediction per row out, by the version that is live."""

from __future__ import annotations

from typing import Any

from tenantml import http
from tenantml.domain.predictions import rows, sizes
from tenantml.errors import AnswerTooLarge, PayloadTooLarge, UnsupportedMediaType
from tenantml.http import Answer
from tenantml.services import quota, serving

MAX_ROWS = 10_000
JSON, CSV = "application/json", "text/csv"
READERS = {JSON: rows.read_json, CSV: rows.read_csv}


@http.api
def handler(event: dict[str, Any], tenant: str) -> Answer:
    """Return one prediction per row, and the version that made them."""
    http.check_query(event)
    kind = http.media_type(event)
    if kind not in READERS:
        raise UnsupportedMediaType(f"the Content-Type {kind!r} is not taken; send {JSON} or {CSV}")
    body = http.body_of(event)
    if len(body) > sizes.REQUEST_BYTES:
        raise PayloadTooLarge(
            f"the body has {len(body):,} bytes, and at most {sizes.REQUEST_BYTES:,} are taken; send fewer rows at once"
        )
    live = serving.live_version(tenant, http.model_of(event))
    prepared = READERS[kind](body, live.deployed.schema, max_rows=MAX_ROWS, reject_unseen=live.reject_unseen)
    in_csv = http.accepted(event, (JSON, CSV)) == CSV
    row_count, classes = len(prepared.lines), live.deployed.classes
    rows_max = sizes.rows_in_csv(classes) if in_csv else sizes.rows_in_json(classes, prepared.advice)
    if row_count > rows_max:
        raise AnswerTooLarge(row_count, rows_max, None if in_csv else sizes.rows_in_csv(classes))
    quota.of(tenant).spend(row_count)
    predictions = serving.predict(live, prepared)
    lines = predictions.as_csv() if in_csv else predictions.as_json()
    text = "\n".join([*lines, ""]) if in_csv else f"[{','.join(lines)}]"
    if (size_bytes := sizes.escaped_bytes(text)) > sizes.ANSWER_BYTES:  # numbers longer than was expected
        raise AnswerTooLarge(row_count, row_count * sizes.ANSWER_BYTES // size_bytes, None)
    if in_csv:
        headers = {"X-Model-Version": live.version, "X-Advice-Count": str(len(prepared.advice))}
        return Answer(200, text, {"Content-Type": "text/csv; charset=utf-8; header=present"} | headers)
    body_parts = {"model": live.model, "version": live.version, "predictions": http.Json(text)}
    return Answer(200, body_parts | {"advice": prepared.advice})
