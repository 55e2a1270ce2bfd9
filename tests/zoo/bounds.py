"""Answers to large problems judged in floating point: by the masses, the sums and the dual."""

import math

import numpy as np
import scipy.sparse as sp
from scipy.sparse.csgraph import dijkstra, maximum_flow
from tests.zoo.judge import Verdict, attempt

# Most violation of a mass, in units of the largest, and of the total that is rounded; parts of the
# value and of what is added up.
FEASIBLE, ROUND_OFF = 1e-12, 2.0**-50
VALUE, TERMS = 1e-7, 1e-12
# Masses as integers are parts of this; a maximum flow of scipy knows no larger ones.
_TOTAL = 2**30


def examine(problem, **options):
    """The verdict on the answer to a large problem."""
    r = attempt(problem, _refused, **options)
    if not isinstance(r, Verdict):
        return judge(problem, r)
    too_large = r.name == "exception" and r.why.startswith("ProblemTooLargeError")
    return Verdict("unconverged", r.why) if too_large else r


def judge(problem, r):
    """The verdict on an answer; every number is made anew from plan and potentials."""
    numbers = [r.plan.values, r.f, r.g, r.lam, r.value, r.cost]
    if not all(np.isfinite(x).all() for x in numbers):
        return Verdict("nan", f"{r.status.name}; value {r.value}", r.seconds)
    if not r.converged:
        c = r.certificate
        why = f"{r.status.name}, gap {c.relative_gap:.1e}, residual {c.primal_residual:.1e}"
        return Verdict("unconverged", why, r.seconds)
    look = _flow if problem.kind == "graph" else _plan
    off, cost, squares, terms = look(problem, r)
    value = cost + 0.5 * problem.reg * squares
    lower, size = (_along_edges if problem.kind == "graph" else _over_pairs)(problem, r)
    terms += 0.5 * problem.reg * squares
    allowed = VALUE * max(terms, abs(lower)) + TERMS * size
    why = ""
    if off > FEASIBLE:
        why = f"masses are off by {off:.1e} of the largest"
    elif abs(value - r.value) > 1e-12 * terms:
        why = f"the value is said to be {r.value:.15g}, and is {value:.15g}"
    elif value - lower > allowed:
        why = f"value {value:.12g}, lower bound {lower:.12g}"
    return Verdict("wrong" if why else "right", why, r.seconds)


def _refused(problem, error):
    """Whether there is no plan: none where masses are rounded up, and what is to move down."""
    unit = _TOTAL / max(problem.a.sum(), problem.b.sum())
    a, b = (np.ceil(w * unit).astype(np.int32) for w in (problem.a, problem.b))
    pairs = problem.made_of.tocoo()
    (n, m), none = pairs.shape, np.zeros
    rows, cols = np.arange(n), np.arange(m)
    tail = np.r_[none(n), 1 + pairs.row, 1 + n + cols].astype(np.int32)
    head = np.r_[1 + rows, 1 + n + pairs.col, np.full(m, 1 + n + m)].astype(np.int32)
    room = np.r_[a, np.full(pairs.nnz, _TOTAL), b].astype(np.int32)
    arcs = sp.csr_array((room, (tail, head)), shape=(n + m + 2, n + m + 2))
    most = maximum_flow(arcs, 0, n + m + 1).flow_value / unit
    if most < problem.moved:
        return Verdict("refused", f"at most {most:.6g} of {problem.moved:.6g} can be moved")
    return Verdict("exception", f"InfeasibleError, perhaps {most:.9g} can be moved: {error}")


def _off(problem, sent, received, through=0.0):
    """The worst violation of masses, in units of the largest, or of what goes through a node."""
    a, b = problem.a, problem.b
    unit = max(min(max(a.max(), b.max()), problem.moved), through)
    if problem.mass is None:
        off = max(np.abs(sent - a).max(), np.abs(received - b).max())
        excess = abs(math.fsum(a) - math.fsum(b))
    else:
        off = max((sent - a).max(), (received - b).max(), -sent.min(), -received.min())
        excess = 0.0
        off = max(off, abs(math.fsum(sent) - problem.mass) / math.sqrt(a.size))
    return max(off - excess - ROUND_OFF * problem.moved, 0.0) / unit


def _plan(problem, r):
    """The worst violation, sum of costs, of squares, and of sizes of costs."""
    rows, cols, P = r.plan.rows, r.plan.cols, r.plan.values
    sent = np.bincount(rows, P, problem.a.size)
    received = np.bincount(cols, P, problem.b.size)
    paid = problem.costs(rows, cols) * P
    off = max(_off(problem, sent, received), -P.min(initial=0.0) / max(P.max(initial=0.0), 1e-300))
    return off, paid.sum(), (P**2).sum(), np.abs(paid).sum()


def _flow(problem, r):
    graph, x = problem.made_of, r.plan.values
    n = problem.a.size
    u, v = graph.edges.T
    net = np.bincount(u, x, n) - np.bincount(v, x, n)
    sent, received = r.plan.sent, r.plan.received
    through = max(np.bincount(u, np.abs(x), n).max(), np.bincount(v, np.abs(x), n).max())
    unit = max(problem.a.max(), problem.b.max(), through)
    kept = np.abs(sent - received - net).max() / unit
    paid = graph.lengths * np.abs(x)
    off = max(_off(problem, sent, received, through), kept)
    return off, paid.sum(), (x**2).sum(), paid.sum()


def _ends(problem, f, g, lam):
    """What potentials earn, and the size of all that is added up."""
    moved = problem.moved if problem.mass is not None else 0.0
    earned = f @ problem.a + g @ problem.b + lam * moved
    return earned, np.abs(f) @ problem.a + np.abs(g) @ problem.b + abs(lam) * moved


def _over_pairs(problem, r):
    """A lower bound of the value, and the size of what is added up."""
    f, g, lam = r.f, r.g, r.lam
    if problem.mass is not None:
        f, g = np.minimum(f, 0.0), np.minimum(g, 0.0)
    squares = 0.0
    best = np.full(f.size, np.inf if problem.mass is None else 0.0)
    live = (problem.a > 0, problem.b > 0)
    for rows, cols, C in problem.blocks():
        left = C - g[cols] - lam
        left[~(live[0][rows] & live[1][cols])] = np.inf
        if problem.reg > 0:
            squares += (np.maximum(f[rows] - left, 0.0) ** 2).sum()
        if left.ndim == 2:
            best[rows[:, 0]] = np.minimum(best[rows[:, 0]], left.min(axis=1))
        else:
            np.minimum.at(best, rows, left)
    best[~live[0]] = 0.0
    bounds = [_ends(problem, best, g, lam)]
    if problem.reg > 0:
        earned, size = _ends(problem, f, g, lam)
        bounds.append((earned - squares / (2 * problem.reg), size))
    return max(bounds, key=lambda bound: bound[0])


def _along_edges(problem, r):
    """The same on a graph, whose nodes have one potential each."""
    graph = problem.made_of
    u, v = graph.edges.T
    bounds = []
    p = r.g + r.lam
    if problem.reg > 0:
        over = np.maximum(np.abs(p[v] - p[u]) - graph.lengths, 0.0)
        earned, size = _at_nodes(problem, p, r.lam)
        bounds.append((earned - (over**2).sum() / (2 * problem.reg), size))
    # A node is worth no more than another and the way from there.
    n = p.size
    tail, head = np.r_[u, v, np.full(n, n)], np.r_[v, u, np.arange(n)]
    length = np.r_[graph.lengths, graph.lengths, p - p.min()]
    order = np.lexsort((length, head, tail))
    tail, head, length = tail[order], head[order], length[order]
    first = np.r_[True, (np.diff(tail) != 0) | (np.diff(head) != 0)]  # the shortest of some
    arcs = sp.csr_array((length[first], (tail[first], head[first])), shape=(n + 1, n + 1))
    lowered = dijkstra(arcs, indices=n)[:n] + p.min()
    bounds.append(_at_nodes(problem, lowered, r.lam))
    return max(bounds, key=lambda bound: bound[0])


def _at_nodes(problem, p, lam):
    if problem.mass is None:
        return _ends(problem, -p, p, 0.0)
    return _ends(problem, np.minimum(-p, 0.0), np.minimum(p - lam, 0.0), lam)
