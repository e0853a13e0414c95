"""The SaaS account on moto."""

from tests.integration.platform.conftest import event, invoke, stack, tenant

__all__ = ["event", "invoke", "stack", "tenant"]
