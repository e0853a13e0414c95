"""The SaaS account's stack on the embedded cloud, and its operator."""

from __future__ import annotations

import json
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from local import REGION, SAAS_ACCOUNT
from local.cloud import EmbeddedCloud
from local.deploy import deploy
from local.package import package
from local.tenant_api import Refused

STACK = "tenantml"
# The definitions poll every 30 s and drain for 2 min, which suits AWS: here that is 0.6 s and 2.4 s.
WAIT_SCALE = 0.02
_REPOSITORY = Path(__file__).resolve().parent.parent
_ARTIFACTS_BUCKET = f"{STACK}-deployment-{SAAS_ACCOUNT}-{REGION}"
_TEMPLATE_URL = f"https://s3.amazonaws.com/{_ARTIFACTS_BUCKET}/template.json"


class Platform:
    """A deployed SaaS stack as its operator has it; `outputs` are the stack's."""

    def __init__(self, cloud: EmbeddedCloud, outputs: Mapping[str, str]) -> None:
        self.cloud = cloud
        self.outputs = outputs

    @classmethod
    def deploy(cls, cloud: EmbeddedCloud, parameters: Mapping[str, str] | None = None) -> Self:
        """Package and deploy `template.yaml`, as it is; raises StackFailed or BuildFailed."""
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket=_ARTIFACTS_BUCKET)
        template = package(_REPOSITORY / "template.yaml", _REPOSITORY / "build" / "package", s3, _ARTIFACTS_BUCKET)
        s3.put_object(Bucket=_ARTIFACTS_BUCKET, Key="template.json", Body=template.encode())
        return cls(cloud, deploy(cloud.client("cloudformation"), STACK, _TEMPLATE_URL, parameters))

    def set_parameters(self, parameters: Mapping[str, str]) -> None:
        """Update the stack with other parameters; those that are not named keep their values."""
        deploy(self.cloud.client("cloudformation"), STACK, _TEMPLATE_URL, parameters)

    @property
    def api_url(self) -> str:
        """The tenant API where this machine reaches it: the host that the stack names exists in AWS only."""
        url = urllib.parse.urlsplit(self.outputs["ApiUrl"])
        return self.cloud.api_url(url.netloc.split(".")[0], url.path.strip("/"))

    def offboard(self, tenant: str, model: str | None = None, **wishes: Any) -> dict[str, Any]:
        """Remove a tenant, or one of its models, and return the report; raises Refused with the failure's name."""
        steps = self.cloud.client("stepfunctions")
        request = {"tenant": tenant, **({"model": model} if model else {}), **wishes}
        started = steps.start_execution(
            stateMachineArn=self.outputs["OffboardingStateMachineArn"], input=json.dumps(request)
        )
        while (found := steps.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
            time.sleep(0.2)
        if found["status"] != "SUCCEEDED":
            raise Refused(found.get("error", found["status"]), found.get("cause", "the state machine gave no reason"))
        report: dict[str, Any] = json.loads(found["output"])
        return report

    def call(self, function: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Invoke the operator function behind the stack output `function`; raises Refused with its error's name."""
        function_name = self.outputs[function]
        answer = self.cloud.client("lambda").invoke(FunctionName=function_name, Payload=json.dumps(request).encode())
        payload: dict[str, Any] = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            raise Refused(
                payload.get("errorType", "Unknown"), payload.get("errorMessage", "the function gave no reason")
            )
        return payload
