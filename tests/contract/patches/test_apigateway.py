"""An imported API keeps what it says of API Gateway's own answers."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable

import pytest

from local.cloud import EmbeddedCloud
from local.deploy import deploy


def test_an_imported_api_refuses_in_the_form_that_its_document_gives(
    cloud: EmbeddedCloud, unique: Callable[[str], str]
) -> None:
    document = {
        "openapi": "3.0.1",
        "info": {"title": unique("api"), "version": "1"},
        "paths": {},
        "x-amazon-apigateway-gateway-responses": {
            "MISSING_AUTHENTICATION_TOKEN": {
                "statusCode": "404",
                "responseParameters": {"gatewayresponse.header.Content-Type": "'application/problem+json'"},
                "responseTemplates": {"application/json": '{"code":"NotFound","request_id":"$context.requestId"}'},
            }
        },
    }
    template = {
        "Resources": {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Body": document}},
            "Stage": {
                "Type": "AWS::ApiGateway::Deployment",
                "Properties": {"RestApiId": {"Ref": "Api"}, "StageName": "v1"},
            },
        },
        "Outputs": {"Api": {"Value": {"Ref": "Api"}}},
    }
    api = deploy(cloud.client("cloudformation"), unique("gateway"), json.dumps(template))["Api"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(cloud.api_url(api, "v1") + "/nothing")
    with refused.value as answer:
        assert (answer.code, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert json.loads(answer.read())["request_id"] == answer.headers["x-amzn-requestid"]
