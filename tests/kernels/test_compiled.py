"""Every kernel runs uncompiled and then gives what the compiled one gives."""

import copy
import importlib
import itertools
import pkgutil

import numpy as np
import pytest
import scipy.sparse as sp
from numba.core.registry import CPUDispatcher
from tests.checks import everywhere
from tests.kernels.networks import random_network
from tests.oracles.graphs import random_graph

import quot.kernels

MODULES = {
    info.name: importlib.import_module(f"quot.kernels.{info.name}")
    for info in pkgutil.iter_modules(quot.kernels.__path__)
    if not info.name.startswith("_")
}
KERNELS = {
    f"{name}.{kernel}": value
    for name, module in MODULES.items()
    for kernel, value in vars(module).items()
    if isinstance(value, CPUDispatcher) and value.py_func.__module__ == module.__name__
}
CALLS: dict[str, dict[tuple, list[tuple]]] = {}


class Recorder:
    """Stands in for a kernel, keeps a few small calls of each type, and lets them through."""

    def __init__(self, name, kernel):
        self.name, self.kernel = name, kernel
        self._numba_type_ = kernel._numba_type_  # so that kernels which call it can be compiled

    def __call__(self, *args):
        kind = tuple(value.dtype for value in flat(args))
        kept = CALLS.setdefault(self.name, {}).setdefault(kind, [])
        if len(kept) < 4:
            kept.append(copy.deepcopy(args))
        return self.kernel(*args)


@pytest.fixture(scope="module", autouse=True)
def calls():
    """Record what small problems of each kind ask of the kernels."""
    import quot
    from quot import costs
    from quot.dual import Dual
    from quot.pairs import screen
    from quot.quadratic.anchor import anchor
    from quot.quadratic.polish import polish
    from quot.rounding import round_sparse
    from quot.settings import using

    # Kernels that call others are compiled before anything stands in for those.
    _record_flow(random_network(np.random.default_rng(0)))
    for reg in (0.0, 1.0):
        with using(paired=0):
            quot.solve_graph(quot.graphs.grid((2, 2)), [1, 0, 0, 0], [0, 0, 0, 1], reg=reg)
    patch = pytest.MonkeyPatch()
    for name, kernel in KERNELS.items():
        module, attribute = name.split(".")
        if not attribute.startswith("_"):
            patch.setattr(MODULES[module], attribute, Recorder(name, kernel))
    # Small problems take the way of large ones.
    tuned = using(
        complete=16,
        unclustered=2,
        listed_rows=4,
        mended=20,
        mended_bad=0.3,
        mended_part=0.3,
        rings=1,
        coarsest=4,
        paired=0,
        direct=0,
        matrix=0,
        climbed=0,
        single_pivots=0,
        passes=1,
    )
    try:
        with tuned:
            for seed in range(3):
                _record_flow(random_network(np.random.default_rng(seed)))
            rng = np.random.default_rng(5)
            graph = quot.graphs.grid((4, 5))
            for mass in (None, 0.7):
                source, target = rng.random((2, 20))
                quot.solve_graph(graph, source / source.sum(), target / target.sum(), mass=mass)
            C = rng.random((12, 14))
            X, Y = rng.normal(size=(40, 2)), rng.normal(size=(50, 2))
            for reg in (0.0, 1e-4, 1.0, 100.0):
                for mass in (None, 0.6):
                    quot.solve_batch([C, C[:5].T], reg=reg, mass=mass)
                    with using(at_once=0):
                        quot.solve(C, reg=reg, mass=mass)
                    quot.solve(C, reg=reg, mass=mass, method="newton")
                    quot.solve(sp.csr_array(C), reg=reg, mass=mass)
                    quot.solve_points(X, Y, reg=reg, mass=mass)
                    quot.solve_points(X, Y, reg=reg, mass=mass, metric="cityblock")
            quot.solve(C, 10.0 ** -np.arange(12.0), rng.random(14), reg=1.0, mass=0.6)
            for eps in (0.001, 0.3):
                quot.solve_entropic(C, eps=eps, mass=0.6)
            r = quot.solve(C, mass=0.6)
            for improve in (polish, anchor):
                improve(r.problem, r.plan, Dual(r.f, r.g, r.lam))
            stop = {"callback": lambda k: k.level > 0, "on_failure": "ignore", "method": "newton"}
            assert quot.solve_points(X, Y, reg=100.0, **stop).history[-1].level > 0
            for name in ("_BOXED", "_SEARCHED"):
                patch.setattr(screen, name, 0.0)
            with using(boxed=0):
                for metric in costs.METRICS:
                    quot.solve_points(X, Y, reg=10.0, mass=0.6, metric=metric)
            _record_screens(X[:4], Y)
            rough = quot.Plan.from_dense(C / C.sum())
            for cost in (None, costs.DenseCost(C)):
                round_sparse(rough, np.full(12, 1 / 12), np.full(14, 1 / 14), 1.0, cost)
            MODULES["rounding"].long_sums(np.arange(9) // 2, rng.random(9), 6)
            x = np.arange(60.0)[:, None]
            assert quot.solve_points(x, 60.0 + x, metric="euclidean", ties="any").converged
            _record_gibbs(C)
            for regularizer in ("quadratic", "entropic"):
                quot.solve_adaptive(
                    C[:6, :7], perplexity=2, on="both", regularizer=regularizer, tol=1e-6
                )
                for n_neighbors in (5, None):
                    how = {"n_neighbors": n_neighbors, "regularizer": regularizer, "perplexity": 2}
                    for kind in ("directed", "doubly_stochastic"):
                        assert quot.affinities(X[:9], kind=kind, **how).neglected.min() >= 0.0
            MODULES["adaptive"].inverses(*rng.random((6, 3)))
            costs.PointCost(*rng.normal(size=(2, 5, 7))).block(1, 3)
            _record_multigrid(rng)
            _record_simplex(rng)
            _record_climb(rng)
            _record_pivots(rng)
            yield
    finally:
        patch.undo()


def _record_flow(net):
    flow, laplacian, sweep = MODULES["flow"], MODULES["laplacian"], MODULES["sweep"]
    seen = sweep.incidence(*net.arcs[:2], *net.arcs[3:], net.n)
    x, slope, missing = flow.respond(net.p, net.side, *net.arcs, net.supply)
    zero, n, ends = np.flatnonzero(net.weight == 0), net.n, (net.tail, net.head)
    zeros, at = (zero, net.tail[zero]), (net.p, net.side)
    flow.evaluate(net.p.copy(), net.side, *zeros, *net.arcs, net.supply)
    flow.active(zero, net.side, slope, *ends, n)
    flow.system(*at, slope, missing, zero, *net.arcs, net.supply, 1e-9, 0.1)
    one = np.zeros(n, np.int32), np.zeros(0, np.int32), 1
    flow.search(*at, missing, missing, *zeros, *net.arcs, net.supply, *one, 0.5, 9)
    flow.directional(net.p, missing, net.side, *net.arcs, *one[1:])
    flow.clamp(*zeros, net.side, *ends, net.cost, net.p, net.p + missing)
    joined = flow.contract(zero, net.side, *ends, n)
    rhs = np.bincount(joined, missing, n)
    flow.degrees(*ends, net.n)
    label = flow.components(joined, slope, *ends)
    flow.shift_components(label, joined, rhs, *at, slope, *net.arcs, 1e-9)
    flow.route(*zeros, net.side, *ends, net.capacity, x, missing)
    MODULES["elimination"].solve(*ends, 1.0 / (1.0 + net.weight), net.supply, 1000)
    *graph, twin = laplacian.adjacency(net.tail, net.head, 1.0 / (1.0 + net.weight), net.n)
    for factor in (laplacian.diagonal_factor(graph[3]), laplacian.factor(*graph[:3], twin, 1)):
        laplacian.cg(*graph, *factor, net.supply, 1e-9, 50)
    sweep.sweep(net.p.copy(), net.side.copy(), *seen, *net.arcs, net.supply, 1e-12)


def _record_gibbs(C):
    """What a small problem does without."""
    gibbs, (n, m) = MODULES["gibbs"], C.shape
    MODULES["minima"].column_minima(C, np.zeros(n))
    f, v, levels = np.zeros(n), np.zeros(m), (np.full(n, -1.0), np.full(m, -1.0))
    gibbs.count(C, f, v, 0.3, *levels)
    gibbs.entries(C, f, v, 0.3, *levels, n * m)
    gibbs.sums(C, f, v, 0.3, np.empty(n), np.zeros(m))
    i, j = np.nonzero(C)
    start, cols = np.searchsorted(i, np.arange(n + 1)), j.astype(np.int32)
    gibbs.spread_entries(start, cols, C[i, j], np.ones(n), np.arange(float(m)), np.zeros(m))
    rows = np.ones(n), np.ones(m), f, np.inf, 0.3, np.empty(n), np.empty(n), np.zeros(m)
    gibbs.answer_listed(start, cols, C[i, j], *rows)


def _record_multigrid(rng):
    from quot.network.multigrid import Multigrid

    tail, head, n = random_graph(rng, 40, 70)
    *graph, _ = MODULES["laplacian"].adjacency(tail, head, rng.uniform(0.1, 1.0, 70), n)
    Multigrid(*graph).solve(MODULES["laplacian"].apply(*graph, rng.normal(size=n)), 1e-9, 3)


def _record_simplex(rng):
    from quot.network import simplex
    from quot.network.basis import Masses
    from quot.network.listed import ListBasis
    from quot.network.parametric import Parametric
    from quot.settings import using

    C, a = rng.random((9, 9)), rng.random(9)
    for large, kept in ((np.inf, 0.0), (0, 0.0), (np.inf, 0.4), (0, 0.4)):
        with using(single=large, convex=0):
            found = simplex.solve_matrix(C, a, a[::-1].copy(), (kept, kept))
    tops, links = found.kept, found.basis.links
    assert not MODULES["simplex"].has_ties(C, found.u, found.v, *tops, 1e-12, links)
    more = Parametric(rng.random((14, 16)), rng.random(14), rng.random(16))
    assert more.send(np.inf, lambda: False)
    start, col = np.arange(10), np.arange(9, dtype=np.int32)
    pairs = 9 * start, np.tile(col, 9), C.ravel()
    first = np.stack((np.repeat(col, 9), pairs[1]), axis=1)
    listed = ListBasis(Masses.of(a, a[::-1].copy()), pairs, first, pairs[2])
    assert listed.optimise(lambda: False)
    assert len(listed.arcs()) == 17


def _record_pivots(rng):
    from quot import GraphProblem
    from quot.network import cycles
    from quot.quadratic.graph import GraphNetwork

    masses = rng.dirichlet(np.ones(20), 2)
    net = GraphNetwork(GraphProblem(quot.graphs.grid((4, 5)), *masses)).network
    assert cycles.descend(net, np.zeros(net.n_arcs)).is_optimal


def _record_climb(rng):
    """A sweep, which steps of a small problem hardly ever need."""
    from quot import Problem
    from quot.convergence import Monitor
    from quot.dual import Dual
    from quot.quadratic.matrix_newton import MatrixNewton

    C, a, b = rng.random((9, 7)), rng.dirichlet(np.ones(9)), rng.dirichlet(np.ones(7))
    newton = MatrixNewton(Problem(C, a, b, reg=0.5), C, (0.0, 0.0), Monitor())
    newton.begin(Dual(np.zeros(9), rng.random(7)))
    before = newton.wrong
    newton._sweep()
    assert newton.wrong < before
    C = rng.random((40, 35))
    problem = Problem(C, np.full(40, 1 / 40), np.full(35, 1 / 35), reg=700.0)
    newton = MatrixNewton(problem, C, (0.0, 0.0), Monitor())
    newton.begin(Dual(np.full(40, 5.0), rng.random(35)))
    newton.crowded._is_quick, before = False, newton.active
    assert before > 16 * 75
    assert newton.climb(1e-9, 20)


def _record_screens(X, Y):
    """Passes screened in single precision, by every metric that has a screen."""
    from quot.costs import PointCost
    from quot.pairs import blocks
    from quot.pairs.screen import Screen

    for metric in ("sqeuclidean", "euclidean", "cosine"):
        screen = Screen(PointCost(X, Y, metric=metric))
        block, _ = screen.block(0, len(X))
        f, g = np.sort(block, axis=1)[:, 9].astype(float), np.zeros(len(Y))
        MODULES["certificate"].scan_rows(block, 0, f, g, 1.0, screen.exact)
        blocks.nearest(screen, f, g, 3, everywhere((len(X), len(Y))), 1e-9)
        blocks.violators(screen, f, g, 1e-9)
        blocks.row_roots(screen, g, np.full(len(X), 0.3))


def flat(values):
    """All arrays and numbers in a return value or in arguments."""
    if isinstance(values, (tuple, list)):
        return [item for value in values for item in flat(value)]
    return [np.asarray(values)] if values is not None else []


# Those of a leading underscore are reached through the kernels that call them.
@pytest.mark.parametrize("name", sorted(name for name in KERNELS if "._" not in name))
def test_compiled_and_uncompiled_agree(name):
    kernel = KERNELS[name]
    assert CALLS.get(name), f"{name} is never called by small problems: dead, or not covered here"
    for recorded in itertools.chain(*CALLS[name].values()):
        compiled_args, plain_args = copy.deepcopy(recorded), copy.deepcopy(recorded)
        compiled = kernel(*compiled_args)
        with np.errstate(all="ignore"):
            plain = kernel.py_func(*plain_args)
        for left, right in zip(
            flat([compiled, compiled_args]), flat([plain, plain_args]), strict=True
        ):
            if left.dtype.kind in "iub":
                np.testing.assert_array_equal(left, right)
            else:  # contraction and reassociation move the last bits
                rtol, atol = (1e-6, 1e-6) if left.dtype == np.float32 else (1e-9, 1e-12)
                np.testing.assert_allclose(left, right, rtol=rtol, atol=atol)


def test_kernels_are_found():
    assert {name.split(".")[0] for name in KERNELS} == set(MODULES)
