"""Plans and flows where NumPy, scipy and their users expect an array."""

import copy
import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from tests.nouns.every import NOUNS

import quot
from quot import memory
from quot.gibbs_plan import GibbsPlan
from quot.plan import Plan

KINDS = ["plan", "plan.T", "gibbs", "gibbs.T"]


@pytest.fixture(params=KINDS)
def pair(request, rng):
    """A plan in which a row and a column are empty and two pairs tie, and the array that it is."""
    C = rng.random((5, 7))
    a, b = rng.random(5), rng.random(7)
    a[2] = b[3] = 0.0
    if request.param.startswith("gibbs"):
        plan = quot.solve_entropic(C, a, b, eps=0.3, mass=0.4).plan
        assert isinstance(plan, GibbsPlan)
    else:
        P = np.where(rng.random((5, 7)) < 0.5, C, 0.0)
        P[2] = P[:, 3] = 0.0
        P[0, [1, 4]] = P[[1, 3], 5] = 2.0
        plan = Plan.from_dense(P)
    plan = plan.T if request.param.endswith("T") else plan
    return plan, plan.to_dense()


def test_numpy_sees_the_matrix(pair):
    plan, P = pair
    for made in (np.asarray(plan), np.array(plan), plan.toarray(), plan[:], plan[...]):
        np.testing.assert_array_equal(made, P)
        assert made.dtype == np.float64
    assert np.asarray(plan, dtype=np.float32).dtype == np.float32
    np.testing.assert_array_equal(plan.__array__(np.dtype(np.float32)), P.astype(np.float32))
    np.testing.assert_array_equal(sp.csr_array(plan).toarray(), P)
    assert (plan.ndim, plan.shape, plan.dtype, len(plan)) == (2, P.shape, P.dtype, len(P))
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        with pytest.raises(ValueError, match=r"is not kept as an array.*`copy=False`"):
            np.asarray(plan, copy=False)


def test_sums(pair):
    plan, P = pair
    for axis in (None, 0, 1, -1, -2, (0, 1), (1, 0), (0,)):
        np.testing.assert_allclose(plan.sum(axis), P.sum(axis), rtol=1e-13)
        np.testing.assert_allclose(np.sum(plan, axis=axis), P.sum(axis), rtol=1e-13)
        kept = np.sum(plan, axis=axis, keepdims=True)
        np.testing.assert_allclose(kept, P.sum(axis, keepdims=True), rtol=1e-13)
    out = np.empty(len(P))
    assert plan.sum(axis=1, out=out) is out
    np.testing.assert_allclose(out, P.sum(axis=1))
    assert plan.sum(dtype=np.float32).dtype == np.float32
    for axis in (2, (0, 2)):
        with pytest.raises(np.exceptions.AxisError, match="axis 2 is out of bounds"):
            plan.sum(axis)


def test_products_with_matrices(pair, rng):
    plan, P = pair
    M = rng.normal(size=P.shape)
    sparse = sp.csr_array(np.where(M > 0.0, M, 0.0))
    linear = float((P * M).sum())
    assert (plan * M).sum() == pytest.approx(linear, rel=1e-13)
    column, row = M[:, :1], M[0]
    for made, exact in (
        (plan * M, P * M), (M * plan, P * M), (plan * M.tolist(), P * M),
        (plan * sparse, P * sparse.toarray()), (plan * plan, P * P), (plan * column, P * column),
        (row * plan, P * row), (2 * plan, 2 * P), (plan * np.float64(2), 2 * P),
        (np.float64(2) * plan, 2 * P), (plan / 2, P / 2), (plan / (1 + M**2), P / (1 + M**2)),
        (np.multiply(M, plan), P * M),
    ):  # fmt: skip
        assert sp.issparse(made) == isinstance(plan, Plan)
        np.testing.assert_allclose(made.toarray() if sp.issparse(made) else made, exact, rtol=1e-13)


def test_tables_of_costs(pair):
    pandas = pytest.importorskip("pandas")
    plan, P = pair
    M = pandas.DataFrame(np.arange(P.size).reshape(P.shape) - 3.0)
    linear = pytest.approx((P * M.to_numpy()).sum(), rel=1e-13)
    assert (plan * M).sum() == linear
    assert (M * plan).sum() == linear
    hot = pandas.get_dummies(pandas.Series(np.arange(P.shape[1]) % 3))
    np.testing.assert_allclose(plan @ hot, P @ hot.to_numpy().astype(float))


def test_what_is_not_there_is_not_multiplied(pair):
    """A forbidden pair costs inf, and a row that sends nothing is divided by its sum, 0."""
    plan, P = pair
    costs = np.where(P > 0.0, 1.0, np.inf)
    assert (plan * costs).sum() == pytest.approx(P.sum())
    shares = plan / plan.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares.sum(axis=1), P.any(axis=1).astype(float))


def test_products_with_vectors(pair, rng):
    plan, P = pair
    n, m = P.shape
    x, X, y, Y = (rng.normal(size=k) for k in (n, (3, n), m, (m, 3)))
    hot = sp.csr_array(np.eye(m)[:, :4])
    for made, exact in (
        (plan @ y, P @ y), (plan @ Y, P @ Y), (plan @ y.tolist(), P @ y), (x @ plan, x @ P),
        (X @ plan, X @ P), (x.tolist() @ plan, x @ P), (plan @ hot, P @ hot.toarray()),
        (plan @ plan.T, P @ P.T), (np.matmul(plan, Y), P @ Y),
        (plan.push(sp.csr_array(X.T)), P.T @ X.T),
    ):  # fmt: skip
        assert type(made) is np.ndarray
        np.testing.assert_allclose(made, exact, rtol=1e-12, atol=1e-14)


def test_ufuncs_and_operators_work_on_the_array(pair, rng):
    plan, P = pair
    M = rng.normal(size=P.shape)
    np.testing.assert_array_equal(np.sqrt(plan), np.sqrt(P))
    np.testing.assert_array_equal(np.maximum(plan, 0.1), np.maximum(P, 0.1))
    np.testing.assert_array_equal(plan - M, P - M)
    np.testing.assert_array_equal(M - plan, M - P)
    np.testing.assert_array_equal(1 + plan, 1 + P)
    np.testing.assert_array_equal(plan**2, P**2)
    np.testing.assert_array_equal(plan > 0.1, P > 0.1)
    assert np.max(plan) == P.max()
    np.testing.assert_array_equal(np.argmax(plan, axis=1), P.argmax(axis=1))
    np.testing.assert_array_equal(np.concatenate([plan, plan]), np.concatenate([P, P]))
    M += plan
    with pytest.raises(TypeError):
        np.sqrt(P, out=plan)
    with pytest.raises(TypeError):
        plan *= 2


def test_operators_with_sparse_matrices(pair, rng):
    plan, P = pair
    other = sp.random_array(P.shape, density=0.5, rng=rng, format="csr")
    np.testing.assert_allclose(plan + other, P + other.toarray())
    np.testing.assert_allclose(other - plan, other.toarray() - P)
    np.testing.assert_allclose(np.maximum(plan, other), np.maximum(P, other.toarray()))


def test_a_plan_equals_itself_alone(pair):
    plan, P = pair
    assert plan == plan
    assert plan != copy.copy(plan)
    assert plan in [plan]
    assert len({plan, plan}) == 1
    assert bool(plan)
    assert (plan == P).all()  # an array compares entries


def test_entries_rows_and_columns(pair, rng):
    plan, P = pair
    n, m = P.shape
    i, j, mask = rng.integers(-n, n, 6), rng.integers(0, m, 6), rng.random(n) < 0.5
    for key in (
        (1, 2), (-1, -m), 1, -1, np.int64(2), (slice(None), 4), (0, slice(1, 4)), (i, j), i, mask,
        (i, slice(None)), (slice(None), j), slice(1, 3), (slice(0, 4, 2), slice(1, 3)), (1, j),
        (np.ix_(i, j)), P > 0.1, (1,), (1, ...), ..., slice(5, 2), None,
    ):  # fmt: skip
        np.testing.assert_allclose(plan[key], P[key], rtol=1e-13, err_msg=str(key))
        assert np.shape(plan[key]) == P[key].shape
    assert type(plan[1, 2]) is float
    np.testing.assert_allclose(list(plan), P, rtol=1e-13)
    for key in (n, (0, m), (0, 0, 0), (0.5, 1), "a", np.ones((n, m + 1), bool)):
        with pytest.raises(IndexError):
            plan[key]


def test_matches(pair):
    """The best partner, the first of several, and -1 for a row that sends nothing."""
    plan, P = pair
    for one, matrix in ((plan, P), (plan.T, P.T)):
        found = one.matches()
        assert found.dtype == np.intp
        assert found.tolist() == np.where(matrix.any(axis=1), matrix.argmax(axis=1), -1).tolist()
    assert -1 in plan.matches()
    assert -1 in plan.T.matches()


def test_matches_of_ties_and_of_nothing():
    plan = Plan.from_dense([[0.0, 0.5, 0.5], [0.0, 0.0, 0.0], [0.25, 0.5, 0.0]])
    assert plan.matches().tolist() == [1, -1, 1]
    assert plan.T.matches().tolist() == [2, 0, 0]
    assert Plan.empty((2, 3)).matches().tolist() == [-1, -1]
    stored = Plan((1, 2), np.zeros(2, np.int32), np.arange(2, dtype=np.int32), np.array([0.0, 0.3]))
    assert stored.matches().tolist() == [1]


def test_matches_over_many_blocks(rng):
    """Of an entropic plan with ties across the blocks that its rows are made in."""
    C = rng.integers(0, 3, (700, 300)).astype(float)
    C = np.vstack((C, C))
    plan = GibbsPlan.of(quot.Problem(C).cost, 0.7, np.zeros(1400), np.zeros(300))
    P = plan.to_dense()
    assert plan.matches().tolist() == P.argmax(axis=1).tolist()
    assert plan.T.matches().tolist() == P.argmax(axis=0).tolist()
    assert plan.T.matches().max() < 700


def test_labels_are_propagated_by_the_means_of_columns(pair):
    """Column j gets the mean over the rows that send to it, and not their sum times a mass."""
    plan, P = pair
    labels = np.arange(len(P)) % 3
    hot = np.eye(3)[labels]
    got = plan.T.barycentric(hot)
    received = P.sum(axis=0)
    with np.errstate(invalid="ignore"):
        exact = P.T @ hot / received[:, None]
    np.testing.assert_allclose(got, exact, rtol=1e-12)
    np.testing.assert_allclose(got[received > 0].sum(axis=1), 1.0)
    assert np.isnan(got[received == 0]).all()
    np.testing.assert_array_equal(plan.T.barycentric(hot, X=0.0)[received == 0], 0.0)
    np.testing.assert_allclose(plan.T.barycentric(sp.csr_array(hot)), exact, rtol=1e-12)


def test_a_quantity_in_one_axis_keeps_one(pair, rng):
    """It used to be spread over a square matrix."""
    plan, P = pair
    y, x, a = rng.random(P.shape[1]), rng.random(P.shape[0]), P.sum(axis=1) + 0.1
    for options in ({}, {"X": x}, {"X": x, "a": a}):
        columns = {k: v[:, None] if k == "X" else v for k, v in options.items()}
        found = plan.barycentric(y, **options)
        assert found.shape == x.shape
        np.testing.assert_array_equal(found, plan.barycentric(y[:, None], **columns)[:, 0])


def test_what_does_not_fit_is_said(pair):
    plan, P = pair
    n, m = P.shape
    with pytest.raises(quot.InvalidProblemError, match=rf"plan is {n} x {m}.*shape \(4, 9\)"):
        plan * np.ones((4, 9))
    with pytest.raises(quot.InvalidProblemError, match=rf"plan is {n} x {m}.*shape \(4, 9\)"):
        plan * sp.csr_array((4, 9))
    for other in (quot.PointCost(np.ones((n, 1)), np.ones((m, 1))), "a", None):
        with pytest.raises(TypeError):
            plan * other


def test_an_array_that_memory_does_not_hold_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 1_000_000_000)
    big = Plan.empty((20_000, 30_000))
    points = quot.PointCost(np.ones((20_000, 1)), np.ones((30_000, 1)))
    prices = GibbsPlan.of(points, 1.0, np.zeros(20_000), np.zeros(30_000))
    told = r"all 20000 x 30000 entries takes 4\.8 GB, and this machine has 1 GB left.*`to_csr\(\)`"
    for plan in (big, prices):
        for make in (np.asarray, np.sqrt, lambda p: p.toarray(), lambda p: p[:]):
            with pytest.raises(quot.ProblemTooLargeError, match=told):
                make(plan)
    with pytest.raises(quot.ProblemTooLargeError, match=r"all 30000 x 20000 entries"):
        np.asarray(prices.T)
    assert big.sum() == 0.0
    assert len(big.matches()) == 20_000
    assert big[3].shape == (30_000,)


def test_a_flow_is_an_array_of_its_edges(rng):
    graph = quot.graphs.grid((4, 4))
    source, target = np.eye(16)[0], np.eye(16)[15]
    flow = quot.solve_graph(graph, source, target, reg=1.0).plan
    np.testing.assert_array_equal(np.asarray(flow), flow.values)
    assert np.asarray(flow, dtype=np.float32).dtype == np.float32
    assert len(flow) == graph.n_edges
    lengths = graph.lengths
    for made in (flow * lengths, lengths * flow):
        np.testing.assert_array_equal(made, flow.values * lengths)
    np.testing.assert_array_equal(2 * flow, 2 * flow.values)
    np.testing.assert_array_equal(np.abs(flow), np.abs(flow.values))
    assert np.sum(flow) == flow.values.sum()
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        assert np.shares_memory(np.asarray(flow, copy=False), flow.values)
        with pytest.raises(ValueError, match="copy"):
            np.asarray(flow, dtype=np.float32, copy=False)
        with pytest.raises(ValueError, match="read-only"):
            np.asarray(flow, copy=False)[:] = 0.0
    for made in (np.array(flow), np.asarray(flow)):
        made[:] = 0.0
    assert flow.nnz > 0
    assert flow == flow
    assert flow != copy.copy(flow)


def test_sums_and_values_of_a_flow(rng):
    x = rng.normal(size=5)
    graph = quot.Graph(6, [[k, k + 1] for k in range(5)], np.ones(5), labels="abcdef")
    flow = quot.Flow(graph, x, np.ones(6), np.ones(6))
    assert (flow.shape, flow.ndim, flow.dtype) == (x.shape, 1, x.dtype)
    for axis in (None, 0, -1, (0,)):
        assert flow.sum(axis) == np.sum(flow, axis=axis) == x.sum()
    assert flow.sum(keepdims=True).shape == (1,)
    assert flow.sum(dtype=np.float32).dtype == np.float32
    assert flow.sum(out=(out := np.zeros(()))) is out
    with pytest.raises(np.exceptions.AxisError, match="axis 1 is out of bounds"):
        flow.sum(axis=1)
    mask = x > 0.0
    for key in (2, -1, np.int64(1), slice(1, 4), [0, 3], mask, ..., (2,), None):
        np.testing.assert_array_equal(flow[key], x[key])
    assert type(flow[2]) is float
    assert list(flow) == x.tolist()
    assert x[1] in flow
    assert flow @ graph.lengths == pytest.approx(x.sum())
    flow[:][:] = flow[mask][:] = 0.0
    np.testing.assert_array_equal(flow.values, x)
    for key in (("a", "b"), "a", (0, 1)):
        with pytest.raises(IndexError, match=r"each edge.*got .* `flow\.between\(u, v\)`"):
            flow[key]
    with pytest.raises(IndexError, match="index 5 is out of bounds"):
        flow[5]


def test_affinities_are_an_array(rng):
    A = quot.affinities(rng.normal(size=(20, 2)), perplexity=3)
    np.testing.assert_array_equal(np.asarray(A), A.matrix.toarray())
    np.testing.assert_array_equal(2 * A, 2 * A.matrix.toarray())
    assert A == A


def test_every_public_class_is_among_the_nouns():
    missing = {
        name
        for name in quot.__all__
        if isinstance(getattr(quot, name), type)
        and not any(isinstance(noun, getattr(quot, name)) for noun in NOUNS.values())
    }
    assert all(issubclass(getattr(quot, name), (Exception, Warning)) for name in missing), missing


@pytest.mark.parametrize("noun", NOUNS.values(), ids=NOUNS.keys())
@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda noun: pickle.loads(pickle.dumps(noun))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_nouns_are_copied_and_pickled(noun, copied):
    other = copied(noun)
    assert type(other) is type(noun)
    assert repr(other) == repr(noun)
    for name in ("value", "shape", "nnz", "total", "n_edges", "gap"):
        assert getattr(other, name, None) == getattr(noun, name, None)
    if hasattr(noun, "__array__"):
        np.testing.assert_array_equal(np.asarray(other), np.asarray(noun))
