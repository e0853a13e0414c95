"""How much each column counts for a version, by what shuffling it does to the answers: for versions that Autopilot left
unexplained.

Who calls, once a deployment asks a version's endpoint for its holdout (docs/decisions/0021-explainability.md): the
evaluating state, with the predict path's own call as `predict`, and it keeps the result as `explanations` keeps
Autopilot's.
"""

from tenantml_analysis.importance.permutation import permutation_importance

__all__ = ["permutation_importance"]
