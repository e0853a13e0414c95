"""`python -m local.console --stack NAME`: serve the operators' page of a stack, and print its address.

Credentials, region and AWS_ENDPOINT_URL come from the environment, as for any AWS client. With `--supervised` it ends
when its standard input closes: when its parent ends, however that ends.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from collections.abc import Sequence

from local.console.deployed import Deployed
from local.console.server import ConsoleServer, answers_of


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until it is ended."""
    parser = argparse.ArgumentParser(prog="python -m local.console", description=main.__doc__)
    parser.add_argument("--stack", default="tenantml", help="the stack's name (default: tenantml)")
    parser.add_argument("--port", type=int, default=0, help="on loopback; 0 takes a free one (default)")
    parser.add_argument("--supervised", action="store_true", help="end when standard input closes")
    options = parser.parse_args(arguments)
    deployed = Deployed.find(options.stack)
    os.environ.update(deployed.as_environment())
    server = ConsoleServer(answers_of(deployed), options.port)
    print(server.url, flush=True)
    if not options.supervised:
        server.serve_forever()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()


if __name__ == "__main__":
    main()
