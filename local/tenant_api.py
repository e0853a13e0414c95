"""What a tenant's app does, and how long its predictions take: the client of the command line, timed."""

from __future__ import annotations

import time

from tenantml_cli import tenant_api
from tenantml_cli.errors import Refused
from tenantml_cli.tenant_api import Document, post_form

__all__ = ["Document", "Refused", "TenantApi", "post_form"]


class TenantApi(tenant_api.TenantApi):
    """The tenant API; `prediction_milliseconds` are the times of all predictions so far."""

    def __init__(self, url: str, api_key: str) -> None:
        super().__init__(url, api_key)
        self.prediction_milliseconds: list[float] = []

    def send_rows(self, model: str, body: bytes, content_type: str) -> Document:
        """Predict rows as they are written already, and take the time."""
        started = time.perf_counter()
        answer = super().send_rows(model, body, content_type)
        self.prediction_milliseconds.append((time.perf_counter() - started) * 1000)
        return answer
