"""`make up`: the embedded cloud with a deployed platform and an on-boarded tenant, until Ctrl-C.

    python -m local.up [--data PATH --target COLUMN] [--port PORT] [--out build/local]

Writes `env` (the SaaS account's operator, and the tenant's API) and `customer.env` (the customer's account): shell
files to source, readable by their owner alone, removed when it ends. Serves the operators' page (`local/console`). With
`--data` it trains a model at once.

Exit code 0 after Ctrl-C or SIGTERM, whenever it comes; 1 when there is one already, or when it does not come up.
"""

from __future__ import annotations

import argparse
import fcntl
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Start everything, print how to use it, and stay until Ctrl-C or SIGTERM."""
    # A shell starts background jobs with SIGINT ignored; here it must end the cloud.
    for signal_number in _SIGNALS:
        signal.signal(signal_number, _end)
    try:
        return _run(_options(arguments))
    except KeyboardInterrupt:
        print("\n  stopped, and nothing of it runs any more", flush=True)
        return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.up", description=main.__doc__)
    parser.add_argument("--data", type=Path, help="a CSV of your own to train from at once")
    parser.add_argument("--target", help="the column to predict, with --data")
    parser.add_argument(
        "--port", type=int, default=0, help="the cloud's port on loopback; 0 takes a free one (default)"
    )
    parser.add_argument("--out", type=Path, default=Path("build/local"), help="where the shell files and the log go")
    options = parser.parse_args(arguments)
    if (options.data is None) != (options.target is None):
        parser.error("--data and --target go together: make up DATA=file.csv TARGET=column")
    if options.data and not options.data.is_file():
        parser.error(f"there is no file {options.data}")
    return options


def _run(options: argparse.Namespace) -> int:
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    with (out / "lock").open("w") as lock:  # held as long as this process lives, however it ends
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(_already_up(out), file=sys.stderr)
            return 1
        try:
            return _stay(options, out)
        except KeyboardInterrupt:
            print(f"\n  stopped: all that was in it is gone; what it logged is in {out / 'cloud'}", flush=True)
            return 0


def _stay(options: argparse.Namespace, out: Path) -> int:
    # All that takes time to load, now that Ctrl-C is taken care of.
    from local import place
    from local.cloud import EmbeddedCloudError
    from local.console.process import ConsoleError
    from local.deploy import StackFailed
    from local.package import BuildFailed
    from local.scenario import Plan, model_name
    from local.screen import Screen
    from tenantml_cli.errors import CommandError

    screen = Screen(sys.stdout)
    screen.title("TenantML", "on this machine, until Ctrl-C")
    plan = place.sample_plan(out)
    if options.data:
        plan = Plan(place.TENANT, options.data, options.target, model_name(options.data))
    try:
        with place.kept(out, options.port, screen) as (platform, tenant):
            screen.title("Pages")
            for line in (out / place.PAGES_FILE).read_text(encoding="utf-8").splitlines():
                screen.line(line)
            screen.title("How to use it")
            for line in place.how_to(out, plan, is_trained=bool(options.data)).splitlines():
                screen.line(line)
            if options.data:
                screen.title("Training", f"{plan.model} from {plan.data}")
                place.train(platform, tenant, plan, screen)
            screen.title("Up", f"Ctrl-C ends it and removes all that is in it; its logs stay in {out / 'cloud'}")
            threading.Event().wait()
    except (EmbeddedCloudError, ConsoleError, BuildFailed, StackFailed, CommandError) as error:
        screen.failed(getattr(error, "code", type(error).__name__), str(error))
        return 1
    return 0


def _end(*_: int | FrameType | None) -> NoReturn:
    """End it all, once: what follows the first signal must not break off the removal that it began."""
    for signal_number in _SIGNALS:
        signal.signal(signal_number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _already_up(out: Path) -> str:
    from local.place import PAGES_FILE
    from local.server import ENDPOINT_FILE

    endpoint, pages = out / "cloud" / ENDPOINT_FILE, out / PAGES_FILE
    state = f"is up at {endpoint.read_text().strip()}" if endpoint.exists() else "is starting or ending"
    lines = [f"A cloud {state}, with its state in {out / 'cloud'}."]
    lines += [f"  {line}" for line in pages.read_text().splitlines()] if pages.exists() else []
    lines += [
        f"Use it with `. {out / 'env'}`, end it with Ctrl-C in its shell, or start another one:",
        "  .venv/bin/python -m local.up --out build/other",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
