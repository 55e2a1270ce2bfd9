"""Trees, pivots and plans of the simplex for transport, against what defines them."""

from fractions import Fraction

import numpy as np
import pytest

from quot.kernels import minima, parametric, tree, vertex
from quot.kernels import simplex as kernels
from quot.kernels.tree import LAST, LOOKS, NEXT, PARENT, PIVOTS, PREVIOUS, SIZE

every_seed = pytest.mark.parametrize("seed", range(8))
NONE = np.zeros((0, 2), np.int32)


class Planted:
    """A small problem of integer masses with many ties, and its first tree."""

    def __init__(self, seed):
        rng = self.rng = np.random.default_rng(seed)
        n, m = rng.integers(1, 10, 2)
        C = rng.random((n, m)) if seed % 2 else rng.integers(0, 4, (n, m)).astype(float)
        self.matrix = C, float(C.min()), float(C.max()) + 1.0
        self.rows, self.cols = rows, cols = n + seed // 2 % 2, m + seed // 4 % 2
        unit = 2**40 if seed % 3 == 0 else 1
        a, b = rng.integers(1, 4, rows) * unit, rng.integers(1, 4, cols) * unit
        lighter = min(a, b, key=np.sum)
        lighter[lighter.argmax()] += abs(a.sum() - b.sum())
        self.a, self.b = a, b
        self.cost = np.full((rows, cols), self.matrix[1])
        self.cost[n:, m:] = self.matrix[2]
        self.cost[:n, :m] = C
        self.order = rng.permutation(rows)
        self.root = int(b.argmax())
        self.plant(*self.crash(NONE))

    def crash(self, first, v=0.0):
        v = v + np.zeros(self.cols)
        return kernels.crash(*self.matrix, first, v, self.order, self.a, self.b, self.root)

    def plant(self, arcs, carried):
        cost = self.cost[tuple(arcs.T)]
        self.links, self.flow, self.paid, self.p, self.at = tree.plant(
            arcs, carried, cost, self.rows, self.cols, self.root
        )
        self.top = self.rows + self.root

    def descend(self, most, way="matrix", seen=None, v=None, margin=0.0):
        state = self.links, self.flow, self.paid, self.p, self.at
        if way == "list":
            start = np.arange(self.rows + 1) * self.cols
            col = np.tile(np.arange(self.cols, dtype=np.int32), self.rows)
            clean = kernels.enter(start, col, self.cost.ravel(), *state)
            tree.potentials(self.links, self.paid, self.top, self.p)
            return clean
        seen, v = (self.matrix[0], self.p[self.rows :]) if seen is None else (seen, v)
        return kernels.descend_matrix(*self.matrix, seen, v, margin, *state, most)

    def plan(self, a, b, barred=np.inf):
        """The plan with and without crumbs, for masses that are not quite whole."""
        a, b = a.astype(float), b.astype(float)
        i, j, x = vertex.plan(barred, self.links, self.paid, self.top, a, b)
        b[self.root] = 0.0
        P = [np.zeros(self.cost.shape) for _ in range(2)]
        np.add.at(P[0], (i, j), x)
        more = vertex._crumbs(*self.matrix, barred, self.p, self.top, i, j, x, a, b)
        for rows, cols, values in ((i, j, x), more):
            assert (values > 0.0).all()
            np.add.at(P[1], (rows, cols), values)
        return P

    def pairs(self):
        """Rows and columns of the arcs of nodes but the root."""
        x = np.delete(np.arange(self.p.size), self.top)
        y = self.links[PARENT, x]
        return np.minimum(x, y), np.maximum(x, y) - self.rows

    def value(self):
        return self.paid @ self.flow.astype(float)

    def check(self):
        """One tree, in preorder, with the only flow it can have, none of it wrong way or stuck."""
        size = self.p.size
        line = [self.top]
        while len(line) < size:
            line.append(self.links[NEXT, line[-1]])
        assert sorted(line) == list(range(size))
        np.testing.assert_array_equal(self.links[PREVIOUS, self.links[NEXT]], np.arange(size))
        assert self.links[PARENT, self.top] == -1
        under = {x: [x] for x in line}  # in the order of the line
        for y in line[1:]:
            x = self.links[PARENT, y]
            assert (x < self.rows) != (y < self.rows)
            while x >= 0:
                under[x].append(y)
                x = self.links[PARENT, x]
        supply = np.r_[self.a, -self.b]
        for k, x in enumerate(line):
            assert under[x] == line[k : k + len(under[x])], "no preorder"
            assert self.links[SIZE, x] == len(under[x])
            assert self.links[LAST, x] == under[x][-1]
            sent = supply[under[x]].sum() * (1 if x < self.rows else -1)
            assert self.flow[x] == sent
            assert sent > 0 or x == self.top or (x < self.rows and sent == 0), (
                "not strongly feasible"
            )
        i, j = self.pairs()
        np.testing.assert_array_equal(np.delete(self.paid, self.top), self.cost[i, j])
        fresh = self.p.copy()
        tree.potentials(self.links, self.paid, self.top, fresh)
        assert fresh[self.top] == self.p[self.top]
        for p in (self.p, fresh):
            np.testing.assert_allclose(p[i] + p[self.rows + j], self.cost[i, j], atol=1e-13)


def crash_twin(at, first, v):
    """The same greedy rule with masses a little larger, exactly: nothing ever ties."""
    part, first, pairs, flow = 2 * at.rows + 1, list(first), [], []
    a, b = part * at.a + 1, part * at.b
    b[at.root] += at.rows
    while a.any():
        if first:
            i, j = first.pop(0)
        else:
            i = next(i for i in at.order if a[i] > 0)
            j = np.where(b > 0, at.cost[i] - v, np.inf).argmin()
        amount = min(a[i], b[j])
        if amount > 0:
            a[i], b[j] = a[i] - amount, b[j] - amount
            pairs.append((i, j))
            flow.append((amount + at.rows) // part)
    return pairs, flow


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (3, 70), (200, 129)])
def test_passes_over_the_matrix(rng, shape):
    C, u = rng.normal(size=shape), rng.normal(size=shape[0])
    np.testing.assert_array_equal(minima.column_minima(C, u), (C - u[:, None]).min(axis=0))
    pairs = rng.integers(0, np.add(shape, 1), (50, 2)).astype(np.int32)
    padded = np.pad(C, ((0, 1), (0, 1)), constant_values=7.0)
    padded[-1, -1] = 9.0
    np.testing.assert_array_equal(minima._costs(C, 7.0, 9.0, pairs), padded[tuple(pairs.T)])
    assert len(set(kernels._stride(shape[0]) * np.arange(shape[0]) % shape[0])) == shape[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 63, 64, 65, 300])
def test_below(rng, size, dtype):
    """The first of the least, where it is below the bound."""
    c, v = rng.integers(0, 9, (2, size)).astype(dtype)
    x = c - v
    for bound in range(-9, 10):
        twin = (x.min(), x.argmin()) if x.min() < bound else (bound, -1)
        assert minima._below(c, v, dtype(bound)) == twin


@every_seed
def test_crash(seed):
    at = Planted(seed)
    some = at.rng.integers(0, (at.rows, at.cols), (6, 2)).astype(np.int32)
    for first, v in ((NONE, np.zeros(at.cols)), (some, at.rng.random(at.cols))):
        arcs, flow = at.crash(first, v)
        pairs, carried = crash_twin(at, first, v)
        np.testing.assert_array_equal(arcs, pairs)
        np.testing.assert_array_equal(flow, carried)
        at.plant(arcs, flow)
        at.check()


@every_seed
def test_plant_and_leaves_first(seed):
    """The order of the arcs does not matter; leaves first they lead to the same tree."""
    at = Planted(seed)
    arcs, flow = at.crash(NONE)
    mixed = at.rng.permutation(len(arcs))
    at.plant(arcs[mixed], flow[mixed])
    at.check()
    assert set(zip(*at.pairs(), strict=True)) == set(map(tuple, arcs))
    nodes = tree.leaves_first(at.links, at.top)
    hubs = at.links[PARENT, nodes]
    place = np.argsort(np.r_[nodes, at.top])
    assert (place[nodes] < place[hubs]).all()
    basis = np.c_[np.minimum(nodes, hubs), np.maximum(nodes, hubs) - at.rows].astype(np.int32)
    np.testing.assert_array_equal(at.crash(basis)[0], basis)


def deep_tree(rng, size=4000):
    """A tree that is one way through all rows and columns: links, flow, paid, p and its costs."""
    arcs = np.arange(2 * size - 1)
    arcs = np.stack((arcs // 2, (arcs + 1) // 2), axis=1).astype(np.int32)
    cost = rng.random(len(arcs)) * 10.0 ** rng.integers(-6, 1, len(arcs))
    return tree.plant(arcs, np.ones(len(arcs), np.int64), cost, size, size, 0)[:4], cost


def test_prices_at_the_end_of_a_long_way(rng):
    """As if rounded once: else one tree and the next may gain on each other in turn, for ever."""
    (_, _, _, p), cost = deep_tree(rng)
    size, right, price = p.size // 2, np.zeros(p.size), Fraction(0)
    for k, c in enumerate(cost):  # on from column 0: row 0, column 1, row 1, ...
        price = Fraction(c) - price
        right[(k + 1) // 2 + size if k % 2 else k // 2] = price
    np.testing.assert_array_equal(p, right)


def test_a_pair_gains_what_the_way_between_its_ends_says(rng):
    """Also where the ends of that way lie thousands of arcs apart, and not by rounding."""
    (links, flow, paid, p), _ = deep_tree(rng)
    size = p.size // 2
    for i, j in ((size - 1, 1), (size // 2, size - 1), (0, size - 1)):
        found = kernels._leaving(np.int32(i), np.int32(size + j), size, links, flow, paid)[4]
        assert found == pytest.approx(p[i] + p[size + j], abs=2e-16 * abs(p).max())


@pytest.mark.parametrize("way", ["matrix", "list"])
@every_seed
def test_descend_keeps_the_tree_at_every_pivot(seed, way):
    """And no look at a row makes it dearer; in the end prices prove that it is cheapest."""
    at = Planted(seed)
    done = False
    while not done:
        before, value = at.at.copy(), at.value()
        done = at.descend(1, way)
        step = at.rows if way == "list" else 1  # a list is gone through pass by pass
        assert at.at[LOOKS] == before[LOOKS] + step < 1000 * step
        assert 0 <= at.at[PIVOTS] - before[PIVOTS] <= step
        assert at.value() <= value * (1 + 1e-15)
        at.check()
    u, v = at.p[: at.rows], at.p[at.rows :]
    assert (at.cost - u[:, None] - v).min() >= -1e-14
    assert at.value() == pytest.approx(u @ at.a + v @ at.b, rel=1e-14)
    assert at.descend(10, way)  # nothing is left to do


@every_seed
def test_descend_in_single_precision(seed):
    """What gains more than the margin is found, and counted in double precision."""
    at = Planted(seed)
    single = [x.astype(np.float32) for x in (at.matrix[0], at.p[at.rows :])]
    assert at.descend(10**6, "matrix", *single, 1e-6)
    at.check()
    np.testing.assert_allclose(single[1], at.p[at.rows :], atol=1e-6)
    assert (at.cost - at.p[: at.rows, None] - at.p[at.rows :]).min() >= -2e-6


@every_seed
def test_plan(seed):
    """That of the integers, and near these too, but for what rounding leaves over."""
    at = Planted(seed)
    at.descend(10**6)
    exact = np.zeros(at.cost.shape)
    exact[at.pairs()] = np.delete(at.flow, at.top)
    for P in at.plan(at.a, at.b):
        np.testing.assert_array_equal(P, exact)
    a, b = (x * at.rng.uniform(1 - 1e-15, 1 + 1e-15, x.size) for x in (at.a, at.b))
    P, more = at.plan(a, b)
    assert not P[exact == 0].any() or P[exact == 0].max() <= 1e-14 * a.sum()
    for X in (P, more):
        assert max(abs(X.sum(1) - a).max(), abs(X.sum(0) - b).max()) <= 1e-14 * a.sum()


@pytest.mark.parametrize("case", ["from a row", "to a column"])
def test_barred_pairs_get_nothing(case):
    """What was to go there goes to another pair, as a crumb that loses nothing."""
    at, crumb, no = Planted(0), 2.0**-52, 1e9
    if case == "from a row":
        cost = np.array([[0.0, no, 0.0], [no, no, 0.0], [no, 0.0, no]])
        tree = [[0, 0], [0, 1], [1, 2], [2, 2], [2, 1]]
        a, b = np.array([1.0 + crumb, 1.0, 1.0]), np.array([1.0, 1.0, 1.0 + crumb])
    else:  # what the root gets too much is taken from it
        cost = np.array([[0.0, 0.0], [no, 0.0]])
        tree = [[0, 1], [1, 1], [1, 0]]
        a, b = np.array([1.0 + crumb, 1.0]), np.array([crumb, 2.0])
    at.cost, at.matrix, at.rows, at.cols, at.root = cost, (cost, 0.0, 0.0), a.size, b.size, 1
    at.plant(np.array(tree, np.int32), np.zeros(len(tree), np.int64))
    assert at.plan(a, b)[0][cost == no].any()
    without, P = at.plan(a, b, 1e6)
    assert not without[cost == no].any()
    assert not P[cost == no].any()
    assert np.count_nonzero(P) > np.count_nonzero(without)
    np.testing.assert_array_equal([*P.sum(1), *P.sum(0)], [*a, *b])


@every_seed
def test_listed_are_the_nearest(seed):
    """As a sort of the row has them; none is forbidden; what is left costs at least the last."""
    rng = np.random.default_rng(seed)
    m, k = rng.integers(1, 20), rng.integers(1, 8)
    C = np.where(rng.random((3, m)) < 0.2, np.inf, rng.integers(0, 6, (3, m)).astype(float))
    v = rng.integers(0, 3, m).astype(float)
    near, cost, key = np.empty((3, k), np.int32), np.empty((3, k)), np.empty((3, k + 1))
    for i in range(3):
        parametric.list_nearest(C, i, v, near, cost, key)
        sorted_ = np.append(np.sort(C[i] - v), np.full(k + 1, np.inf))
        np.testing.assert_array_equal(key[i], sorted_[: k + 1])
        real = near[i] >= 0
        np.testing.assert_array_equal(real, np.isfinite(key[i, :k]))
        assert len(set(near[i][real])) == real.sum()
        np.testing.assert_array_equal(cost[i][real], C[i, near[i][real]])
        np.testing.assert_array_equal((cost[i] - v[near[i]])[real], key[i, :k][real])


@every_seed
def test_solve_begins_and_goes_to_the_end(seed):
    """Bit by bit as one call after another does."""
    at = Planted(seed)
    begin = *at.matrix, NONE, np.zeros(at.cols), at.order, at.a, at.b, at.root
    *found, done = kernels.solve(*begin, 10, 10**6)
    assert done
    *state, done = kernels.solve(*begin, 0, 10**6)
    assert not done
    links, flow, paid, p, place = state
    for was, now in zip((at.links, at.flow, at.paid, at.p, at.at), state, strict=True):
        np.testing.assert_array_equal(was, now)
    pivots = -1
    while place[PIVOTS] > pivots:
        pivots = place[PIVOTS]
        place[:2] = 0
        assert kernels.descend_matrix(*at.matrix, at.matrix[0], p[at.rows :], 0.0, *state, 10**6)
        p[at.top] = 0.0
        tree.potentials(links, paid, at.top, p)
    for one, other in zip(found[:4], (links, flow, paid, p), strict=True):
        np.testing.assert_array_equal(one, other)
    assert found[4][PIVOTS] == pivots
    *_, done = kernels.solve(*begin, 10, 0)
    assert not done


@every_seed
def test_read_is_the_plan_with_its_crumbs(seed):
    """Of the rows and columns of the matrix."""
    at = Planted(seed)
    at.descend(10**6)
    a, b = (x * at.rng.uniform(1 - 1e-15, 1 + 1e-15, x.size) for x in (at.a, at.b))
    i, j, x = vertex.read(*at.matrix, np.inf, at.links, at.paid, at.p, at.top, a, b)
    (n, m), P = at.matrix[0].shape, np.zeros(at.cost.shape)
    np.add.at(P, (i, j), x)
    assert (i < n).all()
    assert (j < m).all()
    np.testing.assert_array_equal(P[:n, :m], at.plan(a, b)[1][:n, :m])


@every_seed
def test_tidy(seed):
    rng = np.random.default_rng(seed)
    n, m, size = rng.integers(1, 12, 3)
    i, j = (rng.integers(0, k, size).astype(np.int32) for k in (n, m))
    x, a, b = 2.0 ** rng.integers(-60, 0, size), rng.random(n), 1e3 * rng.random(m)
    P = np.zeros((n, m))
    np.add.at(P, (i, j), x)
    P[(P <= 1e-9) & (1e-6 * np.minimum(a[:, None], b) >= P)] = 0.0
    rows, cols, values = vertex.tidy(i, j, x, a, b, 1e-9)
    np.testing.assert_array_equal((rows, cols), np.nonzero(P))
    np.testing.assert_allclose(values, P[rows, cols], rtol=1e-15)


def test_where_costs_may_be_convex(rng):
    """On sorted points of a line they are; one place in so many tells that others are not."""
    x, y = np.sort(rng.random(40)), np.sort(rng.random(50))
    for power in (1.0, 2.0, 3.0):
        assert minima.may_be_convex(np.abs(x[:, None] - y) ** power, 16)
    assert not minima.may_be_convex((x[::-1, None] - y) ** 2, 16)
    assert not minima.may_be_convex(rng.random((40, 50)), 16)
    for shape in ((1, 1), (1, 9), (9, 1)):
        assert minima.may_be_convex(rng.random(shape), 16)


@every_seed
def test_costs_are_moderate(seed):
    """As what half of the mass, of the rows and of the columns have to pay tells."""
    rng = np.random.default_rng(seed)
    rows, cols = rng.integers(0, 3, 9).astype(float), rng.integers(0, 3, 7).astype(float)
    a, b = rng.random(9), rng.random(7)
    total = rng.uniform(0.2, 1.0) * min(a.sum(), b.sum())
    for dear in (1.0, 2.0, 4.0, 10.0):
        bar, pays = 4.0 / dear, False
        many = all((2 * (least >= bar).sum() >= least.size) for least in (rows, cols))
        for least, mass in ((rows, a), (cols, b)):
            pays |= mass[least >= bar].sum() - (mass.sum() - total) >= 0.5 * total
        assert minima.are_moderate(rows, cols, 0.0, 4.0, a, b, total, dear) == (many and pays)


@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (3, 70), (4, 129)])
def test_row_minima(rng, shape):
    C, v = rng.normal(size=shape), rng.normal(size=shape[1])
    np.testing.assert_array_equal(minima.row_minima(C, v), (C - v).min(axis=1))
