"""The stage of the prediction benchmarks: an embedded cloud, two tenants with a trained model each, rows to send."""

from __future__ import annotations

import csv
import http.client
import io
import json
import tempfile
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local import SAAS_ACCOUNT, sample
from local.cloud import EmbeddedCloud
from local.onboard import onboard
from local.platform import WAIT_SCALE, Platform
from tenantml_cli.tenant_api import TenantApi

MODEL = "churn"
TRAINING_ROWS = 1200
TRAINING_SECONDS = 240.0
UNLIMITED = {"requests_per_second": 10**6, "requests_per_day": 10**9, "rows_per_day": 10**12}

Document = dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """What is there to be measured; `tenant` has no quota to speak of, `neighbour` has the default one."""

    cloud: EmbeddedCloud
    platform: Platform
    tenant: TenantApi
    neighbour: TenantApi
    endpoint: str
    account_id: str
    function_environment: Mapping[str, str]
    rows: list[Document]

    def json_body(self, count: int) -> bytes:
        """A request of `count` rows."""
        return json.dumps({"rows": [self.rows[number % len(self.rows)] for number in range(count)]}).encode()

    def csv_body(self, count: int) -> bytes:
        """The same rows as the endpoint takes them: no header, the order of training."""
        text = io.StringIO(newline="")
        csv.writer(text).writerows(self.rows[number % len(self.rows)].values() for number in range(count))
        return text.getvalue().encode()


class Connection:
    """One app's connection to the predict API, kept open as apps do."""

    def __init__(self, api: TenantApi) -> None:
        url = urllib.parse.urlsplit(api.url)
        self._path = f"{url.path}/models/{MODEL}/predictions"
        self._http = http.client.HTTPConnection(url.netloc, timeout=60)
        self._headers = {"x-api-key": api.api_key, "content-type": "application/json"}

    def predict(self, body: bytes) -> int:
        """Send rows and return the status."""
        self._http.request("POST", self._path, body, self._headers)
        answer = self._http.getresponse()
        answer.read()
        return answer.status


@contextmanager
def staged() -> Iterator[Stage]:
    """Start and deploy everything, train both models, and clear it all away afterwards."""
    with tempfile.TemporaryDirectory() as folder, EmbeddedCloud(Path(folder), wait_scale=WAIT_SCALE) as cloud:
        platform = Platform.deploy(cloud)
        path = Path(folder) / "churn.csv"
        sample.write(path, count=TRAINING_ROWS)
        accounts = {"bench": "222222222222", "neighbour": "333333333333"}
        apis = {
            name: TenantApi(platform.api_url, onboard(platform, name, account, "bench@example.com").api_key)
            for name, account in accounts.items()
        }
        platform.call("LimitTenantFunction", {"tenant": "bench", **UNLIMITED})
        with ThreadPoolExecutor() as pool:
            endpoint, _ = pool.map(lambda api: _train(api, path), apis.values())
        yield Stage(
            cloud=cloud,
            platform=platform,
            tenant=apis["bench"],
            neighbour=apis["neighbour"],
            endpoint=endpoint,
            account_id=accounts["bench"],
            function_environment=_lend_function(cloud),
            rows=_rows(path),
        )


def _train(api: TenantApi, path: Path) -> str:
    """Return the name of the endpoint of a model as it is trained by default."""
    api.configure(MODEL, {"target": sample.TARGET})
    key = api.upload(MODEL, path)
    deadline = time.monotonic() + TRAINING_SECONDS
    while not (found := api.execution_of(key) or {}).get("ended_at"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"training has not ended: {found}")
        time.sleep(0.2)
    if found["status"] != "succeeded":
        raise RuntimeError(f"training failed: {found['error']}")
    return str(found["endpoint"]["name"])


def _rows(path: Path) -> list[Document]:
    """The sample's rows without the target, numbers as numbers."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            {name: _value(text) for name, text in row.items() if name != sample.TARGET} for row in csv.DictReader(file)
        ]


def _value(text: str) -> str | int | float:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _lend_function(cloud: EmbeddedCloud) -> dict[str, str]:
    """Return the environment of the predict function, credentials of its role included, for a process of ours.

    Only Lambda may assume that role; here its trust is widened to whoever runs the benchmark.
    """
    found = next(
        function
        for page in cloud.client("lambda").get_paginator("list_functions").paginate()
        for function in page["Functions"]
        if "PredictFunction" in function["FunctionName"]
    )
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{SAAS_ACCOUNT}:root"}}
    cloud.client("iam").update_assume_role_policy(
        RoleName=found["Role"].rsplit("/", 1)[-1],
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )
    session = cloud.client("sts").assume_role(RoleArn=found["Role"], RoleSessionName="bench")
    return found["Environment"]["Variables"] | cloud.environment(credentials=session["Credentials"])
