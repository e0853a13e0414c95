"""`python -m tools.instance_types`: write SageMaker's instance types, from its service model, into the domain."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import botocore.session
from botocore.model import StringShape

REPOSITORY = Path(__file__).resolve().parents[1]
MODULE = REPOSITORY / "layers/core/tenantml/domain/training/instance_types.py"
HEAD = '''"""The instance types of an endpoint, from SageMaker's service model (`ProductionVariantInstanceType`).

`make docs` generates this module: no function loads the service model on its request path.
"""

from __future__ import annotations

FAMILIES = {
'''
TAIL = """}
INSTANCE_TYPES = tuple(f"ml.{family}.{size}" for family, sizes in FAMILIES.items() for size in sizes.split())
"""


def known() -> list[str]:
    """Return the instance types of endpoints, in the order of the service model."""
    service = botocore.session.get_session().get_service_model("sagemaker")
    shape = service.shape_for("ProductionVariantInstanceType")
    assert isinstance(shape, StringShape)
    return list(shape.enum)


def module(types: Iterable[str]) -> str:
    """Return the module that holds the instance types."""
    families: dict[str, list[str]] = {}
    for name in types:
        _, family, size = name.split(".")
        families.setdefault(family, []).append(size)
    return HEAD + "".join(f'    "{family}": "{" ".join(sizes)}",\n' for family, sizes in families.items()) + TAIL


if __name__ == "__main__":
    MODULE.write_text(module(known()), encoding="utf-8")
