"""Tags of any resource, by its ARN."""

from __future__ import annotations

from typing import Any

from local.sagemaker import store
from local.sagemaker.errors import invalid
from local.sagemaker.store import KINDS, Resource, Scope

Document = dict[str, Any]

MAX_TAGS = 50


def add(request: Document, scope: Scope) -> Document:
    """AddTags: new keys are added, known ones overwritten."""
    resource = _get(request["ResourceArn"], scope)
    with store.lock:
        merged = {tag["Key"]: tag["Value"] for tag in [*resource.tags, *request["Tags"]]}
        if len(merged) > MAX_TAGS:
            raise invalid(f"A resource can have at most {MAX_TAGS} tags.")
        resource.tags = [{"Key": key, "Value": value} for key, value in merged.items()]
        return {"Tags": resource.tags}


def list_tags(request: Document, scope: Scope) -> Document:
    """ListTags; all fit on one page."""
    return {"Tags": _get(request["ResourceArn"], scope).tags}


def delete(request: Document, scope: Scope) -> Document:
    """DeleteTags; unknown keys are ignored."""
    resource = _get(request["ResourceArn"], scope)
    with store.lock:
        resource.tags = [tag for tag in resource.tags if tag["Key"] not in request["TagKeys"]]
    return {}


def _get(arn: str, scope: Scope) -> Resource:
    _, _, _, region, account, named = arn.split(":", 5)
    kind, _, name = named.partition("/")
    if (account, region) != (scope.account, scope.region) or kind not in KINDS:
        raise invalid(f'Could not find resource "{arn}".')
    return store.get(KINDS[kind], scope, name)
