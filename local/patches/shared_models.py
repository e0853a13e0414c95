"""botocore's data, read once: by a process for all of its sessions, and by the nursery for all Lambda workers.

A session's first client reads a list of 400 services and the models of those it calls, for 0.15 s of CPU. botocore
keeps what it has read in the loader of a session, and never changes it: here, all sessions have one loader.

The nursery of workers runs this file, and finds no other of this repository.
"""

from __future__ import annotations

from typing import Any

import botocore.loaders
import botocore.session

# What most functions call; another service's model is read by the worker that needs it.
_CALLED = ("dynamodb", "s3", "sts", "sagemaker", "stepfunctions")


def share() -> None:
    """Let all sessions of this process have one loader, but those that are told of models of their own (AWS_DATA_PATH).

    Raises:
        AttributeError: botocore's sessions no longer make their loaders by this name.
    """
    shipped = botocore.loaders.create_loader
    if botocore.session.create_loader is not shipped:
        raise AttributeError("botocore.session.create_loader is not botocore.loaders.create_loader: read it again")
    shared = shipped()

    def create(search_path_string: str | None = None) -> Any:
        return shipped(search_path_string) if search_path_string else shared

    botocore.session.create_loader = create


def read() -> None:
    """Read what the clients of most functions need."""
    session = botocore.session.get_session()
    for service in _CALLED:
        session.create_client(
            service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"  # noqa: S106 - no key
        )  # fmt: skip


if __name__ == "__main__":
    share()
    read()
