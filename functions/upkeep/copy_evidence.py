"""Copy each written row of evidence to the bucket with Object Lock; an overwritten row beside its first."""

from __future__ import annotations

import json
from typing import Any

from tenantml.aws.clients import platform
from tenantml.aws.dynamodb import from_item
from tenantml.aws.s3 import objects
from tenantml.entrypoint import function
from tenantml.settings import setting


@function
def handler(event: dict[str, Any]) -> dict[str, Any]:
    """Return how many rows of a DynamoDB stream were copied; a repeat writes each under the same key again."""
    written = [record["dynamodb"] for record in event["Records"] if "NewImage" in record["dynamodb"]]
    for change in written:
        row = from_item(change["NewImage"])
        key = f"{row['pk'].partition('#')[2]}/{row['sk']}/{change['SequenceNumber']}.json"
        objects.put_json(platform("s3"), setting("EVIDENCE_COPY_BUCKET"), key, json.dumps(row, sort_keys=True))
    return {"copied": len(written)}
