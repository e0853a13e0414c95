"""How much each column counts for a version, by what shuffling it does to the answers: for versions that Autopilot left
unexplained.

The evaluating state calls it with the predict path's own call, and keeps the result as `explanations` keeps Autopilot's
(docs/decisions/0021-explainability.md).
"""

from tenantml_analysis.importance.goodness import goodness
from tenantml_analysis.importance.permutation import NotScored, permutation_importance

__all__ = ["NotScored", "goodness", "permutation_importance"]
