"""The uploads of a model: a form, or parts, for one file that is trained from."""

from __future__ import annotations

import secrets
from typing import Any

from tenantml import http
from tenantml.api.named import find_model, name_in_path
from tenantml.aws.s3 import presigned
from tenantml.domain.api import pagination, views
from tenantml.domain.names import execution_name
from tenantml.domain.uploads.upload import (
    MAX_KEY_BYTES,
    UploadRequest,
    destination_of,
    fingerprint_of,
    idempotency_key,
    part_bytes,
    part_sizes,
)
from tenantml.errors import InvalidRequest, UploadError
from tenantml.http import Answer
from tenantml.services import tenant_scope
from tenantml.services.registry import uploads
from tenantml.settings import setting

Json = dict[str, Any]


def create_upload(tenant: str, event: Json) -> Answer:
    """POST /models/{model}/uploads: a form that takes one file, or the parts of a larger one; what it brings is
    trained from once. Under one Idempotency-Key it is the same upload, signed anew.
    """
    row = find_model(tenant, event)
    model, limit_bytes = row["model"], row["settings"]["max_upload_bytes"]
    document = http.parse_json_object(event)
    request = UploadRequest.from_document(document, limit_bytes)
    key = key_of_upload(tenant, model, request.file_name)
    upload = secrets.token_hex(16)
    if repeatable := idempotency_key(http.find_header(event, "idempotency-key")):
        upload = uploads.under_key(tenant, repeatable, fingerprint_of("createUpload", model, document), upload)
    if not request.in_parts:
        uploads.add(tenant, upload, {"model": model, "key": key})
        form = presigned.upload_form(tenant_scope.s3(), key, limit_bytes, upload)
        return Answer(201, {"upload": upload, "key": key} | form)
    size_bytes = request.size_bytes or 0
    parts = {"size_bytes": size_bytes, "part_bytes": part_bytes(size_bytes)}
    found = uploads.add(tenant, upload, {"model": model, "key": key} | parts)
    if "multipart_id" not in found:
        multipart_id = presigned.begin_parts(tenant_scope.s3(), key, upload)
        if not uploads.begin_parts(tenant, upload, multipart_id):  # the same request was faster
            presigned.abort(tenant_scope.s3(), key, multipart_id)
    return Answer(201, views.upload(found))


def get_upload(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/uploads/{upload}: which execution it started, if it did."""
    return Answer(200, views.upload(find_upload(tenant, event)))


def list_parts(tenant: str, event: Json) -> Answer:
    """GET /models/{model}/uploads/{upload}/parts: where each part is PUT, and its size."""
    row = find_upload_in_parts(tenant, event)
    sizes = part_sizes(row["size_bytes"], row["part_bytes"])
    parts = [{"number": number, "size_bytes": size} for number, size in enumerate(sizes, 1)]
    page = pagination.page_of(parts, pagination.read(http.query_of(event)))
    s3, key, multipart_id = tenant_scope.s3(), row["key"], row["multipart_id"]
    signed = [
        part | {"url": presigned.part_url(s3, key, multipart_id, part["number"], part["size_bytes"])}
        for part in page.rows
    ]
    return Answer(
        200,
        {
            "parts": signed,
            "expires_in_seconds": presigned.PART_EXPIRES_IN_SECONDS,
            "next_token": page.next_token,
        },
    )


def complete_upload(tenant: str, event: Json) -> Answer:
    """POST /models/{model}/uploads/{upload}/completion: all parts are there, so train from them; a repeat says the
    same.
    """
    row = find_upload_in_parts(tenant, event)
    if "version_id" not in row:
        sizes = part_sizes(row["size_bytes"], row["part_bytes"])
        row["version_id"] = presigned.complete_parts(tenant_scope.s3(), row["key"], row["multipart_id"], sizes)
        uploads.note_version(tenant, row["upload"], row["version_id"])
    row["execution"] = execution_name(setting("INGEST_BUCKET"), row["key"], row["version_id"])
    return Answer(200, views.upload(row))


def key_of_upload(tenant: str, model: str, file_name: str) -> str:
    """Return the key of an upload.

    Raises:
        InvalidRequest: no upload can have this file name.
    """
    key = f"{tenant}/{model}/{file_name}"
    try:
        destination_of(key)
    except UploadError as error:
        raise InvalidRequest(f"file_name: {error}") from error
    if len(key.encode()) > MAX_KEY_BYTES:
        raise InvalidRequest(f"file_name: the upload's key has over {MAX_KEY_BYTES} bytes; choose a shorter name")
    return key


def find_upload(tenant: str, event: Json) -> Json:
    """Return the row of the path's upload; one that does not exist is as one of another tenant or model."""
    row = uploads.find(tenant, name_in_path(event, "upload"))
    if not row or row["model"] != http.model_of(event):
        raise http.not_found()
    return row


def find_upload_in_parts(tenant: str, event: Json) -> Json:
    """Return the row of the path's upload, which comes in parts."""
    row = find_upload(tenant, event)
    if "multipart_id" not in row:
        raise http.not_found()
    return row
