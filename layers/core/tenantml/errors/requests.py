"""Requests to the API.

Nothing is changed. The number is the HTTP status. The app that called is answered with problem details (RFC 9457):
`code`, `status`, `detail`, `request_id`.
"""

from __future__ import annotations

from tenantml.errors.base import APP, CLOUD_TEAM, TENANT, TenantMLError


class RequestError(TenantMLError):
    """An API request that cannot be answered as sent."""

    status = 400
    turn = APP


class Unauthorized(RequestError):
    """The request has no valid API key. Missing, wrong and revoked keys are answered alike."""

    # API Gateway answers it, as the authorizer fails with exactly this word.
    status = 401
    do = "Send a key in the header `x-api-key`."


class TenantSuspended(RequestError):
    """The tenant is not active. The message gives the reason."""

    status = 403
    turn = TENANT
    do = "Fix what the reason says, or ask the operator."


class NotFound(RequestError):
    """The tenant has no such resource. Another tenant's gets the same answer, byte for byte. An execution ends
    in it when its model was removed while it ran.
    """

    status = 404
    do = "List what is yours with `GET /models` and `GET /executions`."


class InvalidRequest(RequestError):
    """The body or query is not what this operation accepts."""

    do = "Correct what the message names. `GET /openapi.json` describes every operation."


class InvalidSettings(RequestError):
    """A model's settings hold a field that is unknown, missing, mistyped or out of range. An execution ends in it when
    settings that were valid once no longer are.
    """

    turn = TENANT
    do = "Correct the fields that the message names, and `PUT` them again."


class UnsupportedMediaType(RequestError):
    """The body is not what the operation takes by its headers: neither JSON nor CSV, in another charset than UTF-8, or
    compressed.
    """

    status = 415
    do = "Send `application/json` or `text/csv`, in UTF-8 and without `Content-Encoding`."


class PayloadTooLarge(RequestError):
    """The body is larger than the operation accepts, or the file that it announces is larger than the model accepts."""

    status = 413
    do = (
        "Send less at once, or raise the model's `max_upload_bytes` for a file to train from; send rows to predict in "
        "several batches, each with the header."
    )


class IdempotencyKeyReused(RequestError):
    """The request's `Idempotency-Key` came with another request within the last day."""

    status = 422
    do = "Send a new key with a new request; repeat a request unchanged with its key."


class UploadIncomplete(RequestError):
    """Parts of the upload are missing, and the message names the first of them; or all are gone: they were just
    completed, or deleted after two days.
    """

    status = 409
    do = (
        "Send the parts that are missing, then complete the upload again. `GET` it to see whether it has its execution "
        "already."
    )


class PreconditionFailed(RequestError):
    """The model is not as `If-Match` or `If-None-Match` requires: it was changed in between."""

    status = 412
    do = "Read it again before you change it."


class ModelNotReady(RequestError):
    """The model has no live version yet."""

    status = 409
    do = "Wait until an execution of it has succeeded."


class ModelPaused(RequestError):
    """The model is paused: nothing of it runs in the customer's account, and nothing answers."""

    status = 409
    turn = TENANT
    do = (
        'Resume it with `PUT /models/MODEL/state {"paused": false}`, and wait until its `state` is `live`. With '
        "`resume` `on-request`, a prediction does this by itself."
    )


class ModelResuming(RequestError):
    """The model's pause is being ended: its endpoint is made anew, which takes minutes."""

    status = 503
    do = "Repeat after `Retry-After`. `state` of `GET /models/MODEL` says when it is `live`."
    retry_after_seconds = 60


class NotTrained(RequestError):
    """The execution has come to no candidate that could be deployed: its training still runs, or failed."""

    status = 409
    do = "Wait until its training has candidates, or upload again."


class NotEvaluated(RequestError):
    """The version has no evaluation: its endpoint is not there yet, or did not come into service."""

    status = 409
    do = "Look at the version's `status` and `error`; deploy its candidate again if its deployment failed."


class NeverLive(RequestError):
    """The version never answered, so there is nothing to return to: its deployment runs, failed, or was refused."""

    status = 409
    do = "Wait for its deployment, or deploy its candidate with `POST /models/MODEL/versions`."


class TooManyWebhooks(RequestError):
    """The tenant has as many webhooks as it may, which is ten."""

    status = 409
    do = "Change one with `PUT /webhooks/NAME`, or delete one."


class NotAwaitingApproval(RequestError):
    """The version awaits no approval: it was not asked for, its time is over, or its deployment has ended."""

    status = 409
    do = "Look at the version's `status`, `approval` and `error`; deploy its candidate again if its time is over."


class AlreadyDecided(RequestError):
    """The opposite was decided before, or nobody decided in time. Of two decisions at once, the first one counts."""

    status = 409
    do = (
        "Look at the version's `approval`. To put a refused version live after all, deploy its candidate with "
        "`POST /models/MODEL/versions`; to take an approved one back, return to the version before."
    )


class ArtefactsGone(RequestError):
    """The artefacts of the training are deleted, and its evaluations with them: the model keeps those of its last
    `keep_versions` versions.
    """

    status = 409
    do = "Upload the file again to train again, and raise `keep_versions` to keep more."


class RowError(RequestError):
    """Rows of a prediction request do not fit the model; `members` says `row` (1-based) and `column` where known.

    Of a file, `line` says where the row starts, from 1.
    """

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None, line: int | None = None):
        places = [f"row {row}"] * (row is not None) + [f"line {line}"] * (line is not None)
        places += [f"column {column!r}"] * (column is not None)
        super().__init__(f"{', '.join(places)}: {message}" if places else message)
        self.reason, self.row, self.column = message, row, column
        self.members = {name: value for name, value in (("row", row), ("column", column)) if value is not None}


class NoRows(RowError):
    """The request holds no row to predict."""

    do = "Send at least one row."


class TooManyRows(RowError):
    """The request holds more rows than one request may."""

    status = 413
    do = "Send fewer at once."


class RowTooLarge(RowError):
    """A row is larger than the endpoint accepts."""

    status = 413
    do = "Shorten it."


class AnswerTooLarge(RequestError):
    """The predictions of so many rows do not fit into one answer (6 MB). Nothing is predicted, and no row counts; the
    answer's `rows_max` says how many rows fit.
    """

    status = 413
    do = "Send at most `rows_max` rows at once. With `Accept: text/csv` more fit."

    def __init__(self, row_count: int, rows_max: int, rows_max_in_csv: int | None):
        advice = f"send at most {rows_max:,} at once" if rows_max else "not even one row's does"
        if rows_max_in_csv:
            advice += f", or with Accept: text/csv at most {rows_max_in_csv:,}"
        super().__init__(f"the predictions of {row_count:,} rows do not fit into one answer; {advice}")
        self.members = {"rows_max": rows_max}


class InvalidRow(RowError):
    """A row is not an object of columns, or has more or fewer cells than the header."""

    do = "Correct the row that `row` in the answer names (1-based)."


class MissingColumn(RowError):
    """A row or the header lacks a column that the model was trained with."""

    do = "Send it, empty or null if unknown. `GET /models/MODEL/openapi.json` lists the columns."


class UnexpectedColumn(RowError):
    """A row or the header has a column that the model was not trained with, or the target itself."""

    do = "Leave it out."


class RepeatedColumn(RowError):
    """A row or the header has a column twice."""

    do = "Send it once."


class HeaderAmongRows(RowError):
    """A row repeats the names of the columns."""

    do = "Send the header once, first."


class InvalidValue(RowError):
    """A value is not of its column's type (text for a number, NaN, infinity)."""

    do = "Correct the value that `row` and `column` in the answer name."


class UnseenCategory(RowError):
    """A value is none of the categories seen in training, and the model's `unseen_category` is `reject`."""

    do = "Correct it, train on rows that have it, or set `unseen_category` to `advise`."


class QuotaError(RequestError):
    """The tenant's own limits are used up for now; `retry_after_seconds` states for how long."""

    status = 429

    def __init__(self, message: str, retry_after_seconds: int):
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class RateExceeded(QuotaError):
    """More requests arrive at once than the tenant, or the whole service, may send."""

    do = "Wait as `Retry-After` says. The operator sets the limits."


class DailyQuotaExceeded(QuotaError):
    """The tenant's requests or rows of this day (UTC) are used up."""

    do = "Wait as `Retry-After` says, or ask the operator for more."


class UnreadableAnswer(RequestError):
    """The endpoint's answer is not what its model is configured to answer, or the model failed on these rows."""

    status = 502
    turn = CLOUD_TEAM
    do = "Check the endpoint's log group in the customer's account, and report it with the `request_id`."


class WrongPredictionCount(RequestError):
    """The endpoint answered with fewer or more predictions than there are rows."""

    status = 502
    do = "Send the request again. Report it with the `request_id` if it repeats."


class EndpointGone(RequestError):
    """The endpoint of the live version does not exist: somebody deleted it in the customer's account. Waiting does not
    bring it back.
    """

    status = 409
    turn = TENANT
    do = (
        "`PUT /models/MODEL/live-version` with the live version makes its endpoint anew from the kept model, without "
        "another training. Ask the customer's cloud team who deletes endpoints whose names begin with the tenant's "
        "prefix, `tml-`."
    )


class NoEndpoint(RequestError):
    """The model answers batches alone: its setting `endpoint` is `none`, so nothing stands and nothing costs."""

    status = 409
    turn = TENANT
    do = (
        "Send the rows as a file: `POST /models/MODEL/batches`. For an endpoint, deploy the candidate again: "
        '`POST /models/MODEL/versions {"execution": …, "endpoint": "real-time"}`; for later versions set the model\'s '
        "`endpoint` to `auto`."
    )


class EndpointUnavailable(RequestError):
    """The endpoint does not answer now: cold, overloaded, or out of reach."""

    status = 503
    do = "Repeat after `Retry-After`. A serverless endpoint wakes in seconds."


class AnswerTimedOut(RequestError):
    """The answer took longer than we wait for the endpoint (22 s), or API Gateway waits for us (29 s)."""

    status = 504
    do = "Send fewer rows at once."
