"""How much a stack is asked to do: so many tenants, what each does, and what that comes to in a second.

What one upload takes was counted on the embedded cloud (`counted.json`, which `python -m benchmarks --only
orchestration` writes); what predictions take follows from the seconds for which a process keeps what it knows.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.polling import HOURS_TRAINED, STATES_OF_A_POLL, polls_of
from tenantml.aws import sts
from tenantml.aws.s3 import presigned
from tenantml.services import binned, customer, expiring_cache, receipts, served, serving

COUNTED_PATH = Path(__file__).parent / "counted.json"
COUNTED: dict[str, Any] = json.loads(COUNTED_PATH.read_text(encoding="utf-8"))
UPLOAD: dict[str, float] = COUNTED["upload"]
TENANT_HOUR: dict[str, float] = COUNTED["tenant hour"]

HOUR, MINUTE = 3600.0, 60.0
QUOTA_WRITES_A_SECOND = 1.0  # services.quota: "at most about one write a second per process and tenant"
FUNCTION_SECONDS = 1.5  # of a state, most of it waiting for AWS: a choice, upwards
UPKEEP_SECONDS = 10.0  # of a tenant in an hour: a choice, upwards
INSPECTED_BYTES_A_SECOND = 100e6  # docs/performance.md, "The pre-flight and the split"


@dataclass(frozen=True)
class Load:
    """Tenants in the busiest hour of a day, each with one model; the figures of a tenant are choices, to be changed."""

    tenants: float
    uploads_per_day: float = 1.0
    share_of_busiest_hour: float = 0.5  # nightly jobs run at the same time
    share_of_busiest_minute: float = 0.1  # of that hour's
    predictions_per_second: float = 0.1  # of a tenant
    prediction_seconds: float = 0.06  # ours and the endpoint's
    file_bytes: float = 100e6

    @property
    def uploads(self) -> float:
        """Uploads a second, on average over the busiest hour."""
        return self.tenants * self.uploads_per_day * self.share_of_busiest_hour / HOUR

    @property
    def burst(self) -> float:
        """Uploads a second, in that hour's busiest minute."""
        return self.uploads * HOUR * self.share_of_busiest_minute / MINUTE

    @property
    def trainings(self) -> float:
        """Trainings that run at once."""
        return self.tenants * self.uploads_per_day * min(1.0, self.share_of_busiest_hour * HOURS_TRAINED)

    @property
    def predictions(self) -> float:
        """Predictions a second."""
        return self.tenants * self.predictions_per_second

    @property
    def processes(self) -> float:
        """Predict processes that are busy at once (Little's law)."""
        return self.predictions * self.prediction_seconds

    def of_uploads(self, name: str) -> float:
        """How much of something uploads take a second: all but the looks at jobs of the busiest minute's at once, and
        what the hour's trainings take.
        """
        return UPLOAD[name] * self.uploads + self.at_once(name) * self.burst

    def at_once(self, name: str) -> float:
        """How much of something an upload takes without its looks at a job, which are spread over hours."""
        looks = polls_of(HOURS_TRAINED)
        of_a_look = {"transition": STATES_OF_A_POLL, "AssumeRole": 1, "invocation": 1, "customer SageMaker": 1}
        if name in of_a_look:
            return UPLOAD[name] - looks * of_a_look[name]
        return UPLOAD[name] * (1 - looks / UPLOAD["invocation"])

    def per_process(self, seconds: float) -> float:
        """How often a second all predict processes together renew what each keeps for so long of each tenant: with
        requests that come at random, a share of 1 / (1 + rate * seconds) of them finds nothing.
        """
        if not self.predictions:
            return 0.0
        pairs = max(1.0, self.processes) * self.tenants
        kept = min(1.0, expiring_cache.KEPT / self.tenants)
        rate = self.predictions / pairs
        return self.predictions * (1 - kept * (1 - 1 / (1 + rate * seconds)))

    @property
    def sessions(self) -> float:
        """AssumeRole of predictions a second: into the customer's account, and of the tenant's own rows."""
        invoke = customer.SHORTEST_SECONDS - serving.SESSION_MARGIN_SECONDS
        return self.per_process(invoke) + self.per_process(sts.SESSION_SECONDS - presigned.LASTING_SECONDS)

    @property
    def usage_writes(self) -> float:
        """Writes a second to the partition of what tenants use: their quota, and what versions answered."""
        counts = self.per_process(1 / QUOTA_WRITES_A_SECOND)
        return counts + self.per_process(served.FLUSH_SECONDS) + self.per_process(binned.FLUSH_SECONDS)

    @property
    def receipt_writes(self) -> float:
        """Write units a second of the receipts of predictions: an entry and its head, in a transaction."""
        return 4 * self.per_process(receipts.FLUSH_SECONDS)

    @property
    def busy_functions(self) -> float:
        """Functions that run at once."""
        reading = 2 * self.file_bytes / INSPECTED_BYTES_A_SECOND  # inspected, and delivered
        upkeep = UPKEEP_SECONDS * self.tenants / HOUR
        uploads = FUNCTION_SECONDS * self.of_uploads("invocation") + reading * (self.uploads + self.burst)
        return self.processes + uploads + upkeep

    def of_upkeep(self, name: str) -> float:
        """How much of something the hourly upkeep takes a second, evenly spread over the hour."""
        return TENANT_HOUR.get(name, 0.0) * self.tenants / HOUR


BUSIEST = Load(
    tenants=1,
    uploads_per_day=100.0,
    share_of_busiest_hour=1.0,
    share_of_busiest_minute=0.1,
    predictions_per_second=1000.0,
)
"""The busiest tenant: 1,000 predictions a second, and 100 uploads in an hour."""
