"""Names: everything TenantML creates is named from its cause, so that a repeat creates nothing new.

Limits (botocore's service models, and the service documentation): execution at most 80 characters, AutoML job at most
32 and case-insensitive and never reusable, endpoint and bucket at most 63, role at most 64 and unique in its account
whatever its path, which has 512.

What a tenant has in its AWS account begins with its own prefix, `tml-` and six random characters. Policies name it, so
that stacks, tenants and regions share an account without reaching each other. It has ten characters because Autopilot
begins the names of what it makes with the first ten of its job's.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

PREFIX = "tenantml"
VARIANT = "AllTraffic"  # the only one of an endpoint of ours
ACCOUNT_PREFIX_PATTERN = re.compile(r"tml-[a-z2-7]{6}")
TENANT_PATTERN = re.compile(r"[a-z][a-z0-9-]{0,18}[a-z0-9]")
MODEL_PATTERN = re.compile(r"[a-z](?:[a-z0-9-]{0,28}[a-z0-9])?")
VERSION_PATTERN = re.compile(r"v[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")
EXECUTION_PATTERN = re.compile(r"[a-z0-9-]{18,80}")
ACCOUNT_PATTERN = re.compile(r"[0-9]{12}")


def is_tenant(text: object) -> bool:
    """Return whether `text` may name a tenant: 2 to 20 of a-z, 0-9 and inner hyphens, starting with a letter."""
    return isinstance(text, str) and TENANT_PATTERN.fullmatch(text) is not None


def is_model(text: object) -> bool:
    """Return whether `text` may name a model: 1 to 30 of a-z, 0-9 and inner hyphens, starting with a letter."""
    return isinstance(text, str) and MODEL_PATTERN.fullmatch(text) is not None


def is_version(text: object) -> bool:
    """Return whether `text` may name a version."""
    return isinstance(text, str) and VERSION_PATTERN.fullmatch(text) is not None


def is_execution(text: object) -> bool:
    """Return whether `text` may name an execution that an upload starts."""
    return isinstance(text, str) and EXECUTION_PATTERN.fullmatch(text) is not None


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
    """Return the name of the execution that deploys a version: at most 73 characters. No tenant and no model has the
    underscore that joins them, so that no two tenants share a name.
    """
    return f"{tenant}_{model}_{version}"


def batch_execution(tenant: str, model: str, batch: str) -> str:
    """Return the name of the execution of a batch: at most 74 characters, the last 16 of them the batch's own."""
    return f"{tenant}-{model}-batch-{batch}"


def new_account_prefix() -> str:
    """Return a random prefix for what a tenant will have in its AWS account."""
    return f"tml-{base64.b32encode(secrets.token_bytes(5)).decode().lower()[:6]}"


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


Access = Literal["training", "prediction"]
TRAINING: Final = "training"
PREDICTION: Final = "prediction"


@dataclass(frozen=True, slots=True)
class Roles:
    """The ARNs of the four roles of the customer's template: we assume the access roles, SageMaker the others.

    Prediction access may invoke endpoints, training access does all else; jobs run as training execution, endpoints as
    serving execution.
    """

    training_access: str
    prediction_access: str
    training_execution: str
    serving_execution: str

    @classmethod
    def named(cls, account_id: str, region: str, stack: str, tenant: str, prefix: str) -> Roles:
        """Return the ARNs as `onboarding/customer_access.yaml` makes them for this stack of ours and this tenant."""
        start = f"arn:{partition_of(region)}:iam::{account_id}:role/{stack}/{tenant}/{prefix}-{region}-"
        return cls(**{name: f"{start}{name.replace('_', '-')}" for name in cls.__dataclass_fields__})

    def access(self, access: Access) -> str:
        """Return the ARN of one of the two roles that we assume."""
        return self.prediction_access if access == PREDICTION else self.training_access


@dataclass(frozen=True)
class CustomerAccount:
    """The places in a customer's account, as `onboarding/customer_access.yaml` creates them for one tenant.

    `kms_key_arn`, `subnet_ids`, `security_group_ids` and `instance_types` are the customer's own, empty unless it
    requires them.
    """

    account_id: str
    region: str
    tenant: str
    prefix: str
    roles: Roles
    kms_key_arn: str = ""
    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    instance_types: tuple[str, ...] = ()

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
    def job_security(self) -> dict[str, Any]:
        """The customer's key and network as a job's `SecurityConfig`; empty without either.

        In a network, a job's containers encrypt what they say to each other (SageMaker API reference,
        "AutoMLSecurityConfig").
        """
        network = {"VpcConfig": self.vpc_config, "EnableInterContainerTrafficEncryption": True}
        return ({"VolumeKmsKeyId": self.kms_key_arn} if self.kms_key_arn else {}) | (network if self.vpc_config else {})

    def job(self, execution: str, attempt: int = 1) -> str:
        """Return the name of an execution's AutoML job: at most 32 characters, another for each attempt."""
        return f"{self.prefix}-{digest_of(execution)}-{attempt}"

    def endpoint(self, model: str, version: str) -> str:
        """Return the name of a version's endpoint, its configuration and its SageMaker model: at most 63 characters."""
        return f"{self.prefix}-{model}-{version}"

    def version_of(self, name: str) -> tuple[str, str] | None:
        """Return the model and the version of an endpoint's name; None when the name is not one of this tenant's."""
        parts = re.fullmatch(f"{self.prefix}-({MODEL_PATTERN.pattern})-({VERSION_PATTERN.pattern})", name)
        return (parts[1], parts[2]) if parts else None

    @property
    def probe(self) -> str:
        """The name of what the probe asks about: one of this tenant's, and nothing has it."""
        return f"{self.prefix}-probe"

    @property
    def bucket(self) -> str:
        """The bucket that holds dataset copies and artefacts."""
        return f"{self.prefix}-{self.account_id}-{self.region}"

    @property
    def bucket_arn(self) -> str:
        """The bucket's ARN."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    def key_of(self, uri: str, folder: str) -> str | None:
        """Return the key of an s3:// address in the bucket and under `folder`, None for any other address."""
        key = uri.removeprefix(f"s3://{self.bucket}/")
        return key if key != uri and key.startswith(folder) else None

    def sagemaker_arn(self, kind: str, name: str) -> str:
        """Return the ARN of a SageMaker resource; `kind` is `automl-job`, `model`, `endpoint-config` or `endpoint`."""
        return f"arn:{self.partition}:sagemaker:{self.region}:{self.account_id}:{kind}/{name}"

    @staticmethod
    def folder(model: str, execution: str) -> str:
        """Return the key prefix of one execution, in the customer's bucket; ends in a slash."""
        return f"{model}/{execution}/"


def variant_resource(endpoint: str) -> str:
    """Return what Application Auto Scaling calls an endpoint's variant, whose instances it changes."""
    return f"endpoint/{endpoint}/variant/{VARIANT}"


def staging_folder(tenant: str, model: str, execution: str) -> str:
    """Return the key prefix of one execution in the staging bucket; ends in a slash."""
    return f"{tenant}/{model}/{execution}/"
