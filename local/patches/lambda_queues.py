"""Lambda: a FIFO queue is read by as many at once as it has message groups."""

from __future__ import annotations

import functools
from typing import Any

from ministack.services import lambda_svc

from local.patches.emulator import wrap


def apply() -> None:
    """Read a FIFO queue as a standard one, where a batch is one message: then no batch spans two groups.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html: "For FIFO queues, concurrent invocations
    are capped either by the number of message group IDs (messageGroupId) or the maximum concurrency setting".
    """
    wrap(lambda_svc, "_sqs_esm_concurrency", "d3e9d1e865aa", _by_group)


def _by_group(concurrency: Any) -> Any:
    @functools.wraps(concurrency)
    def by_group(mapping: dict[str, Any], function: Any, config: Any, queue: dict[str, Any] | None = None) -> int:
        # The emulator's queue itself hands out nothing of a group while a message of it is hidden.
        is_alone = mapping.get("BatchSize") == 1
        return int(concurrency(mapping, function, config, None if is_alone else queue))

    return by_group
