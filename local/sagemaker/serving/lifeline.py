"""A process that must not outlive the one that started it."""

import os
import threading


def exit_with_parent(poll_seconds: float = 0.5) -> None:
    """End this process within `poll_seconds` of its parent's death, whatever ended the parent.

    A poll of the parent's id rather than PR_SET_PDEATHSIG: that signal follows the *thread* that started us, and the
    embedded cloud starts its children from worker threads that come and go.
    """
    parent = os.getppid()

    def watch() -> None:
        never = threading.Event()
        while os.getppid() == parent:
            never.wait(poll_seconds)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
