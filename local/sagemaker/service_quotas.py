"""Service Quotas, as far as SageMaker has quotas here: ListServiceQuotas.

https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from local.sagemaker import listing, quotas
from local.sagemaker.errors import Answer, ApiError
from local.sagemaker.shapes import check_answer, check_request, operation
from local.sagemaker.store import Scope

SERVICE = "servicequotas"
TARGET_PREFIX = "ServiceQuotasV20190624."
JSON = "application/x-amz-json-1.1"
OPERATION = "ListServiceQuotas"
_SAGEMAKER = "sagemaker"
_PAGE = 100


async def handle_request(
    method: str, path: str, headers: dict[str, str], body: bytes, query_params: dict[str, list[str]]
) -> Answer:
    """Answer one request."""
    del method, path, query_params
    from ministack.core.responses import get_account_id, get_region

    name = headers.get("x-amz-target", "").removeprefix(TARGET_PREFIX)
    try:
        if name != OPERATION:
            raise ApiError("UnknownOperationException", f"The embedded cloud has no operation {name}.")
        model = operation(OPERATION, "service-quotas")
        request = json.loads(body or b"{}")
        check_request(model.input_shape, request)
        answer = check_answer(model.output_shape, _list(request, Scope(get_account_id(), get_region())))
        return 200, {"Content-Type": JSON}, json.dumps(answer).encode()
    except ApiError as error:
        return error.answer(JSON)


def reset() -> None:
    """Nothing is kept."""


def _list(request: dict[str, Any], scope: Scope) -> dict[str, Any]:
    if request["ServiceCode"] != _SAGEMAKER:
        raise ApiError("NoSuchResourceException", f"The service {request['ServiceCode']} does not exist.")
    rows = [_quota(name, value, scope) for name, value in quotas.values().items()]
    page, token = listing.page(
        rows,
        request,
        {"Name": lambda row: row["QuotaName"]},
        default_sort="Name",
        default_order="Ascending",
        default_size=_PAGE,
    )
    return {"Quotas": page, "NextToken": token}


def _quota(name: str, value: int, scope: Scope) -> dict[str, Any]:
    code = f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"  # in AWS's form; AWS has others
    return {
        "ServiceCode": _SAGEMAKER,
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": f"arn:aws:{SERVICE}:{scope.region}:{scope.account}:{_SAGEMAKER}/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }
