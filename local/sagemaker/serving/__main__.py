"""`python -m local.sagemaker.serving SERVE_DIR`: serve SERVE_DIR/model.json, write SERVE_DIR/ready.json when ready.

`model.json` is `{"containers": [{"artifact_dir": absolute path, "environment": {...}}]}`; `ready.json` is
`{"port": number, "memory_mb": what this process takes}`. Exits with 1 and the reason on stderr when the model cannot be
served, with 0 on SIGTERM.
"""

import json
import os
import resource
import signal
import sys
import warnings
from pathlib import Path

from local.sagemaker.serving.lifeline import exit_with_parent


def main(arguments: list[str]) -> int:
    """Serve until the process is ended."""
    from local.sagemaker.serving.containers import BrokenChain, Chain, read_description
    from local.sagemaker.serving.server import InvocationServer

    serve_dir = Path(arguments[0])
    try:
        chain = Chain.load(read_description(serve_dir))
    except BrokenChain as error:
        print(error, file=sys.stderr)
        return 1
    with InvocationServer(chain) as server:
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024  # in KB on Linux
        unfinished = serve_dir / "ready.json.part"
        unfinished.write_text(json.dumps({"port": server.server_address[1], "memory_mb": memory_mb}), encoding="utf-8")
        unfinished.replace(serve_dir / "ready.json")
        server.serve_forever()
    return 0


if __name__ == "__main__":
    exit_with_parent()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # Before the libraries load: idle OpenMP threads that spin starve every other process of a small machine.
    os.environ.update(OMP_WAIT_POLICY="passive", OMP_NUM_THREADS="1")
    warnings.simplefilter("ignore")  # the libraries' advice to their own developers
    sys.exit(main(sys.argv[1:]))
