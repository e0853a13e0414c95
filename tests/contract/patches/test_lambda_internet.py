"""A function finds the names of the embedded cloud's setting at a public address, and other names as they are."""

from __future__ import annotations

import json
from collections.abc import Callable

from local.cloud import EmbeddedCloud
from tenantml.domain.webhooks.addresses import is_public

CODE = "import socket\ndef handler(event, context): return socket.getaddrinfo(event, 443)[0][4][0]"


def test_a_function_resolves_a_name_of_the_setting_to_a_public_address(
    cloud: EmbeddedCloud, make_function: Callable[[str], str]
) -> None:
    function = make_function(CODE)

    def resolved(name: str) -> str:
        answer = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(name))
        return str(json.loads(answer["Payload"].read()))

    assert is_public(resolved("receiver.example"))
    assert resolved("127.0.0.1") == "127.0.0.1"
