"""A function finds the hosts of S3 Control, which begin with an account's number, as any function on AWS does.

S3 API reference, "CreateAccessPoint": the host of a request is `Bucket-owner-account.s3-control.Region.amazonaws.com`.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from local.cloud import EmbeddedCloud


def test_a_function_finds_the_host_of_an_account_and_no_other_that_has_no_address(
    cloud: EmbeddedCloud, make_function: Callable[[str], str]
) -> None:
    function = make_function(
        "import socket\n"
        "def found(host):\n"
        "    try: return socket.getaddrinfo(host, 80)[0][4][0]\n"
        "    except OSError: return None\n"
        "def handler(event, context): return [found(host) for host in event]"
    )
    hosts = ["111111111111.127.0.0.1", "bucket.127.0.0.1"]
    answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(hosts))
    assert json.loads(answer["Payload"].read()) == ["127.0.0.1", None]
