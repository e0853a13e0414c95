"""A run: what every state of one execution needs to know, small enough to travel through the state machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tenantml.domain.names import (
    VERSION_PATTERN,
    CustomerAccount,
    deployment_name,
    is_model,
    is_tenant,
    staging_folder,
    version_name,
)
from tenantml.domain.uploads.upload import Destination, Upload


@dataclass(frozen=True)
class Run:
    """One execution: its tenant, its model, and the version that it trains."""

    execution: str
    tenant: str
    model: str
    version: str

    @classmethod
    def of(cls, upload: Upload, destination: Destination) -> Run:
        """Return the run that an upload starts; the same upload always gives the same run."""
        return cls(
            upload.execution, destination.tenant, destination.model, version_name(upload.uploaded_at, upload.execution)
        )

    @classmethod
    def of_document(cls, document: Mapping[str, str]) -> Run:
        """Return the run that travels through a state machine as a JSON object.

        Raises:
            ValueError: its names are none of ours, so that others could be made of them: a bug, or a forgery.
        """
        run = cls(**document)
        if not (is_tenant(run.tenant) and is_model(run.model) and VERSION_PATTERN.fullmatch(run.version)):
            raise ValueError("a run's tenant, model or version has no name that one can have")
        return run

    @classmethod
    def of_row(cls, row: Mapping[str, Any]) -> Run:
        """Return the run of an execution's row."""
        return cls(row["execution"], row["tenant"], row["model"], row["version"])

    @classmethod
    def evaluated(cls, row: Mapping[str, Any]) -> Run:
        """Return the run whose version was evaluated for that of this row: itself, unless it resumed that one."""
        return cls.of_row({**row, "version": row.get("evaluated_as", row["version"])})

    def as_document(self) -> dict[str, str]:
        """Return it as a JSON object, for the state machine."""
        return asdict(self)

    @property
    def staging_folder(self) -> str:
        """Where this run's files are in the staging bucket; ends in a slash."""
        return staging_folder(self.tenant, self.model, self.execution)

    @property
    def version_folder(self) -> str:
        """Where what is known of this run's version alone is in the staging bucket; ends in a slash."""
        return f"{self.staging_folder}{self.version}/"

    @property
    def evaluation_key(self) -> str:
        """Where the evaluation of this run's version is in the staging bucket."""
        return f"{self.version_folder}evaluation.json"

    @property
    def customer_folder(self) -> str:
        """Where this run's files are in the customer's bucket; ends in a slash."""
        return CustomerAccount.folder(self.model, self.execution)

    @property
    def deployment(self) -> str:
        """The name of the execution that deploys this run's version."""
        return deployment_name(self.tenant, self.model, self.version)
