"""`tenantml quote` and `usage`: what people read of what the API answers."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime

import pytest

from tenantml.domain.pricing import prices as pricing
from tenantml.domain.pricing import quotes
from tenantml.domain.pricing.caps import Caps
from tenantml.domain.pricing.ledger import Ledger
from tenantml.domain.tenancy import usage_limits
from tenantml.domain.training.model_settings import ModelSettings
from tenantml_cli.__main__ import main
from tests.tenants import tenant_of
from tests.unit.cli.conftest import Recorder


def test_a_quote_has_cents_and_a_dash_for_what_is_not_known(
    asked: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    prices = pricing.table("")
    account = tenant_of("acme").account
    for settings, words in (
        (
            ModelSettings("y", instance_type="ml.m5.large"),
            ["endpoint, an hour          0.12", "1 x ml.m5.large", "batch                      2.80"],
        ),
        (ModelSettings("y", instance_type="ml.m5.large", max_instances=4), ["1 x ml.m5.large", "4 x the dearest of"]),
        (ModelSettings("y", endpoint="serverless"), ["requests at once of 4096 MB", "as much memory as it may need"]),
        (ModelSettings("y", endpoint="none"), ["1 x ml.m5.2xlarge", "only while a version is judged"]),
        (ModelSettings("y", serverless_memory_mb=2048), ["requests at once of 2048 MB"]),
    ):
        asked.answer = 200, json.dumps(quotes.quote(settings, account, prices, date(2026, 11, 28))).encode()
        assert main(["quote", "churn"]) == 0
        shown = capsys.readouterr().out
        for text in (*words, quotes.WHO_PAYS):
            assert text in shown
        assert "\n8,400 s are the model's max_runtime_seconds (3,600), 3,600 in which" in shown
    asked.answer = 200, json.dumps(quotes.quote(settings, account, {}, date(2026, 11, 28))).encode()
    assert main(["quote", "churn"]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"^training +- ", shown, re.MULTILINE)
    assert "the operator can add it.\n" in shown


def test_usage_shows_the_day_the_month_and_the_caps(asked: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    ledger = Ledger(months={"2026-11": {"churn": {"training_seconds": 60, "training_micros": 1_234_567_890}}})
    spending = ledger.report(Caps(monthly_budget_usd=500), now) | {"note": quotes.WHO_PAYS}
    limits = usage_limits.Limits()
    used = usage_limits.Usage("2026-11-28", 0, requests=1200)
    today = usage_limits.report(limits, used, now.timestamp())
    asked.answer = 200, json.dumps(today | {"spending": spending}).encode()
    assert main(["usage"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["requests", "1,200", "1,000,000", "998,800"] in lines
    assert ["churn", "1,234.57", "0.00", "0.00", "0.00"] in lines
    assert ["monthly", "budget", "usd", "1,234.57", "500"] in lines
    assert ["trainings", "per", "day", "0", "-"] in lines
