"""`python -m tools.image_registries`: write the accounts of SageMaker's image registries into the on-boarding template,
and the regions that it knows into the domain.

They are those of the images that Autopilot's jobs and candidates use, as `sagemaker` 2.257.7 names them in its
`image_uri_config`, and one more that only an example of AWS shows.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
TEMPLATE = REPOSITORY / "onboarding/customer_access.yaml"
MODULE = REPOSITORY / "layers/core/tenantml/domain/tenancy/regions.py"
HEAD = '''"""The regions that a tenant's account may be in: the template knows SageMaker's image registries there.

`make docs` generates this module beside the template's mapping.
"""

from __future__ import annotations

REGIONS = (
'''
IMAGES = ("autogluon", "clarify", "linear-learner", "mxnet", "sklearn", "xgboost")
# SageMaker developer guide, "Deploy an Autopilot model": the image `sagemaker-sklearn-automl` of its example.
OF_THE_GUIDE = {"us-west-2": "348316444620"}
PARTITIONS = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
ISOLATED = "us-iso"  # regions of other partitions, which we do not support
BEGIN, END = "  # generated: registries\n", "  # /generated\n"


def registries() -> dict[str, list[str]]:
    """Return the accounts that hold the images, by region."""
    spec = importlib.util.find_spec("sagemaker")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "image_uri_config"
    found: dict[str, set[str]] = {region: {account} for region, account in OF_THE_GUIDE.items()}
    for image in IMAGES:
        for region, account in _entries(json.loads((folder / f"{image}.json").read_text(encoding="utf-8"))):
            if not region.startswith(ISOLATED):
                found.setdefault(region, set()).add(account)
    return {region: sorted(found[region]) for region in sorted(found)}


def _entries(config: Any) -> Iterator[tuple[str, str]]:
    if isinstance(config, dict):
        yield from config.get("registries", {}).items()
        for value in config.values():
            yield from _entries(value)


def mapping(accounts: dict[str, list[str]]) -> str:
    """Return the lines of the template's mapping: the repositories of each region as ARNs."""
    lines = []
    for region, ids in accounts.items():
        partition = next((name for start, name in PARTITIONS.items() if region.startswith(start)), "aws")
        arns = ", ".join(f'"arn:{partition}:ecr:{region}:{account}:repository/*"' for account in ids)
        lines.append(f"    {region}: {{Repositories: [{arns}]}}\n")
    return "".join(lines)


def written(template: str) -> str:
    """Return the template with the mapping as it is now."""
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}{mapping(registries())}{END}", template)


def module() -> str:
    """Return the module that holds the regions."""
    return HEAD + "".join(f'    "{region}",\n' for region in registries()) + ")\n"


if __name__ == "__main__":
    MODULE.write_text(module(), encoding="utf-8")
    TEMPLATE.write_text(written(TEMPLATE.read_text(encoding="utf-8")), encoding="utf-8")
