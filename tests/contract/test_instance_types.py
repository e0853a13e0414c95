"""The instance types that a model's settings take are those of SageMaker's service model."""

from __future__ import annotations

from tenantml.domain.training.instance_types import INSTANCE_TYPES
from tools import instance_types


def test_the_generated_module_is_as_the_service_model_says() -> None:
    text = instance_types.MODULE.read_text(encoding="utf-8")
    assert text == instance_types.module(instance_types.known()), "run `make docs` and commit what it writes"
    assert set(INSTANCE_TYPES) == set(instance_types.known())
