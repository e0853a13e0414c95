"""API Gateway's authorizer: whose API key is this?"""

from __future__ import annotations

from typing import Any

from tenantml.errors import Unauthorized
from tenantml.services import api_keys


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Return a policy for this stage, and for the functions behind it the tenant and the public id of its key; nothing
    else of a request says who asks.

    Raises:
        Unauthorized: no such key. API Gateway answers 401 to an authorizer that fails with exactly this word (API
            Gateway developer guide, "Lambda authorizers").
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    key = headers.get("x-api-key") or ""
    tenant = api_keys.tenant_of(key)
    if tenant is None:
        raise Unauthorized("Unauthorized")
    api, stage = event["methodArn"].split("/")[:2]
    return {
        "principalId": tenant,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": f"{api}/{stage}/*"}],
        },
        "context": {"tenant": tenant, "key_id": api_keys.id_of(api_keys.digest(key))},
    }
