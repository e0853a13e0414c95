"""Models: a tenant's named prediction services, and the settings that a training follows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from tenantml.domain.judging import gate
from tenantml.domain.judging.gate import GateSettings
from tenantml.domain.names import CustomerAccount
from tenantml.domain.training import endpoint_rules
from tenantml.domain.training.endpoint_rules import BY_NEEDS, ENDPOINTS, SERVERLESS
from tenantml.domain.training.instance_types import INSTANCE_TYPES
from tenantml.errors import InvalidSettings

COPY, UPLOAD, IN_PLACE = DELIVERIES = ("copy", "upload", "in-place")
HYPERPARAMETER_TUNING = endpoint_rules.HYPERPARAMETER_TUNING
AUTO, ENSEMBLING, _ = MODES = ("AUTO", "ENSEMBLING", HYPERPARAMETER_TUNING)
METRICS = {
    "BinaryClassification": ("Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"),
    "MulticlassClassification": ("Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"),
    "Regression": ("MAE", "MSE", "R2", "RMSE"),
}
ADVICE_RULES = (
    "target-leak",
    "identifier-like",
    "constant-column",
    "personal-data",
    "class-imbalance",
    "duplicate-rows",
    "rows-without-target",
    "labels-alike",
    "almost-a-number",
    "almost-a-date",
    "dates-of-two-forms",
    "names-alike",
    "schema-changed",
    "threshold-not-measured",
)
# From which value on advice is given, and between which bounds a model may move it; far from where the registry rounds.
ADVICE_THRESHOLDS: dict[str, tuple[float, float]] = {
    "identifier_share": (0.5, 1),
    "personal_data_share": (0.01, 1),
    "imbalance_share": (0.0001, 0.5),
    "duplicate_share": (0.0001, 1),
    "leak_correlation": (0.5, 1),
    "leak_rows_per_value": (1, 1000),
    "leak_minority_rows": (1, 1000),
}
GIB = 1024**3
MOST_SAID = 50
BY_HAND, ON_REQUEST = RESUMES = ("by-hand", "on-request")
STOP_OLDER, QUEUE = NEWER_UPLOADS = ("stop-older", "queue")
CHOICES = {
    "delivery": DELIVERIES,
    "mode": MODES,
    "newer_upload": NEWER_UPLOADS,
    "unseen_category": ("advise", "reject"),
    "promote": gate.PROMOTES,
    "undecided": gate.UNDECIDED_PROMOTES,
    "resume": RESUMES,
    "endpoint": ENDPOINTS,
}
RANGES: dict[str, tuple[float, float]] = gate.RANGES | {
    "max_candidates": (1, 750),
    "max_runtime_seconds": (900, 30 * 24 * 3600),
    "trainings_per_day": (0, 1_000_000),
    "monthly_budget_usd": (0, 1_000_000_000),
    "max_upload_bytes": (1, 100 * 10**9),  # what Autopilot takes: SageMaker developer guide, "Autopilot quotas"
    "holdout_fraction": (0.05, 0.5),
    "holdout_rows_max": (50, 1_000_000),
    "keep_versions": (1, 20),
    "bake_minutes": (0, 24 * 60),
    "approval_hours": (1, 14 * 24),
    "cost_false_positive": (0, 1_000_000_000),
    "cost_false_negative": (0, 1_000_000_000),
    "batch_days": (1, 90),
    "max_concurrent_batches": (1, 100),
    "idle_hours": (1, 30 * 24),
    "expected_requests_per_hour": (0, 1_000_000_000),
    "instance_count": (1, 20),
    "max_instances": (1, 100),
    "calls_per_instance": (1, 1_000_000),
    "serverless_concurrency": (1, 200),
}
# fmt: off
OF_JUDGING = (
    "bake_minutes", "thresholds", "promote", "approval_hours", "margin", "min_gain", "beats_baseline", "undecided",
    "cost_false_positive", "cost_false_negative",
)
# fmt: on
"""By what a version is judged: a version that somebody asks for follows what the model has then."""


@dataclass(frozen=True)
class ModelSettings:
    """How a model is trained and served; every field but `target` has a default.

    A field's text is its description in the API's document and in `docs/api.md`.
    """

    target: Annotated[str, "The column to predict"]
    problem_type: Annotated[str | None, "With `objective`: both or neither; null lets Autopilot choose"] = None
    objective: Annotated[str | None, "With `problem_type`: both or neither; null lets Autopilot choose"] = None
    ignore_columns: Annotated[
        list[str], "Columns that are left out of training; predictions accept and ignore them"
    ] = field(default_factory=list)
    entity_column: Annotated[
        str | None,
        "The column that says whose a row is, such as a customer's number: rows of one are held out or trained on "
        "together; it may be an ignored column; null tells rows apart by their features",
    ] = None
    delivery: Annotated[
        str,
        "How the training set is delivered: training access copies it, we upload it, or the job reads it in place",
    ] = "copy"
    mode: Annotated[
        str,
        "Autopilot's training mode; AUTO is ENSEMBLING for less than 100 MB and for serverless endpoints, else "
        "HYPERPARAMETER_TUNING",
    ] = AUTO
    newer_upload: Annotated[
        str,
        "What an upload does while an older one of the model is trained: stop it, or wait until it is over",
    ] = STOP_OLDER
    max_candidates: Annotated[int, "How many candidates a job tries; caps the customer's bill"] = 10
    max_runtime_seconds: Annotated[int, "How long a job runs; caps the customer's bill"] = 3600
    trainings_per_day: Annotated[int | None, "How many trainings begin on a day in UTC; null for as many as come"] = (
        None
    )
    monthly_budget_usd: Annotated[
        int | None,
        "How many dollars a month of this model's trainings, batches and endpoints may cost; what does not fit at its "
        "worst case is refused; null for no budget",
    ] = None
    max_upload_bytes: Annotated[int, "The largest file that is trained from"] = 10 * GIB
    holdout_fraction: Annotated[float, "The share of the rows that is held out of the training set"] = 0.2
    holdout_rows_max: Annotated[int, "The most rows that are held out"] = 20_000
    keep_versions: Annotated[
        int, "Of how many versions that were live the artefacts are kept, to deploy or return to"
    ] = 3
    bake_minutes: Annotated[
        int,
        "How long the version before keeps its endpoint, to return to; one that fails more than it is rolled back by "
        "itself",
    ] = 10  # of ml.m5.large, two cents: docs/decisions/0022
    thresholds: Annotated[
        dict[str, float], "By metric, the least value that a version must reach on the holdout; of an error, the most"
    ] = field(default_factory=dict)
    promote: Annotated[
        str,
        "Whether a version replaces the live one if it is not worse on the holdout, always, or when a person approves",
    ] = gate.IF_NOT_WORSE
    approval_hours: Annotated[
        int, "How long a version awaits an approval; its endpoint costs money meanwhile, and goes when nobody decides"
    ] = 72
    margin: Annotated[
        float,
        "By how much a version may be worse than the live one with 95 % confidence; of MAE, MSE and RMSE a share of "
        "the live one's",
    ] = 0.01
    min_gain: Annotated[
        float | None, "By how much a version must be better than the live one, as margin; null for nothing"
    ] = None
    beats_baseline: Annotated[bool, "Whether a version must be better than always giving the same answer"] = True
    undecided: Annotated[
        str,
        "What decides when the holdout cannot: the value on its rows, as good goes live; keep the live version; "
        "promote the new one; or ask a person",
    ] = gate.VALUE
    cost_false_positive: Annotated[
        float, "Of two classes, what it costs to say the second where the first is true: for `cost` by threshold"
    ] = 1.0
    cost_false_negative: Annotated[float, "What it costs to say the first where the second is true"] = 1.0
    fatal_advice: Annotated[list[str], "Rules of advice that end the execution"] = field(default_factory=list)
    advice_thresholds: Annotated[
        dict[str, float], "From which value on advice is given; what is not named keeps the pre-flight's own"
    ] = field(default_factory=dict)
    unseen_category: Annotated[
        str, "What a prediction does with a category that training did not see: answer with advice, or refuse"
    ] = "advise"
    endpoint: Annotated[
        str,
        "What a version is served on: what suits it, a serverless endpoint, instances, or nothing that stands, for "
        "batches alone; there is then no comparison with the version before, so the setting undecided decides",
    ] = BY_NEEDS
    expected_requests_per_hour: Annotated[
        int | None,
        "How often the endpoint will be called, by which auto decides; null lets it measure the last version",
    ] = None
    instance_type: Annotated[
        str | None,
        "The endpoint's SageMaker instance type; null lets the deployment choose by the size of the artefacts",
    ] = None
    instance_count: Annotated[int, "The endpoint's number of instances; with max_instances the least"] = 1
    max_instances: Annotated[
        int | None, "How many instances the endpoint has at most while it is called often; null never has more"
    ] = None
    calls_per_instance: Annotated[
        int, "With max_instances: how often a minute each instance is called, from which on there are more"
    ] = 300
    serverless_memory_mb: Annotated[
        int | None,
        "A serverless endpoint of this size; null, with endpoint serverless or auto, has it chosen by the size of the "
        "artefacts",
    ] = None
    serverless_concurrency: Annotated[int, "How many requests a serverless endpoint answers at once"] = 5
    batch_days: Annotated[int, "How many days the result of a batch stays in the customer's bucket"] = 7
    max_concurrent_batches: Annotated[int, "How many batches of the model run at once; each has an instance"] = 5
    idle_hours: Annotated[
        int | None,
        "After how many hours without a prediction the model is paused, if its endpoint has instances, which cost by "
        "the hour; null never pauses it",
    ] = None
    resume: Annotated[str, "Whether a paused model is resumed by hand only, or by the first prediction too"] = BY_HAND
    network_isolation: Annotated[
        bool, "Whether the model's containers reach no network at all; SageMaker brings their artefacts"
    ] = False

    @property
    def asks_for_serverless(self) -> bool:
        """Whether the endpoint has to be a serverless one."""
        return self.endpoint == SERVERLESS or (self.endpoint == BY_NEEDS and self.serverless_memory_mb is not None)

    def as_document(self) -> dict[str, Any]:
        """Return the settings as a JSON object, defaults included."""
        return dataclasses.asdict(self)

    @classmethod
    def from_document(cls, document: object) -> ModelSettings:
        """Read and check a JSON object of settings.

        Raises:
            InvalidSettings: names each field that is unknown, missing, mistyped or out of range.
        """
        if not isinstance(document, dict):
            raise InvalidSettings('the settings must be a JSON object such as {"target": "Churn?"}')
        hints = get_type_hints(cls)
        wrong = [f"{name}: unknown setting; there are {', '.join(hints)}" for name in document if name not in hints]
        wrong += [
            f"{name}: expected {_describe(hints[name])}"
            for name, value in document.items()
            if name in hints and not _fits(value, hints[name])
        ]
        if "target" not in document:
            wrong.append("target: missing; name the column to predict")
        if wrong:
            raise InvalidSettings(_said(wrong))
        settings = cls(**document)
        wrong = list(settings._violations())
        if wrong:
            raise InvalidSettings(_said(wrong))
        return settings

    def asked_of_a_version(self, *, by_hand: bool = False) -> GateSettings:
        """Return what is asked of a version before it goes live; `by_hand` says that a person asked for it to."""
        return GateSettings(
            self.thresholds, self.promote, self.margin, self.min_gain, self.beats_baseline, self.undecided, by_hand
        )

    def delivery_to(self, region: str, our_region: str) -> str:
        """Return how a training set reaches an account in `region`: as the model says, but uploaded instead of copied
        to another region, as a copy through an access point stays in its own (S3 API reference, "CopyObject").
        """
        return UPLOAD if self.delivery == COPY and region != our_region else self.delivery

    def require_fit(self, account: CustomerAccount, our_region: str) -> None:
        """Return when the model can be trained, judged and served in this account. This is asked when settings are
        written, and of settings that are stored not again: what answers goes on when a rule is added here.

        Raises:
            InvalidSettings: names each setting that the problem type, the kind of endpoint, or the account's region,
                key, network or instance types rule out.
        """
        measured = METRICS.get(self.problem_type or "")
        wrong = [
            f"thresholds: {metric} is not measured of a {self.problem_type}; there are {', '.join(measured)}"
            for metric in self.thresholds
            if measured and metric not in measured
        ]
        if self.delivery == IN_PLACE and account.region != our_region:
            wrong.append(
                f"delivery: in-place reads our bucket in {our_region}, and SageMaker reads only buckets of the job's "
                f"own region, {account.region}; use copy or upload"
            )
        wrong += endpoint_rules.ruled_out(self, account)
        if wrong:
            raise InvalidSettings("; ".join(wrong))

    def _violations(self) -> list[str]:
        def one_of(name: str, value: object, allowed: tuple[str, ...]) -> str | None:
            return None if value in allowed else f"{name}: {value!r} is not one of {', '.join(allowed)}"

        def within(name: str, value: float, low: float, high: float) -> str | None:
            return None if low <= value <= high else f"{name}: {value} is not between {low} and {high}"

        found = [
            None if self.target.strip() else "target: empty; name the column to predict",
            "ignore_columns: holds the target, which is what is predicted"
            if self.target in self.ignore_columns
            else None,
            "entity_column: is the target, which must not decide what is held out"
            if self.target == self.entity_column
            else None,
            *(one_of(name, getattr(self, name), allowed) for name, allowed in CHOICES.items()),
            *(
                within(name, value, low, high)
                for name, (low, high) in RANGES.items()
                if (value := getattr(self, name)) is not None
            ),
            None
            if self.instance_type is None or self.instance_type in INSTANCE_TYPES
            else f"instance_type: {_near(self.instance_type)}",
        ]
        if (self.problem_type is None) != (self.objective is None):
            found.append("problem_type and objective: give both or neither")
        elif self.problem_type is not None:
            found.append(one_of("problem_type", self.problem_type, tuple(METRICS)))
            found.append(one_of("objective", self.objective, METRICS.get(self.problem_type, ())))
        metrics = {metric for group in METRICS.values() for metric in group}
        found += [one_of("thresholds", metric, tuple(sorted(metrics))) for metric in self.thresholds]
        found += [one_of("fatal_advice", rule, ADVICE_RULES) for rule in self.fatal_advice]
        for name, value in self.advice_thresholds.items():
            unknown = one_of("advice_thresholds", name, tuple(ADVICE_THRESHOLDS))
            found.append(unknown or within(f"advice_thresholds.{name}", value, *ADVICE_THRESHOLDS[name]))
        found += endpoint_rules.contradictions(self)
        return [violation for violation in found if violation]


def _said(wrong: list[str]) -> str:
    """Return what is wrong in words: of a document that is all wrong, less than a Lambda function can answer (6 MB)."""
    rest = [f"and {len(wrong) - MOST_SAID} more"] if len(wrong) > MOST_SAID else []
    return "; ".join([*wrong[:MOST_SAID], *rest])


def _fits(value: object, hint: Any) -> bool:
    """Say whether a JSON value is of the annotated type; a bool is no number, and neither are NaN and infinities."""
    origin = get_origin(hint)
    if origin is list:
        return isinstance(value, list) and all(_fits(item, get_args(hint)[0]) for item in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(item, get_args(hint)[1]) for item in value.values())
    if origin is not None:
        return any(_fits(value, option) for option in get_args(hint))
    if isinstance(value, bool):
        return hint is bool
    if hint is float:
        return isinstance(value, int | float) and abs(value) < 1e30  # far from where the registry rounds; NaN is not
    return isinstance(value, hint)


def _near(instance_type: str) -> str:
    near = get_close_matches(f"ml.{instance_type[:40].lower().removeprefix('ml.')}", INSTANCE_TYPES)
    hint = f"did you mean {' or '.join(near)}?" if near else "expected one such as ml.m5.large"
    return f"{instance_type[:40]!r} is no instance type of SageMaker's endpoints; {hint}"


def _describe(hint: Any) -> str:
    names = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "null"}
    origin = get_origin(hint)
    if origin is list:
        return f"a list of {_describe(get_args(hint)[0])}"
    if origin is dict:
        return f"an object whose values are {_describe(get_args(hint)[1])}"
    if origin is not None:
        return " or ".join(_describe(option) for option in get_args(hint))
    return names[hint]
