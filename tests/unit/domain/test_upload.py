"""Uploads: the tenant and the purpose, from the key and the size alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenantml.domain.training.model_settings import RANGES
from tenantml.domain.uploads.upload import (
    FORM_BYTES,
    MAX_PARTS,
    METADATA,
    MIB,
    PART_BYTES,
    Destination,
    Upload,
    UploadRequest,
    check_size,
    destination_of,
    fingerprint_of,
    idempotency_key,
    part_bytes,
    part_sizes,
    upload_of,
)
from tenantml.errors import InvalidRequest, PayloadTooLarge, UploadTooLarge, WrongUploadKey

EVENT: dict[str, Any] = {
    "time": "2026-11-22T17:03:01Z",
    "detail": {
        "bucket": {"name": "ingest"},
        "object": {
            "key": "acme/churn/a b+c.csv",
            "version-id": "3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY",
            "etag": "d41d8cd98f00b204e9800998ecf8427e",
            "size": 470_627,
            "sequencer": "00617F08299329D189",
        },
    },
}


def test_an_event_is_read_with_its_key_as_it_stands() -> None:
    upload = Upload.from_event(EVENT)
    assert upload.key == "acme/churn/a b+c.csv"
    assert upload.size_bytes == 470_627
    assert Upload(**upload.as_input()) == upload
    assert upload.execution.startswith("acme-churn-")


def test_an_event_of_an_unversioned_object_is_none_of_ours() -> None:
    unversioned = {name: value for name, value in EVENT["detail"]["object"].items() if name != "version-id"}
    with pytest.raises(KeyError):
        Upload.from_event({**EVENT, "detail": {**EVENT["detail"], "object": unversioned}})


def test_of_two_uploads_in_one_second_the_greater_sequencer_is_the_later() -> None:
    """Padded with zeros on the left, sequencers are compared as texts (S3 user guide, "Event message structure")."""
    upload = Upload.from_event(EVENT)
    sequencers = ["9", "00617F08299329D189", "0A617F08299329D189", "617F08299329D18900"]
    orders = [replace(upload, sequencer=sequencer).order for sequencer in sequencers]
    assert orders == sorted(orders)
    assert replace(upload, sequencer="F" * 18).order < replace(upload, uploaded_at="2026-11-22T17:03:02Z").order


@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "a b+c%20.csv", "..csv.csv", "ä.csv", "=cmd().csv"])
def test_a_csv_under_tenant_and_model_has_a_destination(name: str) -> None:
    assert destination_of(f"acme/churn/{name}") == Destination("acme", "churn")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a.csv",
        "acme/a.csv",
        "acme/churn/deeper/a.csv",
        "acme/churn/a.csv/b.csv",
        "acme//a.csv",
        "/acme/churn/a.csv",
        "acme/../a.csv",
        "../churn/a.csv",
        "Acme/churn/a.csv",
        "acme/Churn/a.csv",
        "acme/churn/",
        "acme/churn/..",
        "acme/churn/.",
        "acme/churn/a\\b.csv",
        "acme/churn/a\n.csv",
        "acme/churn/a\x00.csv",
        "acme/churn/a.csv.gz",
        "acme/churn/a.xlsx",
        "acme/churn/csv",
    ],
)
def test_any_other_key_is_refused_with_what_to_do(key: str) -> None:
    with pytest.raises(WrongUploadKey, match=r"upload"):
        destination_of(key)


def test_a_file_of_exactly_the_limit_is_taken() -> None:
    check_size(100, 100)


def test_a_larger_file_is_refused_with_both_sizes() -> None:
    with pytest.raises(UploadTooLarge, match=r"1,001 bytes .* 1,000 at most"):
        check_size(1001, 1000)


@pytest.mark.parametrize(
    ("document", "in_parts"),
    [
        ({}, False),
        ({"multipart": False}, False),
        ({"size_bytes": FORM_BYTES}, False),
        ({"size_bytes": FORM_BYTES + 1}, True),
        ({"size_bytes": 1, "multipart": True}, True),
        ({"size_bytes": FORM_BYTES + 1, "multipart": False}, True),
    ],
)
def test_a_file_that_a_form_cannot_take_comes_in_parts(document: dict[str, Any], in_parts: bool) -> None:
    found = UploadRequest.from_document({"file_name": "a.csv", **document}, 20 * 1024**3)
    assert (found.file_name, found.size_bytes, found.in_parts) == ("a.csv", document.get("size_bytes"), in_parts)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({}, "file_name"),
        ({"file_name": 1}, "file_name"),
        ({"file_name": "a.csv", "other": 1}, "body must be"),
        ({"file_name": "a.csv", "multipart": True}, "size_bytes"),
        ({"file_name": "a.csv", "multipart": 1, "size_bytes": 5}, "multipart"),
        ({"file_name": "a.csv", "size_bytes": None}, "size_bytes"),
        ({"file_name": "a.csv", "size_bytes": 0}, "size_bytes"),
        ({"file_name": "a.csv", "size_bytes": True}, "size_bytes"),
        ({"file_name": "a.csv", "size_bytes": 1.5}, "size_bytes"),
    ],
)
def test_a_request_for_an_upload_says_what_is_wrong_with_it(document: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidRequest, match=said):
        UploadRequest.from_document(document, 1000)


def test_a_file_that_is_announced_too_large_is_refused_with_the_models_limit() -> None:
    with pytest.raises(PayloadTooLarge, match="1,000 bytes at most; send fewer rows or raise max_upload_bytes"):
        UploadRequest.from_document({"file_name": "a.csv", "size_bytes": 1001}, 1000)


@given(st.integers(1, int(RANGES["max_upload_bytes"][1])))
def test_parts_are_the_file_and_neither_too_small_nor_too_many(size_bytes: int) -> None:
    of_bytes = part_bytes(size_bytes)
    sizes = part_sizes(size_bytes, of_bytes)
    assert sum(sizes) == size_bytes
    assert set(sizes[:-1]) <= {of_bytes}
    assert 1 <= sizes[-1] <= of_bytes
    assert len(sizes) <= MAX_PARTS
    assert of_bytes >= PART_BYTES
    assert of_bytes % MIB == 0


@pytest.mark.parametrize("header", ["8e03978e-40d5-43dd-bc93-6894a57f9324", '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
def test_an_idempotency_key_is_the_same_quoted_or_not(header: str) -> None:
    assert idempotency_key(header) == "8e03978e-40d5-43dd-bc93-6894a57f9324"


def test_a_request_without_an_idempotency_key_has_none() -> None:
    assert idempotency_key(None) is None


@pytest.mark.parametrize("header", ["", " ", "a ", '""', '"half', "a b", "x" * 129, "k\u00e9y", "a\nb", '"a";p=1'])
def test_what_cannot_be_an_idempotency_key_is_refused(header: str) -> None:
    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        idempotency_key(header)


def test_a_fingerprint_is_of_the_whole_request_and_not_of_its_order() -> None:
    first = fingerprint_of("createUpload", "churn", {"file_name": "a.csv", "size_bytes": 1})
    assert fingerprint_of("createUpload", "churn", {"size_bytes": 1, "file_name": "a.csv"}) == first
    assert fingerprint_of("createUpload", "other", {"file_name": "a.csv", "size_bytes": 1}) != first
    assert fingerprint_of("createUpload", "churn", {"file_name": "a.csv", "size_bytes": 2}) != first


def test_only_an_id_of_ours_in_an_objects_metadata_is_an_upload() -> None:
    assert upload_of({METADATA: "0f" * 16}) == "0f" * 16
    assert upload_of({METADATA: "mine"}) is None
    assert upload_of({"other": "0f" * 16}) is None
