"""The Football algorithm: three least squares for an approximate flow, as printed and as mended.

Completing the square, ``l |w| + reg/2 w^2`` is a squared distance from ``-sign(w) l / reg``. With
the signs of the flow of least norm for those of the solution, the nearest feasible point is two
projections away. Its signs may be wrong, and the edges it empties may be needed: the flow as
printed need not even bring the mass where it is wanted.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import lsqr

from quot.convergence import Monitor, Status, Tolerance
from quot.exceptions import InvalidProblemError
from quot.interrupts import interruptible
from quot.kernels import flow as kernels
from quot.network.laplacian import LaplacianSolver, without_means
from quot.order import by_name
from quot.problem import GraphProblem
from quot.quadratic.feasibility import check_edges
from quot.quadratic.graph import GraphNetwork
from quot.result import GraphResult
from quot.validation import check_option

Floats = NDArray[np.float64]

VARIANTS = ("mended", "printed")
# Least squares are solved to this, relative.
_PRECISE = 1e-13


@by_name("variant")
@interruptible
def football(
    problem: GraphProblem,
    *,
    variant: str = "mended",
    tolerance: Tolerance | float = 1e-9,
) -> GraphResult:
    """Approximate a quadratic flow by a few least squares.

    For comparison with `quot.solve_graph`, which is exact. The certificate tells how good the flow
    is; the status is APPROXIMATE where that is not optimal, and a flow as printed that does not
    bring the mass where it is wanted has a `primal_residual` that says so.

    Parameters
    ----------
    problem : GraphProblem
        Balanced, with one reg > 0, undirected edges and no capacities.
    variant : {"mended", "printed"}, default="mended"
        "printed" projects the flow of least norm as in the source, and sets to zero the edges whose
        sign changes. "mended" adds the flow of least norm of what then is missing.
    tolerance : Tolerance or float, default=1e-9
        By which `converged` is judged.

    Returns
    -------
    GraphResult

    Raises
    ------
    InvalidProblemError
        If the problem is of another kind.
    InfeasibleError
        If a component of the graph does not balance.

    Notes
    -----
    The listing of the source compares the signs of the flow with those of the point to project,
    which differ everywhere; its text, followed here, with those of the projection.
    """
    check_option(variant, "variant", VARIANTS)
    _check_kind(problem)
    check_edges(problem)
    monitor, at = Monitor(), GraphNetwork(problem)
    reg = float(problem.weights[0]) if problem.graph.n_edges else 1.0
    x, p = _printed(at, reg)
    if variant == "mended":
        x += _least(at, at.network.imbalance(x))
        p = _fitting(at, x, reg)
    flow = at.flow(x)
    return GraphResult.of(
        problem,
        flow,
        at.dual(p),
        Status.APPROXIMATE,
        tolerance=Tolerance.of(tolerance),
        monitor=monitor,
        method=f"football, {variant}",
    )


def _printed(at: GraphNetwork, reg: float) -> tuple[Floats, Floats]:
    """The flow of the source, and potentials that fit it."""
    net = at.network
    count = net.n_arcs
    least = _least(at, net.supply)
    v = -np.where(least < 0.0, -1.0, 1.0) * net.cost / reg
    projected = v + _least(at, net.imbalance(v))
    changed = np.flatnonzero((least < 0.0) != (projected < 0.0))
    arcs = np.arange(count)
    ends = np.concatenate((net.tail, net.head, net.n_nodes + np.arange(changed.size)))
    values = np.repeat([-1.0, 1.0, 1.0], (count, count, changed.size))
    both = sp.csr_array((values, (ends, np.concatenate((arcs, arcs, changed)))))
    wanted = np.concatenate((net.imbalance(v), -v[changed]))
    x: Floats = v + lsqr(both, wanted, atol=_PRECISE, btol=_PRECISE, iter_lim=100 * count)[0]
    x[changed] = 0.0
    return x, _fitting(at, x, reg)


def _least(at: GraphNetwork, supply: Floats) -> Floats:
    """The flow of least norm that brings each node what is missing."""
    net = at.network
    flow: Floats = kernels.tension(_potential(at, supply), net.tail, net.head)
    return flow


def _fitting(at: GraphNetwork, x: Floats, reg: float) -> Floats:
    """The potentials nearest to those at which each edge carries x, in least squares."""
    net, used = at.network, np.flatnonzero(x)
    tension = np.sign(x) * net.cost + reg * x
    pulled = kernels.divergence(tension[used], net.tail[used], net.head[used], net.n_nodes)
    return _potential(at, pulled, used)


def _potential(at: GraphNetwork, rhs: Floats, used: NDArray[np.int64] | None = None) -> Floats:
    """L^+ rhs, for the Laplacian of the arcs used (all of them by default)."""
    net = at.network
    used = np.arange(net.n_arcs) if used is None else used
    tail, head = net.tail[used], net.head[used]
    everyone = np.arange(net.n_nodes, dtype=np.int32)
    component = kernels.components(everyone, np.ones(used.size), tail, head)
    return LaplacianSolver().solve(
        tail, head, np.ones(used.size), without_means(component, rhs), _PRECISE
    )


def _check_kind(problem: GraphProblem) -> None:
    if not isinstance(problem, GraphProblem):
        raise InvalidProblemError(
            f"`problem` must be a quot.GraphProblem; got {type(problem).__name__}. Make one of a "
            "graph and masses, `quot.GraphProblem(graph, source, target)`."
        )
    graph = problem.graph
    if not problem.is_balanced or np.ndim(problem.reg) or problem.reg == 0.0:
        raise InvalidProblemError(
            f"Football is for balanced problems with one reg > 0; got {problem!r}. Use "
            "quot.solve_graph."
        )
    if graph.directed.any() or np.isfinite(graph.capacity).any():
        raise InvalidProblemError(
            "Football is for undirected edges without capacities; use quot.solve_graph."
        )
