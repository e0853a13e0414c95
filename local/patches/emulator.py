"""How a patch applies to the emulator: only to the release, and to the exact source, that it was written for."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

EMULATOR: Final = "ministack"
RELEASE: Final = "1.5.33"


class EmulatorChanged(Exception):
    """The installed emulator is not the one that the patches were written for; names what differs and what to do."""


def require_release() -> None:
    """Raise EmulatorChanged unless the installed emulator is the pinned release."""
    installed = version(EMULATOR)
    if installed != RELEASE:
        raise EmulatorChanged(
            f"{EMULATOR} {installed} is installed, the patches in local/patches are for {RELEASE}: install "
            "requirements/cloud.txt, or upgrade deliberately and run tests/contract/patches"
        )


def digest(subject: Any) -> str:
    """The first 12 hexadecimal digits of the SHA-256 of a function's source, or of a text."""
    source = subject if isinstance(subject, str) else inspect.getsource(subject)
    return hashlib.sha256(source.encode()).hexdigest()[:12]


def original(owner: Any, name: str, source: str) -> Any:
    """The emulator's own `owner.name`, whose `digest` must be `source`; raises EmulatorChanged when it is not."""
    current = getattr(owner, name, None)
    if current is None:
        raise EmulatorChanged(f"{EMULATOR} {RELEASE}: {owner.__name__}.{name}, which a patch replaces, is gone")
    # A symbol may carry several patches: the check is always against what the emulator ships.
    shipped = getattr(current, "_shipped", current)
    if digest(shipped) != source:
        raise EmulatorChanged(
            f"{EMULATOR} {RELEASE}: {owner.__name__}.{name} has changed (source digest {digest(shipped)}, expected "
            f"{source}): read it again, then rewrite the patch or accept the new digest"
        )
    return current


def wrap(owner: Any, name: str, source: str, around: Callable[[Any], Any]) -> None:
    """Replace `owner.name` by `around(original)`, also where other modules of the emulator imported it by name."""
    before = original(owner, name, source)
    after = around(before)
    after._shipped = getattr(before, "_shipped", before)
    setattr(owner, name, after)
    for module_name, module in list(sys.modules.items()):
        if module_name.startswith(EMULATOR) and vars(module).get(name) is before:
            setattr(module, name, after)
