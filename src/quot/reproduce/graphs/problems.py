"""Random points, masses on them and graphs of them, and the flow as the report solves for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot import interrupts
from quot.flow import Flow
from quot.graph import Graph
from quot.graphs import knn, partition
from quot.optional import need
from quot.problem import GraphProblem
from quot.reproduce.experiment import Lost

Floats = NDArray[np.float64]
Masses = tuple[Floats, Floats]

POINTS = ("uniform", "skewed")
MASSES = ("disjoint", "overlapping")
SKEWED = Lost("How skewed points lie.", "Both coordinates from Beta(2, 5).")
WHERE = Lost(
    "What disjoint and overlapping masses are.",
    "Disjoint: random masses on the left half of the points go to random ones on the right half. "
    "Overlapping: random masses times x go to random ones times 1 - x, all over the square.",
)
SEEDS = Lost("How many random sets of points.", "See the parameters; means and ranges over them.")


def points(rng: np.random.Generator, n: int, kind: str = "uniform") -> Floats:
    """Return n points in the unit square."""
    return rng.uniform(size=(n, 2)) if kind == "uniform" else rng.beta(2.0, 5.0, size=(n, 2))


def masses(X: Floats, rng: np.random.Generator, kind: str = "disjoint") -> Masses:
    """Return where mass is and where it is wanted, 1 in all.

    Parameters
    ----------
    X : array of shape (n, 2)
        Places.
    rng : Generator
    kind : {"disjoint", "overlapping", "random"}
        "disjoint": from the left half to the right half; "overlapping": more to the left, and more
        to the right, of all points; "random": any masses at all points.
    """
    if kind == "random":
        weights = rng.random((2, len(X)))
    else:
        is_left = X[:, 0] < np.median(X[:, 0])
        x = (X[:, 0] - X[:, 0].min()) / np.ptp(X[:, 0])
        sides = (is_left, ~is_left) if kind == "disjoint" else (1.0 - x, x)
        weights = rng.uniform(0.5, 1.5, (2, len(X))) * sides
    source, target = weights / weights.sum(axis=1, keepdims=True)
    return source, target


def both(X: Floats, rng: np.random.Generator, k: int = 4, K: int = 12) -> tuple[Graph, Graph]:
    """Return the graph of K neighbours and the Partition graph, connected if they are not."""
    return knn(X, K, connect=True), partition(X, k, K, random_state=rng, connect=True)


def incidence(graph: Graph) -> sp.csr_array:
    """Return D, (N, E): what an edge takes at its tail it brings to its head."""
    at = np.arange(graph.n_edges)
    ends = np.concatenate((graph.tail, graph.head)), np.concatenate((at, at))
    return sp.csr_array(
        (np.repeat([-1.0, 1.0], graph.n_edges), ends), shape=(graph.n_nodes, graph.n_edges)
    )


def least_norm(problem: GraphProblem) -> Flow:
    """Return the flow of least norm, by dense algebra."""
    D = incidence(problem.graph)
    wanted = problem.target - problem.source
    p = np.linalg.lstsq((D @ D.T).toarray(), wanted, rcond=None)[0]
    return Flow(problem.graph, D.T @ p, problem.source, problem.target)


@dataclass(frozen=True, eq=False)
class Published:
    """A flow of the quadratic program, its value, what it misses, and iterations."""

    flow: Floats
    value: float
    missing: float
    iterations: int


def as_published(problem: GraphProblem) -> Published:
    """Solve the quadratic program with cvxpy, which takes CLARABEL for it, as it comes."""
    cp = need("cvxpy", "reproductions", "reproduce")
    graph, alpha = problem.graph, float(problem.reg)
    D, wanted = incidence(graph), problem.target - problem.source
    w = cp.Variable(graph.n_edges)
    goal = graph.lengths @ cp.abs(w) + alpha / 2 * cp.sum_squares(w)
    program = cp.Problem(cp.Minimize(goal), [D @ w == wanted])
    with interrupts.raised():
        program.solve(solver="CLARABEL")
    missing = float(np.abs(D @ w.value - wanted).sum() / 2.0)
    return Published(w.value, program.value, missing, int(program.solver_stats.num_iters))
