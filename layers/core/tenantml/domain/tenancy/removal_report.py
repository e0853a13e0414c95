"""Off-boarding: what is to be removed, what is ours in a customer's account, and what a report states."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Set
from dataclasses import asdict, dataclass, replace
from typing import Any

from tenantml.domain.names import PREFIX, CustomerAccount, is_model
from tenantml.domain.tenancy import operator_requests
from tenantml.errors import InvalidOperation

REMOVED, KEPT, IMPOSSIBLE, REMAINS = "removed", "kept", "impossible", "remains"
FATES = (REMOVED, KEPT, IMPOSSIBLE, REMAINS)
ARTEFACTS, MODELS = KEEPABLE = ("artefacts", "models")
NO_OPERATION = "AWS has no operation that deletes the record of an AutoML job"
NO_OPERATION_OF_TRANSFORMS = "AWS has no operation that deletes the record of a batch transform"
SHOWN = 200  # entries of a list in a state machine's output, which holds 256 KB; the stored report has all

Row = dict[str, Any]


@dataclass(frozen=True)
class Offboarding:
    """One removal: all of a tenant, or one model of it.

    `keep` may hold `artefacts`: what the customer's bucket holds stays; and of a whole tenant `models`: those that
    answer do so on, without us. `abandon` deletes the registry's rows although something remains in an account that no
    longer lets us in. `removal` names the report.
    """

    tenant: str
    model: str | None = None
    keep: tuple[str, ...] = ()
    abandon: bool = False
    removal: str = ""

    @classmethod
    def of(cls, request: object) -> Offboarding:
        """Read an operator's request.

        Raises:
            InvalidOperation: names each field that is missing, unknown or malformed.
        """
        asked = operator_requests.read(request, {"model": str, "keep": list, "abandon": bool}, tenant=str)
        model, keep, wrong = asked.get("model"), asked.get("keep", []), []
        if model is not None and not is_model(model):
            wrong.append("model: expected a model's name, or nothing for the whole tenant")
        if not all(isinstance(item, str) and item in KEEPABLE for item in keep):
            wrong.append(f"keep: expected a list of {', '.join(sorted(KEEPABLE))}")
        elif MODELS in keep and model is not None:
            wrong.append("keep: models can be kept when the whole tenant leaves; one of them alone needs us no less")
        if wrong:
            raise InvalidOperation("; ".join(wrong))
        return cls(asked["tenant"], model, tuple(keep), asked.get("abandon", False))

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Offboarding:
        """Read what `as_document` wrote."""
        return cls(**document | {"keep": tuple(document["keep"])})

    def as_document(self) -> dict[str, Any]:
        """Return it as a JSON object, for the state machine."""
        return asdict(self) | {"keep": list(self.keep)}

    def resuming(self, head: Row) -> Offboarding:
        """Return it with what was to be kept when it began: who repeats it without a wish does not take it back."""
        return replace(self, keep=tuple(dict.fromkeys((*head.get("kept_on_wish", ()), *self.keep))))

    @property
    def purpose(self) -> str:
        """The name of the sessions in the customer's account: at most 64 characters."""
        return f"{PREFIX}-remove-{self.model}" if self.model else f"{PREFIX}-offboard"

    @property
    def customer_folder(self) -> str:
        """Where its objects are in the customer's bucket: everywhere, or under the model."""
        return f"{self.model}/" if self.model else ""

    @property
    def our_folder(self) -> str:
        """Where its objects are in our own buckets."""
        return f"{self.tenant}/{self.customer_folder}"

    def name_filter(self, account: CustomerAccount) -> str:
        """Return what the names of its endpoints, configurations and models contain, for SageMaker's `NameContains`."""
        return account.endpoint(self.model, "v") if self.model else f"{account.prefix}-"

    def owns(self, account: CustomerAccount, name: str) -> bool:
        """Return whether an endpoint, configuration or model of this name is to be removed.

        For a tenant it is all that has its prefix, Autopilot's own resources included; for a model its versions.
        """
        if self.model is None:
            return name.startswith(f"{account.prefix}-")
        return (account.version_of(name) or [None])[0] == self.model


def remaining(
    account: CustomerAccount, versions: Iterable[Row], executions: Iterable[Row], trained: Set[str]
) -> dict[str, str]:
    """Return the ARNs of what the registry knows to be in an account that no longer lets us in, each with a reason.

    Nothing that was created is left out: the registry knows a version before anything of it exists. `trained` has the
    executions whose artefacts are kept.
    """
    reasons: dict[str, str] = {}
    for row in versions:
        if row.get("status") not in {"retired", "rolled back"}:
            for kind in ("endpoint", "endpoint-config", "model"):
                reasons[account.sagemaker_arn(kind, row["endpoint"])] = f"version {row['version']}, {row.get('status')}"
    for row in executions:
        for arn in row.get("left_behind") or []:
            reasons[arn] = f"left by execution {row['execution']}"
        is_running = row.get("status") == "running"
        if "transform" in row and is_running:
            reasons[account.sagemaker_arn("model", row["transform"]["job_name"])] = f"batch {row['batch']}, running"
        if row.get("model") and (row["execution"] in trained or is_running or "result" in row):
            folder = CustomerAccount.folder(row["model"], row["execution"])
            reasons[f"{account.bucket_arn}/{folder}*"] = f"artefacts of execution {row['execution']}"
    return reasons


def job_names(executions: Iterable[Row]) -> set[str]:
    """Return the names of the AutoML jobs that executions started."""
    return {row["training"]["job_name"] for row in executions if (row.get("training") or {}).get("job_name")}


def transform_names(executions: Iterable[Row]) -> set[str]:
    """Return the names of the batch transforms that executions started."""
    return {row["transform"]["job_name"] for row in executions if "transform" in row}


def report(head: Row, notes: Iterable[Row]) -> Row:
    """Return the report of a removal: its head, and the fate of each resource, with a digest over all of it."""
    lists: dict[str, list[Row]] = {fate: [] for fate in FATES}
    for note in sorted(notes, key=lambda row: str(row["arn"])):
        shown = {name: note[name] for name in ("arn", "at", "reason", "objects") if note.get(name)}
        lists[note["fate"]].append(shown)
    whole = {
        **{name: value for name, value in head.items() if name != "digest"},
        "counts": {fate: len(rows) for fate, rows in lists.items()},
        **lists,
    }
    return whole | {"digest": digest(whole)}


def digest(document: Row) -> str:
    """Return the SHA-256 of a report without its digest, as JSON with sorted keys and no spaces."""
    text = json.dumps(
        {name: value for name, value in document.items() if name != "digest"}, sort_keys=True, separators=(",", ":")
    )
    return hashlib.sha256(text.encode()).hexdigest()


def shortened(document: Row) -> Row:
    """Return a report whose lists are short enough for a state machine's output; counts and digest are the whole's."""
    return document | {fate: document[fate][:SHOWN] for fate in FATES}
