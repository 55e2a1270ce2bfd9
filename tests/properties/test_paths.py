"""Paths in mass and in reg: as single solves, with breakpoints that HiGHS finds, too."""

import numpy as np
import pytest
import scipy.sparse as sp
from tests.design import every_two
from tests.oracles.linear import price_of_mass, solve_linear

import quot
from quot.exceptions import InfeasibleError, InvalidProblemError, NotConvergedError
from quot.quadratic.mass_curve import MassCurve

CLOSE = 1e-9


def a_problem(rng, n, m, costs="any", masses="any"):
    C = {
        "any": lambda: rng.normal(size=(n, m)),
        "ties": lambda: rng.integers(-1, 3, (n, m)).astype(float),
        "constant": lambda: np.full((n, m), 2.0),
        "line": lambda: (np.arange(n)[:, None] / n - np.arange(m) / m) ** 2,
        "wide": lambda: 10.0 ** rng.uniform(-7.0, 7.0, (n, m)),
        "dear": lambda: np.where(rng.random((n, m)) < 0.7, rng.random((n, m)), 1e3),
    }[costs]()
    a, b = (
        {
            "any": lambda size: rng.uniform(0.1, 1.0, size),
            "uniform": lambda size: np.full(size, 1.0 / size),
            "whole": lambda size: rng.integers(1, 4, size).astype(float),
            "zeros": lambda size: np.append(rng.integers(0, 3, size - 1), 1.0),
            "decades": lambda size: 10.0 ** rng.uniform(-6.0, 0.0, size),
        }[masses](size)
        for size in (n, m)
    )
    return quot.Problem(C, a, b, mass=0.0)


def curve(path):
    """What is moved at breakpoints, and what that costs."""
    return path.breakpoints, np.append(0.0, np.cumsum(np.diff(path.breakpoints) * path.slopes))


def single(problem, mass, **options):
    return quot.solve(problem.cost, problem.a, problem.b, mass=mass, **options)


@every_two(
    costs=["any", "ties", "constant", "line", "dear"],
    kind=["any", "uniform", "whole", "zeros", "decades"],
    shape=[(1, 1), (1, 6), (7, 2), (5, 5), (4, 20)],
)
def test_breakpoints_are_exact(costs, kind, shape, rng):
    """The value at all of them and between them, and the price there, are those of HiGHS."""
    problem = a_problem(rng, *shape, costs, kind)
    C, a, b = problem.cost.block(0, shape[0]), problem.a, problem.b
    path = quot.mass_path(problem, count=3)
    masses, values = curve(path)
    assert masses[0] == 0.0
    assert masses[-1] == min(a.sum(), b.sum())
    assert (np.diff(masses) > 0.0).all()
    assert (np.diff(path.slopes) > 0.0).all()
    scale = abs(C).max() * masses[-1]
    middle = (masses[1:] + masses[:-1]) / 2
    for some in (masses[1:], middle):
        for mass, value in zip(some, np.interp(some, masses, values), strict=True):
            found, _ = solve_linear(C, a, b, mass * (1.0 - 1e-15))
            assert found == pytest.approx(value, rel=CLOSE, abs=1e-8 * scale)
    if kind != "decades":
        long = np.diff(masses) > 1e-6 * masses[-1]
        prices = [price_of_mass(C, a, b, mass) for mass in middle[long]]
        np.testing.assert_allclose(prices, path.slopes[long], rtol=1e-8, atol=1e-8)


def test_a_fine_grid_misses_no_breakpoint(rng):
    problem = a_problem(rng, 6, 8)
    path = quot.mass_path(problem)
    masses, values = curve(path)
    C = problem.cost.block(0, 6)
    for mass in np.linspace(0.0, masses[-1], 100)[1:-1]:
        found, _ = solve_linear(C, problem.a, problem.b, mass)
        assert found == pytest.approx(np.interp(mass, masses, values), abs=1e-9)


@pytest.mark.parametrize("decades", [20, 100])
def test_masses_over_many_decades(decades, rng):
    """A small mass is not lost beside a large one: on a line of costs 0 all of it moves at once."""
    a = 10.0 ** -np.linspace(0.0, decades, 8)
    problem = quot.Problem(1.0 - np.eye(8), a, a, mass=0.0)
    path = quot.mass_path(problem)
    assert path.slopes.tolist() == [0.0]
    assert path.breakpoints.tolist() == [0.0, a.sum()]
    order = np.diag(np.arange(1.0, 9.0)) + np.where(np.eye(8) > 0.0, 0.0, 100.0)
    path = quot.mass_path(quot.Problem(order, a[::-1], a[::-1], mass=0.0), count=1)
    seen = np.cumsum(a[::-1])
    assert path.slopes.tolist() == list(range(8 - len(path.slopes) + 1, 9))
    np.testing.assert_allclose(path.breakpoints[1:], seen[-len(path.slopes) :], rtol=1e-15)


@every_two(
    reg=[0.0, 0.05, 1.0],
    kind=["matrix", "points", "sparse"],
    ties=["share", "any"],
    masses=["any", "uniform", "zeros"],
)
def test_results_are_those_of_single_solves(reg, kind, ties, masses, rng):
    n, m = 30, 20
    base = a_problem(rng, n, m, "any", masses)
    cost = base.cost
    if kind == "points":
        cost = quot.PointCost(rng.normal(size=(n, 2)), rng.normal(size=(m, 2)))
    if kind == "sparse":
        cost = sp.csr_array(1.0 + rng.random((n, m)))
    problem = quot.Problem(cost, base.a, base.b, reg=reg, mass=0.0)
    most = min(problem.a.sum(), problem.b.sum())
    asked = most * np.array([0.5, 1.0, 0.0, 0.505, 0.01, 0.99, 0.5, 1.0 - 1e-9])
    path = quot.mass_path(problem, asked, ties=ties)
    assert len(path) == asked.size
    assert path.converged
    np.testing.assert_allclose(path.masses, asked)
    for result, mass in zip(path, asked, strict=True):
        other = single(problem, mass, reg=reg, ties=ties)
        assert result.converged
        assert result.value == pytest.approx(other.value, rel=CLOSE, abs=CLOSE)
        if reg > 0.0 or ties == "share":
            difference = abs(result.plan.to_dense() - other.plan.to_dense()).max()
            assert difference <= 1e-6 * max(problem.a.max(), problem.b.max())


@pytest.mark.parametrize("mass", [None, 0.6])
@pytest.mark.parametrize("kind", ["matrix", "points"])
def test_a_path_in_reg_is_single_solves(kind, mass, rng):
    cost = rng.random((40, 40))
    if kind == "points":
        cost = quot.PointCost(*rng.normal(size=(2, 40, 2)))
    problem = quot.Problem(cost, mass=mass)
    regs = [0.0, 5.0, 1e-3, 0.1, 0.3, 1e4]
    path = quot.reg_path(problem, regs)
    assert path.regs.tolist() == regs
    assert path.converged
    for result, reg in zip(path, regs, strict=True):
        assert result.value == pytest.approx(quot.solve(cost, reg=reg, mass=mass).value, rel=CLOSE)
    assert (np.diff(path.costs[[0, 2, 3, 4, 1, 5]]) >= -CLOSE).all()


def test_all_breakpoints_are_solved_if_they_are_few(rng):
    problem = a_problem(rng, 3, 4)
    path = quot.mass_path(problem, count=50)
    masses, values = curve(path)
    assert path.masses.tolist() == masses[1:].tolist()
    np.testing.assert_allclose(path.costs, values[1:], rtol=1e-12)
    ends = np.append(path.slopes, np.inf)
    assert (path.lams >= ends[:-1] - 1e-12).all()
    assert (path.lams <= ends[1:] + 1e-12).all()
    few = quot.mass_path(problem, count=2)
    assert few.masses.tolist() == [masses[-1] / 2, masses[-1]]
    assert few.breakpoints.tolist() == masses.tolist()
    assert few.lams[0] == pytest.approx(path.slopes[np.searchsorted(masses, few.masses[0]) - 1])


def test_forbidden_pairs_end_the_curve(rng):
    """As much as the pairs can carry, by HiGHS; a mass beyond is infeasible."""
    C = np.where(rng.random((8, 8)) < 0.25, 1.0 + rng.random((8, 8)), 0.0)
    C[3], C[:, 5] = 0.0, 0.0
    problem = quot.Problem(sp.csr_array(C), mass=0.0)
    path = quot.mass_path(problem, count=4)
    masses, values = curve(path)
    dense = np.where(C > 0.0, C, np.inf)
    assert path.converged
    assert masses[-1] < 0.9
    assert path.masses[-1] == masses[-1]
    assert path.costs[-1] == pytest.approx(values[-1], rel=1e-12)
    for mass, value in zip(masses[1:], values[1:], strict=True):
        assert solve_linear(dense, problem.a, problem.b, mass)[0] == pytest.approx(value, rel=1e-9)
    assert solve_linear(dense, problem.a, problem.b, masses[-1] + 1e-3)[0] == np.inf
    with pytest.raises(InfeasibleError):
        quot.mass_path(problem, [0.1, masses[-1] + 1e-3])


def test_what_the_lists_leave_out_is_found(rng, tune):
    """Many columns, few of them listed; also cut into the smallest steps."""
    problem = a_problem(rng, 40, 60)
    path = quot.mass_path(problem, count=5)
    tune(stretch=1)
    again = quot.mass_path(problem, count=5)
    np.testing.assert_allclose(again.breakpoints, path.breakpoints, rtol=1e-14)
    np.testing.assert_allclose(again.slopes, path.slopes, rtol=0, atol=1e-13)
    _, values = curve(path)
    for k in range(1, len(path.breakpoints), 29):
        found = single(problem, path.breakpoints[k])
        assert found.value == pytest.approx(values[k], rel=1e-12, abs=1e-12)


def test_without_a_matrix_or_with_squares_there_is_a_grid(rng, tune):
    X, Y = rng.normal(size=(2, 30, 2))
    path = quot.mass_path(quot.Problem(quot.PointCost(X, Y), reg=1.0), count=4)
    assert path.masses.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert path.breakpoints is path.slopes is None
    tune(matrix=100)
    path = quot.mass_path(quot.Problem(quot.PointCost(X, Y)), count=4)
    assert path.converged
    assert path.breakpoints is None
    for result in path:
        other = quot.solve_points(X, Y, mass=result.problem.total)
        assert result.value == pytest.approx(other.value, rel=CLOSE)


def test_no_mass_at_all():
    path = quot.mass_path(quot.Problem(np.ones((2, 3)), np.zeros(2), np.zeros(3)))
    assert path.masses.tolist() == [0.0]
    assert path.converged
    assert path.breakpoints is None


# --- ends before the end -------------------------------------------------------------------------


def stop_after(count):
    seen = []

    def callback(iterate):
        seen.append(iterate)
        return len(seen) >= count

    return callback


def test_the_callback_ends_a_path(rng):
    problem = quot.Problem(rng.random((20, 20)), reg=0.01)
    path = quot.mass_path(problem, [0.9, 0.2, 0.5], callback=stop_after(3), on_failure="ignore")
    assert path.status is quot.Status.STOPPED
    assert not path.converged
    assert 1 <= len(path) < 3
    assert 0.9 not in path.masses  # from the smallest up


def test_the_callback_ends_the_curve(rng, tune):
    tune(pulse=0.0, stretch=1)
    path = quot.mass_path(a_problem(rng, 20, 20), callback=stop_after(20))
    whole = quot.mass_path(a_problem(np.random.default_rng(20250811), 20, 20))
    assert path.status is quot.Status.STOPPED
    assert len(path) == 0
    k = path.slopes.size - 1
    assert 0 < k < whole.slopes.size
    np.testing.assert_allclose(path.slopes[:k], whole.slopes[:k])


def test_an_interrupt_ends_a_path(rng):
    def interrupt(iterate):
        raise KeyboardInterrupt

    path = quot.reg_path(
        quot.Problem(rng.random((9, 9))), [1.0, 2.0], callback=interrupt, on_failure="ignore"
    )
    assert path.status is quot.Status.STOPPED
    assert path.regs.tolist() == [2.0]
    assert path[-1].status is quot.Status.STOPPED


def test_the_time_limit_ends_a_path(rng):
    path = quot.mass_path(quot.Problem(rng.random((60, 60))), time_limit=1e-9, on_failure="ignore")
    assert path.status is quot.Status.TIME_LIMIT
    assert not path.converged


def test_what_is_not_good_is_said_once(rng):
    problem = quot.Problem(rng.random((20, 20)), reg=0.5)
    with pytest.warns(quot.NotConvergedWarning, match="iteration limit") as told:
        path = quot.reg_path(problem, [0.1, 0.2, 0.3], max_iter=1)
    assert len(told) == 1
    assert len(path) == 3
    assert not path.converged
    with pytest.raises(NotConvergedError, match="iteration limit"):
        quot.mass_path(problem, [0.3, 0.6], max_iter=1, on_failure="raise")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda p: quot.mass_path(np.ones((2, 2))),
            "`problem` must be a quot.Problem; got ndarray",
        ),
        (lambda p: quot.reg_path(None, [1.0]), "`problem` must be a quot.Problem; got NoneType"),
        (lambda p: quot.mass_path(p, []), "`masses` is empty; pass at least one number"),
        (lambda p: quot.mass_path(p, 0.5), "`masses` must have 1 axis"),
        (lambda p: quot.mass_path(p, [0.5, 1.5]), "`mass=1.5` exceeds"),
        (lambda p: quot.mass_path(p, [-0.5]), "`mass` must not be negative"),
        (lambda p: quot.mass_path(p, count=0), "`count` must be at least 1"),
        (lambda p: quot.mass_path(p, ties="none"), "`ties` must be one of"),
        (lambda p: quot.mass_path(p, on_failure="cry"), "`on_failure` must be one of"),
        (lambda p: quot.mass_path(p, time_limit=-1.0), "`time_limit` must be positive"),
        (lambda p: quot.reg_path(p, [-1.0]), "`reg` must not be negative"),
        (lambda p: quot.reg_path(p, [1.0]).knee(), "only a path in mass has a knee"),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises(InvalidProblemError, match=message):
        call(quot.Problem(np.eye(2)))


# --- the path itself ------------------------------------------------------------------------------


def test_a_path_is_a_sequence(rng):
    path = quot.mass_path(quot.Problem(rng.random((6, 6))), [0.25, 0.5, 0.75])
    assert [r.problem.total for r in path] == [0.25, 0.5, 0.75]
    assert path[-1] is path.results[2]
    assert path[:2] == path.results[:2]
    assert path.values.tolist() == [r.value for r in path]
    assert path.sparsities.tolist() == [r.plan.sparsity for r in path]
    assert repr(path) == "Path(3 results, mass from 0.25 to 0.75, OPTIMAL)"


def test_the_knee_is_where_the_price_is_furthest_below_the_chord():
    """Pairs at 1, then some at 10, one at 100."""
    C = np.full((10, 10), 1e3)
    np.fill_diagonal(C, [1, 1, 1, 1, 1, 1, 10, 10, 10, 100])
    path = quot.mass_path(quot.Problem(C))
    np.testing.assert_allclose(path.breakpoints, [0.0, 0.6, 0.9, 1.0])
    assert path.slopes.tolist() == [1.0, 10.0, 100.0]
    assert path.knee() == path.breakpoints[2]  # .9 - 9/99 is more than .6
    flat = quot.mass_path(quot.Problem(np.ones((3, 3))))
    assert flat.knee() == 1.0
    some = quot.mass_path(quot.Problem(C), [0.1, 0.55, 0.85, 0.95])
    assert some.knee() == pytest.approx(0.85)


def of_prices(steps, prices):
    """The exact curve of a problem that has these prices, each for so much mass."""
    C = np.full((len(steps), len(steps)), 1e3)
    np.fill_diagonal(C, prices)
    return quot.mass_path(quot.Problem(C, steps, steps))


@pytest.mark.parametrize(
    ("steps", "prices", "knee"),
    [
        (np.full(10, 0.1), np.arange(10.0), 1.0),  # evenly
        (np.full(10, 0.1), np.sqrt(np.arange(10)), 1.0),  # less and less
        (np.full(10, 0.1), np.arange(10.0) ** 2, 0.5),  # more and more
        ([0.1, 0.45, 0.45], [1.0, 99.0, 100.0], 1.0),
        ([0.5, *[0.05] * 10], [0.0, *range(100, 110)], 0.5),  # twins, then what is far away
        ([0.6, 0.4], [1.0, 100.0], 0.6),
        ([0.1, 0.2, 0.7], [1.0, 2.0, 100.0], 0.3),
    ],
    ids=["line", "concave", "convex", "jump", "twins", "two", "three"],
)
def test_a_price_that_does_not_turn_upwards_has_no_knee(steps, prices, knee):
    path = of_prices(np.array(steps), prices)
    assert path.slopes.size == len(steps)
    assert path.knee() == pytest.approx(knee)


def test_of_single_masses_too():
    """Without the exact curve: by the prices at these masses alone."""
    for power, knee in ((0.5, 1.0), (1.0, 1.0), (3.0, 0.55)):
        C = np.full((20, 20), 1e4)
        np.fill_diagonal(C, np.arange(20.0) ** power)
        path = quot.mass_path(quot.Problem(C, reg=1e-3), np.arange(0.05, 0.96, 0.1) + 0.025)
        expected = knee if knee < 1.0 else path.masses[-1]
        assert path.breakpoints is None
        assert path.knee() == pytest.approx(expected, abs=0.05)


def test_a_curve_goes_on_from_where_it_is(rng):
    """Stopping at masses between does not change it; the trees there are optimal."""
    problem = a_problem(rng, 12, 15)
    most = min(problem.a.sum(), problem.b.sum())
    one, other = MassCurve(problem), MassCurve(problem)
    one.follow([most], lambda: False)
    other.follow(np.linspace(0.0, most, 7).tolist(), lambda: False)
    assert one.is_whole
    assert len(other.near) == 7
    for found, same in zip(one.pieces(), other.pieces(), strict=True):
        np.testing.assert_allclose(found, same, rtol=1e-13)


@every_two(masses=["any", "uniform", "decades"], shape=[(7, 2), (20, 30), (30, 9)])
def test_costs_over_many_decades(masses, shape, rng):
    """The cheap ones are not lost in the rounding of the dear ones."""
    problem = a_problem(rng, *shape, "wide", masses)
    path = quot.mass_path(problem, count=1)
    at, values = curve(path)
    for mass in at[-1] * np.array([0.01, 0.3, 0.9, 1.0]):
        found = single(problem, mass, ties="any")
        assert np.interp(mass, at, values) == pytest.approx(found.value, rel=1e-11)


@pytest.mark.parametrize("count", [1_000_001, 10**5000], ids=["many", "more"])
def test_more_results_than_anybody_reads_are_refused(count):
    with pytest.raises(quot.InvalidProblemError, match="at most 1,000,000, as there is a result"):
        quot.mass_path(quot.Problem(np.eye(2)), count=count)
