"""The upload: known before its content is read.

Nothing of the file is read, nothing is spent, and no call is made in the customer's account. The tenant is notified
in the execution's `error` and on the event bus.
"""

from __future__ import annotations

from tenantml.errors.base import NOBODY, TENANT, TenantMLError


class UploadError(TenantMLError):
    """The uploaded object cannot be trained from; nothing of it was read."""

    turn = TENANT


class WrongUploadKey(UploadError):
    """The object's key is not `TENANT/MODEL/FILE.csv`, or the tenant or model in it is not a valid name. If the key
    belongs to no tenant, nobody is notified: only the registry's partition `TENANT#-` and the event bus have the
    outcome.
    """

    do = (
        "Upload under `TENANT/MODEL/`, with a file name that ends in `.csv`. Uploads through the presigned form always "
        "have such a key."
    )


class UnknownTenant(UploadError):
    """No active tenant has the prefix of the key. Uploads of a suspended tenant end the same way."""

    do = "Check the prefix. The operator sees the status and its reason with `tenantml tenant show TENANT`."


class UnknownModel(UploadError):
    """The tenant has not configured a model of this name."""

    do = "`PUT /models/MODEL` with its target, then upload again."


class UploadTooLarge(UploadError):
    """The object exceeds the model's `max_upload_bytes`, or of a batch 2 GiB. The event states its size."""

    do = (
        "Upload fewer rows, or raise `max_upload_bytes` (100 GB at most); send rows to predict in several batches, "
        "each with the header."
    )


class UploadSuperseded(UploadError):
    """Something newer counts instead: a newer upload of the same model, or a version that somebody chose by hand, or a
    pause. A job that ran is stopped, and a training that was complete is kept. The execution's status is `superseded`.
    """

    outcome = "superseded"
    turn = NOBODY
    do = (
        "Nothing. Who wants this version all the same deploys its candidate with `POST /models/MODEL/versions`, or, if "
        "there is none, uploads the file again. `newer_upload` says whether a newer upload stops an older training."
    )


class DuplicateUpload(UploadError):
    """The form, or the upload in parts, was already used: a browser or a client sent the file twice. The first file is
    used, and the message names its execution. This execution's status is `duplicate`, and it costs nothing.
    """

    outcome = "duplicate"
    turn = NOBODY
    do = "Nothing. To train from the same file again, or from a corrected one, request a new form."


class TrainingsPerDayExceeded(UploadError):
    """The tenant, or the model by its settings, has begun as many trainings on this day as `trainings_per_day` allows.
    The uploaded file is kept.
    """

    do = (
        "Upload again after midnight UTC, or raise the cap: the model's setting, or the operator's with `limit_tenant`."
    )


class TooManyTrainings(UploadError):
    """As many of the tenant's models are trained at this moment as `max_concurrent_trainings` allows. The uploaded file
    is kept.
    """

    do = "Upload again when one of the trainings is over, or ask the operator for more."


class TooManyBatches(UploadError):
    """As many of the model's batches run at this moment as `max_concurrent_batches` allows. An uploaded file is
    kept.
    """

    status = 409
    do = "Ask for the batch again when one of them is over, or raise the model's `max_concurrent_batches`."


class BudgetExceeded(UploadError):
    """What it would cost at worst, with what is spent this month and what runs may still cost, is more than
    `monthly_budget_usd` of the tenant or the model; or a budget is set and the worst case is unknown. The uploaded file
    is kept.
    """

    status = 409
    do = (
        "`GET /models/MODEL/quote` and `GET /usage` have the figures. Lower `max_candidates` or `max_runtime_seconds`, "
        "raise the model's budget, or ask the operator, who sets the tenant's and the prices."
    )


class DatasetChanged(UploadError):
    """The uploaded object, or its staged copy, is no longer what the event named: it was overwritten or deleted
    during the execution.
    """

    do = (
        "Upload again. With versioning on, a replaced upload is still read by its version; only a deleted version ends "
        "in this error."
    )
