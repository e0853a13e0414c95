"""Holdouts over the trainings of a model: the rule that one training leaves to the next, and what a version saw of a
holdout.

Each inspected upload leaves its rule and the hashes of its holdout beside its profile; they are kept, pruned and
removed with it. The rule for the model's next upload is a document of its own, `{tenant}/{model}/holdout_rule.json` in
the staging bucket: it outlives executions that failed and trainings that were pruned, whose folders are below it, and
goes with the model, of which everything under `{tenant}/{model}/` is removed. It names the execution that wrote it and
has the rule that this one followed, too: where an execution ended before it started a job, nothing was trained on its
rows, and the next upload follows what it followed. While one runs it counts as if it trained.

A rule has at most 20,000 hashes and the names of a file's columns: mostly some hundred bytes, 1.4 MB at the very most.
"""

from __future__ import annotations

import json
import struct
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.s3 import objects
from tenantml.domain.api.pagination import MAX_LIMIT, PageRequest
from tenantml.domain.names import staging_folder
from tenantml.domain.training.holdout_rule import HoldoutRule, is_mostly_in, overlap, sample_of
from tenantml.domain.training.run import Run
from tenantml.services import registry
from tenantml.settings import setting

RULE, HASHES = "holdout_rule.json", "holdout_hashes.bin"


def rule_before(run: Run) -> HoldoutRule | None:
    """Return the rule that the upload of a run is to follow: that of the model's newest execution that may have started
    a job, whatever became of it; None for the model's first. A repeat of the same run follows the same rule.

    Raises:
        DatasetUnavailable: S3 did not answer now.
    """
    document = _read(f"{run.tenant}/{run.model}/{RULE}")
    if document is None:
        return None
    execution = document["execution"]
    followed = execution == run.execution or _trained_nothing(run.tenant, execution)
    return _rule(document["before"] if followed else document["rule"])


def keep(run: Run, before: HoldoutRule | None, rule: HoldoutRule, hashes: list[int]) -> None:
    """Keep the rule by which an upload was split after `before`, and the hashes of its holdout's rows. Repeatable."""
    s3, bucket, written = platform("s3"), setting("STAGING_BUCKET"), rule.as_document()
    s3.put_object(Bucket=bucket, Key=f"{run.staging_folder}{HASHES}", Body=struct.pack(f"<{len(hashes)}Q", *hashes))
    objects.put_json(s3, bucket, f"{run.staging_folder}{RULE}", json.dumps(written))
    newest = {"execution": run.execution, "rule": written, "before": before and before.as_document()}
    objects.put_json(s3, bucket, f"{run.tenant}/{run.model}/{RULE}", json.dumps(newest))


def seen(run: Run, live_version: str) -> list[bool] | None:
    """Say of each row of the run's holdout, in order, whether another version may have been trained on it; None when
    that cannot be told: its training split by other columns, or before there were such rules.

    The caller needs `s3:GetObject` on `*/holdout_rule.json` and `*/holdout_hashes.bin` of the staging bucket.

    Raises:
        DatasetUnavailable: S3 did not answer now.
    """
    live = registry.find_version(run.tenant, run.model, live_version)
    now = _rule(_read(f"{run.staging_folder}{RULE}"))
    if live is None or now is None:
        return None
    before = _rule(_read(f"{staging_folder(run.tenant, run.model, live['execution'])}{RULE}"))
    return overlap(_hashes(run), now, before)


def sample(run: Run) -> list[str]:
    """Return a sample of the run's holdout, empty when it was held out before there were such rules.

    The caller needs the right to `s3:GetObject` on `*/holdout_hashes.bin` of the staging bucket.

    Raises:
        DatasetUnavailable: S3 did not answer now.
    """
    return sample_of(_hashes(run))


def count_looks(run: Run, rows: list[str]) -> int:
    """Return how many versions were judged on the run's holdout, or on most of its rows in other uploads, the run's own
    included; `rows` is the holdout's sample.
    """
    versions = registry.list_versions(run.tenant, run.model, PageRequest(MAX_LIMIT, None)).rows
    judged = {
        row["version"]
        for row in versions
        if "evaluation" in row
        and (row["execution"] == run.execution or is_mostly_in(rows, row.get("holdout_sample", [])))
    }
    return len(judged | {run.version})


def _hashes(run: Run) -> tuple[int, ...]:
    stored = objects.find_bytes(platform("s3"), setting("STAGING_BUCKET"), f"{run.staging_folder}{HASHES}") or b""
    return struct.unpack(f"<{len(stored) // 8}Q", stored)


def _trained_nothing(tenant: str, execution: str) -> bool:
    row = registry.find_execution(tenant, execution) or {}
    return "ended_at" in row and not (row.get("training") or {}).get("job_name")


def _read(key: str) -> dict[str, Any] | None:
    stored = objects.find_bytes(platform("s3"), setting("STAGING_BUCKET"), key)
    document: dict[str, Any] | None = json.loads(stored) if stored else None
    return document


def _rule(document: dict[str, Any] | None) -> HoldoutRule | None:
    return HoldoutRule.from_document(document) if document else None
