"""The public face: choose a method, run it, warn."""

from quot.api.deliver import TIES
from quot.api.entropic import ENTROPIC_METHODS, approximate_partial, solve_entropic
from quot.api.graphs import GRAPH_METHODS, solve_graph
from quot.api.plans import METHODS, estimate, solve, solve_points, suggest_reg

__all__ = [
    "ENTROPIC_METHODS",
    "GRAPH_METHODS",
    "METHODS",
    "TIES",
    "approximate_partial",
    "estimate",
    "solve",
    "solve_entropic",
    "solve_graph",
    "solve_points",
    "suggest_reg",
]
