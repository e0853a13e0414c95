"""Which kind of endpoint a version gets: what its settings say, else what suits it, with the reason in words.

`auto` chooses a serverless endpoint where one can be and where it costs less, which needs to know how often it will be
called. A serverless endpoint of 4 GB that answers all the time costs 0.288 USD an hour in us-east-1, as much as 62 % of
the smallest instance that we deploy on (0.461 USD); one that answers for 40 % of the time costs as much as an
ml.m5.large (0.115 USD). We take a second for each request, which small ensembles do not need, so that the answer errs
towards instances: docs/decisions/0038.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tenantml.domain.names import CustomerAccount
from tenantml.domain.training.endpoint_rules import (
    BY_NEEDS,
    REAL_TIME,
    SERVERLESS,
    SERVERLESS_MEMORY_MB,
)
from tenantml.domain.training.model_settings import ModelSettings
from tenantml.errors import ServerlessNotPossible

MIB, GIB = 1024**2, 1024**3
MEMORY_PER_ARTEFACT = 4
IMAGE_MB = 3072
"""What Autopilot's container takes before it has a model: the least of `SERVERLESS_MEMORY_MB`."""
MEMORY_SETTING = "serverless_memory_mb"
MOST_REQUESTS_PER_HOUR = 1440  # 40 % of an hour, at a second each


@dataclass(frozen=True)
class Measured:
    """How often a version's endpoint was called, an hour on average."""

    version: str
    requests_per_hour: float


@dataclass(frozen=True)
class Choice:
    """The kind of endpoint, and why."""

    endpoint: str
    why: str

    def __str__(self) -> str:
        return f"{self.endpoint}: {self.why}"


def choose(
    settings: ModelSettings,
    account: CustomerAccount,
    container_count: int,
    artefact_sizes: Sequence[int | None],
    measured: Measured | None = None,
) -> Choice:
    """Return which kind of endpoint a version gets whose containers have artefacts of so many bytes, None where that is
    not known; `measured` is how often a version before was called, None without one that was seen for long enough.

    Raises:
        ServerlessNotPossible: the settings ask for a serverless endpoint, and SageMaker has none for it.
    """
    if settings.asks_for_serverless:
        if why := _why_not_serverless(settings, account, container_count, artefact_sizes):
            raise ServerlessNotPossible(f"the settings ask for a serverless endpoint, and {why}")
        return Choice(SERVERLESS, f"the setting {'endpoint' if settings.endpoint == SERVERLESS else MEMORY_SETTING}")
    if settings.endpoint != BY_NEEDS:
        return Choice(settings.endpoint, "the setting endpoint")
    why = _why_instances(settings) or _why_not_serverless(settings, account, container_count, artefact_sizes)
    if not why and account.kms_key_arn:
        why = "your KMS key encrypts the volumes of instances, and a serverless endpoint takes none"
    return Choice(REAL_TIME, why) if why else _by_rate(settings.expected_requests_per_hour, measured)


def may_be_serverless(settings: ModelSettings, account: CustomerAccount) -> bool:
    """Return whether `auto` may come to choose a serverless endpoint for a version of these settings."""
    expected = settings.expected_requests_per_hour
    return (
        settings.endpoint == BY_NEEDS
        and not settings.asks_for_serverless
        and not _why_instances(settings)
        and not _why_not_serverless(settings, account, 1, [0])
        and not account.kms_key_arn
        and (expected is None or expected < MOST_REQUESTS_PER_HOUR)
    )


def _why_instances(settings: ModelSettings) -> str:
    """Return in words why the settings ask for instances, empty when they do not."""
    if settings.instance_type is not None:
        return "the setting instance_type"
    if settings.max_instances is not None:
        return "max_instances asks for instances that scale"
    return f"instance_count asks for {settings.instance_count} instances" if settings.instance_count > 1 else ""


def serverless_memory_mb(artefact_sizes: Sequence[int | None]) -> int | None:
    """Return the least memory of a serverless endpoint that such artefacts fit; None when none does, or when their size
    is not known.
    """
    if None in artefact_sizes or not artefact_sizes:
        return None
    needed = IMAGE_MB * MIB + MEMORY_PER_ARTEFACT * sum(size for size in artefact_sizes if size)
    return next((memory_mb for memory_mb in SERVERLESS_MEMORY_MB if needed <= memory_mb * MIB), None)


def _why_not_serverless(
    settings: ModelSettings, account: CustomerAccount, container_count: int, artefact_sizes: Sequence[int | None]
) -> str:
    """Return in words why there can be no serverless endpoint, empty when there can."""
    known = [size for size in artefact_sizes if size is not None]
    memory_mb = settings.serverless_memory_mb
    if container_count > 1:
        return f"the candidate has {container_count} containers, of which a serverless endpoint takes one"
    if account.subnet_ids:
        return "SageMaker has no serverless endpoints in a VPC, such as yours"
    if settings.network_isolation:
        return "SageMaker has no serverless endpoints with network_isolation"
    if memory_mb is not None:
        too_large = sum(known) > memory_mb * MIB
        return f"artefacts of {readable(sum(known))} do not fit into its {memory_mb} MB" if too_large else ""
    if serverless_memory_mb(artefact_sizes) is None:
        what = f"artefacts of {readable(sum(known))}" if known else "artefacts of unknown size"
        return f"{what} may not fit into the {SERVERLESS_MEMORY_MB[-1]} MB that a serverless endpoint has at most"
    return ""


def _by_rate(expected: int | None, measured: Measured | None) -> Choice:
    if expected is not None:
        rate, by = float(expected), "are expected"
    elif measured is not None:
        rate, by = measured.requests_per_hour, f"were measured of {measured.version}"
    else:
        return Choice(REAL_TIME, "nobody knows yet how often it is called; expected_requests_per_hour says so")
    how_often = f"{rate:,.0f} requests an hour {by}"
    if rate >= MOST_REQUESTS_PER_HOUR:
        return Choice(REAL_TIME, f"{how_often}, and from {MOST_REQUESTS_PER_HOUR:,} on an instance costs less")
    return Choice(SERVERLESS, f"{how_often}, and below {MOST_REQUESTS_PER_HOUR:,} it costs less than an instance")


def readable(size_bytes: int) -> str:
    """Return a size in words."""
    return f"{size_bytes / GIB:.1f} GiB" if size_bytes >= GIB else f"{max(1, size_bytes // MIB)} MiB"
