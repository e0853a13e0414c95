"""An imported API keeps its gateway responses, API Gateway's own answers, and its binary media types."""

from __future__ import annotations

import functools
from typing import Any

from ministack.services import apigateway_v1

from local.patches.emulator import original, wrap


def apply() -> None:
    """Read `x-amazon-apigateway-gateway-responses` and `-binary-media-types` of an imported document.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-gateway-responses.html
    https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-swagger-extensions-binary-media-types.html
    """
    original(apigateway_v1, "_put_gateway_response", "93e727fc3806")
    wrap(apigateway_v1, "_import_rest_api", "ef72f9312702", _with_extensions)


def _with_extensions(import_api: Any) -> Any:
    @functools.wraps(import_api)
    def importing(spec: dict[str, Any], base_data: Any = None) -> Any:
        types = {"binaryMediaTypes": spec.get("x-amazon-apigateway-binary-media-types") or []}
        api_id = import_api(spec, (base_data or {}) | types)
        for kind, response in (spec.get("x-amazon-apigateway-gateway-responses") or {}).items():
            status, _, body = apigateway_v1._put_gateway_response(api_id, kind, response)
            if status != 201:
                raise ValueError(f"gateway response {kind}: {body!r}")
        return api_id

    return importing
