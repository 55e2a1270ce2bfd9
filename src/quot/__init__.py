"""quot: sparse, partial and adaptive optimal transport, with a certificate for every answer."""

from importlib.metadata import version as _version

from quot import adaptive, graphs
from quot.adaptive.affinities import Affinities
from quot.api import (
    affinities,
    approximate_partial,
    estimate,
    mass_path,
    reg_path,
    solve,
    solve_adaptive,
    solve_batch,
    solve_entropic,
    solve_graph,
    solve_points,
    suggest_reg,
)
from quot.certificate import Certificate, certify
from quot.compiling import watch as _watch
from quot.convergence import Iterate, Status, Tolerance
from quot.costs import PointCost
from quot.exceptions import (
    InfeasibleError,
    InvalidProblemError,
    MassLostWarning,
    MissingDependencyError,
    NotConvergedError,
    NotConvergedWarning,
    NumericalWarning,
    ProblemTooLargeError,
    QuotError,
    QuotWarning,
    SolverError,
)
from quot.flow import Flow
from quot.gibbs_plan import GibbsPlan
from quot.graph import Graph
from quot.io import load, save
from quot.path import Path
from quot.plan import Plan
from quot.problem import AdaptiveProblem, EntropicProblem, GraphProblem, Problem
from quot.quadratic.estimate import Estimate
from quot.result import AdaptiveResult, GraphResult, Result

__version__ = _version("quot")

_watch()

__all__ = [
    "AdaptiveProblem",
    "AdaptiveResult",
    "Affinities",
    "Certificate",
    "EntropicProblem",
    "Estimate",
    "Flow",
    "GibbsPlan",
    "Graph",
    "GraphProblem",
    "GraphResult",
    "InfeasibleError",
    "InvalidProblemError",
    "Iterate",
    "MassLostWarning",
    "MissingDependencyError",
    "NotConvergedError",
    "NotConvergedWarning",
    "NumericalWarning",
    "Path",
    "Plan",
    "PointCost",
    "Problem",
    "ProblemTooLargeError",
    "QuotError",
    "QuotWarning",
    "Result",
    "SolverError",
    "Status",
    "Tolerance",
    "adaptive",
    "affinities",
    "approximate_partial",
    "certify",
    "estimate",
    "graphs",
    "load",
    "mass_path",
    "reg_path",
    "save",
    "solve",
    "solve_adaptive",
    "solve_batch",
    "solve_entropic",
    "solve_graph",
    "solve_points",
    "suggest_reg",
]
