"""Small problems, many in one compiled call: what the method finds of them one by one."""

import numpy as np
import pytest
from tests.design import every_two
from tests.oracles.linear import solve_linear
from tests.oracles.quadratic import solve_quadratic
from tests.solvers.test_batch import same

import quot
from quot import Problem, Status, solve, solve_batch
from quot.kernels import certify as kernels
from quot.problem.many import plain_problems
from quot.quadratic import plans
from quot.settings import using

SHAPES = [(1, 1), (2, 2), (1, 6), (5, 5), (30, 20), (8, 40), (40, 8)]


def masses(rng, n, m, decades):
    a, b = 10.0 ** -rng.uniform(0, decades, n), 10.0 ** -rng.uniform(0, decades, m)
    return a / a.sum(), b / b.sum()


@pytest.fixture
def at_once(monkeypatch):
    """Nothing goes the way of larger ones."""

    def fail(*_, **__):
        pytest.fail("not at once")

    monkeypatch.setattr(plans, "PairModel", fail)


def some(rng, decades, count=3):
    for shape in SHAPES * count:
        yield rng.random(shape) + rng.choice([-0.5, 0.0, 3.0]), *masses(rng, *shape, decades)


@every_two(reg=[0.0, 1e-3, 0.3, 30.0], part=[None, 1e-3, 0.6, 1.0 - 1e-9, 1.0], decades=[0, 1, 6])
def test_they_are_what_the_method_finds(rng, reg, part, decades):
    for C, a, b in some(rng, decades):
        one = solve(C, a, b, reg=reg, mass=part)
        with using(at_once=0):
            other = solve(C, a, b, reg=reg, mass=part)
        assert one.converged
        assert one.status is other.status is Status.OPTIMAL
        assert one.value == pytest.approx(other.value, rel=1e-9, abs=1e-15)
        assert one.certificate.primal_residual <= 1e-13
        np.testing.assert_allclose(one.plan.to_dense(), other.plan.to_dense(), atol=1e-8)


@pytest.mark.usefixtures("at_once")
@every_two(reg=[0.0, 1.0], part=[None, 0.6], shape=[(2, 2), (5, 5), (40, 25), (8, 100)])
def test_random_ones_are_solved_at_once_and_right(rng, reg, part, shape):
    a, b = masses(rng, *shape, 1)
    Cs = rng.random((20, *shape))
    for C, r in zip(Cs, solve_batch(Cs, a, b, reg=reg, mass=part), strict=True):
        oracle = solve_quadratic if reg else solve_linear
        exact = oracle(C, a, b, *([reg] if reg else []), part)[0]
        assert r.converged
        assert r.value == pytest.approx(exact, rel=1e-7)
        assert [k.reg for k in r.history] == [0.0, reg][: 2 if reg else 1]
        assert [k.iteration for k in r.history] == [1, 2][: len(r.history)]


def with_zeros(rng, size, kind):
    """Masses of a total of one, some of them zero: the first, the last, many, or none."""
    x = rng.uniform(0.5, 1.5, size)
    if kind == "many":
        x[rng.random(size) < 0.6] = 0.0
        x[rng.integers(size)] = 1.0
    elif kind != "none":
        x[{"first": 0, "last": -1}[kind]] = 0.0
    return x / x.sum()


@pytest.mark.usefixtures("at_once")
@every_two(
    reg=[0.0, 1e-2, 1.0],
    part=[None, 0.6],
    shape=[(2, 3), (5, 5), (20, 30), (8, 90)],
    rows=["first", "many", "none"],
    cols=["last", "many", "none"],
)
def test_rows_and_columns_without_mass_are_left_out_at_once(rng, reg, part, shape, rows, cols):
    """Their potentials violate no pair, or the certificate would not hold."""
    for _ in range(3):
        C = rng.normal(size=shape)
        a, b = with_zeros(rng, shape[0], rows), with_zeros(rng, shape[1], cols)
        r = solve(C, a, b, reg=reg, mass=part)
        oracle = solve_quadratic if reg else solve_linear
        exact = oracle(C, a, b, *([reg] if reg else []), part)[0]
        assert r.converged
        assert r.value == pytest.approx(exact, rel=1e-7, abs=1e-9)
        assert not r.plan.row_sums()[a == 0.0].any()
        above = (r.f[:, None] + r.g + r.lam - C)[np.ix_(a == 0.0, b == 0.0)]
        assert above.max(initial=0.0) <= 1e-14
        if part is not None:
            assert max(r.f.max(), r.g.max()) <= 0.0
        assert same(r, solve_batch([C], a, b, reg=reg, mass=part)[0])


@pytest.mark.usefixtures("at_once")
@every_two(
    reg=[0.0, 1e-2, 1.0],
    part=[None, 0.7],
    shape=[(6, 6), (20, 30), (40, 12)],
    barred=[1e7, 1e15, 1e300],
    ties=[True, False],
)
def test_costs_far_above_what_is_paid_do_no_harm_at_once(rng, reg, part, shape, barred, ties):
    for _ in range(3):
        C = rng.integers(1, 5, shape).astype(float) if ties else rng.random(shape)
        a, b = masses(rng, *shape, 0)
        out = rng.random(shape) < 0.2
        out[np.arange(shape[0]), np.arange(shape[0]) % shape[1]] = False
        r = solve(np.where(out, barred, C), a, b, reg=reg, mass=part)
        oracle = solve_quadratic if reg else solve_linear
        exact = oracle(np.where(out, 100.0, C), a, b, *([reg] if reg else []), part)[0]
        assert r.converged
        assert r.value == pytest.approx(exact, rel=1e-7)
        assert not r.plan.to_dense()[out].any()


@pytest.mark.usefixtures("at_once")
@every_two(
    shape=[(3, 3), (12, 12), (7, 30), (30, 7)],
    rows=["none", "many"],
    cols=["none", "last"],
    equal=[True, False],
    part=[None, 0.3, 0.7, 0.999],
)
def test_pairs_that_tie_share_mass_at_once(rng, shape, rows, cols, equal, part):
    """As with so small a quadratic term that no dearer pair is worth its price."""
    for _ in range(3):
        C = rng.integers(0, 3, shape).astype(float)
        a, b = with_zeros(rng, shape[0], rows), with_zeros(rng, shape[1], cols)
        if equal:
            a, b = ((x > 0.0) / np.count_nonzero(x) for x in (a, b))
        r, least = solve(C, a, b, mass=part), solve_quadratic(C, a, b, 0.1, part)[1]
        assert r.converged
        np.testing.assert_allclose(r.plan.to_dense(), least, atol=1e-5)  # value to 1e-11
        assert r.plan.nnz >= solve(C, a, b, mass=part, ties="any").plan.nnz


@every_two(size=[60, 200], reach=[2, 10], equal=[True, False], part=[None, 0.01, 0.6, 0.999])
def test_pairs_that_tie_share_mass_whichever_way_that_is_found(rng, tune, size, reach, equal, part):
    """At once or on a matrix, and on the network of the pairs."""
    C = rng.integers(0, reach, (size, size + 5)).astype(float)
    a, b = (np.full(k, 1 / k) if equal else rng.dirichlet(np.ones(k)) for k in C.shape)
    one = solve(C, a, b, mass=part)
    tune(at_once=0, upward=0)
    other = solve(C, a, b, mass=part)
    assert one.converged
    assert other.converged
    assert one.value == pytest.approx(other.value, rel=1e-12, abs=1e-15)
    np.testing.assert_allclose(one.plan.to_dense(), other.plan.to_dense(), atol=1e-11)


@pytest.mark.usefixtures("at_once")
@every_two(reg=[0.0, 0.01, 1.0], size=[20, 50, 100], part=[0.25, 0.5, 0.7])
def test_a_whole_number_of_equal_masses_is_moved_at_once(reg, size, part):
    """Rows send all or nothing, but for crumbs of what rounding makes of the total."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(size, 1, 2)), 0.7 * rng.normal(size=(1, size, 2)) + 1.0
    C = ((X - Y) ** 2).sum(axis=-1)
    r = solve(C / C.max(), reg=reg, mass=part)
    assert r.converged
    assert r.certificate.primal_residual <= 16 * np.finfo(np.float64).eps
    if reg == 0.0:
        exact = solve_linear(r.problem.cost.C, r.problem.a, r.problem.b, part)[0]
        assert r.value == pytest.approx(exact, rel=1e-9)
        assert r.plan.nnz == round(part * size)


@every_two(
    reg=[0.0, 0.5], part=[None, 0.4, 1.0], near=[True, False], shape=[(1, 1), (6, 9), (9, 6)]
)
def test_a_certificate_is_that_of_any_other_problem(rng, reg, part, near, shape):
    """Of the right plan and of another feasible one, at prices that are right and that are not."""
    a, b = masses(rng, *shape, 2)
    problem = Problem(rng.normal(size=shape), a, b, reg=reg, mass=part)
    r = solve(problem.cost, a, b, reg=reg, mass=part)
    wide = np.outer(a, b) * (1.0 if part is None else part)
    rows, cols = np.nonzero(wide)
    plan = (
        r.plan
        if near
        else quot.Plan(shape, rows.astype(np.int32), cols.astype(np.int32), wide.ravel())
    )
    moved = 0.0 if near else rng.normal(size=shape[0])
    one = quot.certify(problem, plan, r.f + moved, r.g, r.lam)
    with using(at_once=0):
        other = quot.certify(problem, plan, r.f + moved, r.g, r.lam)
    for name in ("lower", "upper", "scale", "multiplier_violation"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), rel=1e-13, abs=1e-15)
    assert one.round_off == pytest.approx(other.round_off, rel=1e-6)
    assert one.primal_residual == pytest.approx(other.primal_residual, abs=1e-15)
    assert (one.pairs, one.scope) == (other.pairs, other.scope)


def test_a_plan_in_any_memory_is_certified_by_one_kernel(rng):
    r = solve(rng.random((6, 5)), reg=0.5, mass=0.7)
    plan = r.plan
    parts = [np.repeat(x, 2)[::2] for x in (plan.rows, plan.cols, plan.values)]
    parts[2].flags.writeable = False
    strided = quot.Plan(plan.shape, *parts)
    assert quot.certify(r.problem, strided, r.f, r.g[::-1].copy()[::-1], r.lam) == r.certificate
    assert len(kernels.certify_each.signatures) == 1


def test_a_plan_that_is_not_feasible_is_mended_for_its_certificate(rng):
    problem = Problem(rng.random((4, 5)))
    bad = quot.Plan.from_dense(rng.random((4, 5)))
    one = quot.certify(problem, bad, np.zeros(4), np.zeros(5))
    with using(at_once=0):
        assert one == quot.certify(problem, bad, np.zeros(4), np.zeros(5))
    assert one.primal_residual > 0.1


@pytest.mark.parametrize(
    "change",
    [
        lambda C, a, b: (C, np.where(np.arange(a.size) == 2, 0.0, a), b),  # a row without mass
        lambda C, a, b: (C, np.where(np.arange(a.size) == 2, 1e9, a), b),  # far more than moves
        lambda C, a, b: (np.where(C < 0.1, 1e12, C), a, b),  # sentinels
        lambda C, a, b: (1e40 * C, a, b),
        lambda C, a, b: (np.zeros_like(C), a, b),
        lambda C, a, b: (np.round(3 * C), a, b),  # ties
        lambda C, a, b: (np.subtract.outer(np.arange(60.0), np.arange(60.0)) ** 2, a, b),  # convex
    ],
)
@pytest.mark.parametrize("reg", [0.0, 1.0])
def test_what_is_not_plain_is_solved_none_the_less(rng, change, reg):
    C, a, b = change(rng.random((60, 60)), *masses(rng, 60, 60, 1))
    for mass in (0.5, 0.99 * min(a.sum(), b.sum())):
        (r,) = solve_batch([C], [a], [b], reg=reg, mass=mass)
        assert r.converged
        assert same(r, solve(C, a, b, reg=reg, mass=mass))
        with using(at_once=0):
            other = solve(C, a, b, reg=reg, mass=mass)
        assert r.value == pytest.approx(other.value, rel=1e-9, abs=1e-12)


def test_limits_and_the_callback_are_heard(rng):
    C, seen = rng.random((30, 30)), []
    r = solve(C, reg=1.0, max_iter=1, on_failure="ignore")
    assert r.status is Status.ITERATION_LIMIT
    r = solve(C, reg=1.0, callback=lambda k: seen.append(k.reg))
    assert seen == [0.0, 1.0]
    assert r.history[-1].inner >= 1
    assert r.history[-1].residual <= 1e-9
    assert solve(C, reg=1.0, tol=1e-16, on_failure="ignore").certificate.relative_gap <= 1e-12


# --- the door for many ---------------------------------------------------------------------------


@every_two(
    reg=[0.0, [0.5, 1, 2.0]], mass=[None, 0.5, [0.1, 1.0, 1.0 + 1e-13]], a=[0, 1, 2], b=[0, 1, 2]
)
def test_what_passes_together_is_what_passes_alone(rng, reg, mass, a, b):
    Cs = rng.normal(size=(3, 4, 5))
    a, b = (
        [None, rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(n), 3)][k]
        for n, k in ((4, a), (5, b))
    )
    each = [value if isinstance(value, list) else [value] * 3 for value in (reg, mass)]
    sides = [side if np.ndim(side) == 2 else [side] * 3 for side in (a, b)]
    found = plain_problems(Cs, a, b, *each)
    for k, one in enumerate(found):
        other = Problem(Cs[k], sides[0][k], sides[1][k], reg=each[0][k], mass=each[1][k])
        assert set(vars(one)) - set(vars(other)) <= {"total"}
        for name in ("a", "b"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
            assert getattr(one, name).flags.writeable == getattr(other, name).flags.writeable
        assert (one.reg, one.mass, one.total) == (other.reg, other.mass, other.total)
        assert type(one.reg) is float
        assert one.cost.C is not Cs
        assert np.shares_memory(one.cost.C, Cs)
        assert (one.rescaled, one.round_off, repr(one)) == (None, 0.0, repr(other))


@pytest.mark.parametrize("kind", [np.float32, np.int8, ">f8", "F", "read-only"])
def test_costs_of_any_type_pass_as_they_do_alone(rng, kind):
    Cs = rng.integers(-9, 9, (3, 4, 5)) / 2
    if kind in ("F", "read-only"):
        Cs = np.asfortranarray(Cs)
        Cs.flags.writeable = kind == "F"
    else:
        Cs = Cs.astype(kind)
    for k, problem in enumerate(plain_problems(Cs, None, None, [0.0] * 3, [None] * 3)):
        C = Problem(Cs[k]).cost.C
        np.testing.assert_array_equal(problem.cost.C, C)
        assert (problem.cost.C.dtype, problem.cost.C.flags.carray) == (C.dtype, C.flags.carray)


@pytest.mark.parametrize(
    "change",
    [
        dict(Cs=np.ones((2, 3, 3), complex)),
        dict(Cs=np.ones((3, 3))),
        dict(Cs=np.full((2, 3, 3), np.nan)),
        dict(Cs=np.full((2, 3, 3), np.inf)),
        dict(Cs=np.ma.ones((2, 3, 3))),
        dict(Cs=[np.ones((3, 3))] * 2),
        dict(Cs=np.ones((2, 0, 3))),
        dict(a=np.ones(3, np.float32) / 3),
        dict(a=[1.0, 0.0, 0.0]),
        dict(a=np.array([1.5, -0.5, 0.0])),
        dict(a=np.array([np.nan, 1.0, 0.0])),
        dict(a=np.ones(4) / 4),
        dict(a=np.ones((3, 3)) / 3),
        dict(a=np.ones(3)),
        dict(a=np.full(3, 1e10), b=np.full(3, 1e10)),
        dict(a=np.full(3, 1e-10), b=np.full(3, 1e-10)),
        dict(masses=[0.5, None]),
        dict(masses=[0.5, 1.5]),
        dict(masses=[0.5, -0.5]),
        dict(masses=["1", "1"]),
        dict(masses=[True, True]),
        dict(regs=[1.0, -1.0]),
        dict(regs=[1.0, np.inf]),
        dict(regs=[1.0, 1e250]),
        dict(regs=[1.0, 1e-250]),
        dict(regs=[1.0, 10**400]),
        dict(regs=[1.0, np.float32(1.0)]),
    ],
)
def test_what_is_not_plain_goes_by_the_other_door(change):
    plain = dict(Cs=np.ones((2, 3, 3)), a=None, b=None, regs=[0.0, 1.0], masses=[None, None])
    assert len(plain_problems(**plain)) == 2
    assert plain_problems(**(plain | change)) is None
