"""What is of the tenant itself: API keys, usage."""

from __future__ import annotations

from typing import Any

from tenantml import http
from tenantml.domain.api import pagination
from tenantml.http import Answer
from tenantml.services import api_keys, quota, spending

Json = dict[str, Any]


def list_keys(tenant: str, event: Json) -> Answer:
    """GET /keys: which API keys open what is yours, never a key itself."""
    page = pagination.page_of(api_keys.listed(tenant), pagination.read(http.query_of(event)))
    return Answer(200, {"keys": page.rows, "next_token": page.next_token})


def get_usage(tenant: str, event: Json) -> Answer:
    """GET /usage: this day's predictions, and what this month's trainings, batches and endpoints cost."""
    return Answer(200, quota.of(tenant).report() | {"spending": spending.report(tenant)})
