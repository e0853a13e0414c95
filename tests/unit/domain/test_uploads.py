"""Uploads: whose and for what, told from the key and the size alone."""

from __future__ import annotations

from typing import Any

import pytest

from tenantml.domain.uploads import Destination, Upload, check_size, destination_of
from tenantml.errors import UploadTooLarge, WrongUploadKey

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
