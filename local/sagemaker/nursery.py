"""The nursery: a process that has imported what training and serving need, and from which each trainer and server
is forked.

These imports take four CPU seconds for each job and each endpoint. The nursery is started when the first process is
requested, has one thread only, and ends with the process that started it.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import traceback
import warnings
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path

_KILLED = -int(signal.SIGKILL)


class Child:
    """A process of the nursery; has the parts of `subprocess.Popen` that are used here."""

    def __init__(self, pid: int, done: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._done, self._lock = Connection(done, writable=False), threading.Lock()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs; a killed process leaves none, and gets SIGKILL's."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end; raises `subprocess.TimeoutExpired`."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0)
        return code

    def terminate(self) -> None:
        """Ask it to end; harmless when it has ended."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None and self._done.poll(timeout):
            with self._lock:  # a second waiter finds nothing to read
                if self.returncode is None:
                    self.returncode = int(os.read(self._done.fileno(), 16) or _KILLED)
        return self.returncode


class Nursery:
    """The nursery, seen from the process that has its trainers and servers there."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._lock = threading.Lock()

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def close(self) -> None:
        """End it; its children end by themselves."""
        self._socket.close()
        self._process.wait()

    def start(self, module: str, folder: Path, log: Path) -> Child:
        """Run a module as `python -m module folder` does, its output in a log. Raises OSError when the nursery died."""
        done, theirs = os.pipe()
        child = Child(0, done)
        try:
            with self._lock:
                socket.send_fds(self._socket, [json.dumps([module, str(folder), str(log)]).encode()], [theirs])
                answer = self._socket.recv(16)
        finally:
            os.close(theirs)
        if not answer:
            raise ChildProcessError(
                "the process that trainers and servers are forked from has ended; its message is above"
            )
        child.pid = int(answer)
        return child


def main(channel: socket.socket) -> None:
    """Import what children need, then fork one for each request until the other side is gone."""
    # The libraries are imported for their effect: children find them loaded.
    import lightgbm  # noqa: F401
    import xgboost  # noqa: F401

    from local.sagemaker.serving import containers, server  # noqa: F401
    from local.sagemaker.trainer import training  # noqa: F401

    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:  # a lock that one of them holds would be held forever in each child
        raise RuntimeError(f"a library started {threads - 1} threads on import, so nothing can be forked")
    gc.collect()
    gc.freeze()  # children share these pages as long as nobody writes to them
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the waiter for a child reads its pipe
    while True:
        request, fds, _, _ = socket.recv_fds(channel, 4096, 1)
        if not request:
            return
        pid = os.fork()
        if not pid:
            channel.close()
            _run(*json.loads(request), done=fds[0])
        os.close(fds[0])
        channel.send(str(pid).encode())


def _run(module: str, folder: str, log: str, *, done: int) -> None:
    """Be the child: run its module, report its exit code, end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.set_inheritable(done, False)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for standard in (1, 2):
        os.dup2(output, standard)
    sys.argv = [module, folder]
    code = 1
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os.write(done, str(code).encode())
        os._exit(code)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the libraries' advice to their own developers
    main(socket.socket(fileno=int(sys.argv[1])))
