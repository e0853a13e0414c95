"""From CSV files to what models are fitted on, and what the target means."""

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from local.sagemaker.serving.artefact import typed
from local.sagemaker.serving.cells import NULLS, is_numeric, number, numbers
from local.sagemaker.trainer.job import Job, JobFailed, ProblemType

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
    numeric: tuple[bool, ...]
    classes: tuple[str, ...]  # empty for a regression
    train: Split
    validation: Split


def read_table(paths: Sequence[Path], target: str) -> pd.DataFrame:
    """All rows of a channel's CSV files as text, nulls as empty text; rows without a target are left out.

    Raises JobFailed when the files cannot be read, differ in their header, lack the target or any feature or row.
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
    given = table[target][table[target] != ""]
    # A target of numbers may spell its gaps as NA or NaN; among words those could be labels of their own.
    missing = table[target].isin(NULLS if is_numeric(given) else {""})
    table = table[~missing].reset_index(drop=True)
    if table.empty:
        raise JobFailed(f"The dataset has no row with a value in the target '{target}'.")
    return table


def _read_file(path: Path) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # a row longer than the header
            return pd.read_csv(
                path, dtype=str, na_filter=False, encoding="utf-8-sig", index_col=False, skip_blank_lines=True
            )
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning, UnicodeDecodeError) as error:
        raise JobFailed(f"{path.name} cannot be read as CSV: {error}") from error


def infer_problem_type(target: Sequence[str]) -> ProblemType:
    """Two values are binary, text and a few whole numbers are multiclass, everything else is a regression."""
    values = set(target)
    if len(values) == 2:
        return "BinaryClassification"
    if not is_numeric(values):
        return "MulticlassClassification"
    few = len(values) <= MOST_NUMERIC_CLASSES
    return "MulticlassClassification" if few and all(number(v).is_integer() for v in values) else "Regression"


def order_classes(values: Sequence[str]) -> tuple[str, ...]:
    """The different values, numbers by size and words by spelling.

    Of two, the **second is the positive class** (`1` of 0/1, `True.` of False./True., `yes` of no/yes): F1, Precision,
    Recall and HPO's `probability` mean it. It follows from the spelling alone, so that whoever scores predictions
    elsewhere finds the same one, it is what AutoGluon does, and it is `labels[1]` in an endpoint's answer.
    """
    different = set(values)
    if is_numeric(different) and not different & NULLS:
        return tuple(sorted(different, key=lambda value: (number(value), value)))
    return tuple(sorted(different))


def prepare(job: Job) -> Dataset:
    """Read the job's channels, decide on the problem type, and split. Raises JobFailed."""
    table = read_table(job.training, job.target)
    problem_type = job.problem_type or infer_problem_type(table[job.target].tolist())
    if table[job.target].nunique() < 2:
        raise JobFailed(f"The target '{job.target}' has the same value in every row.")
    if problem_type == "BinaryClassification" and table[job.target].nunique() != 2:
        raise JobFailed(f"BinaryClassification needs two target values, there are {table[job.target].nunique()}.")
    if job.validation:
        judged = read_table(job.validation, job.target)
        if set(judged.columns) != set(table.columns):
            raise JobFailed("The validation channel does not have the columns of the training channel.")
        judged = judged[table.columns]
    else:
        table, judged = _split(table, job, stratify=problem_type != "Regression")
    classes = () if problem_type == "Regression" else order_classes(table[job.target].tolist())
    columns = tuple(str(column) for column in table.columns if column != job.target)
    numeric = tuple(is_numeric(table[column]) for column in columns)

    def split(part: pd.DataFrame) -> Split:
        features = typed(columns, numeric, [part[column] for column in columns])
        return Split(features, _encode(part[job.target], classes))

    return Dataset(problem_type, columns, numeric, classes, split(table), split(judged))


def _split(table: pd.DataFrame, job: Job, *, stratify: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Hold out the validation fraction, by class where each class can be on both sides; lone members stay to train."""
    target = table[job.target]
    counts = Counter(target)
    divisible = target.map(counts).to_numpy() > 1 if stratify else np.ones(len(table), dtype=bool)
    candidates = table[divisible]
    held_out = max(1, math.ceil(len(candidates) * job.validation_fraction))
    if len(candidates) - held_out < 1:
        raise JobFailed(f"{len(table)} rows cannot be split into training and validation.")
    by_class = stratify and min(held_out, len(candidates) - held_out) >= candidates[job.target].nunique()
    train, judged = train_test_split(
        candidates,
        test_size=held_out,
        random_state=job.seed,
        stratify=candidates[job.target] if by_class else None,
    )
    return pd.concat([train, table[~divisible]]), judged


def _encode(target: "pd.Series[str]", classes: tuple[str, ...]) -> NDArray[np.float64]:
    if classes:
        position = {value: float(number) for number, value in enumerate(classes)}
        return np.array([position.get(value, -1.0) for value in target])
    values = numbers(target)
    if np.isnan(values).any():
        wrong = target.iloc[int(np.isnan(values).argmax())]
        raise JobFailed(f"Regression needs a numeric target, '{wrong}' is not a finite number.")
    return values
