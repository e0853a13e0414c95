"""What a pass has found so far, as bytes: the next process resumes from them.

They are a pickle, which may name only what a pass is made of: bytes that somebody else made run nothing (Python's
documentation of pickle, "Restricting Globals").
"""

from __future__ import annotations

import io
import pickle  # nosec B403 - `loads` makes nothing but what a pass is made of
from typing import Any

_PASSES = "tenantml_analysis.inspection."
_VALUES = {
    ("tenantml.domain.training.holdout_rule", "HoldoutRule"),
    ("builtins", "set"),
    ("builtins", "frozenset"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
}


def dumps(found: Any) -> bytes:
    """Return what `loads` makes the same of: an inspector, and what else a checkpoint holds in plain values."""
    return pickle.dumps(found, protocol=pickle.HIGHEST_PROTOCOL)


def loads(content: bytes) -> Any:
    """Return what was stored.

    Raises:
        pickle.UnpicklingError: the bytes name something that no pass is made of.
    """
    return _Unpickler(io.BytesIO(content)).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if "." not in name and (module.startswith(_PASSES) or (module, name) in _VALUES):
            found = super().find_class(module, name)
            if isinstance(found, type) or (module, name) in _VALUES:
                return found
        raise pickle.UnpicklingError(f"a checkpoint holds no {module}.{name}")
