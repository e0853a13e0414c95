"""Names: everything TenantML creates is named from its cause, so that a repeat creates nothing new.

Limits (botocore's service models, and the service documentation): execution at most 80 characters, AutoML job at most
32 and case-insensitive and never reusable, endpoint at most 63.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

PREFIX = "tenantml"
TENANT_PATTERN = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]")
MODEL_PATTERN = re.compile(r"[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?")
VERSION_PATTERN = re.compile(r"v[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
ACCOUNT_PATTERN = re.compile(r"[0-9]{12}")
REGION_PATTERN = re.compile(r"[a-z]{2}(?:-[a-z]+)+-[0-9]")


def is_tenant(text: object) -> bool:
    """Return whether `text` may name a tenant: 2 to 20 of a-z, 0-9 and inner hyphens, starting with a letter."""
    return isinstance(text, str) and TENANT_PATTERN.fullmatch(text) is not None


def is_model(text: object) -> bool:
    """Return whether `text` may name a model: 1 to 30 of a-z, 0-9 and inner hyphens, starting with a letter."""
    return isinstance(text, str) and MODEL_PATTERN.fullmatch(text) is not None


def is_version(text: object) -> bool:
    """Return whether `text` may name a version."""
    return isinstance(text, str) and VERSION_PATTERN.fullmatch(text) is not None


def upload_digest(bucket: str, key: str, version_id: str) -> str:
    """Return 16 hex digits that name one version of one uploaded object."""
    return hashlib.sha256(f"{bucket}\n{key}\n{version_id}".encode()).hexdigest()[:16]


def execution_name(bucket: str, key: str, version_id: str) -> str:
    """Return the name of the execution that this upload version starts, the same however often it is delivered."""
    folders = "-".join(key.split("/")[:2]) if key.count("/") >= 2 else "upload"
    readable = re.sub(r"[^a-z0-9-]+", "-", folders.lower()).strip("-")[:52] or "upload"
    return f"{readable}-{upload_digest(bucket, key, version_id)}"


def digest_of(execution: str) -> str:
    """Return the upload's digest, the last 16 characters of its execution's name."""
    return execution[-16:]


def version_name(uploaded_at: str, execution: str) -> str:
    """Return the name of the version that an upload becomes: its UTC time, so that names sort, and 4 digits of its
    digest.
    """
    moment = datetime.fromisoformat(uploaded_at)
    return f"v{moment:%Y%m%d-%H%M%S}-{digest_of(execution)[:4]}"


def requested_version_name(moment: datetime, request: str) -> str:
    """Return the name of a version that somebody asks for at a time (UTC); the same request is the same version."""
    return f"v{moment:%Y%m%d-%H%M%S}-{hashlib.sha256(request.encode()).hexdigest()[:4]}"


def deployment_name(tenant: str, model: str, version: str) -> str:
    """Return the name of the execution that deploys a version: at most 73 characters."""
    return f"{tenant}-{model}-{version}"


def job_name(execution: str, attempt: int) -> str:
    """Return the AutoML job's name: at most 32 characters, unique to the execution and the attempt."""
    return f"{PREFIX}-{digest_of(execution)}-{attempt}"


def endpoint_name(model: str, version: str) -> str:
    """Return the name of a version's endpoint, endpoint configuration and SageMaker model: at most 63 characters."""
    return f"{PREFIX}-{model}-{version}"


def version_of(name: str) -> tuple[str, str] | None:
    """Return the model and the version of an endpoint's name; None when the name is not ours."""
    parts = re.fullmatch(f"{PREFIX}-({MODEL_PATTERN.pattern})-({VERSION_PATTERN.pattern})", name)
    return (parts[1], parts[2]) if parts else None


# AWS's partitions but the first, by how their regions begin: the name in ARNs, the end of host names, the console's.
_PARTITIONS = {
    "cn-": ("aws-cn", "amazonaws.com.cn", "console.amazonaws.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com", "console.amazonaws-us-gov.com"),
}
_COMMERCIAL = ("aws", "amazonaws.com", "console.aws.amazon.com")


def partition_of(region: str) -> str:
    """Return the partition that ARNs of a region name, such as `aws` or `aws-cn`."""
    return _partition(region)[0]


def dns_suffix_of(region: str) -> str:
    """Return how the host names of a region's services end."""
    return _partition(region)[1]


def console_of(region: str) -> str:
    """Return the host of a region's console."""
    host = _partition(region)[2]
    return f"{region}.{host}" if host == _COMMERCIAL[2] else host


def _partition(region: str) -> tuple[str, str, str]:
    return next((names for start, names in _PARTITIONS.items() if region.startswith(start)), _COMMERCIAL)


@dataclass(frozen=True)
class CustomerAccount:
    """The places in a customer's account, all derived from what `onboarding/customer_access.yaml` creates.

    `kms_key_arn`, `subnet_ids` and `security_group_ids` are the customer's own, empty unless it requires them.
    """

    account_id: str
    region: str
    kms_key_arn: str = ""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()

    @property
    def partition(self) -> str:
        """The partition of the account's region."""
        return partition_of(self.region)

    @property
    def vpc_config(self) -> dict[str, list[str]]:
        """The customer's network as SageMaker's `VpcConfig`; empty without one."""
        if not self.subnet_ids:
            return {}
        return {"Subnets": list(self.subnet_ids), "SecurityGroupIds": list(self.security_group_ids)}

    @property
    def access_role_arn(self) -> str:
        """The role that TenantML assumes."""
        return f"arn:{self.partition}:iam::{self.account_id}:role/customer_trusting_saas"

    @property
    def execution_role_arn(self) -> str:
        """The role that SageMaker assumes."""
        return f"arn:{self.partition}:iam::{self.account_id}:role/tenantml_autopilot_execution"

    @property
    def bucket(self) -> str:
        """The bucket that holds dataset copies and artefacts."""
        return f"{PREFIX}-{self.account_id}-{self.region}"

    @property
    def bucket_arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    def sagemaker_arn(self, kind: str, name: str) -> str:
        """Return the ARN of a SageMaker resource; `kind` is `automl-job`, `model`, `endpoint-config` or `endpoint`."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account_id}:{kind}/{name}"

    @staticmethod
    def folder(model: str, execution: str) -> str:
        """Return the key prefix of one execution, in the customer's bucket; ends in a slash."""
        return f"{model}/{execution}/"


def staging_folder(tenant: str, model: str, execution: str) -> str:
    """Return the key prefix of one execution in the staging bucket; ends in a slash."""
    return f"{tenant}/{model}/{execution}/"
