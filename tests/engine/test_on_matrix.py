"""Quadratic problems on a matrix, against roots by sorting, dense solves and the reference."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from tests.design import every_two

import quot
from quot.convergence import Monitor
from quot.kernels import moves, reduction
from quot.kernels import semidual as kernels
from quot.pairs import Pricer
from quot.quadratic import upward
from quot.quadratic.linear import solve_linear
from quot.quadratic.on_matrix import OnMatrix


def histograms(n):
    """Two Gaussian histograms on a line: masses over 50 decades, most of them next to nothing."""
    x = np.arange(n)
    a = np.exp(-0.5 * ((x - 0.2 * n) / (0.05 * n)) ** 2)
    b = np.exp(-0.5 * ((x - 0.6 * n) / (0.1 * n)) ** 2)
    return (x[:, None] - x) ** 2 / (n - 1.0) ** 2, a / a.sum(), b / b.sum()


def root_by_sorting(line, target):
    """Where sum_j [f - line_j]_+ reaches the target: on one of the pieces between its kinks."""
    kinks = np.sort(line[np.isfinite(line)])
    on_piece = (target + np.cumsum(kinks)) / np.arange(1, kinks.size + 1)
    ahead = np.append(kinks[1:], np.inf)
    return on_piece[np.argmax(on_piece <= ahead)]


@pytest.mark.parametrize("start", [-1e3, 0.0, 0.4, 1e3])
@pytest.mark.parametrize("highest", [np.inf, 0.1])
def test_rows_are_balanced(rng, start, highest):
    C = rng.random((40, 130))
    C[rng.random(C.shape) < 0.2] = np.inf
    v = rng.normal(size=130)
    target = 10.0 ** rng.uniform(-60, 1, 40)
    f, begin, got = np.full(40, start), np.empty(41, np.int64), np.empty(130)
    col, beyond = np.empty(C.size, np.int32), np.empty(C.size)
    squares = kernels._respond(C, v, target, highest, 1e-15, f, begin, col, beyond, got)
    roots = np.array([root_by_sorting(line - v, t) for line, t in zip(C, target, strict=True)])
    np.testing.assert_allclose(f, np.minimum(roots, highest), atol=1e-14)
    row, found = np.repeat(np.arange(40), np.diff(begin)), begin[-1]
    over = f[:, None] + v - C
    dense = np.zeros(C.shape)
    dense[row, col[:found]] = beyond[:found]
    np.testing.assert_allclose(dense, np.maximum(over, 0.0), atol=1e-13)
    np.testing.assert_allclose(got, dense.sum(axis=0), atol=1e-13)
    np.testing.assert_allclose(squares, (dense**2).sum())
    listed = np.zeros(C.shape, bool)
    listed[row, col[:found]] = True
    assert listed[over > 0.0].all()
    assert listed.any(axis=1)[roots < highest].all()  # where hardly anything is sent, too


@pytest.mark.parametrize("tied", [0, 3])
def test_columns_move_as_the_listed_pairs_say(rng, tied):
    """Against a dense system in which an untied row moves to where it sends what it did."""
    n, m = 30, 25
    listed = rng.random((n, m)) < np.linspace(0.02, 0.5, n)[:, None]
    listed[np.arange(n), np.arange(n) % m] = True
    missing = rng.normal(size=m)
    missing -= 0.0 if tied else missing.mean()
    f = np.where(np.arange(n) < tied, 0.0, -1.0)
    begin = np.append(0, np.cumsum(listed.sum(axis=1)))
    col, at_top, v = np.nonzero(listed)[1].astype(np.int32), np.zeros(m, bool), np.zeros(m)
    ties, _, ground, rhs, share, _ = moves._system(
        v, f, 0.0, begin, col, missing, at_top, 0.0, 1e-9
    )
    edges = moves._edges(begin, col, ties, at_top)
    x, is_one = reduction._solve(*edges, ground, rhs, 1e-12, 1000)
    move, is_passing = moves._moves(n, v, 0.0, x, share, np.zeros(x.size), at_top)
    assert is_one
    assert not is_passing
    A, free = listed.astype(float), np.arange(n) >= tied
    H = np.diag(A.sum(axis=0)) - A[free].T @ np.diag(1.0 / A[free].sum(axis=1)) @ A[free]
    np.testing.assert_allclose(H @ move, missing, atol=1e-6)


@pytest.mark.parametrize("top", [np.inf, 0.02])
def test_parts_that_touch_no_others_go_until_they_do(rng, top):
    """Up where more is to come, else down; no pair is passed, and each meets its nearest."""
    n = m = 12
    C = np.kron(1.0 - np.eye(4), np.ones((3, 3))) + 0.1 * rng.random((n, m))
    v, f = np.zeros(m), C.min(axis=1) + 0.2  # four blocks of pairs
    listed = f[:, None] + v >= C
    begin, col = np.append(0, np.cumsum(listed.sum(axis=1))), np.nonzero(listed)[1]
    net = np.array([3e-3, -2e-3, -1e-3, 0.0])
    missing, at_top = np.repeat(net / 3, 3), np.zeros(m, bool)
    _, node, *_, share, part = moves._system(
        v, f, np.inf, begin, col.astype(np.int32), missing, at_top, 0.0, 1e-9
    )
    np.testing.assert_allclose(share[n:-1], missing)
    assert len(set(part[:-1])) == 4
    highest = np.inf if top == np.inf else f.max() + top
    x = np.zeros(n + m + 1)
    reach = moves._reach(C, v, f, highest, begin, col, at_top, node, part, share, x)[n:-1].reshape(
        4, 3
    )
    assert (reach == reach[:, :1]).all()
    way = reach[:, 0]
    assert way[3] == 0.0
    assert way[0] > 0.0 > max(way[1], way[2])
    slack = (C - f[:, None] - v).reshape(4, 3, 4, 3).min(axis=(1, 3))  # of block and block
    after = slack + way[:, None] - way
    other = ~np.eye(4, dtype=bool)
    assert after[other].min() >= -1e-15
    if top == np.inf:
        np.testing.assert_allclose(np.where(other, after, np.inf)[:, 0].min(), 0.0, atol=1e-15)
    else:
        np.testing.assert_allclose((f - np.repeat(way, 3)).max(), highest, rtol=1e-15)


def test_columns_as_far_below_the_top_as_rounding_are_there(rng):
    """Else a step that takes the top down ends at once, at those that do not come with it."""
    v, wanted = np.array([0.5, 0.5 - 2.0**-54, 0.2]), np.array([0.4, 0.5, 0.3])
    missing, at_top = np.empty(3), np.empty(3, bool)
    some = np.zeros(2), np.ones(2)
    kernels._measure(v, *some, wanted, 0.1, 1e-15, 0.0, np.zeros(3), missing, at_top)
    assert at_top.tolist() == [True, True, False]
    kernels._measure(v, *some, wanted, 0.1, 0.0, 0.0, np.zeros(3), missing, at_top)
    assert at_top.tolist() == [True, False, False]


@pytest.mark.parametrize(("mass", "steps"), [(None, 10), (0.7, 5)])
def test_newton_takes_few_steps_where_masses_are_equal(mass, steps):
    """Then the plan falls into parts at once, and in a partial problem many prices are the top."""
    rng = np.random.default_rng(0)
    C = cdist(rng.normal(size=(1000, 2)), 0.7 * rng.normal(size=(1000, 2)) + 1.0, "sqeuclidean")
    r = quot.solve(C / C.max(), reg=0.01, mass=mass)
    assert r.converged
    assert len(r.history) == 2
    assert r.history[-1].inner <= steps


@every_two(shape=[(30, 30), (12, 35), (35, 12)], reg=[1e-3, 1.0, 30.0], mass=[None, 0.3, 0.99, 1.0])
def test_the_plan_is_that_of_the_reference(rng, shape, reg, mass):
    n, m = shape
    C = cdist(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)), "sqeuclidean")
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    problem = quot.Problem(C, a, b, reg=reg, mass=mass)
    way = OnMatrix(problem, C, Monitor(), 1e-9)
    assert way.up(solve_linear(problem.with_reg(0.0), Pricer(), Monitor()), is_uneven=False)
    expected = quot.solve(C, a, b, reg=reg, mass=mass, method="clarabel", on_failure="ignore")
    np.testing.assert_allclose(way.plan.to_dense(), expected.plan.to_dense(), atol=1e-4)
    certificate = quot.certify(problem, way.plan, way.dual.f, way.dual.g, way.dual.lam)
    assert certificate.relative_gap <= 1e-9
    assert certificate.primal_residual <= 1e-9


@pytest.mark.parametrize("shape", [(1000, 50), (90, 90)])
def test_prices_that_hardly_change_have_digits(rng, shape):
    """All pairs tie, and what each sends is next to nothing beside the rounding of its cost."""
    n, m = shape
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    r = quot.solve(np.ones(shape), a, b, reg=1e-3)
    assert r.converged
    assert r.history[-1].inner <= 20
    assert len(r.history) == 2


def test_pairs_may_still_be_missing_after_the_last_round_of_pricing(rng, monkeypatch, tune):
    monkeypatch.setattr(upward, "_ROUNDS", 1)
    monkeypatch.setattr(upward, "_NEAREST", 1)
    tune(climbed=0)
    C = cdist(rng.random((60, 2)), rng.random((60, 2)))
    a, b = (10.0 ** rng.uniform(-9, 0, 60) for _ in range(2))
    assert quot.solve(C, a / a.sum(), b / b.sum(), reg=1.0, mass=0.5).converged


@pytest.mark.parametrize("mass", [None, 0.7])
@pytest.mark.parametrize("reg", [1e-3, 1e-1])
def test_cycles_alone_get_there_where_masses_are_uneven(reg, mass):
    """Two blobs on a grid, 50 decades of masses: Newton alone does not end."""
    grid = np.stack(np.divmod(np.arange(144), 12), axis=1).astype(float)
    a, b = (np.exp(-0.5 * ((grid - c) ** 2).sum(axis=1)) for c in ((3, 3), (9, 8.4)))
    C = cdist(grid, grid) / 12
    problem = quot.Problem(C, a / a.sum(), b / b.sum(), reg=reg, mass=mass)
    way = OnMatrix(problem, C, Monitor(), 1e-9)
    assert way.up(solve_linear(problem.with_reg(0.0), Pricer(), Monitor()), is_uneven=True)
    certificate = quot.certify(problem, way.plan, way.dual.f, way.dual.g, way.dual.lam)
    assert certificate.relative_gap <= 1e-9
    assert certificate.primal_residual <= 1e-12


@pytest.mark.parametrize("mass", [None, 0.7])
@pytest.mark.parametrize("reg", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("n", [300, 1000])
def test_histograms_take_few_steps(n, reg, mass):
    """They took hundreds on candidates: columns with next to no mass kept every step short."""
    C, a, b = histograms(n)
    for one, other in ((a, b), (b, a)):
        r = quot.solve(C, one, other, reg=reg, mass=mass)
        assert r.converged
        assert len(r.history) == 2  # the linear problem, and up from there
        assert r.history[-1].inner <= 30


def test_limits_are_obeyed():
    C, a, b = histograms(200)
    with pytest.warns(quot.NotConvergedWarning):
        few = quot.solve(C, a, b, reg=1.0, max_iter=2)
    assert few.status is quot.Status.ITERATION_LIMIT
    assert few.certificate.primal_residual <= 1e-12


def blobs(side):
    """Two blobs a side on a square of pixels: masses over 20 decades; costs are distances."""
    line = (np.arange(side) + 0.5) / side
    pixels = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    each = [
        sum(w * np.exp(-0.5 * ((pixels - at) ** 2).sum(axis=1) / dev**2) for at, dev, w in side)
        for side in (
            (((0.25, 0.3), 0.08, 1.0), ((0.6, 0.75), 0.05, 0.5)),
            (((0.7, 0.4), 0.1, 1.0), ((0.35, 0.8), 0.06, 0.7)),
        )
    ]
    C = cdist(pixels, pixels)
    return C / C.max(), *(mass / mass.sum() for mass in each)


@pytest.mark.parametrize("mass", [None, 0.7])
def test_cycles_that_take_long_go_on_on_a_list(tune, mass):
    C, a, b = blobs(24)
    on_matrix = quot.solve(C, a, b, reg=30.0, mass=mass)
    tune(upward=0)
    on_list = quot.solve(C, a, b, reg=30.0, mass=mass)
    assert on_matrix.converged
    assert on_list.converged
    assert on_list.history[-1].candidates < 0.1 * C.size
    np.testing.assert_allclose(on_list.value, on_matrix.value, rtol=1e-9)
