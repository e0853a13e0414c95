"""What the handler of a state works with."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from tenantml.aws.s3.objects import StoredObject
from tenantml.domain.names import TRAINING, Access, CustomerAccount
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
from tenantml.domain.uploads.upload import Upload
from tenantml.services import registry
from tenantml.services.customer import CustomerSession, assume


class RunContext:
    """A run, its tenant and its settings: each read once, and only when it is needed."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def tenant(self) -> Tenant:
        """The run's tenant.

        Raises:
            TenantNotFound: it is no longer registered.
        """
        return registry.get_tenant(self.run.tenant)

    @property
    def account(self) -> CustomerAccount:
        """The tenant's own AWS account.

        Raises:
            TenantNotFound: the tenant is no longer registered.
        """
        return self.tenant.account

    @property
    def job(self) -> str:
        """The name of the run's AutoML job."""
        return self.account.job(self.run.execution)

    @property
    def endpoint(self) -> str:
        """The name of the run's endpoint, endpoint configuration and SageMaker model."""
        return self.account.endpoint(self.run.model, self.run.version)

    @cached_property
    def settings(self) -> ModelSettings:
        """The model's settings as they were when the run began.

        Raises:
            InvalidSettings: they were valid then and no longer are: a field's rule became stricter.
        """
        return ModelSettings.from_document(self._execution["settings"])

    @cached_property
    def version_settings(self) -> ModelSettings:
        """The settings that the version is served and judged by: the run's, those of judging that the model had when
        somebody asked for this version, and what was asked for it.

        Raises:
            InvalidSettings: they were valid when they were asked for and no longer are.
        """
        asked = self.version.get("judged_by", {}) | self.version.get("settings", {})
        return ModelSettings.from_document(self._execution["settings"] | asked)

    @cached_property
    def version(self) -> dict[str, Any]:
        """The version's row, as the state found it; empty after off-boarding."""
        return registry.find_version(self.run.tenant, self.run.model, self.run.version) or {}

    def require_requested(self, candidate: str) -> None:
        """Return when the registry knows the run's version, of this execution, as one that this candidate becomes.

        Raises:
            ValueError: nobody asked for it: a bug, or a forgery.
        """
        asked = (self.version.get("execution"), self.version.get("candidate"))
        if asked != (self.run.execution, candidate):
            raise ValueError("nobody asked for this candidate as the run's version")

    def upload(self, document: dict[str, Any]) -> Upload:
        """Return the upload that the run began with.

        Raises:
            ValueError: it is not this run's, or not this tenant's: a bug, or a forgery.
        """
        upload = Upload(**document)
        is_own = upload.key.startswith(f"{self.run.tenant}/{self.run.model}/")
        if upload.execution != self.run.execution or not is_own:
            raise ValueError("the upload is not this run's")
        return upload

    def training_set(self, document: dict[str, Any]) -> StoredObject:
        """Return the run's training set, as the state that staged it described it.

        Raises:
            ValueError: it is not this run's: a bug, or a forgery.
        """
        train = StoredObject(**document)
        if train.key != f"{self.run.staging_folder}train.csv":
            raise ValueError("the training set is not this run's")
        return train

    @property
    def training(self) -> dict[str, Any]:
        """What the training came to, as `automl_job.progress` tells it."""
        training: dict[str, Any] = self._execution["training"]
        return training

    @cached_property
    def _execution(self) -> dict[str, Any]:
        """The execution's row, as the state found it."""
        return registry.require_execution(self.run.tenant, self.run.execution)

    def customer(self, policy: dict[str, Any], access: Access = TRAINING) -> CustomerSession:
        """Return a session in the customer's account, under this execution's name and with this session policy.

        Raises:
            CustomerAccessRevoked: the account no longer lets us in.
            CustomerThrottled: STS throttled the request or did not answer.
        """
        return assume(self.tenant, self.run.execution, policy, access)

    def advise(self, advice: list[dict[str, Any]]) -> None:
        """Add to what the tenant is advised; a repeat adds nothing. One state of a run works at a time."""
        known: list[dict[str, Any]] = self._execution.get("advice", [])
        if added := [item for item in advice if item not in known]:
            self._execution["advice"] = known + added
            self.note(advice=known + added)

    def note_endpoint(self, status: str) -> None:
        """Write how the version's endpoint is, for the tenant to see."""
        self.note(endpoint_state={"name": self.endpoint, "account": self.account.account_id, "status": status})

    def note(self, **values: Any) -> None:
        """Write the run's progress, for the tenant to see."""
        registry.note_progress(self.run, values)
