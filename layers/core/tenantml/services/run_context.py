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
    """A run, whose it is, and the settings that it follows: each read once, and only when it is asked for."""

    def __init__(self, run: Run) -> None:
        self.run = run

    @cached_property
    def tenant(self) -> Tenant:
        """The run's tenant.

        Raises:
            TenantNotFound: it is not registered any more.
        """
        return registry.get_tenant(self.run.tenant)

    @property
    def account(self) -> CustomerAccount:
        """The tenant's own AWS account.

        Raises:
            TenantNotFound: the tenant is not registered any more.
        """
        return self.tenant.account

    @cached_property
    def settings(self) -> ModelSettings:
        """The model's settings as they were when the run began.

        Raises:
            InvalidSettings: they were valid then and are not now: a field's rule became stricter.
        """
        execution = registry.require_execution(self.run.tenant, self.run.execution)
        return ModelSettings.from_document(execution["settings"])

    def customer(self, policy: dict[str, Any]) -> CustomerSession:
        """Enter the customer's account, in the name of this execution and with this session policy.

        Raises:
            CustomerAccessRevoked: the account does not let us in any more.
            CustomerThrottled: STS did not take the request now.
        """
        return assume(self.tenant, self.run.execution, policy)

    def note(self, **values: Any) -> None:
        """Write the run's progress, for the tenant to see."""
        registry.update_execution(self.run.tenant, self.run.execution, values)
