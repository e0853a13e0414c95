"""Data capture of an endpoint: a share of its requests and answers, as lines of JSON in the customer's bucket.

SageMaker developer guide, "Data capture for real-time endpoints". AWS collects some time of requests in a file; here
each has its own.
"""

from __future__ import annotations

import base64
import json
import logging
import random
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.sagemaker.dataset import split_uri
from local.sagemaker.errors import ApiError
from local.sagemaker.role_session import s3_client
from local.sagemaker.store import Endpoint

logger = logging.getLogger("local.sagemaker")


def record(endpoint: Endpoint, variant: str, asked: tuple[str, bytes], answered: tuple[str, bytes]) -> None:
    """Capture one request and its answer, each a content type and a body, in the background if they are sampled."""
    config = endpoint.data_capture
    if config and config.get("EnableCapture") and random.random() * 100 < config["InitialSamplingPercentage"]:
        _threads().submit(_write, endpoint, variant, config, asked, answered)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=2, thread_name_prefix="data-capture")


def _write(
    endpoint: Endpoint, variant: str, config: dict[str, Any], asked: tuple[str, bytes], answered: tuple[str, bytes]
) -> None:
    now, event_id = datetime.now(UTC), str(uuid.uuid4())
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    both = modes == {"InputAndOutput"}
    data = {}
    if both or "Input" in modes:
        data["endpointInput"] = _side("INPUT", *asked, config)
    if both or "Output" in modes:
        data["endpointOutput"] = _side("OUTPUT", *answered, config)
    line = {
        "captureData": data,
        "eventMetadata": {"eventId": event_id, "inferenceTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")},
        "eventVersion": "0",
    }
    bucket, prefix = split_uri(config["DestinationS3Uri"].rstrip("/"))
    folder = "/".join(part for part in (prefix, endpoint.name, variant, f"{now:%Y/%m/%d/%H}") if part)
    role_arn = endpoint.models[variant]["ExecutionRoleArn"]
    try:
        s3_client(role_arn, endpoint.scope, endpoint.arn).put_object(
            Bucket=bucket, Key=f"{folder}/{now:%M-%S}-{event_id}.jsonl", Body=json.dumps(line).encode()
        )
    except (ApiError, ClientError, BotoCoreError):
        logger.exception("a capture of %s is lost", endpoint.arn)


def _side(mode: str, content_type: str, body: bytes, config: dict[str, Any]) -> dict[str, str]:
    """Text of the content types that the configuration names stays text; everything else is base64."""
    kind, named = content_type.partition(";")[0], config.get("CaptureContentTypeHeader", {})
    if kind in named.get("CsvContentTypes", []):
        data, encoding = body.decode(errors="replace"), "CSV"
    elif kind in named.get("JsonContentTypes", []):
        data, encoding = body.decode(errors="replace"), "JSON"
    else:
        data, encoding = base64.b64encode(body).decode(), "BASE64"
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}
