"""Bring a job's input channels from S3 to local files, with the execution role's rights."""

from __future__ import annotations

import csv
import gzip
import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

AUTO_MODE_LIMIT_BYTES = 100 * 1024 * 1024
AUTO_MODE_LIMIT_OBJECTS = 1_000
_HEADER_BYTES = 1024 * 1024


class DataUnavailable(Exception):
    """The data cannot be read; the text is the job's FailureReason."""


@dataclass(frozen=True)
class Download:
    """A channel's local files and what they were in S3."""

    paths: list[Path]
    size_bytes: int


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and key (or prefix) of an `s3://` address."""
    bucket, _, key = uri.partition("://")[2].partition("/")
    return bucket, key


def download(s3: Any, channel: dict[str, Any], role_arn: str, region: str, folder: Path) -> Download:
    """All objects of one channel, in the order of their keys; raises DataUnavailable."""
    source = channel["DataSource"]["S3DataSource"]
    gzipped = channel.get("CompressionType") == "Gzip"
    folder.mkdir(parents=True)
    paths: list[Path] = []
    size_bytes = 0
    for bucket, key in objects(s3, source, role_arn, region):
        path = folder / f"{len(paths):05d}.csv"
        try:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"]
            with path.open("wb") as file, gzip.GzipFile(fileobj=body) if gzipped else body as content:
                shutil.copyfileobj(content, file, 1024 * 1024)
        except ClientError as error:
            raise _refused(f"s3://{bucket}/{key}", "s3:GetObject", role_arn, bucket, error) from error
        except (gzip.BadGzipFile, EOFError) as error:
            raise DataUnavailable(f"ClientError: s3://{bucket}/{key} is not gzip: {error}") from error
        paths.append(path)
        size_bytes += path.stat().st_size
    if not paths:
        raise DataUnavailable(_nothing_found(source["S3Uri"], role_arn, region))
    return Download(paths, size_bytes)


def header(s3: Any, channel: dict[str, Any], role_arn: str, region: str) -> list[str] | None:
    """The names of a channel's columns, from its first object; None where the role cannot read it."""
    source = channel["DataSource"]["S3DataSource"]
    try:
        bucket, key = next(objects(s3, source, role_arn, region))
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
        with gzip.GzipFile(fileobj=body) if channel.get("CompressionType") == "Gzip" else body as content:
            beginning = content.read(_HEADER_BYTES)
    except (ClientError, DataUnavailable, StopIteration, OSError, EOFError):
        return None
    text = beginning.decode("utf-8-sig", errors="replace")
    return next((row for row in csv.reader(io.StringIO(text, newline="")) if row), [])


def objects(s3: Any, source: dict[str, Any], role_arn: str, region: str) -> Iterator[tuple[str, str]]:
    """Bucket and key of each object of an S3Prefix or a ManifestFile, in the order of keys; raises DataUnavailable."""
    bucket, key = split_uri(source["S3Uri"])
    if source["S3DataType"] == "S3Prefix":
        yield from _below_prefix(s3, bucket, key, role_arn, region)
        return
    try:
        manifest = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        prefix, names = manifest[0]["prefix"], manifest[1:]
    except ClientError as error:
        raise _refused(source["S3Uri"], "s3:GetObject", role_arn, bucket, error) from error
    except (ValueError, LookupError, TypeError) as error:
        raise DataUnavailable(
            f'ClientError: {source["S3Uri"]} is not a manifest: expected [{{"prefix": "s3://…"}}, "name", …]'
        ) from error
    for name in names:
        yield split_uri(f"{prefix}{name}")


def _below_prefix(s3: Any, bucket: str, prefix: str, role_arn: str, region: str) -> Iterator[tuple[str, str]]:
    """A prefix is listed even when it is the key of one object: that is why the role needs s3:ListBucket."""
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                if item["Size"] and not item["Key"].endswith("/"):
                    yield bucket, item["Key"]
    except ClientError as error:
        reason = (
            f"{_nothing_found(f's3://{bucket}/{prefix}', role_arn, region)} Error message from S3: {_message_of(error)}"
        )
        raise DataUnavailable(reason) from error


def _nothing_found(uri: str, role_arn: str, region: str) -> str:
    return (
        f'ClientError: No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the '
        f"bucket exists in the selected region ({region}), that objects exist under that S3 prefix, and that the role "
        f'"{role_arn}" has "s3:ListBucket" permissions on bucket "{split_uri(uri)[0]}".'
    )


def _refused(uri: str, action: str, role_arn: str, bucket: str, error: ClientError) -> DataUnavailable:
    return DataUnavailable(
        f'ClientError: Data download failed: Failed to download S3 URL "{uri}". Please ensure that the role '
        f'"{role_arn}" has "{action}" permissions on bucket "{bucket}". Error message from S3: {_message_of(error)}'
    )


def _message_of(error: ClientError) -> str:
    return f"{error.response['Error'].get('Message', '')} ({error.response['Error']['Code']})"
