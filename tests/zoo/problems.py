"""Random small problems, each from its seed alone: every kind of shape, mass, cost and strength."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from tests.oracles.closed_forms import north_west

import quot

KINDS = ("dense", "sparse", "points", "graph")
METRICS = ("sqeuclidean", "euclidean", "cityblock", "cosine")
# No value overflows: costs times masses stay below.
MOST = 1e300


@dataclass(frozen=True)
class Graph:
    """Edges (E, 2) with lengths, one way or both, and capacities, inf where there are none."""

    edges: np.ndarray
    lengths: np.ndarray
    directed: np.ndarray
    capacity: np.ndarray


@dataclass(frozen=True)
class Given:
    """Arguments of a solve; `words` say what it was made of.

    What it is `made_of` is a matrix, a sparse one, (X, Y, metric) or a graph.
    """

    seed: int
    kind: str
    a: np.ndarray
    b: np.ndarray
    reg: float
    mass: float | None
    words: str

    def solve(self, **options):
        """The answer of quot."""
        options = {"reg": self.reg, "mass": self.mass, **options}
        if self.kind == "graph":
            return quot.solve_graph(self.made_of, self.a, self.b, **options)
        if self.kind == "points":
            X, Y, metric = self.made_of
            return quot.solve_points(X, Y, self.a, self.b, metric=metric, **options)
        return quot.solve(self.made_of, self.a, self.b, **options)


@dataclass(frozen=True)
class Problem(Given):
    """A small one; `C` is dense with inf where forbidden, None on a graph."""

    C: np.ndarray | None = None
    points: tuple | None = None
    graph: Graph | None = None

    @property
    def has_ties(self):
        """Whether its costs are few numbers, so that there are many cheapest plans."""
        return any(word in self.words for word in ("ties", "constant", "graph, 1"))

    @property
    def made_of(self):
        if self.kind == "graph":
            g = self.graph
            return quot.Graph(
                self.a.size, g.edges, g.lengths, directed=g.directed, capacity=g.capacity
            )
        if self.kind == "sparse":
            rows, cols = np.nonzero(np.isfinite(self.C))
            pairs = sp.coo_array((self.C[rows, cols], (rows, cols)), shape=self.C.shape)
            return sp.csr_array(pairs)
        return self.points if self.kind == "points" else self.C


def problem(seed):
    """The problem of this seed."""
    rng = np.random.default_rng([seed, 2508])
    kind = str(rng.choice(KINDS, p=[0.4, 0.25, 0.15, 0.2]))
    return {"dense": _dense, "sparse": _sparse, "points": _points, "graph": _graph}[kind](seed, rng)


def dearer(problem, r):
    """The same problem with dearer costs where the plan carries nothing; None if that is nowhere.

    The plan stays optimal. Points without mass that moves are taken farther away.
    """
    rng = np.random.default_rng([problem.seed, 1])
    most = MOST / max(problem.a.sum(), problem.b.sum(), 1.0)
    if problem.kind == "points":
        X, Y, metric = problem.points
        idle = r.plan.row_sums() == 0
        farther = np.where(idle[:, None], X * 10.0 ** rng.uniform(3, 100), X)
        if np.abs(farther).max() > 1e150:  # squares overflow
            return None
        C = distances(farther, Y, metric)
        if not idle.any() or (C < problem.C).any():
            return None
        return replace(problem, C=C, points=(farther, Y, metric))
    if problem.kind == "graph":
        costs, idle = problem.graph.lengths, r.flow == 0
    else:
        costs, idle = problem.C, np.isfinite(problem.C)
        idle[r.plan.rows, r.plan.cols] = False
    idle &= rng.random(idle.shape) < rng.uniform(0.1, 1.0)
    if not idle.any():
        return None
    usual = np.abs(costs[np.isfinite(costs)])
    top = np.log10(np.maximum(np.abs(costs[idle]), np.median(usual) or usual.max() or 1.0))
    powers = rng.uniform(3, 300, idle.sum() if rng.random() < 0.2 else None)
    costs = costs.copy()
    costs[idle] = np.maximum(10.0 ** np.minimum(top + powers, np.log10(most)), costs[idle])
    if problem.kind == "graph":
        return replace(problem, graph=replace(problem.graph, lengths=costs))
    return replace(problem, C=costs)


# --- masses ------------------------------------------------------------------------------------


def _size(rng):
    return int(rng.integers(1, 7) if rng.random() < 0.25 else rng.integers(1, 61))


def _masses(rng, size):
    """Masses (size,), not all zero, and what they are."""
    kind = str(rng.choice(["uniform", "integers", "dirichlet", "decades", "gaussian"]))
    if kind == "uniform":
        w = np.full(size, 1.0 / size)
    elif kind == "integers":
        w = rng.integers(1, rng.choice([3, 10, 1000]), size).astype(float)
    elif kind == "dirichlet":
        w = rng.dirichlet(np.full(size, rng.choice([0.1, 1.0, 10.0])))
    elif kind == "decades":
        w = 10.0 ** rng.uniform(-12, 0, size)
    else:
        x = np.linspace(0, 1, size)
        w = np.exp(-0.5 * ((x - rng.random()) / 10.0 ** rng.uniform(-1.6, 0)) ** 2)
        w /= w.max() or 1.0
    w[w < 1e-300] = 0.0
    if rng.random() < 0.2:
        w[rng.random(size) < rng.uniform(0, 0.7)] = 0.0
    if not w.any():
        w[rng.integers(size)] = 1.0
    return w, kind


def _both(rng, n, m):
    """Masses of both sides, the mass to move or None, and what they are."""
    (a, one), (b, other) = _masses(rng, n), _masses(rng, m)
    if rng.random() < 0.2:
        scale = 10.0 ** rng.integers(-6, 7)
        a, b = a * scale, b * scale
    if rng.random() < 0.5:
        if one == other == "integers" and a.sum() == int(a.sum()):
            b = rng.multinomial(int(a.sum()), np.full(m, 1 / m)).astype(float)
        else:
            b = b * (a.sum() / b.sum())
        return a, b, None, f"{one} {other} balanced"
    part = float(rng.choice([10.0 ** rng.uniform(-3, 0), rng.random(), 0.5, 1.0]))
    part = max(part, 1e-3)
    return a, b, part * float(min(a.sum(), b.sum())), f"{one} {other} part {part:.3g}"


def _hidden(rng, a, b):
    """A plan with masses a and b, up to rounding: a corner rule in a random order."""
    return north_west(a, b, rng.permutation(a.size), rng.permutation(b.size))


# --- costs -------------------------------------------------------------------------------------


def _costs(rng, shape):
    """Costs of this shape, all at ordinary scale but for "decades", and what they are."""
    kind = str(rng.choice(["uniform", "ties", "constant", "decades", "squares", "lattice"]))
    if kind == "uniform":
        C = rng.random(shape)
    elif kind == "ties":
        C = rng.integers(0, rng.choice([2, 4, 20]), shape).astype(float)
    elif kind == "constant":
        C = np.full(shape, float(rng.integers(0, 3)))
    elif kind == "decades":
        C = 10.0 ** rng.uniform(-8, 8, shape)
    else:
        d = int(rng.integers(1, 4))
        X, Y = (rng.normal(size=(k, d)) for k in (shape[0], shape[-1]))
        if kind == "lattice":
            X, Y = np.round(2 * X), np.round(2 * Y)
        C = ((X[:, None] - Y) ** 2).sum(axis=2)
        C = (C if len(shape) == 2 else C.diagonal()) / (C.max() or 1.0)
    return C, kind


def _scaled(rng, C, most):
    """The same in another unit, perhaps negative or shifted."""
    words = ""
    if rng.random() < 0.15:
        C, words = -C, " negative"
    if rng.random() < 0.1:
        C, words = C - rng.choice([0.5, 1.0, 1e6]) * np.abs(C).max(), words + " shifted"
    if rng.random() < 0.5:
        C = C * min(10.0 ** rng.uniform(-12, 12), most)
    return C, words


def _sentinels(rng, C, needed, most):
    """Some pairs far dearer than the others, but none of those needed (a mask or None)."""
    far = rng.random(C.shape) < rng.uniform(0.1, 0.9)
    words = " sentinels"
    if needed is not None:
        far &= ~needed
    else:
        words += " in the way"
    top = np.abs(C).max() or 1.0
    powers = rng.uniform(3, 300, C.shape if rng.random() < 0.2 else None)
    values = 10.0 ** np.minimum(np.log10(top) + powers, np.log10(most))
    return np.where(far, values, C), words


def _reg(rng, costs, total, size):
    """Half of all 0, else anything in units of a typical cost per typical mass."""
    if rng.random() < 0.5:
        return 0.0
    costs = np.abs(costs)
    typical = float(np.median(costs)) or float(costs.max(initial=0.0)) or 1.0
    return float(10.0 ** rng.uniform(-12, 12) * typical / (total / size))


# --- kinds -------------------------------------------------------------------------------------


def _dense(seed, rng):
    n, m = _size(rng), _size(rng)
    a, b, mass, words = _both(rng, n, m)
    most = MOST / max(a.sum(), b.sum(), 1.0)
    C, kind = _costs(rng, (n, m))
    C, more = _scaled(rng, C, most)
    reg = _reg(rng, C, mass or a.sum(), max(n, m))
    if rng.random() < 0.4:
        C, far = _sentinels(rng, C, _hidden(rng, a, b) > 0 if rng.random() < 0.7 else None, most)
        more += far
    return Problem(seed, "dense", a, b, reg, mass, f"{n} x {m}, {words}, {kind}{more}", C=C)


def _sparse(seed, rng):
    dense = _dense(seed, rng)
    allowed = rng.random(dense.C.shape) < rng.choice([0.05, 0.2, 0.5, 0.9])
    words = " in a random support"
    if rng.random() < 0.85:
        allowed |= _hidden(rng, dense.a, dense.b) > 0
        words = " with a plan in the support"
    allowed[rng.integers(allowed.shape[0]), rng.integers(allowed.shape[1])] = True
    return replace(
        dense, kind="sparse", C=np.where(allowed, dense.C, np.inf), words=dense.words + words
    )


def distances(X, Y, metric):
    """Costs between points, in extended precision rounded once."""
    X, Y = X.astype(np.longdouble), Y.astype(np.longdouble)
    D = X[:, None] - Y
    if metric == "sqeuclidean":
        C = (D**2).sum(axis=2)
    elif metric == "euclidean":
        C = np.sqrt((D**2).sum(axis=2))
    elif metric == "cityblock":
        C = np.abs(D).sum(axis=2)
    else:
        X, Y = (Z / np.sqrt((Z**2).sum(axis=1, keepdims=True)) for Z in (X, Y))
        C = 0.5 * ((X[:, None] - Y) ** 2).sum(axis=2)
    return C.astype(float)


def _points(seed, rng):
    n, m = _size(rng), _size(rng)
    a, b, mass, words = _both(rng, n, m)
    d, metric = int(rng.integers(1, 5)), str(rng.choice(METRICS))
    X, Y = rng.normal(size=(n, d)), rng.normal(size=(m, d)) + rng.choice([0.0, 1.0, 10.0])
    kind = str(rng.choice(["normal", "lattice", "repeated", "far", "decades"]))
    if kind == "lattice":
        X, Y = np.round(2 * X) + 0.5, np.round(2 * Y) + 0.5
    elif kind == "repeated":
        X = X[rng.integers(n, size=n)]
        Y = np.vstack((X, Y))[rng.integers(n + m, size=m)]
    elif kind == "far":
        X[rng.random(n) < 0.3] *= 10.0 ** rng.uniform(2, 100)
    elif kind == "decades":
        X, Y = (Z * 10.0 ** rng.uniform(-6, 2, (len(Z), 1)) for Z in (X, Y))
    scale = 10.0 ** rng.uniform(-6, 6) if rng.random() < 0.3 else 1.0
    X, Y = X * scale, Y * scale
    C = distances(X, Y, metric)
    reg = _reg(rng, C, mass or a.sum(), max(n, m))
    words = f"{n} x {m}, {words}, {kind} {metric} in {d} dimensions"
    return Problem(seed, "points", a, b, reg, mass, words, C=C, points=(X, Y, metric))


def _graph(seed, rng):
    n = max(_size(rng), 2)
    kind = str(rng.choice(["random", "lattice", "parallel", "complete"]))
    if kind == "complete":
        n = min(n, 20)
    a, b, mass, words = _both(rng, n, n)
    first = np.arange(1, n)
    tree = np.stack((rng.integers(0, first), first), axis=1)  # each hangs from one before it
    if kind == "lattice":
        side = max(int(np.sqrt(n)), 1)
        v = np.arange(n)
        tree = np.stack((np.where(v % side > 0, v - 1, v - side), v), axis=1)[1:]
        more = np.stack((v - side, v), axis=1)[(v >= side) & (v % side > 0)]
    elif kind == "complete":
        more = np.stack(np.triu_indices(n, 1), axis=1)
    else:
        more = rng.integers(0, n, (int(n * rng.uniform(0, 4)), 2))
        if kind == "parallel":
            more = np.vstack((more, np.repeat(tree, rng.integers(1, 4), axis=0)))
    more = more[more[:, 0] != more[:, 1]]
    edges = np.vstack((tree, more)).astype(np.int32)
    flip = rng.random(len(edges)) < 0.5
    edges[flip] = edges[flip][:, ::-1]
    lengths, cost = _costs(rng, (len(edges),)) if kind != "lattice" else (np.ones(len(edges)), "1")
    if rng.random() < 0.5:
        lengths = lengths * 10.0 ** rng.uniform(-12, 12)
    reg = _reg(rng, lengths, mass or a.sum(), n)

    # What a flow along the tree carries says which way its edges go, and what they must hold.
    carried = _along_tree(tree, a, b) * np.where(flip[: n - 1], -1.0, 1.0)
    secured = rng.random() < 0.85
    directed = rng.random(len(edges)) < rng.choice([0.0, 0.0, 0.3, 1.0])
    if secured:
        wrong = np.flatnonzero(carried < 0)
        edges[wrong] = edges[wrong][:, ::-1]
    capacity = np.full(len(edges), np.inf)
    limited = rng.random(len(edges)) < rng.choice([0.0, 0.0, 0.3, 1.0])
    capacity[limited] = a.sum() * 10.0 ** rng.uniform(-4, 0, limited.sum())
    if secured:
        room = rng.choice([1.0, 1.5], n - 1)
        capacity[: n - 1] = np.maximum(capacity[: n - 1], np.abs(carried) * room)
    more = ""
    if rng.random() < 0.4 and lengths.any():
        needed = (np.arange(len(edges)) < n - 1) if secured else None
        lengths, more = _sentinels(rng, lengths, needed, MOST / max(a.sum(), b.sum(), 1.0))
    elif directed.all() and rng.random() < 0.5:  # no cycle gains or loses by potentials
        p = np.round(8 * rng.random(n)) / 8 * lengths.max()
        lengths, more = lengths + p[edges[:, 0]] - p[edges[:, 1]], " negative"
    more += f", {directed.sum()} of {len(edges)} one way, {limited.sum()} limited"
    more += "" if secured else ", at random"
    graph = Graph(edges, lengths, directed, capacity)
    words = f"{n} nodes, {words}, {kind} graph, {cost}{more}"
    return Problem(seed, "graph", a, b, reg, mass, words, graph=graph)


def _along_tree(tree, a, b):
    """What each edge of a tree, from the nodes before, carries to bring a to b."""
    excess = b * (a.sum() / b.sum()) - a
    carried = np.zeros(len(tree))
    for k in range(len(tree) - 1, -1, -1):
        up, v = tree[k]
        carried[k] = excess[v]
        excess[up] += excess[v]
    return carried
