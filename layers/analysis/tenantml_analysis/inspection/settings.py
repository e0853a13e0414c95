"""The limits and thresholds of a pre-flight."""

from __future__ import annotations

from dataclasses import dataclass

from tenantml.domain.training.holdout_rule import HoldoutRule

KIB = 1024
MIB = 1024**2


@dataclass(frozen=True)
class InspectionSettings:
    """What a dataset is checked against, and how it is split; every field but `target` and `salt` has a default.

    `salt` is the model's: it keys the hashes of rows. A row is held out by the hash of its features, or of
    `entity_column`, if it is among the lowest `holdout_fraction` of all hashes; `rule` is what the model's training
    before left of that. The holdout is kept in memory until the end: when it outgrows `holdout_rows_max` or
    `holdout_bytes_max` it is thinned to half.
    `problem_type` is Autopilot's (`BinaryClassification`, `MulticlassClassification`, `Regression`) or None: then it is
    guessed as Autopilot does. `field_bytes_max` is the standard library's own limit. `distinct_max` caps how many
    distinct values of a column are counted and listed. `ignore_columns` are left out of both parts, and of the
    profile's columns. `block_bytes` is how much is scanned at a time; it changes memory and speed, never the outcome.
    """

    target: str
    salt: str
    rule: HoldoutRule | None = None
    entity_column: str | None = None
    problem_type: str | None = None
    ignore_columns: tuple[str, ...] = ()

    holdout_fraction: float = 0.2
    holdout_rows_max: int = 20_000
    holdout_bytes_max: int = 16 * MIB
    # "at least 500 training rows": https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-datasets-problem-
    # types.html
    min_training_rows: int = 500

    size_bytes_max: int | None = None
    columns_max: int = 4_096
    field_bytes_max: int = 128 * KIB
    row_bytes_max: int = 4 * MIB

    classes_max: int = 2_000
    class_rows_min: int = 2
    whole_number_classes_max: int = 20
    distinct_max: int = 100

    sample_rows: int = 1_000
    sample_bytes: int = MIB // 2
    imbalance_share: float = 0.05
    identifier_share: float = 0.99
    duplicate_share: float = 0.01
    duplicate_rows_checked: int = 10_000
    personal_data_share: float = 0.5
    leak_rows_per_value: float = 2.0
    leak_minority_rows: int = 10
    leak_correlation: float = 0.9999

    block_bytes: int = MIB
