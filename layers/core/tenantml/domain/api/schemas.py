"""JSON schemas of what the API takes and answers; a model's settings are read from `ModelSettings` itself."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, get_args, get_origin, get_type_hints

from tenantml import errors
from tenantml.domain.api import views
from tenantml.domain.drift import verdict
from tenantml.domain.drift.measure import ROWS_MIN
from tenantml.domain.judging import gate
from tenantml.domain.judging.approval import DECISIONS, OPERATOR, REASON_BYTES, TIMED_OUT
from tenantml.domain.judging.evaluation_summary import Summary
from tenantml.domain.names import MODEL_PATTERN, VERSION_PATTERN
from tenantml.domain.predictions.batch import FILE_BYTES
from tenantml.domain.training.deployment_request import OVERRIDES
from tenantml.domain.training.endpoint_rules import BY_NEEDS, NO_ENDPOINT, REAL_TIME, SERVERLESS, SERVERLESS_MEMORY_MB
from tenantml.domain.training.execution_outcome import STATUSES
from tenantml.domain.training.explanation import KINDS, MODEL, MOST_FEATURES, SOURCES
from tenantml.domain.training.instance_types import INSTANCE_TYPES
from tenantml.domain.training.model_settings import (
    ADVICE_RULES,
    ADVICE_THRESHOLDS,
    AUTO,
    CHOICES,
    ENSEMBLING,
    METRICS,
    RANGES,
    ModelSettings,
)

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}
NUMBER: Schema = {"type": "number"}
TIME: Schema = {"type": "string", "format": "date-time"}
USD: Schema = {"type": "string", "pattern": r"^\d+\.\d{6}$"}
MODEL_NAME: Schema = {"type": "string", "pattern": f"^{MODEL_PATTERN.pattern}$", "maxLength": 30}
CSV_PREDICTIONS: Schema = TEXT | {
    "description": "A header and a line per row: predicted_label, probability, then one column per class; "
    "predicted_value of a regression. More rows fit than in JSON."
}
FILE_NAME: Schema = {
    "type": "string",
    "maxLength": 200,
    "pattern": r"^[A-Za-z0-9_()+ .-]*[A-Za-z0-9_()+ -]\.[cC][sS][vV]$",
}


def reference(name: str) -> Schema:
    """Point at a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(schema: Schema) -> Schema:
    """Allow null, too."""
    if "$ref" in schema or "enum" in schema:
        return {"oneOf": [schema, {"type": "null"}]}
    return schema | {"type": [schema["type"], "null"]}


def listing(schema: Schema) -> Schema:
    """Make it a list."""
    return {"type": "array", "items": schema}


def record(description: str, **properties: Schema) -> Schema:
    """An object that has all of these."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
    }


def components() -> dict[str, Schema]:
    """Return all schemas by name."""
    return {
        "Problem": problem(),
        "ModelSettings": settings(),
        "Model": record(
            "A named prediction service and how it is trained.",
            model=MODEL_NAME,
            settings=reference("ModelSettings"),
            live_version=maybe(TEXT),
            state=reference("ModelState"),
            revision=COUNT | {"description": "Grows with every change of the settings; the ETag is this number"},
            updated_at=TIME,
        ),
        "Models": page("models", "Model"),
        "ModelState": record(
            "Whether the model answers. What resumes a paused one is a version of its own, of the same candidate.",
            status={"type": "string", "enum": list(views.STATES)},
            paused_version=maybe(TEXT) | {"description": "What answered when it was paused"},
            paused_at=maybe(TIME),
            paused_by=maybe(TEXT) | {"description": "The id of the API key that asked, or `idle`"},
            resumes_as=maybe(TEXT) | {"description": "The version that answers once its endpoint is in service"},
            error=maybe(reference("Failure")) | {"description": "Why the last version that was to resume it could not"},
        ),
        "State": record("Whether the model is to be paused.", paused={"type": "boolean"})
        | {"additionalProperties": False, "example": {"paused": True}},
        "UploadRequest": upload_request(),
        "NewUpload": {"anyOf": [reference("UploadForm"), reference("Upload")]},
        "Upload": record(
            "A file that is to come, or came. With `part_bytes` it comes in parts: PUT them where `/parts` says, then "
            "POST to `/completion`.",
            upload=TEXT,
            key=TEXT,
            size_bytes=maybe(COUNT),
            part_bytes=maybe(COUNT) | {"description": "The size of every part but the last; null for a form"},
            version_id=maybe(TEXT),
            execution=maybe(TEXT) | {"description": "What it started, once the file is there"},
        ),
        "Part": record(
            "PUT so many bytes of the file, from `(number - 1) * part_bytes` on, to `url`, with no other header.",
            number=COUNT,
            size_bytes=COUNT,
            url=TEXT,
        ),
        "Parts": page("parts", "Part", expires_in_seconds=COUNT),
        "UploadForm": record(
            "Where the file goes: POST it to `url` as multipart/form-data, all `fields` first, the part `file` last.",
            upload=TEXT | {"description": "Trained from once, however often the form is sent"},
            url=TEXT,
            fields={"type": "object", "additionalProperties": TEXT},
            key=TEXT | {"description": "Names the upload; GET /executions?upload_key= finds what became of it"},
            expires_in_seconds=COUNT,
        ),
        "Quote": record(
            "What AWS would ask of your own account at worst; null is unknown, never nothing.",
            region=TEXT,
            training=record("Until its job is stopped, on as many instances as may work at once.", **WORST_CASE),
            batch=record("One batch, until its job is stopped: a day.", **WORST_CASE),
            endpoint=record(
                "One endpoint; two stand while a new version is judged and bakes.",
                usd_per_hour=maybe(USD)
                | {"description": "On the most likely instance type; of a serverless one, busy"},
                worst_case_usd_per_hour=maybe(USD),
                worst_case_usd_per_month=maybe(USD) | {"description": "Of 31 days"},
                reason=maybe(TEXT) | {"description": "Why a price is unknown"},
                instance_types=listing(TEXT) | {"description": "What it may be made of, the most likely first"},
                serverless_memory_mb=maybe(COUNT) | {"description": "Of a serverless one, what it most likely gets"},
                count=COUNT | {"description": "Instances, or requests that a serverless endpoint answers at once"},
                max_count=COUNT | {"description": "Of instances that scale the most, which the worst case counts"},
            ),
            prices=reference("PriceAges"),
            note=TEXT,
        ),
        "PriceAges": record(
            "Where the prices are from.",
            oldest=maybe(TEXT | {"format": "date"}),
            age_days=maybe({"type": "integer"}) | {"description": "Of the oldest price"},
            sources=listing(TEXT),
        ),
        "BatchQuote": record(
            "What AWS would ask of your own account for a batch at worst; null is unknown, never nothing.",
            region=TEXT,
            **WORST_CASE,
            prices=reference("PriceAges"),
            note=TEXT,
        ),
        "TrainingCost": record(
            "What AWS would ask of your own account for the jobs behind a training's candidates, at least.",
            training_seconds=COUNT | {"description": "That AWS bills, of all instances together"},
            training_usd=maybe(USD) | {"description": "Null where an instance type has no price"},
            not_measured=COUNT | {"description": "Steps of candidates that are not in it"},
            note=TEXT | {"description": "What is not in it, in words"},
        ),
        "Execution": execution(),
        "ExecutionSummary": record(
            "One upload in a list: without its advice, and without the candidates of its training.", **EXECUTION
        ),
        "Executions": page("executions", "ExecutionSummary"),
        "Receipt": record(
            "What an execution did in your account; docs/receipts.md says how to check it against your CloudTrail.",
            chain=TEXT,
            count=COUNT,
            head=TEXT,
            expired=COUNT | {"description": "First entries that are no longer kept"},
            faults=listing(TEXT),
            entries=listing({"type": "object"}),
            next_token=maybe(TEXT) | {"description": "Asks for the next page; null on the last one"},
        ),
        "Key": record("An API key.", key_id=TEXT, created_at=TIME, expires_at=maybe(TIME)),
        "Keys": page("keys", "Key"),
        "Failure": record("Why it failed: a stable code and words.", code=TEXT, message=TEXT),
        "Advice": {"type": "object", "description": "What was let through, and may not be what was meant."},
        "Candidate": record(
            "One model that Autopilot tried.", name=TEXT, metric=maybe(TEXT), value=maybe(NUMBER), status=TEXT
        ),
        "Metric": record(
            "One measurement of a candidate.",
            name=TEXT,
            value=NUMBER,
            set=maybe(TEXT) | {"description": "The rows that it was measured on: Train, Validation or Test"},
        ),
        "MeasuredCandidate": record(
            "One model that Autopilot tried, with all that it measured.",
            name=TEXT,
            status=TEXT,
            objective=maybe(reference("Objective")),
            metrics=listing(reference("Metric")),
            containers=COUNT,
            deployed={"type": "boolean", "description": "Whether this version is made of it"},
        ),
        "Candidates": page("candidates", "MeasuredCandidate"),
        "FeatureImportance": record(
            "How much one column counts.",
            feature=TEXT,
            value=NUMBER
            | {
                "description": "The mean absolute SHAP value, or how much worse the answers get when the column is "
                "shuffled (a classification's log loss, a regression's root mean squared error); association, not cause"
            },
            share=NUMBER | {"description": "Of the sum of all columns"},
        ),
        "Importance": record(
            "The columns of a version, the most important first.",
            source=maybe({"type": "string", "enum": list(SOURCES)}) | {"description": "Null when none is known"},
            features=listing(reference("FeatureImportance")),
            left_out=COUNT | {"description": f"How many more columns there are than {MOST_FEATURES:,}"},
            reason=maybe(TEXT) | {"description": "Why none is known"},
            rows=maybe(COUNT) | {"description": "Of the holdout, whose columns were shuffled; null where none was"},
        ),
        "Drift": record(
            "What the last check found of a version's columns and answers, beside its training.",
            status={"type": "string", "enum": list(verdict.STATUSES)}
            | {"description": f"Drifted is what was found in {verdict.WINDOWS} windows, one after the other"},
            sentences=listing(TEXT),
            proposal=maybe(TEXT) | {"description": "What to do about it; null while nothing is to be done"},
            checked_at=maybe(TIME) | {"description": "Null before the first check"},
            rows=COUNT | {"description": f"Counted since the last window, which ends with {ROWS_MIN} of them or more"},
            window_rows=COUNT | {"description": "Of the last window; 0 before the first"},
            columns=listing(reference("ColumnDrift")),
            answers=maybe(reference("ColumnDrift")),
            left_out=COUNT | {"description": "Columns that are not watched"},
        ),
        "ColumnDrift": record(
            "One distribution in the last window.",
            column=maybe(TEXT) | {"description": "Null for the answers"},
            psi=NUMBER | {"description": "Population stability index"},
            windows=COUNT | {"description": "In how many windows, up to the last, it has drifted; 0 if it has not"},
            bin=TEXT | {"description": "What became more frequent, most of all"},
            share=NUMBER | {"description": "Of the window's rows"},
            share_before=NUMBER | {"description": "Of the rows of training; of the answers, of the holdout"},
        ),
        "Artefact": record(
            "A file that Autopilot wrote in your account: a model, a report or a notebook.",
            name=TEXT,
            kind={"type": "string", "enum": [MODEL, *KINDS]},
            size_bytes=COUNT,
            url=TEXT | {"description": "Downloads it, for whoever has it, until it expires; do not log it"},
            expires=TIME,
        ),
        "Artefacts": record(
            "A version's model, with the notebooks and reports of its training.",
            containers=listing(reference("Container"))
            | {"description": "In the order in which rows pass them: what CreateModel of SageMaker takes"},
            artefacts=listing(reference("Artefact")),
        ),
        "Container": record(
            "A program that a version runs.",
            image=TEXT,
            environment={"type": "object", "additionalProperties": TEXT},
            artefact=maybe(TEXT) | {"description": "The name of the artefact that it loads"},
        ),
        "Objective": record("What candidates are ranked by.", name=TEXT, value=maybe(NUMBER)),
        "Training": training(),
        "EndpointPlan": record(
            "What a version is served on, and why.",
            endpoint={"type": "string", "enum": [SERVERLESS, REAL_TIME, NO_ENDPOINT]}
            | {"description": "none: instances stand only while the version is judged, and batches run on their type"},
            instance_type=maybe(TEXT),
            instance_count=maybe(COUNT),
            serverless_memory_mb=maybe(COUNT),
            serverless_concurrency=maybe(COUNT),
            workers=maybe(COUNT) | {"description": "Of its server; null for as many as it starts by itself"},
            max_instances=maybe(COUNT) | {"description": "To which it scales; null for one that does not"},
            calls_per_instance=maybe(COUNT) | {"description": "A minute, from which on it has more instances"},
            steps_up=maybe(COUNT) | {"description": "From the first choice; null where the settings say what it is"},
            reason=TEXT,
        ),
        "Version": record("One deployed training.", **VERSION),
        "Versions": page("versions", "Version"),
        "Returned": record(
            "Who let a version answer again: the id of an API key, or `bake` where the newer version failed more.",
            at=TIME,
            by=TEXT,
        ),
        "Approval": record(
            "Whether somebody decided on a version that a person is asked about; null until then.",
            asked_at=TIME,
            until=TIME | {"description": "When it ends in ApprovalTimedOut, and its endpoint goes"},
            decision=maybe({"type": "string", "enum": [*DECISIONS, TIMED_OUT]}),
            decided_at=maybe(TIME),
            by=maybe(TEXT) | {"description": f"The id of an API key, or `{OPERATOR}`"},
            reason=maybe(TEXT),
        ),
        "Decision": {
            "type": "object",
            "description": "What you decide, and why.",
            "properties": {
                "decision": {"type": "string", "enum": list(DECISIONS)},
                "reason": TEXT | {"maxLength": REASON_BYTES, "description": f"At most {REASON_BYTES} bytes of UTF-8"},
            },
            "required": ["decision"],
            "additionalProperties": False,
            "example": {"decision": "approve", "reason": "the numbers of May are in"},
        },
        "Served": record(
            "Calls of its endpoint that were counted so far, failures among them, and their mean time in milliseconds.",
            requests=COUNT,
            failures=COUNT,
            mean_ms=maybe(COUNT),
        ),
        "LiveVersion": record("Which version is to answer.", version=TEXT)
        | {"additionalProperties": False, "example": {"version": "v20261122-170301-9f3c"}},
        "DeploymentRequest": deployment_request(),
        "VersionDetails": record(
            "One deployed training, and what it was chosen from.",
            **VERSION,
            served=reference("Served"),
            candidates=listing(reference("Candidate")),
            rows=maybe(reference("RowCounts")),
            advice=listing(reference("Advice")),
        ),
        "Evaluation": evaluation(),
        "EvaluationSummary": of_class(Summary),
        "Verdict": record(
            "Whether the version may go live, judged on the holdout and said in sentences.",
            decision={"type": "string", "enum": [gate.PROMOTE, gate.KEEP, gate.ASK]},
            decided={"type": "boolean", "description": "False when the rows are too few to tell"},
            sentences=listing(TEXT),
            refusal=maybe(TEXT) | {"description": "The name of the error that keeps the version out"},
        ),
        "RowCounts": record(
            "Rows that it was trained on, and rows held out; those without a target are neither.",
            train=COUNT,
            holdout=COUNT,
        ),
        "Usage": record(
            "What is used of this day's quota, and of the current window's rate.",
            day=TEXT | {"format": "date"},
            resets_at=TIME,
            requests=reference("Used"),
            rows=reference("Used"),
            rate=reference("UsedRate"),
            spending=reference("Spending"),
        ),
        "Cost": record("Null is unknown.", usd=maybe(USD), seconds=COUNT),
        "Spending": record(
            "What AWS would ask of your own account for this month until now.",
            month=TEXT,
            **SPENT,
            models=listing(record("Of one model.", model=MODEL_NAME, **SPENT)),
            committed_usd=maybe(USD) | {"description": "With the worst case of what runs; what budgets count"},
            trainings_running=COUNT,
            batches_running=COUNT,
            trainings_today=COUNT,
            caps=record(
                "The operator's, null for none; a model's own are its settings.",
                trainings_per_day=maybe(COUNT),
                max_concurrent_trainings=maybe(COUNT),
                monthly_budget_usd=maybe(COUNT),
            ),
            note=TEXT,
        ),
        "Used": record("Of one limit.", **USED),
        "UsedRate": record("Of the rate, in the current window.", **USED, window_seconds=COUNT),
        "PredictionRequest": record(
            "Rows by column; GET /models/{model}/openapi.json names the columns and their types.",
            rows={"type": "array", "minItems": 1, "maxItems": 10_000, "items": {"type": "object"}},
        )
        | {"additionalProperties": False},
        "Prediction": {
            "type": "object",
            "description": "Of one row: a class with its probability and every class's, or a value.",
            "properties": {
                "predicted_label": TEXT,
                "probability": NUMBER,
                "probabilities": {"type": "object", "additionalProperties": NUMBER},
                "predicted_value": NUMBER,
            },
        },
        "Predictions": record(
            "One prediction per row, in the order of the rows, and the version that made them.",
            model=MODEL_NAME,
            version=TEXT,
            predictions=listing(reference("Prediction")),
            advice=listing(reference("Advice")),
            request_id=TEXT,
        ),
        "BatchRequest": {
            "type": "object",
            "description": "By which version the rows are predicted: without one, by the live one.",
            "properties": {
                "version": {"type": "string", "pattern": f"^{VERSION_PATTERN.pattern}$"},
                "size_bytes": {"type": "integer", "minimum": 1, "maximum": FILE_BYTES}
                | {"description": "The file's size: what is too large is refused before it is sent"},
            },
            "additionalProperties": False,
            "example": {},
        },
        "Batch": record("A file of rows to predict, and what became of it.", **BATCH),
        "NewBatch": record("A batch, and the form that takes its file.", **BATCH, form=reference("BatchForm")),
        "BatchForm": record(
            "Where the file goes: POST it to `url` as multipart/form-data, all `fields` first, the part `file` last.",
            url=TEXT,
            fields={"type": "object", "additionalProperties": TEXT},
            expires_in_seconds=COUNT,
            max_bytes=COUNT | {"description": "The largest file that it takes; send more rows in several batches"},
        ),
        "BatchDetails": record(
            "A batch, with a link to its result while it is kept.", **BATCH, download=maybe(reference("Download"))
        ),
        "Batches": page("batches", "Batch"),
        "Download": record("A link that downloads a file, and when it expires.", url=TEXT, expires=TIME),
        "OpenApiDocument": {"type": "object", "description": "An OpenAPI 3.1 document."},
    }


VERSION: dict[str, Schema] = {
    "version": TEXT,
    "model": MODEL_NAME,
    "status": maybe(TEXT) | {"description": "`standby`: another version answers, and this one can do so again at once"},
    "live": {"type": "boolean", "description": "Whether this version answers"},
    "execution": maybe(TEXT),
    "problem_type": maybe(TEXT),
    "objective": maybe(reference("Objective")),
    "candidate": maybe(TEXT),
    "endpoint": maybe(TEXT),
    "plan": maybe(reference("EndpointPlan")),
    "created_at": maybe(TIME),
    "promoted_at": maybe(TIME) | {"description": "When it first answered"},
    "returns_to": maybe(TEXT) | {"description": "The version whose candidate it deploys anew, to return to it"},
    "returned": maybe(reference("Returned")),
    "ended_at": maybe(TIME) | {"description": "When its deployment ended"},
    "error": maybe(reference("Failure")),
    "evaluation": maybe(reference("EvaluationSummary")),
    "verdict": maybe(reference("Verdict")),
    "approval": maybe(reference("Approval")),
}
BATCH: dict[str, Schema] = {
    "batch": TEXT,
    "model": MODEL_NAME,
    "version": TEXT,
    "status": {"type": "string", "enum": [views.AWAITING_FILE, *STATUSES]},
    "execution": maybe(TEXT) | {"description": "What its file started; its receipt is that execution's"},
    "state": maybe(TEXT) | {"description": "The state of the machine that it is in; null once it has ended"},
    "rows": maybe(COUNT) | {"description": "How many rows its file has"},
    "started_at": maybe(TIME),
    "ended_at": maybe(TIME),
    "expires_at": maybe(TIME) | {"description": "When its result is deleted in your bucket"},
    "error": maybe(reference("Failure")),
    "quote": maybe(reference("BatchQuote")) | {"description": "As it was before anything was spent"},
    "cost": maybe(reference("Cost")) | {"description": "Of its job; null until it is over, or if not measured"},
    "advice": listing(reference("Advice")),
    "left_behind": listing(TEXT),
}
EXECUTION: dict[str, Schema] = {
    "execution": TEXT,
    "tenant": TEXT,
    "model": maybe(TEXT),
    "version": maybe(TEXT),
    "status": {"type": "string", "enum": list(STATUSES)},
    "state": maybe(TEXT) | {"description": "The state of the pipeline that it is in; null once it has ended"},
    "started_at": maybe(TIME),
    "ended_at": maybe(TIME),
    "error": maybe(reference("Failure")),
    "rows": maybe(reference("RowCounts")),
    "upload": record("The file.", key=TEXT, version_id=TEXT, size_bytes=COUNT, uploaded_at=TIME),
    "training": maybe(reference("Training")),
    "endpoint": {"type": ["object", "null"], "properties": {"name": TEXT, "account": TEXT, "status": TEXT}},
    "left_behind": listing(TEXT),
}
WORST_CASE: dict[str, Schema] = {
    "worst_case_usd": maybe(USD),
    "reason": maybe(TEXT) | {"description": "Why it is unknown"},
    "instance_type": TEXT,
    "instances": COUNT,
    "seconds": COUNT | {"description": "Of each instance"},
    "seconds_from": TEXT | {"description": "What bounds the seconds: a setting of the model, and what is added to it"},
}
SPENT: dict[str, Schema] = {
    "training": reference("Cost"),
    "batch": reference("Cost"),
    "endpoint": reference("Cost"),
    "saved": reference("Cost") | {"description": "What endpoints would have cost that pauses had removed"},
    "reason": maybe(TEXT) | {"description": "Why a cost is unknown, or more than was measured"},
}
USED: dict[str, Schema] = {"used": COUNT, "limit": COUNT, "remaining": COUNT}


def upload_request() -> Schema:
    """Which file comes; all but its name is for large ones."""
    properties = {
        "file_name": FILE_NAME | {"description": "Ends in .csv"},
        "size_bytes": {
            "type": "integer",
            "minimum": 1,
            "maximum": RANGES["max_upload_bytes"][1],
            "description": "Over 5 GiB the file comes in parts",
        },
        "multipart": {"type": "boolean", "default": False, "description": "In parts at any size; needs size_bytes"},
    }
    return {
        "type": "object",
        "description": "Which file comes.",
        "properties": properties,
        "required": ["file_name"],
        "if": {"properties": {"multipart": {"const": True}}, "required": ["multipart"]},
        "then": {"required": ["size_bytes"]},
        "additionalProperties": False,
        "example": {"file_name": "churn.csv"},
    }


def deployment_request() -> Schema:
    """Which candidate is to be deployed, and by which settings."""
    of_model = settings()["properties"]
    settings_of_version: Schema = {name: of_model[name] for name in OVERRIDES}
    for schema in settings_of_version.values():
        schema.pop("default")
    settings_of_version["promote"]["description"] = (
        "always: the version goes live whatever is measured, for somebody asked for it by hand"
    )
    return {
        "type": "object",
        "description": "A candidate of a training; what is not said is as the execution's settings have it.",
        "properties": {
            "execution": TEXT | {"description": "Whose training it is"},
            "candidate": TEXT | {"description": "One of the training's; without it, the one that the training chose"},
            **settings_of_version,
        },
        "required": ["execution"],
        "not": {  # a version is served on one of both
            "properties": {"instance_type": {"type": "string"}, "serverless_memory_mb": {"type": "integer"}},
            "required": ["instance_type", "serverless_memory_mb"],
        },
        "additionalProperties": False,
        "example": {"execution": "acme-churn-0f3c9a8b7d6e5f41", "instance_type": "ml.m5.xlarge"},
    }


def evaluation() -> Schema:
    """Everything that is known of a version on its holdout; what an app looks for first, field by field."""
    fields = {name: of_class(Summary)["properties"][name] for name in ("problem_type", "objective", "rows", "metrics")}
    return record(
        "Everything that is known of a version on its holdout: docs/evaluation.md has every field.",
        format=COUNT,
        **fields,
    )


def of_class(kind: type) -> Schema:
    """Return the schema of what a data class is as JSON, described by the class's own text."""
    hints = get_type_hints(kind)
    properties = {field.name: of_type(hints[field.name]) for field in dataclasses.fields(kind)}
    return record(" ".join(str(inspect.getdoc(kind)).split()), **properties)


def page(noun: str, name: str, **further: Schema) -> Schema:
    """A page of a list."""
    described = (
        "Asks for the next page; null on the last one. A page of a filtered list may be short, or empty, before."
    )
    token = maybe(TEXT) | {"description": described}
    return record("One page of a list.", **{noun: listing(reference(name))}, **further, next_token=token)


def execution() -> Schema:
    """One upload and what became of it; what it has not reached yet is null."""
    return record(
        "One upload and what became of it; what it has not reached yet is null.",
        **EXECUTION,
        quote=maybe(reference("Quote")) | {"description": "As it was before anything was spent"},
        cost=maybe(reference("TrainingCost")) | {"description": "What the training did cost; null until it is over"},
        advice=listing(reference("Advice")),
    )


def training() -> Schema:
    """The AutoML job as it is now."""
    properties = {
        "job_name": TEXT,
        "status": TEXT,
        "secondary_status": maybe(TEXT),
        "seconds": maybe(COUNT) | {"description": "From its creation to its end; null before"},
        "mode": maybe(TEXT),
        "problem_type": maybe(TEXT),
        "objective": maybe(reference("Objective")),
        "candidates": listing(reference("Candidate")),
    }
    return {"type": "object", "description": "The AutoML job in your account.", "properties": properties}


def problem() -> Schema:
    """A refusal or failure (RFC 9457)."""
    return record(
        "A refusal or failure (RFC 9457); `code` is stable, `type` links to what to do about it.",
        type={"type": "string", "format": "uri"},
        title=TEXT,
        code={"type": "string", "enum": codes()},
        status=COUNT,
        detail=TEXT,
    ) | {
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": TEXT,
            "code": {"type": "string", "enum": codes()},
            "status": COUNT,
            "detail": TEXT,
            "request_id": TEXT,
            "row": COUNT | {"description": "Of a prediction request, from 1"},
            "column": TEXT,
            "rows_max": COUNT | {"description": "How many rows' predictions fit into one answer"},
        },
    }


def codes() -> list[str]:
    """Every code that an answer of the API may carry."""
    return sorted(kind.__name__ for kind in errors.kinds() if kind.status)


def settings() -> Schema:
    """A model's settings, field by field as `ModelSettings` has them, with the rules between fields."""
    hints = get_type_hints(ModelSettings, include_extras=True)
    properties: dict[str, Schema] = {}
    for field in dataclasses.fields(ModelSettings):
        hint, description = get_args(hints[field.name])
        schema = of_type(hint)
        if field.name in CHOICES:
            schema["enum"] = list(CHOICES[field.name])
        if field.name in RANGES:
            low, high = RANGES[field.name]
            schema = {"type": schema["type"], "minimum": low, "maximum": high}
        if field.default is not dataclasses.MISSING:
            schema["default"] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            schema["default"] = field.default_factory()
        properties[field.name] = schema | {"description": description}
    metrics = sorted({metric for group in METRICS.values() for metric in group})
    properties["target"] |= {"pattern": r"\S"}
    properties["fatal_advice"] |= {"items": {"enum": list(ADVICE_RULES)}}
    properties["advice_thresholds"] |= {
        "properties": {
            name: {"type": "number", "minimum": low, "maximum": high} for name, (low, high) in ADVICE_THRESHOLDS.items()
        },
        "additionalProperties": False,
    }
    properties["thresholds"] |= {"propertyNames": {"enum": metrics}}
    or_null = {
        "problem_type": METRICS,
        "objective": metrics,
        "instance_type": INSTANCE_TYPES,
        "serverless_memory_mb": SERVERLESS_MEMORY_MB,
    }
    for name, values in or_null.items():
        kind, _ = properties[name].pop("type")
        properties[name] = {"oneOf": [{"type": kind, "enum": list(values)}, {"type": "null"}]} | properties[name]
    return {
        "type": "object",
        "description": "How a model is trained and served; every setting but the target has a default.",
        "properties": properties,
        "required": ["target"],
        "additionalProperties": False,
        "allOf": rules(),
        "example": {"target": "Churn?", "max_candidates": 10},
    }


def rules() -> list[Schema]:
    """Return the rules between settings: an objective of its problem type or neither, and serverless needs one
    container.
    """

    def given(name: str, schema: Schema) -> Schema:
        return {"properties": {name: schema}, "required": [name]}

    no = {"type": "null"}
    of_one_container = {"mode": {"enum": [AUTO, ENSEMBLING]}, "max_instances": no}
    return [
        {"if": given("problem_type", {"const": problem}), "then": given("objective", {"enum": list(metrics)})}
        for problem, metrics in METRICS.items()
    ] + [
        {"if": given("objective", TEXT), "then": given("problem_type", TEXT)},
        {
            "anyOf": [
                {"properties": {"endpoint": {"enum": [SERVERLESS]}, "instance_type": no, **of_one_container}},
                {"properties": {"endpoint": {"enum": [BY_NEEDS]}, **of_one_container}},
                {"properties": {"endpoint": {"enum": [BY_NEEDS, REAL_TIME]}, "serverless_memory_mb": no}},
                {"properties": {"endpoint": {"enum": [NO_ENDPOINT]}, "serverless_memory_mb": no, "max_instances": no}},
            ]
        },
    ]


def of_type(hint: Any) -> Schema:
    """Return the schema of an annotated type."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is list:
        return listing(of_type(arguments[0]))
    if origin is dict:
        return {"type": "object", "additionalProperties": of_type(arguments[1])}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return of_class(hint)
    if origin is not None:  # a type, or None
        return maybe(of_type(next(option for option in arguments if option is not type(None))))
    if hint is float:
        return {"type": "number", "exclusiveMinimum": -1e30, "exclusiveMaximum": 1e30}
    return {"type": {str: "string", int: "integer", bool: "boolean"}[hint]}
