"""A process that joins the embedded cloud's internet sees a receiver on loopback behind a public address, for good."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys

from local import internet
from tenantml.domain.webhooks.addresses import is_public

PROGRAM = """
import gc, runpy, socket
runpy.run_path({path!r})["join"]()
gc.collect()
((_, _, _, _, address),) = socket.getaddrinfo("hooks.acme.example", 443, type=socket.SOCK_STREAM)
with socket.create_connection(address, 5) as connection:
    connection.sendall(b"here")
print(address[0])
"""


def test_a_name_of_the_setting_has_a_public_address_and_leads_to_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        setting = json.dumps({"hooks.acme.example": listener.getsockname()[1]})
        program = PROGRAM.format(path=internet.__file__)
        command = [sys.executable, "-c", program]
        done = subprocess.run(
            command, env=os.environ | {internet.SETTING: setting}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert is_public(done.stdout.strip())
        listener.settimeout(5)
        with listener.accept()[0] as connection:
            assert connection.recv(10) == b"here"
