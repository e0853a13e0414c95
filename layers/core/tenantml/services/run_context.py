"""What the handler of a state works with."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from tenantml.domain.names import CustomerAccount
from tenantml.domain.tenancy.tenant import Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.domain.training.run import Run
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

    @cached_property
    def settings(self) -> ModelSettings:
        """The model's settings as they were when the run began.

        Raises:
            InvalidSettings: they were valid then and no longer are: a field's rule became stricter.
        """
        execution = registry.require_execution(self.run.tenant, self.run.execution)
        return ModelSettings.from_document(execution["settings"])

    def customer(self, policy: dict[str, Any]) -> CustomerSession:
        """Return a session in the customer's account, under this execution's name and with this session policy.

        Raises:
            CustomerAccessRevoked: the account no longer lets us in.
            CustomerThrottled: STS throttled the request or did not answer.
        """
        return assume(self.tenant, self.run.execution, policy)

    def note(self, **values: Any) -> None:
        """Write the run's progress, for the tenant to see."""
        registry.update_execution(self.run.tenant, self.run.execution, values)
