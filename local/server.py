"""`python -m local.server --state-dir DIR`: the embedded cloud's process.

Prepares the emulator's environment before importing it, patches it, adds SageMaker, and serves on loopback only,
because the emulator runs whatever code is uploaded to it. Writes `DIR/endpoint` once it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from local import LOOPBACK, REGION, ROOT_SECRET, SAAS_ACCOUNT, faults

ENDPOINT_FILE = "endpoint"
DATA_FOLDERS = ("tmp", "s3", "services")  # of the state's folder: all but logs
EXPIRE_PATH = "/_tenantml/expire-session"
SHUTDOWN_SECONDS = 8.0


def emulator_environment(
    state_dir: Path, port: int, *, wait_scale: float = 1.0, persist: bool = False, account: str = SAAS_ACCOUNT
) -> dict[str, str]:
    """What the emulator reads from the environment while it is imported; Lambda functions inherit it."""
    return {
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "MINISTACK_ACCOUNT_ID": account,
        "MINISTACK_REGION": REGION,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": ROOT_SECRET,
        "AUTH": "true",
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_WARM_TTL_SECONDS": "3600",
        "SFN_WAIT_SCALE": repr(wait_scale),
        "STATE_DIR": str(state_dir / "services"),
        "S3_DATA_DIR": str(state_dir / "s3"),
        "PERSIST_STATE": "1" if persist else "0",
        "S3_PERSIST": "1" if persist else "0",
        "TMPDIR": str(state_dir / "tmp"),
        # Neither containers nor the two listeners that would bind further ports.
        "DOCKER_HOST": "unix:///nonexistent",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": os.environ.get("LOG_LEVEL", "INFO"),
    }


def listen(port: int) -> socket.socket:
    """A listening socket on loopback; port 0 takes a free one. Raises OSError when the port is taken."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((LOOPBACK, port))
    listener.listen(128)
    return listener


async def serve(app: Any, listener: socket.socket, *, supervised: bool) -> None:
    """Serve until SIGTERM or SIGINT, or when `supervised` until standard input closes: the parent ended."""
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, stop.set)
    if supervised:
        threading.Thread(target=_stop_with_the_parent, args=(loop, stop), daemon=True).start()
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.loglevel = "WARNING"

    async def stopped() -> None:
        await stop.wait()

    await hypercorn_serve(app, config, shutdown_trigger=stopped)


def _stop_with_the_parent(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    sys.stdin.buffer.read()
    threading.Timer(SHUTDOWN_SECONDS, _end_process_group).start()
    with contextlib.suppress(RuntimeError):  # the loop has ended by itself
        loop.call_soon_threadsafe(stop.set)


def _end_process_group() -> None:
    """End this process and all that it started: Lambda workers, trainers, endpoints."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main(arguments: list[str] | None = None) -> None:
    """Run the embedded cloud in this process until it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m local.server", description=main.__doc__)
    parser.add_argument("--state-dir", type=Path, required=True, help="everything that it writes goes here")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument("--wait-scale", type=float, default=1.0, help="factor on Wait states and retry intervals")
    parser.add_argument("--persist", action="store_true", help="keep the accounts' resources across a restart")
    parser.add_argument("--supervised", action="store_true", help="stop when standard input closes")
    options = parser.parse_args(arguments)

    state_dir: Path = options.state_dir.resolve()
    for folder in DATA_FOLDERS:
        (state_dir / folder).mkdir(parents=True, exist_ok=True)
    listener = listen(options.port)
    port: int = listener.getsockname()[1]
    word = os.environ.pop(faults.SETTING, "")  # nothing that this process starts knows it
    os.environ.update(emulator_environment(state_dir, port, wait_scale=options.wait_scale, persist=options.persist))

    from local import patches, sagemaker

    patches.apply_all()
    sagemaker.register()
    from ministack.app import app

    if word:
        from local.faults.middleware import faulty

        app = faulty(app, word)

    (state_dir / ENDPOINT_FILE).write_text(f"http://{LOOPBACK}:{port}\n")
    asyncio.run(serve(app, listener, supervised=options.supervised))
    if options.supervised:
        _end_process_group()


if __name__ == "__main__":
    main()
