"""What a command works with, and what it answers."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tenantml_cli.stack import Stack
    from tenantml_cli.tenant_api import TenantApi

Document = dict[str, Any]

KEY_VARIABLE, URL_VARIABLE, STACK_VARIABLE = "TENANTML_API_KEY", "TENANTML_API_URL", "TENANTML_STACK"


@dataclass(frozen=True)
class Result:
    """What a command answers: a document for scripts, lines for people."""

    document: Document
    text: str


@dataclass
class Context:
    """The options that every command has, and what they lead to.

    The AWS client library takes most of a second to load: it is, when a command reaches for the stack.
    """

    as_json: bool = False
    stack_name: str = field(default_factory=lambda: os.environ.get(STACK_VARIABLE, "tenantml"))

    @cached_property
    def stack(self) -> Stack:
        """The stack, with the credentials of the shell."""
        from tenantml_cli.stack import Stack  # noqa: PLC0415 - as above

        return Stack(self.stack_name)

    @cached_property
    def api(self) -> TenantApi:
        """The tenant API with the tenant's key; where the stack's address is not reachable, as on the embedded cloud,
        a variable has it.

        Raises:
            Refused: the environment has no key.
        """
        from tenantml_cli.tenant_api import TenantApi  # noqa: PLC0415 - as above

        return TenantApi.of_environment(os.environ.get(URL_VARIABLE) or self.stack.outputs["ApiUrl"])

    def is_operator(self, tenant: str | None, all_tenants: bool = False) -> bool:
        """Say whether an operator asks: for a tenant, for all, or because no tenant's key is there to ask with."""
        return bool(tenant or all_tenants or not os.environ.get(KEY_VARIABLE))

    def tell(self, text: str) -> None:
        """Show progress: to people, on standard error."""
        if not self.as_json:
            print(f"  {text}", file=sys.stderr, flush=True)
