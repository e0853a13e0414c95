"""`python -m tools.policies TEMPLATE...`: parliament on every policy of CloudFormation templates."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parliament import analyze_policy_string
from samtranslator.yaml_helper import yaml_parse

from tools.policy_documents import documents

_ANY_ROLE = "arn:aws:iam::111111111111:role/any"
# Findings that are not faults here: (pattern, reason). Anything else fails the check.
_ACCEPTED = [
    (r": NO_VERSION ", "SAM writes none; the versions differ in policy variables only, and we use none"),
    (
        r"WriteBucketPolicyFunctionRole.* RESOURCE_POLICY_PRIVILEGE_ESCALATION .*:accesspoint/tml-",
        "it writes the policies of access points, each of them a grant: that is the task of this one",
    ),
    (
        r" RESOURCE_MISMATCH \[({'action': 'states:(List|Describe)Executions?', '\w+': '\S+:(mapRun|express):\S+ ?)+]$",
        "parliament wants every alternative of the resource; a standard execution is one",
    ),
    (
        r" RESOURCE_MISMATCH \[{'action': 'states:SendTaskSuccess', ",
        "the reference has no resource for it; AWS checks the machine of the token: local/patches/stepfunctions_iam.py",
    ),
    (
        r"ExecutionRolesVpc\.\S+ RESOURCE_MISMATCH \[{'action': 'ec2:CreateNetworkInterface', ",
        "parliament wants all three kinds of resource in one statement; each has its own, with its own condition",
    ),
]


def findings(document: dict[str, Any]) -> Iterator[str]:
    """Parliament's findings in a policy document."""
    statements = document["Statement"] if isinstance(document["Statement"], list) else [document["Statement"]]
    # A trust policy names no resource, which parliament reports as a mistake.
    complete = [s if "NotResource" in s else {"Resource": _ANY_ROLE} | s for s in statements]
    for finding in analyze_policy_string(json.dumps(document | {"Statement": complete}, default=str)).findings:
        yield f"{finding.issue} {finding.detail}"


def main(paths: list[str]) -> int:
    """Print the findings; 1 when there are any, or when there was nothing to check."""
    checked = failed = 0
    for path in paths:
        for name, document in documents(yaml_parse(Path(path).read_text())):
            checked += 1
            for finding in findings(document):
                line = f"{path}: {name}: {finding}"
                if not any(re.search(pattern, line) for pattern, _ in _ACCEPTED):
                    failed += 1
                    print(line)
    print(f"{checked} policies, {failed} findings")
    return int(failed > 0 or checked == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
