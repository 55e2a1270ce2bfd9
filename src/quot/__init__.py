"""Sparse, partial and adaptive optimal transport, with a certificate for every answer.

Solve a problem, and get a result with its plan:

    `solve`                an (n, m) cost C, masses a and b: sparse plans, balanced or partial
    `solve_points`         the same between points X and Y; no matrix is made
    `solve_graph`          mass along the edges of a graph
    `solve_batch`          many small problems, on all threads
    `solve_entropic`       plans with an entropy, at a temperature eps
    `solve_adaptive`       every point shares its mass with so many others
    `approximate_partial`  the linear problem by way of entropic ones
    `affinities`           of points among themselves, for t-SNE or clustering

Before and after:

    `suggest_reg`, `estimate`   a strength for so many neighbours; what a solve will take
    `mass_path`, `reg_path`     one problem for several masses, or strengths
    `certify`                   how good a plan and potentials of any origin are
    `save`, `load`              results in files
    `graphs`                    graphs of points, grids and images
    `adaptive`                  what plans with perplexities are made of
    `plot`                      pictures of plans, flows, paths and histories
    `recolor`                   a photograph in the colours of another

What these take and return:

    `Problem`, `EntropicProblem`, `AdaptiveProblem`, `GraphProblem`, `PointCost`, `Graph`
    `Result`, `AdaptiveResult`, `GraphResult`, `Affinities`, `Path`, `Batch`, `Certificate`,
    `Estimate`
    `Plan`, `GibbsPlan`, `Flow`: to NumPy they are arrays
    `Tolerance`, `Status`, `Iterate`: when a solve ends, how it did, and what it told on its way

What goes wrong:

    `QuotError`, above all errors: `InvalidProblemError`, `InfeasibleError`, `NotConvergedError`,
    `ProblemTooLargeError`, `MissingDependencyError`, `SolverError`
    `QuotWarning`, above all warnings: `NotConvergedWarning`, `NumericalWarning`, `MassLostWarning`

A first plan, between two clouds of points of which 70 % of the mass moves:

    >>> import numpy as np, quot
    >>> X, Y = np.random.default_rng(0).normal(size=(2, 100, 2))
    >>> r = quot.solve_points(X, Y, reg=0.5, mass=0.7)
    >>> r.converged, r.plan.shape, round(float(r.plan.sum()), 9)
    (True, (100, 100), 0.7)
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING as _TYPE_CHECKING

if _TYPE_CHECKING:
    from quot import plot as plot
    from quot.applications.color import recolor as recolor
    from quot.public import *

    __version__: str

__all__ = [
    "AdaptiveProblem",
    "AdaptiveResult",
    "Affinities",
    "Batch",
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


if not _TYPE_CHECKING:  # else a misspelt name would pass

    def __getattr__(name: str) -> object:
        """Import what is public, or a module, when it is asked for.

        The command line sees to signals before anything is imported that takes time.
        """
        if name in __all__ or name == "__version__":
            public = _import_module("quot.public")
            globals().update((each, getattr(public, each)) for each in (*__all__, "__version__"))
            return globals()[name]
        if name == "recolor":
            return _import_module("quot.applications.color").recolor
        if not name.startswith("_"):
            try:
                return _import_module(f"quot.{name}")
            except ModuleNotFoundError as error:
                if error.name != f"quot.{name}":
                    raise
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(["__version__", "plot", "recolor", *__all__])
