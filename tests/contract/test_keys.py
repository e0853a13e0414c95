"""Your own keys and networks: allowed only with their parameters, each use narrow, and absent otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from samtranslator.yaml_helper import yaml_parse

from tools.policy_documents import documents
from tools.translate import translated

ONLY_GIVEN = ("kms:", "ec2:")
# Every use of a key → the condition that keeps it to what it is for.
NARROWED_BY = {
    "kms:GenerateDataKey": "kms:ViaService",
    "kms:Encrypt": "kms:ViaService",
    "kms:Decrypt": "kms:ViaService",
    "kms:CreateGrant": "kms:GrantIsForAWSResource",
}


@pytest.fixture(scope="module", params=["template.yaml", "onboarding/customer_access.yaml"])
def source(repository: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    path = repository / request.param
    found: dict[str, Any] = translated(path) if path.name == "template.yaml" else yaml_parse(path.read_text())
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def unconditional(resources: dict[str, Any]) -> Iterator[str]:
    """Yield the actions on keys and networks that are allowed whatever the parameters are."""

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if "Fn::If" in value:
                return
            yield from (one for one in listed(value.get("Action", [])) if one.startswith(ONLY_GIVEN))
            value = list(value.values())
        for item in value if isinstance(value, list) else []:
            yield from walk(item)

    for resource in resources.values():
        if "Condition" not in resource:
            yield from walk(resource.get("Properties", {}))


def test_without_its_parameter_no_key_or_network_may_be_used(source: dict[str, Any]) -> None:
    assert list(unconditional(source["Resources"])) == []


def test_each_use_of_a_key_names_the_key_and_what_it_is_for(source: dict[str, Any]) -> None:
    seen = set()
    for path, document in documents(source):
        for statement in document["Statement"]:
            actions = [action for action in listed(statement["Action"]) if action.startswith("kms:")]
            keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
            for action in actions:
                assert NARROWED_BY[action] in keys, path
                (key_arn,) = listed(statement["Resource"])
                assert ":key/" in key_arn, path
                assert "*" not in key_arn, path
                seen.add(action)
    assert {"kms:Decrypt", "kms:GenerateDataKey"} <= seen


def test_every_bucket_takes_the_key_that_is_given_and_none_otherwise(source: dict[str, Any]) -> None:
    # The first is public, so that nobody could decrypt; the second has no data, and must outlive the key.
    others = {"OnboardingBucket", "EvidenceCopyBucket"}
    buckets = [
        bucket["Properties"]
        for name, bucket in source["Resources"].items()
        if bucket["Type"] == "AWS::S3::Bucket" and name not in others
    ]
    assert buckets
    for bucket in buckets:
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        condition, bucket_key, otherwise = rule["BucketKeyEnabled"]["Fn::If"]
        assert (bucket_key, otherwise) == (True, {"Ref": "AWS::NoValue"})
        by_default = rule["ServerSideEncryptionByDefault"]
        assert by_default["SSEAlgorithm"]["Fn::If"] == [condition, "aws:kms", "AES256"]
        assert by_default["KMSMasterKeyID"]["Fn::If"][::2] == [condition, {"Ref": "AWS::NoValue"}]


def test_a_planted_permission_without_a_parameter_is_found() -> None:
    statement = {"Sid": "Any", "Effect": "Allow", "Action": ["s3:GetObject", "kms:Decrypt"], "Resource": "*"}
    role = {"Properties": {"Policies": [{"PolicyDocument": {"Statement": [statement]}}]}}
    assert list(unconditional({"Role": role})) == ["kms:Decrypt"]
    assert list(unconditional({"Role": role | {"Condition": "HasKey"}})) == []
