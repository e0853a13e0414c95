"""From CSV files to what models are fitted on, and what the target means."""

import math
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from local.sagemaker.serving.artefact import typed
from local.sagemaker.serving.cells import Kind, kind_of
from local.sagemaker.trainer.job import Job, JobFailed, ProblemType
from tenantml.domain.meaning import is_missing, label_key

# A target of whole numbers with at most this many different ones is taken for classes: ratings, digits, grades.
MOST_NUMERIC_CLASSES = 20


@dataclass(frozen=True)
class Split:
    """Rows to fit on or to judge by: raw features, and the target as class numbers or values.

    A class that the training rows do not have is numbered -1: never predicted, so always a mistake.
    """

    features: pd.DataFrame
    target: NDArray[np.float64]

    @property
    def known(self) -> "Split":
        """The rows whose class the models can know."""
        kept = self.target != -1
        return self if kept.all() else Split(self.features[kept], self.target[kept])


@dataclass(frozen=True)
class Dataset:
    """A dataset that is ready to be learned from."""

    problem_type: ProblemType
    columns: tuple[str, ...]
    kinds: tuple[Kind, ...]
    classes: tuple[str, ...]  # as answers spell them; empty for a regression
    train: Split
    validation: Split


@dataclass(frozen=True)
class Target:
    """What makes two values of a target one class, and how answers spell it."""

    kind: Kind
    as_whole_numbers: bool

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Target":
        """As pandas reads a column: numbers are spelt `1` when all are whole and none is missing, else `1.0`."""
        target = cls(kind_of(texts), as_whole_numbers=False)
        whole = target.kind == "number" and all(isinstance(target.key(text), int) for text in texts)
        return replace(target, as_whole_numbers=whole)

    def key(self, text: str) -> Any:
        """What tells the class of a value from others; it can be compared with those of the same target."""
        return label_key(text, numeric=self.kind == "number", boolean=self.kind == "boolean")

    def spelling(self, key: Any) -> str:
        """A class as an answer spells it."""
        return str(key) if self.as_whole_numbers or self.kind != "number" else repr(float(key))


def read_table(paths: Sequence[Path], target: str) -> pd.DataFrame:
    """All rows of a channel's CSV files, as text.

    Raises JobFailed when the files cannot be read, differ in their header, or lack the target or any feature or row.
    """
    tables = [_read_file(path) for path in paths]
    for path, table in zip(paths, tables, strict=True):
        if list(table.columns) != list(tables[0].columns):
            raise JobFailed(f"{path.name} does not have the same header as {paths[0].name}.")
        if target not in table.columns:
            raise JobFailed(f"The target attribute '{target}' is not in the header of {path.name}.")
    table = pd.concat(tables, ignore_index=True)
    if table.shape[1] < 2:
        raise JobFailed("The dataset has no column beside the target.")
    return table


def labelled(table: pd.DataFrame, name: str, target: Target) -> pd.DataFrame:
    """The rows that have a target, which becomes the key of its class. Raises JobFailed when there is none."""
    table = table[~table[name].map(is_missing)].reset_index(drop=True)
    if table.empty:
        raise JobFailed(f"The dataset has no row with a value in the target '{name}'.")
    return table.assign(**{name: pd.Series([target.key(text) for text in table[name]], dtype=object)})


def _read_file(path: Path) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header
            return pd.read_csv(
                path, dtype=str, na_filter=False, encoding="utf-8-sig", index_col=False, skip_blank_lines=True
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        raise JobFailed(f"{path.name} cannot be read as CSV: {error}") from error


def infer_problem_type(classes: Collection[Any], kind: Kind) -> ProblemType:
    """Two values are binary, text and a few whole numbers are multiclass, everything else is a regression."""
    if len(classes) == 2:
        return "BinaryClassification"
    if kind != "number":
        return "MulticlassClassification"
    few = len(classes) <= MOST_NUMERIC_CLASSES
    return "MulticlassClassification" if few and all(float(key).is_integer() for key in classes) else "Regression"


def prepare(job: Job) -> Dataset:
    """Read the job's channels, decide on the problem type, and split. Raises JobFailed."""
    table = read_table(job.training, job.target)
    target = Target.of(table[job.target])
    table = labelled(table, job.target, target)
    # Of two, the second is the positive class (`1` of 0/1, `True.` of False./True., `yes` of no/yes): F1, Precision,
    # Recall and HPO's `probability` mean it. It follows from the values alone, so that whoever scores predictions
    # elsewhere finds the same one, and it is what AutoGluon does.
    classes = sorted(set(table[job.target]))
    if len(classes) < 2:
        raise JobFailed(f"The target '{job.target}' has the same value in every row.")
    problem_type = job.problem_type or infer_problem_type(classes, target.kind)
    if problem_type == "BinaryClassification" and len(classes) != 2:
        raise JobFailed(f"BinaryClassification needs two target values, there are {len(classes)}.")
    if problem_type == "Regression":
        if target.kind != "number" or not all(map(math.isfinite, classes)):
            raise JobFailed("Regression needs a target of finite numbers.")
        classes = []
    if job.validation:
        judged = read_table(job.validation, job.target)
        if set(judged.columns) != set(table.columns):
            raise JobFailed("The validation channel does not have the columns of the training channel.")
        judged = labelled(judged, job.target, target)[table.columns]
    else:
        table, judged = _split(table, job, stratify=bool(classes))
    columns = tuple(str(column) for column in table.columns if column != job.target)
    kinds = tuple(kind_of(table[column]) for column in columns)

    def split(part: pd.DataFrame) -> Split:
        return Split(typed(kinds, [part[column] for column in columns]), _encode(part[job.target], classes))

    return Dataset(problem_type, columns, kinds, tuple(map(target.spelling, classes)), split(table), split(judged))


def _split(table: pd.DataFrame, job: Job, *, stratify: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold out the validation fraction, by class where each class can be on both sides; each class is in training."""
    target = table[job.target]
    divisible = target.duplicated(keep=False) if stratify else pd.Series(data=True, index=table.index)
    held_out = max(1, math.ceil(divisible.sum() * job.validation_fraction))
    by_class = stratify and min(held_out, divisible.sum() - held_out) >= target[divisible].nunique()
    if stratify and not by_class:
        divisible = target.duplicated()  # the first of each class stays in training
    candidates = table[divisible]
    if len(candidates) <= held_out:
        raise JobFailed(f"{len(table)} rows cannot be split into training and validation.")
    train, judged = train_test_split(
        candidates,
        test_size=held_out,
        random_state=job.seed,
        stratify=candidates[job.target] if by_class else None,
    )
    return pd.concat([train, table[~divisible]]), judged


def _encode(keys: "pd.Series[Any]", classes: Sequence[Any]) -> NDArray[np.float64]:
    if not classes:
        return np.array(keys, dtype=np.float64)
    position = {key: float(number) for number, key in enumerate(classes)}
    return np.array([position.get(key, -1.0) for key in keys])
