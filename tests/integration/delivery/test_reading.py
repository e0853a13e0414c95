"""What S3 begins to answer and does not end is asked for again: it has a name that the state retries."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import boto3
import pytest

from tenantml.aws.s3.objects import StoredObject, read
from tenantml.errors import DatasetUnavailable


class _Breaks(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"a,b\n")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def breaking_s3() -> Iterator[str]:
    """An S3 whose connection ends in the middle of an object."""
    with HTTPServer(("127.0.0.1", 0), _Breaks) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_an_answer_that_ends_early_is_no_shorter_dataset_but_an_unavailable_one(breaking_s3: str) -> None:
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=breaking_s3,
        aws_access_key_id="k",
        aws_secret_access_key="s",
    )
    with pytest.raises(DatasetUnavailable, match="ended its answer early"):
        b"".join(read(client, StoredObject("bucket", "acme/churn/file.csv", "v1", "etag", 1000)))
