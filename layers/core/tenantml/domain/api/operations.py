"""What the API can do: one row per method and path, in the order of a tenant's life.

The document and the dispatch of the API's functions are made of this table; a test compares it with
`template.yaml`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from tenantml import errors
from tenantml.domain.api.pagination import DEFAULT_LIMIT, MAX_ENTRIES, MAX_LIMIT, TOKEN_CHARACTERS
from tenantml.domain.api.schemas import MODEL_NAME, TEXT, Schema
from tenantml.domain.names import EXECUTION_PATTERN, VERSION_PATTERN
from tenantml.domain.predictions.batch import ID_PATTERN as BATCH_PATTERN
from tenantml.domain.training.execution_outcome import STATUSES
from tenantml.domain.uploads.upload import ID_PATTERN, IDEMPOTENCY_KEY
from tenantml.domain.webhooks.webhook import NAME

Parameter = dict[str, Any]


def query(name: str, description: str, schema: Schema) -> Parameter:
    """An optional parameter of the query."""
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def header(name: str, description: str, schema: Schema) -> Parameter:
    """An optional header."""
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


PATH_PARAMETERS: dict[str, Schema] = {
    "model": MODEL_NAME,
    "upload": {"type": "string", "pattern": f"^{ID_PATTERN}$"},
    "version": {"type": "string", "pattern": f"^{VERSION_PATTERN.pattern}$"},
    "batch": {"type": "string", "pattern": f"^{BATCH_PATTERN}$"},
    "execution": {"type": "string", "pattern": f"^{EXECUTION_PATTERN.pattern}$"},
    "file": {"type": "string", "pattern": r"^[a-z0-9.-]{1,60}$"},
    "webhook": {"type": "string", "pattern": f"^{NAME}$"},
}
PAGE = (
    query("limit", "Rows of a page", {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
    query("next_token", "Of the page before", TEXT | {"maxLength": TOKEN_CHARACTERS}),
)
IDEMPOTENT = header(
    "Idempotency-Key", "Of a request that may be repeated: for a day, the same key is the same request",
    {"type": "string", "pattern": f'^("{IDEMPOTENCY_KEY}"|{IDEMPOTENCY_KEY})$'},
)  # fmt: skip
ENTRIES = (
    query(
        "limit", "Entries of a page",
        {"type": "integer", "minimum": 1, "maximum": MAX_ENTRIES, "default": MAX_ENTRIES},
    ),
    PAGE[1],
)  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """One method of one path.

    `answers` maps a status to the name of the schema that is answered, in JSON, and as CSV too where `answers_csv`; to
    none where a page of HTML is;
    `refusals` are the errors that this operation has beyond those that every operation has; `function` is the
    template's, without the word Function.
    """

    name: str
    method: str
    path: str
    tag: str
    summary: str
    answers: dict[int, str]
    takes: str = ""
    parameters: tuple[Parameter, ...] = ()
    refusals: tuple[type[errors.TenantMLError], ...] = ()
    has_etag: bool = False
    is_public: bool = False
    media: tuple[str, ...] = ("application/json",)
    answers_csv: bool = False
    function: str = "TenantApi"

    @property
    def handler(self) -> str:
        """The name of what answers it in a function of several operations: `list_models` of listModels."""
        return re.sub("(?=[A-Z])", "_", self.name).lower()

    @property
    def query_names(self) -> tuple[str, ...]:
        """The names of the parameters that its query may have."""
        return tuple(parameter["name"] for parameter in self.parameters if parameter["in"] == "query")


BODY = (errors.PayloadTooLarge, errors.UnsupportedMediaType)

OPERATIONS = (
    Operation("listModels", "GET", "/models", "models", "Your models", {200: "Models"}, parameters=PAGE),
    Operation(
        "putModel", "PUT", "/models/{model}", "models", "Create a model, or change what its next training follows",
        {200: "Model", 201: "Model"}, takes="ModelSettings",
        parameters=(
            header("If-Match", "Change this revision only (an ETag), or any (*)", TEXT | {"maxLength": 64}),
            header("If-None-Match", "With *: create, never change", {"type": "string", "enum": ["*"]}),
        ),
        refusals=(*BODY, errors.InvalidSettings, errors.PreconditionFailed), has_etag=True,
    ),
    Operation(
        "getModel", "GET", "/models/{model}", "models", "One model and its settings", {200: "Model"},
        refusals=(errors.NotFound,), has_etag=True,
    ),
    Operation(
        "putState", "PUT", "/models/{model}/state", "models",
        "Pause a model, so that nothing of it runs and costs, or resume it: the state tells when it answers again",
        {200: "Model"}, takes="State",
        refusals=(*BODY, errors.NotFound, errors.ModelNotReady, errors.ArtefactsGone, errors.CustomerThrottled),
        has_etag=True,
    ),
    Operation(
        "getModelDocument", "GET", "/models/{model}/openapi.json", "models",
        "The contract of this model's predictions, with its real columns", {200: "OpenApiDocument"},
        refusals=(errors.NotFound, errors.ModelNotReady),
    ),
    Operation(
        "getQuote", "GET", "/models/{model}/quote", "models",
        "The most that a training, a batch and an endpoint of this model can cost you, before anything is spent",
        {200: "Quote"}, refusals=(errors.NotFound,),
    ),
    Operation(
        "createUpload", "POST", "/models/{model}/uploads", "uploads",
        "A form that takes one CSV file, or the parts of a larger one; what it brings is trained from once",
        {201: "NewUpload"}, takes="UploadRequest",
        parameters=(IDEMPOTENT,),
        refusals=(*BODY, errors.NotFound, errors.IdempotencyKeyReused),
    ),
    Operation(
        "getUpload", "GET", "/models/{model}/uploads/{upload}", "uploads",
        "One upload, and the execution that it started", {200: "Upload"}, refusals=(errors.NotFound,),
    ),
    Operation(
        "listParts", "GET", "/models/{model}/uploads/{upload}/parts", "uploads",
        "Where each part of a large file is PUT, and its exact size", {200: "Parts"}, parameters=PAGE,
        refusals=(errors.NotFound,),
    ),
    Operation(
        "completeUpload", "POST", "/models/{model}/uploads/{upload}/completion", "uploads",
        "All parts are there: make them one file, which starts an execution; a repeat says the same",
        {200: "Upload"}, refusals=(errors.NotFound, errors.UploadIncomplete),
    ),
    Operation(
        "listExecutions", "GET", "/executions", "executions", "Your uploads and what became of them, newest first",
        {200: "Executions"},
        parameters=(
            *PAGE,
            query("model", "Of this model only", MODEL_NAME),
            query("upload_key", "Of this upload only", TEXT | {"maxLength": 1024}),
            query("status", "In this status only", {"type": "string", "enum": list(STATUSES)}),
        ),
    ),
    Operation(
        "getExecution", "GET", "/executions/{execution}", "executions", "One upload: progress, advice, outcome",
        {200: "Execution"}, refusals=(errors.NotFound,),
    ),
    Operation(
        "getReceipt", "GET", "/executions/{execution}/receipt", "executions",
        "What this execution did in your account, call by call", {200: "Receipt"}, parameters=ENTRIES,
        refusals=(errors.NotFound,),
    ),
    Operation(
        "listVersions", "GET", "/models/{model}/versions", "versions", "A model's versions, newest first",
        {200: "Versions"}, parameters=PAGE, refusals=(errors.NotFound,),
    ),
    Operation(
        "createVersion", "POST", "/models/{model}/versions", "versions",
        "Deploy a candidate of a training that is kept: another one, again, or on another instance",
        {202: "Version"}, takes="DeploymentRequest", parameters=(IDEMPOTENT,),
        refusals=(
            *BODY, errors.NotFound, errors.NotTrained, errors.ArtefactsGone, errors.InvalidSettings,
            errors.BudgetExceeded, errors.IdempotencyKeyReused,
        ),
    ),
    Operation(
        "getVersion", "GET", "/models/{model}/versions/{version}", "versions",
        "One version, and the candidates that it was chosen from", {200: "VersionDetails"}, refusals=(errors.NotFound,),
    ),
    Operation(
        "getEvaluation", "GET", "/models/{model}/versions/{version}/evaluation", "versions",
        "What a version is worth on the rows that were held out, next to a naive baseline and the version before it",
        {200: "Evaluation"}, refusals=(errors.NotFound, errors.NotEvaluated, errors.ArtefactsGone),
    ),
    Operation(
        "getReport", "GET", "/models/{model}/versions/{version}/report", "versions",
        "The model report: all that is known of a version, as one HTML file to read, print and pass on", {200: ""},
        refusals=(errors.NotFound,),
    ),
    Operation(
        "getImportance", "GET", "/models/{model}/versions/{version}/importance", "versions",
        "How much each column counts for a version, as Autopilot explained it", {200: "Importance"},
        refusals=(errors.NotFound, errors.ArtefactsGone),
    ),
    Operation(
        "getDrift", "GET", "/models/{model}/versions/{version}/drift", "versions",
        "Whether what a version is asked and answers is still distributed as in training, as of the last daily check",
        {200: "Drift"}, refusals=(errors.NotFound,),
    ),
    Operation(
        "listCandidates", "GET", "/models/{model}/versions/{version}/candidates", "versions",
        "All candidates of a version's training with all their metrics, the best first", {200: "Candidates"},
        parameters=PAGE, refusals=(errors.NotFound, errors.ArtefactsGone),
    ),
    Operation(
        "listArtefacts", "GET", "/models/{model}/versions/{version}/artefacts", "versions",
        "A version's containers, and links to its model, notebooks and reports, for a quarter of an hour",
        {200: "Artefacts"}, refusals=(errors.NotFound, errors.ArtefactsGone, errors.CustomerThrottled),
    ),
    Operation(
        "putApproval", "PUT", "/models/{model}/versions/{version}/approval", "versions",
        "Approve or refuse a version that awaits an approval; a repeat says the same", {200: "Version"},
        takes="Decision", refusals=(*BODY, errors.NotFound, errors.NotAwaitingApproval, errors.AlreadyDecided),
    ),
    Operation(
        "putLiveVersion", "PUT", "/models/{model}/live-version", "versions",
        "Return to a version that was live: at once while its endpoint stands (200), else by deploying it anew (202)",
        {200: "Version", 202: "Version"}, takes="LiveVersion",
        refusals=(*BODY, errors.NotFound, errors.NeverLive, errors.ArtefactsGone, errors.CustomerThrottled),
    ),
    Operation(
        "predict", "POST", "/models/{model}/predictions", "predictions", "One prediction per row, by the live version",
        {200: "Predictions"}, takes="PredictionRequest", media=("application/json", "text/csv"), answers_csv=True,
        refusals=(
            *BODY, errors.NoRows, errors.TooManyRows, errors.RowTooLarge, errors.AnswerTooLarge, errors.InvalidRow,
            errors.MissingColumn, errors.UnexpectedColumn, errors.RepeatedColumn, errors.HeaderAmongRows,
            errors.InvalidValue, errors.UnseenCategory, errors.NotFound, errors.ModelNotReady,
            errors.ModelPaused, errors.ModelResuming, errors.ArtefactsGone, errors.BudgetExceeded, errors.NoEndpoint,
            errors.EndpointGone, errors.CustomerThrottled,
            errors.UnreadableAnswer, errors.WrongPredictionCount,
        ),
        function="Predict",
    ),
    Operation(
        "createBatch", "POST", "/models/{model}/batches", "predictions",
        "A form that takes one CSV file of rows to predict, without an endpoint", {201: "NewBatch"},
        takes="BatchRequest", parameters=(IDEMPOTENT,),
        refusals=(
            *BODY, errors.NotFound, errors.ModelNotReady, errors.ArtefactsGone, errors.IdempotencyKeyReused,
            errors.BudgetExceeded, errors.TooManyBatches,
        ),
    ),
    Operation(
        "listBatches", "GET", "/models/{model}/batches", "predictions",
        "A model's batches whose file has come, newest first", {200: "Batches"}, parameters=PAGE,
        refusals=(errors.NotFound,),
    ),
    Operation(
        "getBatch", "GET", "/models/{model}/batches/{batch}", "predictions",
        "One batch, and a link to its result for a quarter of an hour", {200: "BatchDetails"},
        refusals=(errors.NotFound, errors.CustomerThrottled),
    ),
    Operation(
        "listWebhooks", "GET", "/webhooks", "webhooks", "Your webhooks: which addresses are told what happens",
        {200: "Webhooks"}, parameters=PAGE, function="WebhookApi",
    ),
    Operation(
        "putWebhook", "PUT", "/webhooks/{webhook}", "webhooks",
        "Create a webhook, whose secret is shown this once (201), or change and enable it (200)",
        {200: "NewWebhook", 201: "NewWebhook"}, takes="WebhookSettings",
        refusals=(*BODY, errors.TooManyWebhooks), function="WebhookApi",
    ),
    Operation(
        "getWebhook", "GET", "/webhooks/{webhook}", "webhooks", "One webhook", {200: "Webhook"},
        refusals=(errors.NotFound,), function="WebhookApi",
    ),
    Operation(
        "deleteWebhook", "DELETE", "/webhooks/{webhook}", "webhooks",
        "Delete a webhook and what signs for it; what is not delivered yet never is", {200: "Webhook"},
        refusals=(errors.NotFound,), function="WebhookApi",
    ),
    Operation(
        "createSecret", "POST", "/webhooks/{webhook}/secrets", "webhooks",
        "A new secret, shown this once; the one before it signs beside it for a day", {201: "WebhookSecret"},
        refusals=(errors.NotFound,), function="WebhookApi",
    ),
    Operation(
        "testWebhook", "POST", "/webhooks/{webhook}/test", "webhooks",
        "Deliver a message of the type `webhook.test`, in one attempt", {202: "Delivery"},
        refusals=(errors.NotFound,), function="WebhookApi",
    ),
    Operation(
        "listDeliveries", "GET", "/webhooks/{webhook}/deliveries", "webhooks",
        "What was sent to a webhook in the last week, the newest first, and how it went", {200: "Deliveries"},
        parameters=PAGE, refusals=(errors.NotFound,), function="WebhookApi",
    ),
    Operation(
        "listKeys", "GET", "/keys", "usage", "Your API keys by their ids, never a key itself", {200: "Keys"},
        parameters=PAGE,
    ),
    Operation(
        "getUsage", "GET", "/usage", "usage",
        "What is used of today's quota, and what trainings, batches and endpoints cost this month", {200: "Usage"},
    ),
    Operation(
        "getDocument", "GET", "/openapi.json", "contract", "This document; no key is asked for",
        {200: "OpenApiDocument"}, is_public=True, function="DescribeApi",
    ),
    Operation(
        "getPage", "GET", "/app", "pages", "The page on which people do all of this; it asks for a key", {200: ""},
        is_public=True, function="ShowPages",
    ),
    Operation(
        "getPageFile", "GET", "/app/{file}", "pages", "A script or style of that page", {200: ""},
        refusals=(errors.NotFound,), is_public=True, function="ShowPages",
    ),
    Operation(
        "getDocumentation", "GET", "/docs", "pages", "This document as a page to try it on; no key is asked for",
        {200: ""}, is_public=True, function="ShowPages",
    ),
    Operation(
        "getDocumentationFile", "GET", "/docs/{file}", "pages", "A script or style of that page", {200: ""},
        refusals=(errors.NotFound,), is_public=True, function="ShowPages",
    ),
)  # fmt: skip
EVERYWHERE = (
    errors.InvalidRequest,
    errors.Unauthorized,
    errors.TenantSuspended,
    errors.CustomerAccessRevoked,
    errors.RateExceeded,
    errors.DailyQuotaExceeded,
    errors.EndpointUnavailable,
    errors.PlatformUnavailable,
    errors.AnswerTimedOut,
)
"""What every operation that asks for a key may refuse with."""
