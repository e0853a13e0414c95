"""One embedded cloud for the whole e2e session: the platform deployed, two tenants on-boarded, each in its own
account.
"""

from __future__ import annotations

import csv
import itertools
import json
import os
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

from local import internet, sample
from local.cloud import EmbeddedCloud
from local.console.process import Console
from local.inventory import record_calls
from local.onboard import OnboardedTenant, onboard
from local.platform import WAIT_SCALE, Platform
from tenantml.aws.dynamodb import from_item, to_item
from tenantml.domain.tenancy import tenant as registered
from tenantml.services.registry import keys
from tenantml_cli.tenant_api import Document, TenantApi
from tests import webapp
from tests.e2e import least_privilege
from tests.e2e.leaks import leaks
from tests.logs import logged
from tests.receiver import Receiver
from tests.waiting import wait_for

TRAINING_SECONDS = 240.0
RECEIVER = "hooks.acme.example"
BUGS = Path("build/e2e/unnamed_failures.log")  # for whoever looks why a request was answered with 500
OBSERVED = Path("build/e2e/permissions")  # what each worker's cloud allowed and was asked for


@dataclass(frozen=True)
class Tenant:
    """A tenant as a test uses it: its id, account, API and the platform that serves it."""

    name: str
    account_id: str
    api: TenantApi
    platform: Platform

    @property
    def registered(self) -> registered.Tenant:
        """The tenant as the registry holds it, with the ARNs of its roles."""
        return registered_tenant(self.platform, self.name)

    def train(self, model: str, path: Path, **settings: object) -> Document:
        """Configure `model` with a short bake, upload `path`, and return the execution's document when it has ended."""
        self.api.configure(model, {"bake_minutes": 1} | settings)
        return self.outcome(self.api.upload(model, path))

    def outcome(self, upload_key: str) -> Document:
        """Wait for the execution that an upload started to end, and return its document."""
        return self._execution(upload_key, lambda document: document["ended_at"], is_passing=False)

    def stop(self, execution: str) -> None:
        """Stop an execution as an operator does, in the console."""
        machine = self.platform.outputs["TrainingStateMachineArn"].replace(":stateMachine:", ":execution:")
        self.platform.cloud.client("stepfunctions").stop_execution(executionArn=f"{machine}:{execution}")

    def execution(self, upload_key: str, is_reached: Callable[[Document], object]) -> Document:
        """Wait until the execution that an upload started has reached something that may pass, and return its
        document.
        """
        return self._execution(upload_key, is_reached, is_passing=True)

    def _execution(self, upload_key: str, is_reached: Callable[[Document], object], *, is_passing: bool) -> Document:
        document = wait_for(
            lambda: self.api.execution_of(upload_key) or {},
            lambda found: found and is_reached(found),
            seconds=TRAINING_SECONDS,
            is_passing=is_passing,
        )
        return self.api.execution(document["execution"])  # lists have neither advice nor candidates


def registered_tenant(platform: Platform, name: str) -> registered.Tenant:
    """Return a tenant as the registry holds it."""
    key, table = to_item(keys.tenant(name)._asdict()), platform.outputs["RegistryTable"]
    row = platform.cloud.client("dynamodb").get_item(TableName=table, Key=key)["Item"]
    return registered.Tenant.from_document(from_item(row))


def unnamed_failures(cloud: EmbeddedCloud) -> Iterator[str]:
    """Return what the functions logged of failures that have no name: bugs."""
    return logged(cloud, filterPattern="unnamed")


def note_permissions(cloud: EmbeddedCloud, which: str) -> None:
    """Keep what a cloud's policies allowed and were asked for, until the end of the run."""
    part = OBSERVED / f"{which}-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}.json"
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_text(json.dumps(least_privilege.observed(cloud)))


@pytest.fixture(scope="session")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """What answers webhooks as `hooks.acme.example`, where the platform's functions find it."""
    folder = tmp_path_factory.mktemp("receiver")
    receiver = Receiver(folder / "authority.pem")
    receiver.start(RECEIVER, folder)
    yield receiver
    receiver.stop()


@pytest.fixture(scope="session")
def web_app() -> Iterator[str]:
    """The origin of a web app that the stack names."""
    with webapp.origin() as address:
        yield address


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory, receiver: Receiver, web_app: str) -> Iterator[Platform]:
    """The SaaS account's stack, deployed from the unmodified template."""
    settings = {internet.SETTING: json.dumps({RECEIVER: receiver.port}), "SSL_CERT_FILE": str(receiver.authority)}
    with EmbeddedCloud(tmp_path_factory.mktemp("cloud"), wait_scale=WAIT_SCALE, settings=settings) as cloud:
        deployed = Platform.deploy(cloud, {"BrowserOrigins": web_app})
        record_calls(cloud)
        yield deployed
        BUGS.parent.mkdir(parents=True, exist_ok=True)
        with BUGS.open("a") as file:
            file.writelines(f"{line}\n" for line in unnamed_failures(cloud))
        note_permissions(cloud, "shared")
        assert list(itertools.islice(leaks(cloud), 20)) == []


@pytest.fixture(scope="session")
def console(platform: Platform) -> Iterator[Console]:
    """The operators' page of the shared cloud."""
    with Console(platform) as served:
        yield served
    assert served.log_path.read_text() == "", "the page failed"


def asked(console: Console, path: str, **query: str) -> Any:
    """What the page's server answers the page."""
    url = f"{console.url}api/{path}?{urllib.parse.urlencode(query)}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.load(answer)


def _tenant(platform: Platform, name: str, account_id: str, **limits: int) -> Tenant:
    onboarded: OnboardedTenant = onboard(platform, name, account_id, f"cloud-team@{name}.example")
    if limits:
        platform.call("LimitTenantFunction", {"tenant": name, **limits})
    return Tenant(name, account_id, TenantApi(platform.api_url, onboarded.api_key), platform)


@pytest.fixture(scope="session")
def newcomer(platform: Platform) -> Callable[..., Tenant]:
    """On-board a tenant of a test's own in an account that no other has, with `limits` set before its first request."""
    accounts = (f"4{number:011d}" for number in itertools.count(1))
    return lambda name, **limits: _tenant(platform, name, next(accounts), **limits)


@pytest.fixture(scope="session")
def person(platform: Platform) -> Callable[..., dict[str, str]]:
    """Make a person in some of the stack's groups, and return their credentials. A name is one test file's alone: files
    share a cloud, and provoked_refusals.toml says who tries what.
    """

    def make(name: str, *groups: str) -> dict[str, str]:
        iam = platform.cloud.client("iam")
        iam.create_user(UserName=name)
        for group in groups:
            iam.add_user_to_group(GroupName=platform.outputs[group], UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return {part: key[part] for part in ("AccessKeyId", "SecretAccessKey")}

    return make


@pytest.fixture(scope="session")
def acme(platform: Platform) -> Tenant:
    """A tenant whose account is 222222222222."""
    return _tenant(platform, "acme", "222222222222")


@pytest.fixture(scope="session")
def globex(platform: Platform) -> Tenant:
    """Another tenant, whose account is 333333333333."""
    return _tenant(platform, "globex", "333333333333")


@pytest.fixture(scope="session")
def write_csv(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, list[list[object]]], Path]:
    """Write rows, the first of them the header, as a CSV file of this name."""

    def write(name: str, rows: list[list[object]]) -> Path:
        path = tmp_path_factory.mktemp("datasets") / name
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        return path

    return write


@pytest.fixture(scope="session")
def breast_cancer(write_csv: Callable[[str, list[list[object]]], Path]) -> Path:
    """569 rows of real measurements, two classes in the column `malignant` (scikit-learn's copy)."""
    found = load_breast_cancer()
    header = [*found.feature_names, "malignant"]
    rows = [[*row, "no" if label else "yes"] for row, label in zip(found.data, found.target, strict=True)]
    return write_csv("breast_cancer.csv", [header, *rows])


@pytest.fixture(scope="session")
def churn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,200 rows of the project's own churn table."""
    path = tmp_path_factory.mktemp("datasets") / "churn.csv"
    sample.write(path, count=1200)
    return path


@pytest.fixture(scope="session")
def iris(write_csv: Callable[[str, list[list[object]]], Path]) -> Path:
    """Real flowers of three species, each measured row five times over: 750 rows."""
    found = load_iris()
    rows = [[*row, found.target_names[label]] for row, label in zip(found.data, found.target, strict=True)] * 5
    return write_csv("iris.csv", [[*found.feature_names, "species"], *rows])


@pytest.fixture(scope="session")
def diabetes(write_csv: Callable[[str, list[list[object]]], Path]) -> Path:
    """Real patients and the progression of their disease, a number, twice over: 884 rows."""
    found = load_diabetes()
    rows = [[*row, value] for row, value in zip(found.data, found.target, strict=True)] * 2
    return write_csv("diabetes.csv", [[*found.feature_names, "progression"], *rows])
