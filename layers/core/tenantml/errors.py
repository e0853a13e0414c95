"""Every failure has a name, and the name is one class here.

The class name is the error name in `statemachine/*.asl.json` and the `code` of an API answer; `docs/errors.md` says
what to do about each.

    TenantMLError
    ├── TransientError              retry may help; the definitions retry these by name
    ├── UploadError                 the object cannot be trained from: known before its content is read
    ├── DatasetError                the content cannot be trained on; carries line, column and a redacted sample
    ├── CustomerAccountError        the customer's account refused or lacks something
    ├── TrainingError               the job ran and did not give a model that may answer
    ├── ExecutionStopped, ExecutionTimedOut   somebody or the clock ended the execution
    ├── TenantError                 on-boarding and activation
    └── RequestError                an API request that cannot be answered; carries its HTTP status
"""

from __future__ import annotations


class TenantMLError(Exception):
    """A named failure: `str(error)` says what was wrong, where, and what to do next."""


class TransientError(TenantMLError):
    """Something that a later attempt may find mended."""


class DatasetUnavailable(TransientError):
    """S3 did not give the dataset although it should be there."""


class GrantContended(TransientError):
    """Another execution holds the lock of the bucket policy."""


class GrantCapacity(TransientError):
    """The bucket policy has no room for another grant; waits, then fails under this name."""


class CustomerThrottled(TransientError):
    """The customer's account throttled a call."""


class StillChanging(TransientError):
    """Something in the customer's account is still being created, stopped or deleted; then it can be removed."""


class QuotaExceeded(TransientError):
    """A service quota of the customer's account is used up; waits, then fails under this name."""


class UploadError(TenantMLError):
    """The uploaded object cannot be trained from; nothing of it was read."""


class WrongUploadKey(UploadError):
    """The key is not `{tenant}/{model}/{file}.csv`."""


class UnknownTenant(UploadError):
    """No active tenant has the prefix of this key."""


class UnknownModel(UploadError):
    """The tenant has not configured a model of this name."""


class UploadTooLarge(UploadError):
    """The object exceeds the model's size cap."""


class UploadSuperseded(UploadError):
    """A newer upload of the same model overtook this one."""


class DuplicateUpload(UploadError):
    """The form, or the upload in parts, that this file came by had brought one before; that one is trained from."""


class DatasetChanged(UploadError):
    """The uploaded object is no longer the one that the event named."""


class DatasetError(TenantMLError):
    """The dataset's content cannot be trained on.

    `line` is the 1-based line of the file where the offending record starts, `column` its name or None, `sample` a
    redacted excerpt: letters shown as `a`, digits as `9`, so that no content of the tenant reaches a log.
    """

    def __init__(self, message: str, *, line: int | None = None, column: str | None = None, sample: str | None = None):
        where = f" (line {line}" + (f", column {column!r}" if column else "") + ")" if line else ""
        super().__init__(message + where + (f"; it looks like: {sample}" if sample else ""))
        self.line = line
        self.column = column
        self.sample = sample


class EmptyFile(DatasetError):
    """The file holds no record at all."""


class NotCsv(DatasetError):
    """The content is of another format (gzip, zip, xlsx, parquet, HTML, …), whatever the file's name says."""


class NotUtf8(DatasetError):
    """The text is not UTF-8; the message names the likely encoding or the byte's position."""


class NulByte(DatasetError):
    """The text holds a NUL byte, which readers treat differently."""


class NoHeader(DatasetError):
    """The first row looks like values, and none of them is the target's name."""


class HeaderOnly(DatasetError):
    """There is a header and no row below it."""


class WrongDelimiter(DatasetError):
    """The columns are separated by something other than commas."""


class EmptyColumnName(DatasetError):
    """A column of the header has no name."""


class DuplicateColumn(DatasetError):
    """Two columns of the header have the same name."""


class TooManyColumns(DatasetError):
    """The header has more columns than a model may have."""


class NoFeatures(DatasetError):
    """There is no column but the target."""


class RaggedRow(DatasetError):
    """A row has more or fewer fields than the header."""


class UnclosedQuote(DatasetError):
    """A quoted field is never closed."""


class StrayQuote(DatasetError):
    """Text follows the closing quote of a field."""


class FieldTooLong(DatasetError):
    """A field is longer than readers accept."""


class RowTooLong(DatasetError):
    """A row is longer than the pipeline reads at once."""


class TooFewRows(DatasetError):
    """There are fewer rows with a target than Autopilot trains on."""


class TargetMissing(DatasetError):
    """No column has the target's name."""


class TargetEmpty(DatasetError):
    """The target has no value in any row."""


class TargetNotFinite(DatasetError):
    """A numeric target holds an infinity or NaN."""


class TargetMismatch(DatasetError):
    """The target's values do not fit the problem type of the model's settings."""


class SingleClass(DatasetError):
    """The target has one value only, so there is nothing to predict."""


class RareClass(DatasetError):
    """A class has too few rows to be learned and tested."""


class TooManyClasses(DatasetError):
    """The target has so many different texts that they cannot be classes."""


class AdviceIsFatal(DatasetError):
    """A rule that the model's settings make fatal gave its advice."""


class CustomerAccountError(TenantMLError):
    """The customer's account refused, or lacks what the on-boarding template creates."""


class CustomerAccessRevoked(CustomerAccountError):
    """The access role can no longer be assumed, or no longer allows what it did."""


class NameTaken(CustomerAccountError):
    """A resource with our name exists in the customer's account and is not ours."""


class TrainingError(TenantMLError):
    """The job ran and did not give a model that may answer."""


class TrainingFailed(TrainingError):
    """Autopilot ended the job in Failed; the message carries its reason."""


class TrainingStopped(TrainingError):
    """Somebody stopped the job."""


class TrainingTimedOut(TrainingError):
    """The job outlived the model's runtime cap."""


class NoCandidate(TrainingError):
    """The job completed without a candidate that can be deployed."""


class BelowQualityBar(TrainingError):
    """No candidate meets the thresholds of the model's settings."""


class DeploymentFailed(TrainingError):
    """The model was refused, or its endpoint did not come into service; the message carries SageMaker's reason."""


class DeploymentTimedOut(TrainingError):
    """The endpoint was not in service in time."""


class ExecutionStopped(TenantMLError):
    """An operator stopped the execution; what it had made is removed."""


class ExecutionTimedOut(TenantMLError):
    """The execution took longer than it may; what it had made is removed."""


class TenantError(TenantMLError):
    """On-boarding, activation or off-boarding cannot go on."""


class InvalidRegistration(TenantError):
    """The operator's request names a tenant, account or region that cannot be."""


class RegistrationConflict(TenantError):
    """The tenant's id or the customer's account is taken; the message is the same whoever has it."""


class TenantNotFound(TenantError):
    """No tenant of this name is registered."""


class RoleNotAssumable(TenantError):
    """The access role refuses us with the right external ID: the template is not applied, or with other parameters."""


class WrongAccount(TenantError):
    """The access role's sessions are in another account than the one that was registered."""


class WrongRegion(TenantError):
    """The registered region does not hold the bucket that the on-boarding template creates."""


class TrustTooOpen(TenantError):
    """The access role lets us in without the tenant's own external ID, or from outside the pipeline."""


class InvalidLimits(TenantError):
    """The operator's limits for a tenant hold a field that is unknown, mistyped or not positive."""


class PermissionMissing(TenantError):
    """The access role lacks permissions that the pipeline needs; the message names them."""


class PermissionExcessive(TenantError):
    """The access role may do what the pipeline never does; the message names it."""


class TenantNotActive(TenantError):
    """The operator's request needs a tenant that is active, and this one is not."""


class KeyNotFound(TenantError):
    """The tenant has no API key of this id."""


class InvalidOperation(TenantError):
    """The operator's request lacks a field, or has one that is unknown, mistyped or out of range."""


class RemovalIncomplete(TenantError):
    """Something is left in the customer's account that we cannot remove, or no longer may; the report lists it."""


class RequestError(TenantMLError):
    """An API request that cannot be answered as sent."""

    status = 400


class RowError(RequestError):
    """Rows of a prediction request do not fit the model; `members` says `row` (1-based) and `column` where known."""

    def __init__(self, message: str, *, row: int | None = None, column: str | None = None):
        places = [f"row {row}"] * (row is not None) + [f"column {column!r}"] * (column is not None)
        super().__init__(f"{', '.join(places)}: {message}" if places else message)
        self.members = {name: value for name, value in (("row", row), ("column", column)) if value is not None}


class NoRows(RowError):
    """The request holds no row to predict."""


class TooManyRows(RowError):
    """The request holds more rows than one request may."""

    status = 413


class RowTooLarge(RowError):
    """A row is larger than the endpoint takes."""

    status = 413


class InvalidRow(RowError):
    """A row is not an object of columns, or has more or fewer cells than the header."""


class MissingColumn(RowError):
    """A row or the header lacks a column that the model was trained with."""


class UnexpectedColumn(RowError):
    """A row or the header has a column that the model was not trained with, or the target itself."""


class RepeatedColumn(RowError):
    """A row or the header has a column twice."""


class HeaderAmongRows(RowError):
    """A row repeats the names of the columns."""


class InvalidValue(RowError):
    """A value is not of its column's type."""


class UnseenCategory(RowError):
    """A value is none of the categories seen in training, and the model's settings refuse those."""


class UnreadableAnswer(RequestError):
    """The endpoint's answer is not what its model was told to answer."""

    status = 502


class WrongPredictionCount(RequestError):
    """The endpoint answered with fewer or more predictions than there are rows."""

    status = 502


class InvalidSettings(RequestError):
    """A model's settings hold a field that is unknown, missing, mistyped or out of range."""


class InvalidRequest(RequestError):
    """The request's body or query is not what this operation takes."""


class NotFound(RequestError):
    """No such thing of this tenant; the answer is the same for things of other tenants."""

    status = 404


class ModelNotReady(RequestError):
    """The model has no live version yet."""

    status = 409


class UnsupportedMediaType(RequestError):
    """The body is neither JSON nor CSV by its Content-Type."""

    status = 415


class EndpointUnavailable(RequestError):
    """The endpoint does not answer now: missing, cold, or overloaded; trying again may help."""

    status = 503


class TenantSuspended(RequestError):
    """The tenant is not active."""

    status = 403


class Unauthorized(RequestError):
    """The request has no valid API key; API Gateway answers it, as the authorizer fails with exactly this word."""

    status = 401


class PreconditionFailed(RequestError):
    """The model is not as the request's If-Match or If-None-Match says: somebody changed it in between."""

    status = 412


class IdempotencyKeyReused(RequestError):
    """The request's Idempotency-Key came with another request before."""

    status = 422


class UploadIncomplete(RequestError):
    """Parts of the upload are not there: not sent yet, completed already, or forgotten."""

    status = 409


class PayloadTooLarge(RequestError):
    """The body, or the file that it announces, is larger than what is taken."""

    status = 413


class QuotaError(RequestError):
    """The tenant's own limits are used up for now; `retry_after_seconds` says for how long."""

    status = 429

    def __init__(self, message: str, retry_after_seconds: int):
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class RateExceeded(QuotaError):
    """More requests at once than the tenant, or the whole service, takes."""


class DailyQuotaExceeded(QuotaError):
    """The tenant's requests or rows of this day (UTC) are used up."""


class AnswerTimedOut(RequestError):
    """The answer took longer than API Gateway waits."""

    status = 504
