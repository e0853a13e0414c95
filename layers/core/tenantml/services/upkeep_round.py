"""A round of upkeep: one message for each tenant and each kind that is due.

The queue is FIFO with the customer's account as message group: SQS hands out the next message of an account when the
one before is deleted or given up (SQS developer guide, "Using the message group ID"). A message names a tenant and
holds nothing of it: whoever does the work reads the tenant as it is then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from tenantml.aws import sqs
from tenantml.domain.tenancy import upkeep
from tenantml.services import registry
from tenantml.settings import setting


def dispatch(at: str) -> Counter[str]:
    """Queue what is due at this time (ISO 8601); return how many messages that is of each kind, and how many tenants
    there are of each status.

    Repeatable: what a call of the same time has queued less than five minutes ago is not queued again (SQS API
    reference, SendMessage), and what is done twice does no harm.
    """
    counts: Counter[str] = Counter()
    messages = _due(at, counts)
    while batch := list(islice(messages, sqs.MOST_MESSAGES)):
        sqs.send_all(setting("UPKEEP_QUEUE"), batch)
    return counts


def _due(at: str, counts: Counter[str]) -> Iterator[dict[str, Any]]:
    time = datetime.fromisoformat(at)
    for tenant in registry.each_tenant():
        counts[tenant.status] += 1
        for kind in upkeep.due(tenant, time):
            counts[kind] += 1
            yield {
                "body": {"kind": kind, "tenant": tenant.tenant},
                "group": upkeep.group(tenant, kind),
                "deduplication_id": f"{kind}-{tenant.tenant}-{at}",
            }
