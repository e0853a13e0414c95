"""The holdout across uploads: rows are held out by a keyed hash of their features, so that a row that one training saw
is in no later holdout.

Who calls, once the pre-flight splits by it (docs/decisions/0019-evaluation.md has the plan): `inspection.preflight`
hashes the rows of each block, `inspection.split.Splitter` keeps what `Assignment` says, `inspect_dataset` stores the
rule beside the profile and hands it to the next upload's pre-flight, and the evaluating state counts the overlap.
"""

from tenantml_analysis.holdout.assignment import Assignment
from tenantml_analysis.holdout.row_hashes import RowHasher
from tenantml_analysis.holdout.rule import HoldoutRule, hashed_columns, overlap

__all__ = ["Assignment", "HoldoutRule", "RowHasher", "hashed_columns", "overlap"]
