"""S3 access points between accounts: a caller of another account may read through one, by its alias or, as the source
of a copy, by its ARN, as far as its own permissions, the access point's policy and the bucket's policy allow.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-policies.html
https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (x-amz-copy-source)
"""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id, request_scope
from ministack.services import s3

from local.patches.emulator import wrap

_BUCKET_ARN = "arn:aws:s3:::"
_SOURCE = "x-amz-copy-source"
_OBJECT = re.compile(r"arn:aws[a-z-]*:s3:([a-z0-9-]+):(\d{12}):accesspoint/([a-z0-9-]+)/object/(.+)", re.DOTALL)

# The buckets of other accounts that this request reaches through access points, and the condition keys of these.
_through: contextvars.ContextVar[Mapping[str, Mapping[str, str]]] = contextvars.ContextVar("through", default={})  # noqa: B039 - nobody writes into it


def apply() -> None:
    """As shipped every request of another account is refused, and the source of a copy cannot be named by an ARN."""
    wrap(s3, "access_point_for_alias", "cac85714ea81", _of_any_account)
    wrap(iam_actions, "s3_additional_checks", "26e5e5602d74", _of_the_alias)
    wrap(s3, "handle_request", "0856144f19e7", _at_its_bucket)
    wrap(iam_evaluator, "evaluate_resource_policy", "e49ce7161ad6", _with_the_access_point)


def _of_any_account(find: Any) -> Any:
    """The caller's permissions and the access point's policy are asked about whoever's access point it is."""

    @functools.wraps(find)
    def finding(alias: str) -> Any:
        owned = s3.resolve_access_point_alias(alias) if alias.endswith(s3._ACCESS_POINT_ALIAS_SUFFIX) else None
        if owned is None:
            return None
        with request_scope(owned[0], owned[1]):
            return find(alias)

    return finding


def _of_the_alias(checks: Any) -> Any:
    @functools.wraps(checks)
    def checking(method: str, path: str, headers: dict[str, str], *arguments: Any) -> Any:
        return checks(method, path, _by_alias(headers), *arguments)

    return checking


def _by_alias(headers: dict[str, str]) -> dict[str, str]:
    """The headers with a copy's source by its access point's alias, where they name its ARN."""
    source, mark, version = headers.get(_SOURCE, "").partition("?")
    named = _OBJECT.fullmatch(unquote(source).lstrip("/"))
    record = s3.resolve_access_point(named[3], named[2], named[1]) if named else None
    if named is None or record is None:
        return headers
    return headers | {_SOURCE: f"{record['Alias']}/{quote(named[4])}{mark}{version}"}


def _at_its_bucket(handle: Any) -> Any:
    """A signed request through another account's access point is one to its bucket that comes through it."""

    @functools.wraps(handle)
    async def handling(
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
        query_params: dict[str, Any],
        signed_path: str | None = None,
        **options: Any,
    ) -> Any:
        headers = _by_alias(headers)
        alias, slash, key = path.lstrip("/").partition("/")
        source, source_slash, source_key = headers.get(_SOURCE, "").lstrip("/").partition("/")
        through: dict[str, Mapping[str, str]] = {}
        if s3._request_access_key(method, key, headers, query_params, body):
            if foreign := _foreign(alias):
                through[foreign[0]] = foreign[1]
                signed_path, path = signed_path or path, f"/{foreign[0]}{slash}{key}"
            if foreign := _foreign(source):
                through[foreign[0]] = foreign[1]
                headers = headers | {_SOURCE: f"{foreign[0]}{source_slash}{source_key}"}
        token = _through.set(through)
        try:
            return await handle(method, path, headers, body, query_params, signed_path, **options)
        finally:
            _through.reset(token)

    return handling


def _foreign(alias: str) -> tuple[str, Mapping[str, str]] | None:
    """The bucket behind another account's access point, and the condition keys of what comes through it."""
    found = s3.access_point_for_alias(alias)
    if found is None or found[2]["s3:DataAccessPointAccount"] == get_account_id():
        return None
    return found[1], found[2]


def _with_the_access_point(evaluate: Any) -> Any:
    @functools.wraps(evaluate)
    def evaluating(document: Any, context: Any, *arguments: Any, **options: Any) -> Any:
        bucket = context.resource_arn.removeprefix(_BUCKET_ARN).partition("/")[0]
        keys = _through.get().get(bucket) if context.resource_arn.startswith(_BUCKET_ARN) else None
        if not keys:
            return evaluate(document, context, *arguments, **options)
        lowered = {name.lower(): value for name, value in keys.items()}
        context = dataclasses.replace(context, service_context={**context.service_context, **lowered})
        of_bucket = evaluate(document, context, *arguments, **options)
        # IAM asked about the access point before, but not for the root of an account, whom it lets do anything.
        arn, slash = keys["s3:DataAccessPointArn"], context.resource_arn.partition("/")
        through = dataclasses.replace(context, resource_arn=f"{arn}/object/{slash[2]}" if slash[1] else arn)
        of_point = evaluate((s3.access_point_policy_for_arn(arn) or ("",))[0], through, *arguments, **options)
        return of_bucket if of_point.decision == "Allow" else of_point

    return evaluating
