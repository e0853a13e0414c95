"""What `make deploy` does before and after the SAM CLI.

    python -m tools.deployment check STACK      # before anything is built
    python -m tools.deployment finish STACK     # publish the on-boarding template, and say what comes next

It needs nothing but boto3, which the SAM CLI's environment has.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

TEMPLATE = Path(__file__).resolve().parents[1] / "onboarding" / "customer_access.yaml"
BUCKET_CHARACTERS = 63  # S3 user guide, "General purpose bucket naming rules"
ROLE_CHARACTERS = 64  # IAM user guide, "IAM and AWS STS quotas"
ACCOUNT_DIGITS = 12
NEW_STACK = """
A new stack needs about 15 minutes before the first upload, so wait until {:%H:%M} UTC: S3 sends events of a new bucket
to EventBridge only after some minutes, and a bucket whose versioning was just switched on may answer 404 for objects
that exist (S3 user guide, "Enabling Amazon EventBridge", "Enabling versioning on buckets").
"""
NEEDS, NEW = timedelta(minutes=15), timedelta(hours=1)


def wrong_name(stack: str, region: str) -> str | None:
    """Say why a stack of this name cannot be created in a region, or None: its buckets and roles are named after it."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*[a-z0-9]", stack):
        return f"STACK={stack}: expected a-z, 0-9 and inner hyphens, starting with a letter: buckets are named after it"
    bucket = f"{stack}-onboarding-{'0' * ACCOUNT_DIGITS}-{region}"
    role = f"{stack}-tenant-data-{region}"
    most = min(len(stack) - len(bucket) + BUCKET_CHARACTERS, len(stack) - len(role) + ROLE_CHARACTERS)
    if len(stack) > most:
        return f"STACK={stack}: in {region} a stack's name has at most {most} characters, as buckets are named after it"
    return None


def check(stack: str) -> str | None:
    """Say why the stack cannot be deployed from here, or None.

    The region and the credentials are those that any AWS client finds: environment, profile, role.
    """
    session = boto3.Session()
    if not session.region_name:
        return "no region: set AWS_DEFAULT_REGION, such as AWS_DEFAULT_REGION=eu-central-1 (boto3 reads no AWS_REGION)"
    if wrong := wrong_name(stack, session.region_name):
        return wrong
    try:
        account = session.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        return f"no credentials that AWS accepts: set AWS_PROFILE, or sign in ({error})"
    return ended_grants(session.client("s3"), f"{stack}-staging-{account}-{session.region_name}")


def ended_grants(s3: Any, bucket: str) -> str | None:
    """Say which grants an update of an earlier stack would end, or None: they stood in the policy of its staging
    bucket, which the update replaces (docs/decisions/0046-grants-as-access-points.md).
    """
    try:
        statements = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    except ClientError:  # a new stack, or one of which we may not read it: the deployment itself says so
        return None
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    grants = [one for one in statements if str(one.get("Sid", "")).startswith("TenantmlGrant")]
    last = max((one["Condition"]["DateLessThan"]["aws:CurrentTime"] for one in grants), default=now)
    if last <= now or os.environ.get("END_GRANTS") == "yes":
        return None
    return (
        f"executions have grants in the policy of {bucket}, the last until {last}, and this update ends them: a "
        "training that still reads there fails. Deploy when they have ended, or with END_GRANTS=yes "
        "(docs/operations.md, Grants)"
    )


def publish(s3: Any, bucket: str) -> str:
    """Write the on-boarding template into its bucket, under the SHA-256 of its content, and return that."""
    content = TEMPLATE.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    s3.put_object(Bucket=bucket, Key=f"customer_access-{sha256}.yaml", Body=content, ContentType="application/yaml")
    return sha256


def finish(stack: str) -> None:
    """Publish the on-boarding template of a deployed stack, and print what an operator has to know."""
    description = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in description["Outputs"]}
    print(f"On-boarding template: SHA-256 {publish(boto3.client('s3'), outputs['OnboardingBucket'])}")
    # A stack that a change set made has a LastUpdatedTime from the start, so its age says whether it is new.
    now = datetime.now(UTC)
    if now - description["CreationTime"] < NEW:
        print(NEW_STACK.strip().format(now + NEEDS))


def main(command: str, stack: str) -> str | None:
    """Run a command; return what is wrong, or None."""
    if command == "check":
        return check(stack)
    finish(stack)
    return None


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
