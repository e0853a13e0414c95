"""Service Quotas in the customer's account: how much of SageMaker AWS lets it use."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

from tenantml.aws.error_codes import BAD_CREDENTIALS, BUSY, DENIED, NO_ANSWER, AwsError, code_of

SERVICE = "service-quotas"  # as botocore names it
UNREADABLE = DENIED | BAD_CREDENTIALS | BUSY


def sagemaker_quotas(client: Any, names: Set[str]) -> dict[str, float] | None:
    """Return the applied values of SageMaker's quotas of these names, and None when they cannot be read.

    A quota that only has its default is not in the list (Service Quotas API reference, "ListServiceQuotas"), so a name
    may be missing from the answer. Quotas are nothing that we stand on: no refusal of this list is a failure.
    """
    found: dict[str, float] = {}
    try:
        for page in client.get_paginator("list_service_quotas").paginate(ServiceCode="sagemaker"):
            found |= {quota["QuotaName"]: quota["Value"] for quota in page["Quotas"] if quota["QuotaName"] in names}
            if found.keys() == names:
                break
    except (AwsError, *NO_ANSWER) as error:
        if code_of(error) not in UNREADABLE:
            raise
        return None
    return found
