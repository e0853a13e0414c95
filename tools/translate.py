"""`python -m tools.translate SAM_TEMPLATE OUTPUT`: the CloudFormation template that SAM makes of ours, for the linters.

On an untranslated template cfn-lint and checkov pass in silence over what SAM generates: roles, permissions, the API.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

_PATH_PROPERTIES = ("CodeUri", "ContentUri", "DefinitionUri")


class _NoManagedPolicies:
    """Policies are referenced by ARN, never by the bare name that SAM would look up in IAM."""

    def load(self) -> dict[str, str]:
        return {}


def translated(template_path: Path) -> dict[str, Any]:
    """The template after the SAM transform, with local paths pointing at a bucket as after packaging.

    Raises:
        samtranslator.model.exceptions.InvalidDocumentException: SAM refuses the template; `causes` say where.
    """
    template: dict[str, Any] = yaml_parse(template_path.read_text())
    named = {"functions": template.get("Globals", {}).get("Function", {})}
    named |= {logical_id: resource.get("Properties", {}) for logical_id, resource in template["Resources"].items()}
    for owner, properties in named.items():
        for name in _PATH_PROPERTIES:
            if isinstance(properties.get(name), str):
                properties[name] = f"s3://packaged/{owner}"
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")  # the transform asks boto3 for the partition
    result: dict[str, Any] = transform(template, {}, _NoManagedPolicies())
    return result


if __name__ == "__main__":
    output = Path(sys.argv[2])
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(translated(Path(sys.argv[1])), default=str, indent=1))
