"""S3 between accounts: policies are evaluated for the caller, copies find a foreign source, owners are checked."""

from __future__ import annotations

import contextvars
import dataclasses
import functools
import types
from typing import Any
from urllib.parse import unquote

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import s3

from local.patches.emulator import wrap

_for_the_caller: contextvars.ContextVar[bool] = contextvars.ContextVar("foreign_bucket", default=False)


def apply() -> None:
    """Fix the bucket policy's principal and the look-up of a copy's source."""
    wrap(s3, "_foreign_bucket_allows", "7865eb38b093", _evaluate_for_the_caller)
    wrap(iam_evaluator, "evaluate_resource_policy", "e49ce7161ad6", _with_the_caller)
    wrap(s3, "_apply_bucket_scope", "df846d5b4247", _of_the_expected_owner)
    wrap(s3, "_copy_object", "ce47e73298be", _from_its_owner)
    wrap(s3, "_upload_part_copy", "890950db69f2", _from_its_owner)


def _evaluate_for_the_caller(allows: Any) -> Any:
    @functools.wraps(allows)
    def allowing(*arguments: Any, **options: Any) -> bool:
        token = _for_the_caller.set(True)
        try:
            return bool(allows(*arguments, **options))
        finally:
            _for_the_caller.reset(token)

    return allowing


def _with_the_caller(evaluate: Any) -> Any:
    """As shipped a foreign bucket's policy is evaluated for the root of the caller's account, which no role is."""

    @functools.wraps(evaluate)
    def evaluating(document: Any, context: Any, *arguments: Any, **options: Any) -> Any:
        caller = iam_evaluator.caller_arn()
        if _for_the_caller.get() and context.principal_type == "Root" and ":assumed-role/" in caller:
            context = dataclasses.replace(context, principal_arn=caller, principal_type="AssumedRole")
        return evaluate(document, context, *arguments, **options)

    return evaluating


def _of_the_expected_owner(scope: Any) -> Any:
    """ExpectedBucketOwner is checked, on every request that has a bucket."""

    @functools.wraps(scope)
    def scoping(method: str, bucket: str, key: str, headers: dict[str, str], *arguments: Any, **options: Any) -> Any:
        expected, owner = (
            headers.get("x-amz-expected-bucket-owner"),
            s3._bucket_owner_account(bucket) if bucket else None,
        )
        if expected and owner and owner != expected:
            return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}/{key}" if key else f"/{bucket}")
        return scope(method, bucket, key, headers, *arguments, **options)

    return scoping


class _OfTheSource:
    """A store of the emulator in which the source bucket's entries are its owner's."""

    def __init__(self, store: Any, bucket: str, owner: str) -> None:
        self._store, self._bucket, self._owner = store, bucket, owner

    def get(self, key: Any, default: Any = None) -> Any:
        if key[0] == self._bucket:
            entry = self._store.get_scoped(self._owner, None, key)
            return default if entry is None else entry
        return self._store.get(key, default)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def __getitem__(self, key: Any) -> Any:
        return self._store[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._store[key] = value

    def __contains__(self, key: Any) -> bool:
        return key in self._store


def _from_its_owner(copy: Any) -> Any:
    """Run the emulator's own copy with look-ups that know the source's owner; both accounts have allowed it already."""

    @functools.wraps(copy)
    def copying(bucket_name: str, key: str, *arguments: Any) -> Any:
        headers: dict[str, str] = arguments[-1]
        bucket = unquote(headers.get("x-amz-copy-source", "").partition("?")[0]).lstrip("/").partition("/")[0]
        owner = s3._bucket_owner_account(bucket)
        expected = headers.get("x-amz-source-expected-bucket-owner")
        if expected and owner and owner != expected:
            return s3._error("AccessDenied", "Access Denied", 403, f"/{bucket}")
        if owner is None or owner == get_account_id():
            return copy(bucket_name, key, *arguments)
        return _in_two_accounts(copy, bucket, owner)(bucket_name, key, *arguments)

    return copying


def _in_two_accounts(copy: Any, bucket: str, owner: str) -> Any:
    def at_the_source(function: Any) -> Any:
        @functools.wraps(function)
        def reading(*arguments: Any) -> Any:
            if bucket not in arguments:
                return function(*arguments)
            with request_scope(owner, get_region()):
                return function(*arguments)

        return reading

    shipped = getattr(copy, "__wrapped__", copy)
    names = dict(vars(s3))
    for function in ("_ensure_bucket", "_version_body", "_read_body"):
        names[function] = at_the_source(names[function])
    for store in ("_object_versions", "_object_tags", "_object_annotations"):
        names[store] = _OfTheSource(names[store], bucket, owner)
    return types.FunctionType(shipped.__code__, names, shipped.__name__, shipped.__defaults__, shipped.__closure__)
