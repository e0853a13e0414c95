"""A nursery: a process that has imported what its children need, and from which each of them is forked.

Training and serving import for four CPU seconds, a Lambda worker's botocore for half of its cold start. A nursery has
one thread only, and ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
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
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

_KILLED = -int(signal.SIGKILL)
_REQUEST_BYTES = 65_536  # Lambda's own limit for a function's variables is 4 KB


class Child:
    """A process of the nursery; has the parts of `subprocess.Popen` that are used here."""

    stdin: IO[str] | None = None
    stdout: IO[str] | None = None
    stderr: IO[str] | None = None

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
    """A nursery, seen from the process that has its children there: it imports `modules` in this `environment`.

    A module that ends in `.py` is run as a file.
    """

    def __init__(self, environment: Mapping[str, str], modules: Sequence[str]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                # -P: a program finds no module because the nursery lies beside it.
                [sys.executable, "-P", __file__, str(theirs.fileno()), *modules],
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

    def run_module(self, module: str, folder: Path, log: Path) -> Child:
        """Run a module as `python -m module folder` does, its output in a log. Raises OSError when the nursery died."""
        with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
            return self._start([nothing, output, output], module=module, arguments=[str(folder)])

    def run_file(self, file: Path, folder: Path, environment: Mapping[str, str]) -> Child:
        """Run a file as `python file` does, in a folder and an environment of its own, its standard streams as text
        pipes. Raises OSError when the nursery died.
        """
        with contextlib.ExitStack() as theirs:
            ends, streams = [], []
            for ours_mode, their_mode in (("w", "r"), ("r", "w"), ("r", "w")):
                read, write = os.pipe()
                ours, their = (write, read) if ours_mode == "w" else (read, write)
                ends.append(theirs.enter_context(os.fdopen(their, their_mode)))
                streams.append(os.fdopen(ours, ours_mode, buffering=1))
            child = self._start(ends, file=str(file), folder=str(folder), environment=dict(environment))
        child.stdin, child.stdout, child.stderr = streams
        return child

    def _start(self, streams: Sequence[IO[Any]], **request: Any) -> Child:
        done, theirs = os.pipe()
        child = Child(0, done)
        try:
            with self._lock:
                fds = [theirs, *(stream.fileno() for stream in streams)]
                socket.send_fds(self._socket, [json.dumps(request).encode()], fds)
                answer = self._socket.recv(16)
        finally:
            os.close(theirs)
        if not answer:
            raise ChildProcessError("the process that others are forked from has ended; its message is above")
        child.pid = int(answer)
        return child


def main(channel: socket.socket, modules: Sequence[str]) -> None:
    """Import the modules, then fork a child for each request until the other side is gone."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' advice to their own developers
        for module in modules:
            if module.endswith(".py"):
                runpy.run_path(module, run_name="__main__")
            else:
                importlib.import_module(module)
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads > 1:  # a lock that one of them holds would be held forever in each child
        raise RuntimeError(f"a library started {threads - 1} threads on import, so nothing can be forked")
    gc.collect()
    gc.freeze()  # children share these pages as long as nobody writes to them
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the waiter for a child reads its pipe
    while True:
        request, fds, _, _ = socket.recv_fds(channel, _REQUEST_BYTES, 4)
        if not request:
            return
        pid = os.fork()
        if not pid:
            channel.close()
            _run(json.loads(request), *fds)
        for fd in fds:
            os.close(fd)
        channel.send(str(pid).encode())


def _run(request: dict[str, Any], done: int, *streams: int) -> None:
    """Be the child: run its program, report its exit code, end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.set_inheritable(done, False)
    for standard, stream in enumerate(streams):
        os.dup2(stream, standard)
        os.close(stream)
    code = 1
    try:
        if "file" in request:
            os.environ.clear()
            os.environ.update(request["environment"])
            os.chdir(request["folder"])
            sys.argv = [request["file"]]
            sys.path.insert(0, str(Path(request["file"]).parent))
            runpy.run_path(request["file"], run_name="__main__")
        else:
            warnings.simplefilter("ignore")
            sys.argv = [request["module"], *request["arguments"]]
            runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
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
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
