"""The SaaS account's stack on the embedded cloud, and its operator."""

from __future__ import annotations

import shutil
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from local import CUSTOMER_ACCOUNT, REGION, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud
from local.deploy import deploy
from local.package import package
from local.screen import Screen
from local.server import DATA_FOLDERS, ENDPOINT_FILE
from tenantml_cli.stack import Document, Stack
from tools.deployment import publish

STACK = "tenantml"
# The definitions poll every 30 s and drain for 2 min, which suits AWS: here that is 0.6 s and 2.4 s.
WAIT_SCALE = 0.02
_OFFBOARDING_SECONDS = 3600.0
_REPOSITORY = Path(__file__).resolve().parent.parent
_ARTIFACTS_BUCKET = f"{STACK}-deployment-{SAAS_ACCOUNT}-{REGION}"
_TEMPLATE_URL = f"https://s3.amazonaws.com/{_ARTIFACTS_BUCKET}/template.json"


class Platform(Stack):
    """A deployed SaaS stack as its operator uses it: the command line's, with the embedded cloud's clients."""

    longest_poll_seconds = 0.25  # an execution takes seconds here

    def __init__(self, cloud: EmbeddedCloud, name: str = STACK) -> None:
        super().__init__(name, cloud.client)
        self.cloud = cloud

    @classmethod
    def deploy(cls, cloud: EmbeddedCloud, parameters: Mapping[str, str] | None = None, name: str = STACK) -> Self:
        """Package and deploy `template.yaml` unchanged; raises StackFailed or BuildFailed."""
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=_ARTIFACTS_BUCKET)
        template = package(_REPOSITORY / "template.yaml", _REPOSITORY / "build" / "package", s3, _ARTIFACTS_BUCKET)
        s3.put_object(Bucket=_ARTIFACTS_BUCKET, Key="template.json", Body=template.encode())
        outputs = deploy(cloud.client("cloudformation"), name, _TEMPLATE_URL, parameters)
        publish(s3, outputs["OnboardingBucket"])
        return cls(cloud, name)

    def set_parameters(self, parameters: Mapping[str, str]) -> None:
        """Update parameters of the stack; the others keep their values."""
        deploy(self.cloud.client("cloudformation"), self.name, _TEMPLATE_URL, parameters)

    @property
    def api_url(self) -> str:
        """The tenant API's local address: the host in the stack's output exists in AWS only."""
        url = urllib.parse.urlsplit(self.outputs["ApiUrl"])
        return self.cloud.api_url(url.netloc.split(".")[0], url.path.strip("/"))

    def offboard(self, tenant: str, model: str | None = None, **options: Any) -> Document:
        """Remove a tenant, or one of its models, and return the report; raises Failed with the failure's name."""
        return offboard(self, tenant, **({"model": model} if model else {}), **options)


@contextmanager
def started(
    folder: Path, screen: Screen, port: int = 0, settings: Mapping[str, str] | None = None
) -> Iterator[Platform]:
    """A new cloud, which keeps its state in `folder`, with the stack deployed; both end with the block, and of what is
    in the folder its logs stay. `settings` are those of `EmbeddedCloud`.

    Raises EmbeddedCloudError, BuildFailed or StackFailed when they do not come up.
    """
    shutil.rmtree(folder, ignore_errors=True)
    cloud = EmbeddedCloud(folder, port=port, wait_scale=WAIT_SCALE, settings=settings)
    try:
        with screen.step("start the cloud") as step:
            cloud.start()
            step.detail = f"accounts {SAAS_ACCOUNT} (SaaS) and {CUSTOMER_ACCOUNT} (customer), {cloud.endpoint_url}"
        with screen.step("deploy the platform") as step:
            platform = Platform.deploy(cloud)
            step.detail = f"template.yaml into {SAAS_ACCOUNT}"
        yield platform
    finally:
        cloud.stop()
        (folder / ENDPOINT_FILE).unlink(missing_ok=True)
        for name in DATA_FOLDERS:
            shutil.rmtree(folder / name, ignore_errors=True)


def offboard(stack: Stack, tenant: str, **options: Any) -> Document:
    """Remove a tenant and return the report; raises Failed with the failure's name."""
    name = f"{tenant}-{uuid.uuid4().hex[:16]}"
    return stack.remove(name, {"tenant": tenant, **options}, _OFFBOARDING_SECONDS, lambda _: None)
