"""The predict function against moto's DynamoDB and S3, and over HTTP against customers' accounts."""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from moto import mock_aws

from tenantml.aws import clients
from tenantml.aws.s3 import objects
from tenantml.domain.tenancy.tenant import ACTIVE, Tenant
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.services import binned, served, serving
from tenantml.services.expiring_cache import ExpiringCache
from tenantml.services.registry import keys, table
from tests.rows import put_version
from tests.tenants import tenant_of

REGION = "us-east-1"
TABLE, EVIDENCE, STAGING = "registry", "evidence", "staging"
VERSION = "v20261122-170301-9f3c"
PROFILE = {
    "columns": [
        {"name": "age", "type": "integer", "bins": {"counts": [100, 100, 0], "edges": [40]}},
        {
            "name": "plan",
            "type": "category",
            "categories": ["basic", "pro"],
            "bins": {"counts": [150, 50, 0, 0], "categories": ["basic", "pro"]},
        },
        {"name": "spend", "type": "number"},
    ],
    "target": {"column": "spend"},
}
_numbers = itertools.count(1)
ROW = {"age": 41, "plan": "pro"}
ASSUMED = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret of {key}</SecretAccessKey>
<SessionToken>token of {key}</SessionToken><Expiration>{end}</Expiration></Credentials></AssumeRoleResult>
</AssumeRoleResponse>"""
REFUSED = """<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>
<Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"""


@dataclass
class CustomerAccounts:
    """STS and the SageMaker endpoints of all customers, which answer a row with the number of the account that pays.

    A session reaches what its session policy names, in the account of its role; anything else is refused, as by AWS.
    `next_answers` are given first, as `(status, error code, body)`; `None` closes the connection without a word. What
    an endpoint of a name that is `gone` or `broken` is asked fails.
    """

    url: str = ""
    session_seconds: float | None = None  # as long as is asked for
    revoked: set[str] = field(default_factory=set)
    answers_after_seconds: float = 0
    next_answers: list[tuple[int, str, bytes] | None] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    assumed: list[dict[str, str]] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    _issued: dict[str, tuple[str, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def assume(self, form: dict[str, str]) -> tuple[int, str]:
        """AssumeRole."""
        account = form["RoleArn"].split(":")[4]
        with self._lock:
            self.assumed.append(form)
            if account in self.revoked:
                return 403, REFUSED
            key = f"ASIA{len(self.assumed):012}"
            resource = json.loads(form["Policy"])["Statement"][0]["Resource"][0] if "Policy" in form else ""
            self._issued[key] = (account, resource)
        end = datetime.now(UTC) + timedelta(seconds=self.session_seconds or float(form["DurationSeconds"]))
        return 200, ASSUMED.format(key=key, end=end.strftime("%Y-%m-%dT%H:%M:%SZ"))

    def invoke(self, endpoint: str, key: str, token: str, body: bytes) -> tuple[int, str, bytes] | None:
        """InvokeEndpoint."""
        with self._lock:
            account, resource = self._issued.get(key, ("", ""))
            if resource != f"arn:aws:sagemaker:{REGION}:{account}:endpoint/{endpoint}" or token != f"token of {key}":
                self.strangers.append(f"{key} called {endpoint}")
                return 403, "AccessDeniedException", b'{"Message": "no"}'
            self.calls.append((account, endpoint))
        time.sleep(self.answers_after_seconds)
        with self._lock:
            if endpoint in self.gone:
                return 400, "ValidationError", b'{"Message": "Endpoint not found"}'
            if endpoint in self.broken:
                return 424, "ModelError", b'{"Message": "out of memory"}'
            if self.next_answers:
                return self.next_answers.pop(0)
        return 200, "", f"{int(account)}\n".encode() * body.count(b"\n")

    def describe(self, endpoint: str, key: str) -> tuple[int, str, bytes]:
        """DescribeEndpoint."""
        account, resource = self._issued.get(key, ("", ""))
        if resource != f"arn:aws:sagemaker:{REGION}:{account}:endpoint/{endpoint}":
            self.strangers.append(f"{key} described {endpoint}")
            return 400, "", b'{"__type": "AccessDeniedException", "message": "no"}'
        if self.next_answers:
            return self.next_answers.pop(0) or (500, "", b"")
        if endpoint in self.gone:  # as AWS words it (boto3's documentation of the waiter `endpoint_deleted`)
            return 400, "", b'{"__type": "ValidationException", "message": "Could not find endpoint"}'
        return 200, "", json.dumps({"EndpointStatus": "InService"}).encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    accounts: CustomerAccounts

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("X-Amz-Target") == "SageMaker.DescribeEndpoint":
            key = self.headers["Authorization"].split("Credential=")[1].split("/")[0]
            self._answer(*self.accounts.describe(json.loads(body)["EndpointName"], key), "application/x-amz-json-1.1")
            return
        if self.path == "/":
            status, text = self.accounts.assume(dict(urllib.parse.parse_qsl(body.decode())))
            self._answer(status, "", text.encode(), "text/xml")
            return
        key = self.headers["Authorization"].split("Credential=")[1].split("/")[0]
        token = self.headers.get("X-Amz-Security-Token", "")
        found = self.accounts.invoke(self.path.split("/")[2], key, token, body)
        if found is None:
            self.close_connection = True
            return
        self._answer(*found, "application/json" if found[1] else "text/csv")

    def _answer(self, status: int, code: str, body: bytes, kind: str) -> None:
        self.send_response(status)
        if code:
            self.send_header("x-amzn-ErrorType", code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        pass


@dataclass
class Process:
    """A warm process of the predict function, and what it has read."""

    accounts: CustomerAccounts
    registry_reads: Counter[str] = field(default_factory=Counter)
    profile_reads: int = 0
    tenants: list[str] = field(default_factory=list)

    def note_read(self, params: dict[str, Any], **_: Any) -> None:
        """Count a read of the rows that say which version answers."""
        request = json.loads(params["body"])
        kind = request["Key"]["sk"]["S"].split("#")[0]
        if request["TableName"] == TABLE and kind in {"ACCOUNT", "MODEL", "VERSION"}:
            self.registry_reads[kind] += 1

    def note_profile(self, **_: Any) -> None:
        """Count a GetObject."""
        self.profile_reads += 1

    def add_tenant(self, number: int, model: str = "churn", live_version: str | None = VERSION) -> Tenant:
        """Put an active tenant with a model into the registry; its account's number is `number`.

        Its name is new, so that nothing that a module keeps from an earlier test is about it.
        """
        tenant = tenant_of(
            f"tenant-{next(_numbers)}", f"{number:012}", REGION, "x@example.com", f"external-id-{number}", status=ACTIVE
        )
        table.put(keys.tenant(tenant.tenant), tenant.as_document())
        settings = ModelSettings(target="spend").as_document()
        table.put(
            keys.model(tenant.tenant, model), {"model": model, "settings": settings, "live_version": live_version}
        )
        self.add_version(tenant, VERSION, model)
        return tenant

    def add_version(self, tenant: Tenant, version: str, model: str = "churn") -> None:
        """Put a version into the registry whose endpoint stands in the tenant's account."""
        key = f"{tenant.tenant}/profile.json"
        objects.put_json(clients.platform("s3"), STAGING, key, json.dumps(PROFILE))
        deployed = {
            # Every account has an endpoint of this name: only the keys tell whose is called.
            "endpoint": f"tenantml-{model}-{version}",
            "output_keys": [],
            "serverless": False,
            "profile": {"bucket": STAGING, "key": key},
        }
        put_version(tenant.tenant, model, version, deployed)

    def predict(
        self, tenant: Tenant, row_count: int = 1, model: str = "churn", row: dict[str, Any] = ROW
    ) -> tuple[int, dict[str, Any], Any]:
        """Call the function as API Gateway does; answer status, headers and the body's document."""
        from functions.api.predict import handler

        event = {
            "requestContext": {"authorizer": {"tenant": tenant.tenant}},
            "pathParameters": {"model": model},
            "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"rows": [row] * row_count}),
        }
        answer = handler(event, _Context())
        return answer["statusCode"], answer["headers"], json.loads(answer["body"])


class _Context:
    aws_request_id = "6f1d6c5e-0000-4000-8000-000000000000"
    function_name = "predict"


@pytest.fixture
def accounts() -> Iterator[CustomerAccounts]:
    """The customers' accounts, behind one address on loopback."""
    accounts = CustomerAccounts()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"accounts": accounts}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    accounts.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield accounts
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def process(accounts: CustomerAccounts, monkeypatch: pytest.MonkeyPatch) -> Iterator[Process]:
    """A process that has just started."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "the-platforms-own",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_STS": accounts.url,
        "AWS_ENDPOINT_URL_SAGEMAKER": accounts.url,
        "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": accounts.url,
        "REGISTRY_TABLE": TABLE,
        "EVIDENCE_TABLE": EVIDENCE,
        "TENANT_DATA_ROLE": "arn:aws:iam::111111111111:role/tenant-data",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("_live", "_deployed", "_callers"):
        monkeypatch.setattr(serving, name, ExpiringCache())
    served.tally.cache_clear()
    binned.binned.cache_clear()
    forget_clients()
    with mock_aws():
        process = Process(accounts)
        events = clients.shared_session().get_component("event_emitter")
        events.register("before-call.dynamodb.GetItem", process.note_read)
        events.register("before-call.s3.GetObject", process.note_profile)
        clients.platform("s3").create_bucket(Bucket=STAGING)
        for table in (TABLE, EVIDENCE):
            make_table(table)
        yield process
    forget_clients()


def make_table(name: str) -> None:
    """Make a table with the template's keys."""
    keys = [{"AttributeName": name, "KeyType": kind} for name, kind in (("pk", "HASH"), ("sk", "RANGE"))]
    types = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
    clients.platform("dynamodb").create_table(
        TableName=name, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST"
    )


def forget_clients() -> None:
    """Empty what the modules of the adapters keep of clients and sessions."""
    for name, module in list(sys.modules.items()):
        if name.startswith("tenantml."):
            for kept in list(vars(module).values()):
                getattr(kept, "cache_clear", lambda: None)()
