"""CloudFormation knows `AWS::IAM::Group`, the operators' group, and the boundary of a role."""

from __future__ import annotations

import functools
import json
from typing import Any
from xml.etree import ElementTree as ET

from ministack.services import iam, s3
from ministack.services.cloudformation import provisioners

from local.patches.emulator import EmulatorChanged, original, wrap

GROUP, ROLE = "AWS::IAM::Group", "AWS::IAM::Role"


def apply() -> None:
    """Keep a role's `PermissionsBoundary`; add groups, through the emulator's own operations.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-group.html
    """
    original(s3, "_put_bucket_encryption", "ba17e3bceb83")
    wrap(provisioners, "_s3_apply_configurations", "9a299ad21255", _encrypted)
    original(iam, "_create_group", "58339795bd8a")
    original(iam, "_put_group_policy", "ebddb60cfef4")
    handlers = provisioners._RESOURCE_HANDLERS
    if GROUP in handlers:
        raise EmulatorChanged(f"the emulator now has a provisioner of {GROUP}: remove this patch")
    handlers[GROUP] = {"create": _create, "update": _update, "delete": _delete}
    wrap(provisioners, "_iam_role_create", "2d7e3d8ec507", _bounded)
    wrap(provisioners, "_iam_role_update", "4f4039080dc1", _bounded)
    handlers[ROLE] |= {"create": provisioners._iam_role_create, "update": provisioners._iam_role_update}


def _bounded(provision: Any) -> Any:
    """As shipped the property is dropped, and the role may do more than on AWS."""

    @functools.wraps(provision)
    def bounding(*arguments: Any, **options: Any) -> Any:
        made = provision(*arguments, **options)
        # The properties are the second argument of a creation, and the third of an update, after the old ones.
        properties = arguments[2] if isinstance(arguments[2], dict) else arguments[1]
        role = iam._roles[made[0]]
        role.pop("PermissionsBoundary", None)
        if boundary := properties.get("PermissionsBoundary"):
            role["PermissionsBoundary"] = boundary
        return made

    return bounding


def _encrypted(configure: Any) -> Any:
    """As shipped, `BucketEncryption` is dropped, and every bucket reports S3's own keys."""

    @functools.wraps(configure)
    def encrypting(name: str, properties: dict[str, Any], *old: Any) -> Any:
        configure(name, properties, *old)
        if "BucketEncryption" not in properties:
            s3._bucket_encryption.pop(name, None)
            return
        root = ET.Element("ServerSideEncryptionConfiguration", xmlns=s3.S3_NS)
        for rule in properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]:
            element = ET.SubElement(root, "Rule")
            default = ET.SubElement(element, "ApplyServerSideEncryptionByDefault")
            for member, value in rule["ServerSideEncryptionByDefault"].items():
                ET.SubElement(default, member).text = value
            bucket_key = str(rule.get("BucketKeyEnabled", False)).lower()
            ET.SubElement(element, "BucketKeyEnabled").text = bucket_key
        status, _, body = s3._put_bucket_encryption(name, ET.tostring(root))
        if status != 200:
            raise ValueError(f"{name}: {body.decode() if isinstance(body, bytes) else body}")

    return encrypting


def _create(logical_id: str, properties: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
    name = properties.get("GroupName") or provisioners._physical_name(stack_name, logical_id, max_len=128)
    iam._create_group({"GroupName": name, "Path": properties.get("Path", "/")})
    _put_policies(name, properties)
    return name, {"Arn": iam._groups[name]["Arn"]}


def _update(
    physical_id: str, _old: dict[str, Any], new: dict[str, Any], _stack_name: str
) -> tuple[str, dict[str, Any]]:
    iam._group_inline_policies.pop(physical_id, None)
    _put_policies(physical_id, new)
    return physical_id, {"Arn": iam._groups[physical_id]["Arn"]}


def _delete(physical_id: str, _properties: dict[str, Any]) -> None:
    iam._group_inline_policies.pop(physical_id, None)
    iam._groups.pop(physical_id, None)


def _put_policies(name: str, properties: dict[str, Any]) -> None:
    for policy in properties.get("Policies", []):
        request = {
            "GroupName": name,
            "PolicyName": policy["PolicyName"],
            "PolicyDocument": json.dumps(policy["PolicyDocument"]),
        }
        status, _, body = iam._put_group_policy(request)
        if status != 200:
            raise ValueError(f"{name}: {body.decode() if isinstance(body, bytes) else body}")
