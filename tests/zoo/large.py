"""Random problems of hundreds to tens of thousands of points, each from its seed alone."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from tests.zoo.problems import METRICS, Given

import quot

KINDS = ("points", "dense", "sparse", "graph")
# Sides of most problems of a kind: from, to.
SIZES = {"points": (300, 20_000), "dense": (60, 2000), "sparse": (300, 20_000)}
NODES = (300, 40_000)


@dataclass(frozen=True)
class Large(Given):
    """A large one."""

    made_of: object

    @cached_property
    def moved(self):
        """Mass that is to be moved."""
        return self.a.sum() if self.mass is None else self.mass

    def costs(self, rows, cols):
        """Costs of these pairs."""
        if self.kind == "points":
            X, Y, metric = self.made_of
            step = 1 << 14
            parts = [slice(k, k + step) for k in range(0, len(rows), step)]
            return np.concatenate(
                [_apart(X[rows[k]], Y[cols[k]], metric) for k in parts] or [np.empty(0)]
            )
        if self.kind == "dense":
            return self.made_of[rows, cols]
        return np.asarray(self.made_of[rows, cols]).ravel()

    def blocks(self):
        """All pairs: rows, columns, and their costs (some rows, all columns or a list)."""
        if self.kind == "sparse":
            pairs = self.made_of.tocoo()
            yield pairs.row, pairs.col, pairs.data
            return
        n, m = self.a.size, self.b.size
        step = max(1, 2_000_000 // m)
        cols = np.arange(m)[None]
        for k in range(0, n, step):
            rows = np.arange(k, min(k + step, n))[:, None]
            if self.kind == "dense":
                yield rows, cols, self.made_of[k : k + step]
            else:
                X, Y, metric = self.made_of
                yield rows, cols, cdist(X[k : k + step], Y, metric)


def _apart(X, Y, metric):
    """Distances of x to y, one by one."""
    if metric == "cosine":
        X, Y = (Z / np.linalg.norm(Z, axis=1, keepdims=True) for Z in (X, Y))
        return 0.5 * ((X - Y) ** 2).sum(axis=1)
    D = np.abs(X - Y)
    if metric == "cityblock":
        return D.sum(axis=1)
    squares = (D**2).sum(axis=1)
    return squares if metric == "sqeuclidean" else np.sqrt(squares)


def problem(seed):
    """The problem of this seed."""
    rng = np.random.default_rng([seed, 2509])
    kind = str(rng.choice(KINDS, p=[0.4, 0.25, 0.15, 0.2]))
    return {"points": _points, "dense": _dense, "sparse": _sparse, "graph": _graph}[kind](seed, rng)


# --- masses ------------------------------------------------------------------------------------


def _size(rng, between):
    return int(np.exp(rng.uniform(*np.log(between))))


def _two(rng, between):
    """Sizes of two sides, equal as often as not."""
    n = _size(rng, between)
    if rng.random() < 0.5:
        return n, n
    return n, int(np.clip(n * 2.0 ** rng.uniform(-3, 1), 2, between[1]))


def _masses(rng, size):
    kind = str(rng.choice(["uniform", "integers", "dirichlet", "decades", "few", "bumps"]))
    if kind == "uniform":
        w = np.full(size, 1.0 / size)
    elif kind == "integers":
        w = rng.integers(1, rng.choice([3, 10, 1000]), size).astype(float)
    elif kind == "dirichlet":
        w = rng.dirichlet(np.full(size, rng.choice([0.1, 1.0])))
    elif kind == "decades":
        w = 10.0 ** rng.uniform(-rng.choice([3, 12, 40]), 0, size)
    elif kind == "few":
        w = np.where(rng.random(size) < 10.0 ** rng.uniform(-2, 0), rng.random(size), 0.0)
        w[rng.integers(size)] += 1.0
    else:
        x = np.arange(size) / size
        w = np.exp(-0.5 * ((x[:, None] - rng.random(3)) / 10.0 ** rng.uniform(-2, 0, 3)) ** 2)
        w = w.sum(axis=1)
    w[w < 1e-300] = 0.0
    return w, kind


def _both(rng, n, m):
    """Masses of both sides, the mass to move or None, and what they are."""
    a, one = _masses(rng, n)
    b, other = _masses(rng, m)
    if rng.random() < 0.4:
        b, other = (b * 0 + 1.0 / m, "uniform") if one == "uniform" else (b, other)
    if rng.random() < 0.5:
        return a, b * (a.sum() / b.sum()), None, f"{one} {other} balanced"
    part = float(rng.choice([10.0 ** rng.uniform(-3, 0), rng.random(), 0.7, 1.0]))
    if rng.random() < 0.5:
        b = b * (a.sum() / b.sum())
    return a, b, part * float(min(a.sum(), b.sum())), f"{one} {other} part {part:.3g}"


def _reg(rng, typical, moved, size):
    """A third of all 0, else in units of a typical cost per typical mass, mostly small."""
    draw = rng.random()
    if draw < 1 / 3:
        return 0.0
    power = rng.uniform(-4, 2) if draw < 0.9 else rng.uniform(-12, 8)
    return float(10.0**power * (typical or 1.0) / (moved / size))


# --- points ------------------------------------------------------------------------------------


def _cloud(rng, size, d, kind):
    if kind == "normal":
        return rng.normal(size=(size, d))
    if kind == "cube":
        return rng.random((size, d))
    if kind == "integers":
        return rng.integers(0, rng.choice([5, 30, 1000]), (size, d)).astype(float)
    if kind == "clusters":
        centres = 10.0 ** rng.uniform(-1, 2) * rng.normal(size=(rng.choice([3, 30]), d))
        return centres[rng.integers(len(centres), size=size)] + rng.normal(size=(size, d))
    if kind == "heavy":
        return rng.standard_t(1.2, (size, d))
    t = rng.random(size)  # a curve
    turns = 2 * np.pi * np.outer(t, np.arange(1, d + 1)) + rng.random(d)
    return np.sin(turns) * (0.1 + t[:, None]) + 0.01 * rng.normal(size=(size, d))


def _points(seed, rng):
    n, m = _two(rng, SIZES["points"])
    d = int(rng.choice([1, 2, 2, 2, 3, 3, 5, 10, 50]))
    if d > 5:
        n, m = min(n, 5000), min(m, 5000)
    kinds = ["normal", "cube", "integers", "clusters", "heavy", "curve"]
    one = str(rng.choice(kinds))
    other = one if rng.random() < 0.7 else str(rng.choice(kinds))
    metric = str(rng.choice(METRICS, p=[0.5, 0.25, 0.2, 0.05]))
    X, Y = _cloud(rng, n, d, one), _cloud(rng, m, d, other)
    if rng.random() < 0.3:
        Y = Y + rng.choice([1.0, 10.0])
    elif rng.random() < 0.2:
        Y[: min(n, m) // 2] = X[: min(n, m) // 2]  # some coincide
    if metric == "cosine":
        X, Y = (Z + (np.abs(Z).sum(axis=1, keepdims=True) == 0) for Z in (X, Y))
    scale = 10.0 ** rng.uniform(-5, 5) if rng.random() < 0.3 else 1.0
    X, Y = X * scale, Y * scale
    a, b, mass, words = _both(rng, n, m)
    typical = float(np.median(cKDTree(Y).query(X[:200], 8 if m > 8 else 1)[0]))
    typical = typical**2 if metric == "sqeuclidean" else typical
    typical = 1e-3 if metric == "cosine" else typical
    reg = _reg(rng, typical, a.sum() if mass is None else mass, max(n, m))
    words = f"{n} x {m}, {words}, {one} {other} {metric} in {d} dimensions"
    return Large(seed, "points", a, b, reg, mass, words, (X, Y, metric))


# --- matrices ----------------------------------------------------------------------------------


def _dense(seed, rng):
    n, m = _two(rng, SIZES["dense"])
    kind = str(rng.choice(["uniform", "ties", "squares", "line", "decades", "low rank", "far"]))
    if kind == "uniform":
        C = rng.random((n, m))
    elif kind == "ties":
        C = rng.integers(0, rng.choice([2, 5, 100]), (n, m)).astype(float)
    elif kind == "squares":
        C = cdist(rng.normal(size=(n, 3)), rng.normal(size=(m, 3)) + 1.0, "sqeuclidean")
    elif kind == "line":
        C = np.abs(np.linspace(0, 1, n)[:, None] - np.linspace(0, 1, m)) ** rng.choice([0.5, 1, 2])
    elif kind == "decades":
        C = 10.0 ** rng.uniform(-6, 6, (n, m))
    elif kind == "low rank":
        C = rng.random((n, 4)) @ rng.random((4, m))
    else:
        C = cdist(rng.random((n, 2)), rng.random((m, 2)))
        far = np.quantile(C, rng.uniform(0.1, 0.9)) < C
        C[far] = 10.0 ** rng.uniform(3, 15)
    if rng.random() < 0.2:
        C = C - rng.choice([0.5, 1.0]) * np.median(C)
    if rng.random() < 0.3:
        C = C * 10.0 ** rng.uniform(-8, 8)
    a, b, mass, words = _both(rng, n, m)
    typical = float(np.quantile(np.abs(C), 0.02)) or float(np.median(np.abs(C)))
    reg = _reg(rng, typical, a.sum() if mass is None else mass, max(n, m))
    return Large(seed, "dense", a, b, reg, mass, f"{n} x {m}, {words}, {kind}", C)


def _sparse(seed, rng):
    n, m = _two(rng, SIZES["sparse"])
    a, b, mass, words = _both(rng, n, m)
    X, Y = rng.random((n, 2)), rng.random((m, 2))
    k = min(int(rng.choice([2, 5, 20, 60])), m)
    if rng.random() < 0.7:
        far, cols = (z.ravel() for z in cKDTree(Y).query(X, np.arange(1, k + 1)))
        kind = f"{k} nearest"
    else:
        far, cols, kind = rng.random(n * k), rng.integers(0, m, n * k), f"{k} at random"
    rows = np.repeat(np.arange(n), k)
    if rng.random() < 0.4:
        far = np.ceil(far * rng.choice([5, 100]) / far.max())
    far = far + 1e-3 * far.max()  # what is stored as 0 may be left out on the way
    if mass is None or rng.random() < 0.5:  # a plan goes there
        i, j = _staircase(a, b)
        rows, cols = np.r_[rows, i], np.r_[cols, j]
        far = np.r_[far, far.max() * (1.0 + rng.random(i.size))]
        kind += " and a staircase"
    _, first = np.unique(rows.astype(np.int64) * m + cols, return_index=True)
    C = sp.csr_array((far[first], (rows[first], cols[first])), shape=(n, m))
    reg = _reg(rng, float(np.median(far)), a.sum() if mass is None else mass, max(n, m))
    return Large(seed, "sparse", a, b, reg, mass, f"{n} x {m}, {words}, {kind}", C)


def _staircase(a, b):
    """Pairs of the north-west corner rule, by the ends of rows and columns."""
    one, other = np.cumsum(a), np.cumsum(b)
    ends = np.unique(np.r_[0.0, one, other])
    middle = 0.5 * (ends[1:] + ends[:-1])
    i = np.minimum(np.searchsorted(one, middle), a.size - 1)
    j = np.minimum(np.searchsorted(other, middle), b.size - 1)
    beside = np.r_[0, np.flatnonzero(np.diff(i) | np.diff(j)) + 1]
    # Beside the corners are their neighbours, for what is rounded.
    more = np.minimum(i[beside] + 1, a.size - 1)
    return np.r_[i[beside], more], np.r_[j[beside], j[beside]]


# --- graphs ------------------------------------------------------------------------------------


def _graph(seed, rng):
    n = _size(rng, NODES)
    kind = str(rng.choice(["grid", "neighbours", "random", "tree and few"]))
    if kind == "grid":
        side = int(np.sqrt(n))
        n = side * side
        v = np.arange(n).reshape(side, side)
        edges = np.vstack(
            [np.c_[v[:, 1:].ravel(), v[:, :-1].ravel()], np.c_[v[1:].ravel(), v[:-1].ravel()]]
        )
        lengths = np.ones(len(edges)) if rng.random() < 0.5 else rng.random(len(edges)) + 0.1
    elif kind == "neighbours":
        Z = rng.normal(size=(n, 2))
        far, near = cKDTree(Z).query(Z, 9)
        edges = np.c_[np.repeat(np.arange(n), 8), near[:, 1:].ravel()]
        order = np.argsort(Z[:, 0])
        edges = np.vstack([edges, np.c_[order[1:], order[:-1]]])  # in one piece
        lengths = np.linalg.norm(Z[edges[:, 0]] - Z[edges[:, 1]], axis=1)
    else:
        first = np.arange(1, n)
        tree = np.c_[(rng.random(n - 1) * first).astype(int), first]
        more = rng.integers(0, n, (int(n * (3.0 if kind == "random" else 0.05)), 2))
        edges = np.vstack([tree, more[more[:, 0] != more[:, 1]]])
        lengths = (
            rng.random(len(edges)) if rng.random() < 0.5 else np.ceil(4 * rng.random(len(edges)))
        )
    a, b, mass, words = _both(rng, n, n)
    if rng.random() < 0.4:  # a few places send, a few take
        for w in (a, b):
            w[rng.random(n) > 50 / n] = 0.0
            w[rng.integers(n)] += 1.0
        b *= a.sum() / b.sum()
        words = f"few {words}"
        mass = None if mass is None else 0.7 * min(a.sum(), b.sum())
    if rng.random() < 0.2:
        lengths = lengths * 10.0 ** rng.uniform(-8, 8)
    if rng.random() < 0.2:
        far = rng.random(len(edges)) < 0.1
        lengths[far] = lengths.max() * 10.0 ** rng.uniform(3, 12)
        words += ", sentinels"
    reg = _reg(rng, float(np.median(lengths)), a.sum() if mass is None else mass, n)
    graph = quot.Graph(n, edges.astype(np.int32), lengths)
    return Large(seed, "graph", a, b, reg, mass, f"{n} nodes, {words}, {kind}", graph)
