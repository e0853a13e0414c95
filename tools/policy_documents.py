"""Every policy document of a CloudFormation template, as IAM will see it.

Intrinsic functions are filled with addresses of the right shape, conditions are followed both ways.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_DOCUMENTS = {"PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy", "ResourcePolicy"}
_PSEUDO_PARAMETERS = {
    "AWS::AccountId": "111111111111",
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackName": "tenantml",
    "AWS::URLSuffix": "amazonaws.com",
}
_ARNS = {
    "AWS::ApiGateway::RestApi": "arn:aws:apigateway:us-east-1::/restapis/{}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:us-east-1:111111111111:table/{}",
    "AWS::Events::EventBus": "arn:aws:events:us-east-1:111111111111:event-bus/{}",
    "AWS::Events::Rule": "arn:aws:events:us-east-1:111111111111:rule/{}",
    "AWS::IAM::Role": "arn:aws:iam::111111111111:role/{}",
    "AWS::KMS::Key": "arn:aws:kms:us-east-1:111111111111:key/{}",
    "AWS::Lambda::Function": "arn:aws:lambda:us-east-1:111111111111:function:{}",
    "AWS::Logs::LogGroup": "arn:aws:logs:us-east-1:111111111111:log-group:{}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SNS::Topic": "arn:aws:sns:us-east-1:111111111111:{}",
    "AWS::SQS::Queue": "arn:aws:sqs:us-east-1:111111111111:{}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:us-east-1:111111111111:stateMachine:{}",
}
# The property that names a resource, for types that are also referred to by name.
_NAMED_BY = {
    "AWS::IAM::Role": "RoleName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}
_REF_IS_ARN = {"AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}
_NO_VALUE = object()


class _Template:
    """Evaluates intrinsic functions, with every condition `held` or not."""

    def __init__(self, template: dict[str, Any], *, held: bool) -> None:
        self._parameters = template.get("Parameters", {})
        self._mappings = template.get("Mappings", {})
        self._resources = template.get("Resources", {})
        self._held = held

    def resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self.resolved, value) if item is not _NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((name, argument),) = value.items()
            if name == "Ref" or name.startswith("Fn::"):
                return self._intrinsic(name, argument)
        return {
            name: item
            for name, item in zip(value, map(self.resolved, value.values()), strict=True)
            if item is not _NO_VALUE
        }

    def _intrinsic(self, name: str, argument: Any) -> Any:
        if name == "Ref":
            return self._reference(argument)
        if name == "Fn::GetAtt":
            logical_id, attribute = argument if isinstance(argument, list) else argument.split(".", 1)
            return self._attribute(logical_id, attribute)
        if name == "Fn::Sub":
            text, variables = argument if isinstance(argument, list) else (argument, {})
            filled = re.sub(r"\$\{([^}!]+)\}", lambda match: str(self._substitution(match[1].strip(), variables)), text)
            return filled.replace("${!", "${")  # a literal, such as a variable of IAM's
        if name == "Fn::If":
            return self.resolved(argument[1 if self._held else 2])
        if name == "Fn::Join":
            separator, parts = argument
            return separator.join(map(str, self.resolved(parts)))
        if name in {"Fn::FindInMap", "Fn::Split"}:
            return self._several(name, argument)
        raise ValueError(f"tools/policies.py cannot fill in {name}: {argument}")

    def _several(self, name: str, argument: Any) -> Any:
        if name == "Fn::FindInMap":
            table, first, second = map(self.resolved, argument)
            return self._mappings[table][first][second]
        separator, text = argument
        return str(self.resolved(text)).split(separator)

    def _substitution(self, name: str, variables: dict[str, Any]) -> Any:
        if name in variables:
            return self.resolved(variables[name])
        return self._attribute(*name.split(".", 1)) if "." in name else self._reference(name)

    def _reference(self, name: str) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in _PSEUDO_PARAMETERS:
            return _PSEUDO_PARAMETERS[name]
        if name in self._resources:
            return self._attribute(name, "Arn") if self._resources[name]["Type"] in _REF_IS_ARN else name.lower()
        parameter = self._parameters[name]
        return parameter.get("Default") or _example(name)

    def _attribute(self, logical_id: str, attribute: str) -> str:
        resource = self._resources[logical_id]
        named = _NAMED_BY.get(resource["Type"])
        own_name = resource.get("Properties", {}).get(named) if named else None
        name = str(self.resolved(own_name)) if own_name else logical_id.lower()
        if attribute == "Name" and own_name:
            return name
        if not attribute.endswith("Arn"):
            return f"{logical_id}-{attribute}".lower()
        path = str(self.resolved(resource.get("Properties", {}).get("Path", "/"))).removeprefix("/")
        return _ARNS[resource["Type"]].format(f"{path}{name}")


def _example(parameter: str) -> str:
    if "KeyArn" in parameter:
        return _ARNS["AWS::KMS::Key"].format(parameter.lower())
    if "Arn" in parameter:
        return f"arn:aws:iam::111111111111:role/{parameter.lower()}"
    return "222222222222" if "Account" in parameter else parameter.lower()


def documents(template: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every policy document with a readable name, filled in, once with the conditions held and once without."""
    seen = set()
    for held in (True, False):
        fill = _Template(template, held=held)
        for logical_id, resource in template["Resources"].items():
            for path, document in _found(logical_id, resource.get("Properties", {})):
                filled = fill.resolved(document)
                if (text := json.dumps([path, filled])) not in seen:
                    seen.add(text)
                    yield path, filled


def _found(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in items:
        if name in _DOCUMENTS:
            yield f"{path}.{name}", item
        else:
            yield from _found(f"{path}.{name}", item)
