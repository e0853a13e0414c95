"""What the embedded cloud's processes take: its own, those of our functions, and the doubles of SageMaker's."""

from __future__ import annotations

import threading
from collections import defaultdict
from typing import Any

import psutil

EMULATOR, FUNCTIONS, DOUBLES = "emulator", "functions", "trainers and endpoints"
KINDS = (EMULATOR, FUNCTIONS, DOUBLES)
PREDICT = "-PredictFunction-"  # in the folder where a worker of it runs
SECONDS = 1.0
MEGABYTE = 1024 * 1024


class Watch:
    """Looks at a process and all below it once a second, from `with` to its end."""

    def __init__(self, process_id: int) -> None:
        self._root = psutil.Process(process_id)
        self._cpu: dict[tuple[str, int, float], float] = {}
        self._predicting: dict[tuple[int, float], float] = {}
        self._most: dict[str, dict[str, float]] = {kind: defaultdict(float) for kind in KINDS}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._look()
        self._began, self._predicted = self.cpu_seconds(), sum(self._predicting.values())
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._look()

    def found(self) -> dict[str, Any]:
        """Return by kind the CPU seconds since the beginning, their share, and the most that there was at once:
        memory of the largest process, open files and processes of all.
        """
        spent = {kind: seconds - self._began[kind] for kind, seconds in self.cpu_seconds().items()}
        whole = sum(spent.values()) or 1.0
        return {kind: {"cpu_seconds": spent[kind], "share": spent[kind] / whole, **self._most[kind]} for kind in KINDS}

    def predict_seconds(self) -> float:
        """Return the CPU seconds of the predict function since the beginning."""
        return sum(self._predicting.values()) - self._predicted

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU seconds by kind since ever, those of processes that have ended included."""
        found = dict.fromkeys(KINDS, 0.0)
        for (kind, *_), seconds in self._cpu.items():
            found[kind] += seconds
        return found

    def _run(self) -> None:
        while not self._over.wait(SECONDS):
            self._look()

    def _look(self) -> None:
        now: dict[str, dict[str, float]] = {kind: defaultdict(float) for kind in KINDS}
        for process in [self._root, *self._root.children(recursive=True)]:
            try:
                with process.oneshot():
                    kind = self._kind(process)
                    times = process.cpu_times()
                    self._cpu[kind, process.pid, process.create_time()] = times.user + times.system
                    if kind == FUNCTIONS and PREDICT in process.cwd():
                        self._predicting[process.pid, process.create_time()] = times.user + times.system
                    largest = max(now[kind]["largest_mb"], process.memory_info().rss / MEGABYTE)
                    now[kind]["largest_mb"] = largest  # a sum would count what they share many times
                    now[kind]["open_files"] += process.num_fds()
                    now[kind]["processes"] += 1
            except psutil.Error:
                continue  # it ended meanwhile
        for kind, values in now.items():
            for name, value in values.items():
                self._most[kind][name] = max(value, self._most[kind][name])

    def _kind(self, process: psutil.Process) -> str:
        if process.pid == self._root.pid:
            return EMULATOR
        return DOUBLES if any("double_" in word for word in process.cmdline()) else FUNCTIONS
