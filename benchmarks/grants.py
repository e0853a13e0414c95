"""`python -m benchmarks.grants [--uploads 200] [--delivery copy|in-place] [--speed 10]`: many tenants' uploads at once.

Each upload is a thread that grants, reads for a while and revokes, with the real code on moto and with the retries of
the definition; what AWS would take is slept, `--speed` times faster. In place, nobody revokes before all have been
granted. The assumed times are in `SECONDS`: AWS documents none. moto itself takes a few milliseconds of CPU for each
call, and they count `--speed` times: what is printed is an upper bound.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from moto import mock_aws

from tenantml.aws.clients import platform
from tenantml.domain.names import CustomerAccount, Roles
from tenantml.domain.training.model_settings import COPY, IN_PLACE, ModelSettings
from tenantml.domain.training.run import Run
from tenantml.errors import TenantMLError
from tenantml.services import grants

SECONDS = {"PutBucketPolicy": 0.5, "CreateAccessPoint": 0.5, "PutAccessPointPolicy": 0.5, "DeleteAccessPoint": 0.5}
OTHERWISE = {"dynamodb": 0.01, "s3": 0.05, "s3-control": 0.05}
COPY_SECONDS = 3.0
BUCKET, REGION, SAAS = "tenantml-staging", "us-east-1", "123456789012"
KEYS = {"AttributeName": "bucket", "KeyType": "HASH"}, {"AttributeName": "grant_id", "KeyType": "RANGE"}
DEFINITION = json.loads((Path(__file__).parents[1] / "statemachine" / "training.asl.json").read_text())["States"]


def at_aws(speed: float) -> None:
    """Let each call take as long as AWS may, `speed` times faster."""

    def wait(event_name: str, **_: Any) -> None:
        service, operation = event_name.split(".")[1:3]
        time.sleep(SECONDS.get(operation, OTHERWISE[service]) / speed)

    for service, event in (("dynamodb", "dynamodb"), ("s3", "s3"), ("s3control", "s3-control")):
        platform(service).meta.events.register_first(f"before-send.{event}", wait)


def as_the_definition_says(state: str, attempt: Any, speed: float, failed: Counter[str]) -> bool:
    """Try as often, and with such waits, as the state's retriers say; return whether it succeeded."""
    tries: Counter[int] = Counter()
    while True:
        try:
            attempt()
            return True
        except TenantMLError as error:
            kind = type(error).__name__
        for number, retrier in enumerate(DEFINITION[state]["Retry"]):
            if kind in retrier["ErrorEquals"] and tries[number] < retrier["MaxAttempts"]:
                growing = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** tries[number]
                wait = min(retrier.get("MaxDelaySeconds", growing), growing)
                is_full = retrier.get("JitterStrategy") == "FULL"
                time.sleep((random.uniform(0, wait) if is_full else wait) / speed)
                tries[number] += 1
                break
        else:
            failed[kind] += 1
            return False


def account(number: int) -> CustomerAccount:
    """Return a tenant's account, another for each."""
    account_id, tenant, prefix = f"{400000000000 + number}", f"tenant{number}", "tml-abc234"
    return CustomerAccount(
        account_id, REGION, tenant, prefix, Roles.named(account_id, REGION, "tenantml", tenant, prefix)
    )


def measure(uploads: int, delivery: str, speed: float) -> dict[str, Any]:
    """Return how long uploads of as many tenants waited for their grants, in AWS's seconds, and what failed."""
    settings, failed, granted = ModelSettings("y", delivery=delivery), Counter[str](), list[float]()
    grants.revoke("nobody")  # moto learns its services at their first calls, and not from many threads at once
    grants.sweep()
    all_granted = threading.Barrier(uploads)
    began = time.monotonic()

    def upload(number: int) -> None:
        run = Run(f"tenant{number}-churn-{number:016x}", f"tenant{number}", "churn", "v20261122-170301-9f3c")
        key = f"{run.staging_folder}train.csv"

        def grant() -> None:
            grants.grant(run, account(number), BUCKET, key, settings)

        if as_the_definition_says("GrantAccess", grant, speed, failed):
            granted.append((time.monotonic() - began) * speed)
        if delivery == IN_PLACE:
            all_granted.wait()
        time.sleep(COPY_SECONDS / speed)
        as_the_definition_says("RevokeCopyAccess", lambda: grants.revoke(run.execution), speed, failed)

    with ThreadPoolExecutor(max_workers=uploads) as pool:
        list(pool.map(upload, range(uploads)))
    whole = (time.monotonic() - began) * speed
    granted.sort()
    at = {
        name: granted[min(len(granted) - 1, int(len(granted) * part))] for name, part in (("p50", 0.5), ("p99", 0.99))
    }
    return {
        "uploads": uploads,
        "delivery": delivery,
        "granted": len(granted),
        "failed": dict(failed),
        "seconds_to_grant": at | {"max": granted[-1]},
        "seconds_in_all": whole,
        "left": len(grants.standing()),
    }


def main() -> None:
    """Measure, and print it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--uploads", type=int, default=200)
    parser.add_argument("--delivery", choices=[COPY, IN_PLACE], default=COPY)
    parser.add_argument("--speed", type=float, default=10.0)
    asked = parser.parse_args()
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": REGION,
        "GRANTS_TABLE": "grants",
        "STAGING_BUCKET": BUCKET,
        "PLATFORM_ACCOUNT": SAAS,
    }
    with mock_aws():
        platform("dynamodb").create_table(
            TableName="grants",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=list(KEYS),
            AttributeDefinitions=[{"AttributeName": key["AttributeName"], "AttributeType": "S"} for key in KEYS],
        )
        platform("s3").create_bucket(Bucket=BUCKET)
        at_aws(asked.speed)
        print(json.dumps(measure(asked.uploads, asked.delivery, asked.speed), indent=1))


if __name__ == "__main__":
    main()
