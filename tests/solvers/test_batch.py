"""Many small problems in one call: each result is that of `solve`, whatever the threads are."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from tests.design import every_two

import quot
from quot import NotConvergedWarning, Status, solve, solve_batch


def some_problems(rng, count=12):
    """Costs of several shapes, with masses over six decades."""
    shapes = [(1, 1), (5, 5), (8, 3), (20, 30), (40, 40)]
    for k in range(count):
        n, m = shapes[k % len(shapes)]
        a, b = (10.0 ** rng.uniform(-6, 0, size) for size in (n, m))
        yield rng.normal(size=(n, m)) + 2.0, a / a.sum(), b / b.sum()


def same(one, other):
    """Whether two results are the same to the last bit."""
    pairs = ((one.plan.values, other.plan.values), (one.f, other.f), (one.g, other.g))
    return all(np.array_equal(x, y) for x, y in pairs) and one.certificate == other.certificate


@every_two(threads=["1", "2"], reg=[0.0, 1e-3, 1.0], mass=[None, 0.7])
def test_results_are_those_of_single_solves_to_the_last_bit(monkeypatch, rng, threads, reg, mass):
    costs, a, b = zip(*some_problems(rng), strict=True)
    single = [solve(C, p, q, reg=reg, mass=mass) for C, p, q in zip(costs, a, b, strict=True)]
    monkeypatch.setenv("QUOT_NUM_THREADS", threads)
    batch = solve_batch(costs, a, b, reg=reg, mass=mass)
    assert all(r.converged for r in batch)
    assert [same(one, other) for one, other in zip(single, batch, strict=True)] == [True] * 12


def test_masses_reg_and_mass_are_shared_or_one_a_problem(rng):
    Cs, a = rng.random((4, 6, 5)), rng.dirichlet(np.ones(6))
    bs, regs = rng.dirichlet(np.ones(5), 4), [0.0, 0.1, 1.0, 10.0]
    for b in (bs, list(bs)):
        batch = solve_batch(Cs, a, b, reg=regs, mass=[0.5, None, 0.7, 0.9])
        for k, mass in enumerate((0.5, None, 0.7, 0.9)):
            assert same(batch[k], solve(Cs[k], a, bs[k], reg=regs[k], mass=mass))
    assert same(solve_batch(Cs, reg=0.1)[2], solve(Cs[2], reg=0.1))


def test_every_kind_of_cost_is_taken(rng):
    X, Y = rng.normal(size=(30, 2)), rng.normal(size=(40, 2))
    some = sp.csr_array(np.where(np.eye(30, 40) + rng.random((30, 40)) > 0.5, 1.0, 0.0))
    costs = [quot.PointCost(X, Y), some, rng.random((30, 40)).tolist()]
    for one, other in zip(costs, solve_batch(costs, mass=0.5), strict=True):
        assert same(solve(one, mass=0.5), other)
    assert list(solve_batch([])) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(Cs=np.ones((3, 3))), r"sequence of costs; got ndarray of shape \(3, 3\)"),
        (dict(Cs=quot.PointCost(np.ones((2, 1)), np.ones((2, 1)))), "sequence of costs; got Point"),
        (
            dict(Cs=np.ones((2, 3, 3)), reg=[0.1, 0.2, 0.3]),
            "`reg` is for 3 problems, but there are 2",
        ),
        (dict(Cs=np.ones((2, 3, 3)), a=np.ones((3, 3))), "`a` is for 3 problems, but there are 2"),
        (dict(Cs=[np.ones((3, 3)), [[np.nan]]]), r"problem 1: `C` must be finite"),
        (
            dict(Cs=[np.ones((3, 2)), np.ones((2, 2))], a=[1.0, 1.0, 0.0], mass=1),
            "problem 1: `a` has",
        ),
        (dict(Cs=np.ones((2, 3, 3)), ties="all"), "`ties` must be one of"),
        (dict(Cs=np.ones((2, 3, 3)), callback=1), "`callback` must be callable"),
    ],
)
def test_unusable_input_says_which_problem_it_is_of(arguments, message):
    with pytest.raises(quot.InvalidProblemError, match=message):
        solve_batch(**arguments)


def test_a_problem_without_a_plan_is_named():
    allowed = sp.csr_array(np.array([[1.0, 0.0], [1.0, 0.0]]))
    with pytest.raises(quot.InfeasibleError, match="problem 1: "):
        solve_batch([np.ones((2, 2)), allowed])


def test_one_warning_or_error_for_all(rng):
    Cs = rng.random((5, 30, 30))
    with pytest.warns(NotConvergedWarning, match="5 of 5 problems .* problem 0: iteration") as seen:
        solve_batch(Cs, reg=0.1, max_iter=1)
    assert len(seen) == 1
    with pytest.raises(quot.NotConvergedError, match="5 of 5"):
        solve_batch(Cs, reg=0.1, max_iter=1, on_failure="raise")


def stopped_after(results, done):
    """Whether so many results are good, and the others stopped, feasible and certified."""
    for k, r in enumerate(results):
        assert r.converged if k < done else r.status in {Status.STOPPED, Status.OPTIMAL}
        assert r.certificate.primal_residual <= 1e-12
        assert r.certificate.gap >= -1e-15
        assert r.certificate.upper < np.inf
    return any(r.status is Status.STOPPED for r in results)


@pytest.mark.parametrize("threads", ["1", "2"])
def test_an_interrupt_or_the_callback_keeps_what_is_done(monkeypatch, rng, threads):
    monkeypatch.setenv("QUOT_NUM_THREADS", threads)
    Cs, seen = rng.random((300, 20, 20)), []

    def stop(k, result):
        seen.append(k)
        return k == 2

    def interrupt(k, result):
        if k == 2:
            raise KeyboardInterrupt

    assert stopped_after(solve_batch(Cs, reg=0.1, callback=stop, on_failure="ignore"), 3)
    assert seen[:3] == [0, 1, 2]
    results = solve_batch(Cs, reg=0.1, callback=interrupt, on_failure="ignore")
    assert len(results) == 300
    assert sum(r.converged for r in results) >= 300 // 16  # a whole block was done by then
    assert stopped_after(results, 3)


def test_a_time_limit_is_for_all(rng):
    results = solve_batch(rng.random((40, 30, 30)), reg=0.1, time_limit=1e-6, on_failure="ignore")
    assert {r.status for r in results} == {Status.TIME_LIMIT}
    assert all(r.certificate.primal_residual <= 1e-12 for r in results)


# --- what a batch is -----------------------------------------------------------------------------


@every_two(mass=[None, 0.6], reg=[0.0, 0.5], kind=["array", "sequence", "larger"])
def test_arrays_of_all_are_what_the_results_are(rng, kind, mass, reg):
    shape = (6, 200, 190) if kind == "larger" else (40, 7, 9)
    Cs = rng.random(shape)
    batch = solve_batch(list(Cs) if kind == "sequence" else Cs, reg=reg, mass=mass)
    values, dense, all_good = batch.values, batch.to_dense(), batch.converged
    for k, r in enumerate(batch):
        assert values[k] == pytest.approx(r.value, rel=1e-14)
        assert r.value == r.problem.objective(r.plan)
        np.testing.assert_array_equal(dense[k], r.plan.to_dense())
    assert all_good == all(r.converged for r in batch)
    assert batch.costs.tolist() == [r.cost for r in batch]
    assert batch.masses.tolist() == [r.problem.total for r in batch]
    assert list(batch.to_frame().columns)[:4] == ["mass", "reg", "cost", "value"]


def test_a_result_is_put_together_once(rng):
    Cs = rng.random((20, 6, 5))
    batch = solve_batch(Cs)
    assert batch[3] is batch[3] is batch[np.int64(-17)]
    some = batch[2:6]
    assert (type(some), len(some)) == (quot.Batch, 4)
    assert some[1] is batch[3]
    np.testing.assert_array_equal(some.values, batch.values[2:6])
    assert batch[3] in batch
    with pytest.raises(IndexError):
        batch[20]


def test_what_is_found_does_not_change_with_the_costs(rng):
    """These belong to who has passed them, and a result may be read later."""
    Cs = rng.random((20, 6, 5))
    first, batch = solve_batch(Cs, reg=0.1)[4], solve_batch(Cs, reg=0.1)
    Cs[:] = 0.0
    assert same(first, batch[4])
    assert batch.values[4] == pytest.approx(first.value, rel=1e-14)


def test_a_batch_is_saved_with_its_results_and_is_shown(rng):
    batch = pickle.loads(pickle.dumps(solve_batch(rng.random((20, 6, 5)), reg=0.1)))
    again = copy.deepcopy(batch)
    assert same(again[7], batch[7])
    assert repr(batch).startswith("Batch(20 results, value ")
    assert repr(batch).endswith(", 20 converged)")
    assert "<caption>Batch</caption>" in batch._repr_html_()
    assert repr(solve_batch([])) == "Batch(0 results, 0 converged)"


def test_plans_of_several_shapes_are_no_array(rng):
    batch = solve_batch([rng.random((3, 4)), rng.random((4, 3))])
    with pytest.raises(quot.InvalidProblemError, match=r"2 have the shapes \(3, 4\), \(4, 3\)"):
        batch.to_dense()
    with pytest.raises(quot.InvalidProblemError, match=r"shapes \(none\)"):
        solve_batch([]).to_dense()


def test_names_are_those_of_each_problem(rng):
    pd = pytest.importorskip("pandas")
    frames = [pd.DataFrame(rng.random((2, 3)), index=["a", "b"]) for _ in range(2)]
    batch = solve_batch(frames)
    assert batch.to_dense().shape == (2, 2, 3)
    assert batch[1].plan.row_labels == ("a", "b")
