"""The public face: choose a method, run it, warn."""

from quot import ahead, compiling
from quot.api.adaptive import ADAPTIVE_METHODS, SIDES, adaptive_problem, solve_adaptive
from quot.api.affinities import affinities
from quot.api.batch import solve_batch
from quot.api.deliver import TIES
from quot.api.entropic import ENTROPIC_METHODS, approximate_partial, solve_entropic
from quot.api.graphs import GRAPH_METHODS, solve_graph
from quot.api.paths import mass_path, reg_path
from quot.api.plans import METHODS, estimate, solve, solve_points, suggest_reg

compiling.watch()
ahead.watch()

__all__ = [
    "ADAPTIVE_METHODS",
    "ENTROPIC_METHODS",
    "GRAPH_METHODS",
    "METHODS",
    "SIDES",
    "TIES",
    "adaptive_problem",
    "affinities",
    "approximate_partial",
    "estimate",
    "mass_path",
    "reg_path",
    "solve",
    "solve_adaptive",
    "solve_batch",
    "solve_entropic",
    "solve_graph",
    "solve_points",
    "suggest_reg",
]
