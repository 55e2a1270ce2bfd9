"""Affinities against scikit-learn, SciPy and CLARABEL, and what they say of themselves."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from tests.oracles.affinities import entropic_row, quadratic_row, symmetric_by_clarabel
from tests.oracles.perplexity import perplexity

import quot
from quot.adaptive import share_rows
from quot.adaptive.affinities import KINDS

REGULARIZERS = ("entropic", "quadratic")
ROWS = {"entropic": entropic_row, "quadratic": quadratic_row}


def squared(X):
    return cdist(X, X, "sqeuclidean")


def others(C):
    """Rows of a matrix without the diagonal, (n, n - 1)."""
    return C[~np.eye(len(C), dtype=bool)].reshape(len(C), -1)


def entry(y, regularizer):
    return np.maximum(y, 0.0) if regularizer == "quadratic" else np.exp(y)


# --- rows --------------------------------------------------------------------------------------


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("xi", [1.05, 2.5, 7.0, 18.5])
def test_rows_are_those_of_roots(rng, regularizer, xi):
    C = np.vstack(
        (rng.random((4, 20)), rng.exponential(size=(3, 20)) ** 6, 1e5 + rng.random((2, 20)))
    )
    P, strength = share_rows(C, xi, regularizer=regularizer)
    for costs, row in zip(C, P, strict=True):
        np.testing.assert_allclose(row, ROWS[regularizer](costs, xi), rtol=1e-6, atol=1e-9)
        assert perplexity(row, regularizer) == pytest.approx(xi, rel=1e-9)
    # What they are made of.
    i = np.arange(9)
    two = np.argsort(C, axis=1)[:, :2].T
    p, q = P[i, two[0]], P[i, two[1]]
    apart = np.log(p / q) if regularizer == "entropic" else p - q
    np.testing.assert_allclose(apart * strength, C[i, two[1]] - C[i, two[0]], rtol=1e-6, atol=1e-9)


def test_rows_are_those_of_tsne(rng):
    """Of scikit-learn, as near as it goes: it stops at 1e-5 in the logarithm."""
    search = pytest.importorskip("sklearn.manifold._utils")._binary_search_perplexity
    C = np.sort(rng.chisquare(5, size=(100, 91)), axis=1)
    theirs = search(C.astype(np.float32), 30.0, 0)
    ours, _ = share_rows(C, 30.0)
    np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=1e-7)
    X = rng.normal(size=(80, 3))
    joint = pytest.importorskip("sklearn.manifold._t_sne")._joint_probabilities
    theirs = joint(squared(X).astype(np.float32), 10.0, 0)
    A = quot.affinities(X, perplexity=10, n_neighbors=79)
    dense = A.matrix.toarray()[np.triu_indices(80, 1)] / 80
    np.testing.assert_allclose(dense, theirs, rtol=2e-3, atol=1e-8)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_ties_share_evenly(regularizer):
    C = np.array([[0.0, 0.0, 0.0, 1.0, 2.0], [5.0, 5.0, 5.0, 5.0, 5.0], [1.0, 0.0, 3.0, 2.0, 4.0]])
    P, strength = share_rows(C, [2.5, 4.9, 1.0], regularizer=regularizer)
    np.testing.assert_allclose(P[0], [1 / 3, 1 / 3, 1 / 3, 0, 0], atol=1e-15)
    np.testing.assert_allclose(P[1], np.full(5, 0.2), rtol=1e-14)
    np.testing.assert_allclose(P[2], [0, 1, 0, 0, 0], atol=1e-15)
    assert strength[:2].tolist() == [0.0, 0.0]
    # Just more than tie.
    P, strength = share_rows(C[:1], 3.0001, regularizer=regularizer)
    assert perplexity(P[0], regularizer) == pytest.approx(3.0001, rel=1e-9)
    assert 0.0 < P[0, 3] < 1e-2
    assert strength[0] > 0.0


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e150])
def test_rows_in_other_units(rng, regularizer, scale):
    C = rng.random((5, 12))
    P, strength = share_rows(C, 4.0, regularizer=regularizer)
    scaled, other = share_rows(scale * C, 4.0, regularizer=regularizer)
    np.testing.assert_allclose(scaled, P, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(other, scale * strength, rtol=1e-9)


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_rows_over_many_decades(rng, regularizer):
    """Costs of 400 decades at once, and perplexities next to the largest."""
    C = 10.0 ** np.linspace(-200, 200, 30)[None]
    for xi in (1.5, 12.0, 29.9):
        P, _ = share_rows(C, xi, regularizer=regularizer)
        assert np.isfinite(P).all()
        assert P.sum() == pytest.approx(1.0, abs=1e-12)
        assert perplexity(P[0], regularizer) == pytest.approx(xi, rel=1e-6)
    P, _ = share_rows(rng.random((3, 10)), 10 * (1 - 1e-8), regularizer=regularizer)
    np.testing.assert_allclose(P, 0.1, atol=1e-3)


# --- directed and symmetric ----------------------------------------------------------------------


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cityblock", "cosine"])
@pytest.mark.parametrize("axes", [2, 12])
def test_quadratic_rows_are_exact(rng, metric, axes):
    """However few neighbours it begins with: a hub and outliers need more than most."""
    X = np.vstack((rng.normal(size=(60, axes)), 30 + rng.standard_t(1, size=(10, axes))))
    xi = rng.uniform(2, 12, size=70)
    C = cdist(X, X, metric)
    A = quot.affinities(X, perplexity=xi, kind="directed", regularizer="quadratic", metric=metric)
    rows = [quadratic_row(row, k) for row, k in zip(others(C), xi, strict=True)]
    np.testing.assert_allclose(others(A.matrix.toarray()), rows, atol=1e-7)
    assert A.is_exact
    assert A.converged
    assert not A.neglected.any()
    np.testing.assert_allclose(A.perplexity, xi, rtol=1e-9)
    assert A.matrix.diagonal().max() == 0.0


def test_neglected_is_what_others_would_get(rng):
    X = rng.normal(size=(60, 2))
    A = quot.affinities(X, perplexity=8, kind="directed", n_neighbors=15)
    made = np.exp((A.price[:, None] - squared(X)) / A.strength[:, None])
    np.fill_diagonal(made, 0.0)
    kept = A.matrix.toarray() > 0.0
    np.testing.assert_allclose(A.matrix.toarray()[kept], made[kept], rtol=1e-9)
    np.testing.assert_allclose(A.neglected, np.where(kept, 0.0, made).sum(axis=1), rtol=1e-9)
    assert A.neglected.min() > 0.0
    assert not A.is_exact
    assert "of the pairs kept" in repr(A)
    whole = quot.affinities(X, perplexity=8, kind="directed", n_neighbors=59)
    assert whole.is_exact
    assert not whole.neglected.any()


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_symmetric_is_the_mean(rng, regularizer):
    X = rng.normal(size=(50, 3))
    how = {"perplexity": 6.5, "regularizer": regularizer}
    P = quot.affinities(X, kind="directed", **how).matrix.toarray()
    A = quot.affinities(X, **how)
    np.testing.assert_allclose(A.matrix.toarray(), 0.5 * (P + P.T), rtol=1e-13)
    np.testing.assert_array_equal(A.matrix.toarray(), A.matrix.T.toarray())
    np.testing.assert_allclose(A.perplexity, 6.5, rtol=1e-9)
    assert A.kind == "symmetric"


def test_three_times_the_perplexity_as_in_tsne(rng):
    A = quot.affinities(rng.normal(size=(300, 2)), perplexity=10, kind="directed")
    assert set(np.diff(A.matrix.indptr)) == {31}


# --- doubly stochastic ---------------------------------------------------------------------------


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("diagonal", [False, True])
def test_symmetric_problem_against_clarabel(rng, regularizer, diagonal):
    pytest.importorskip("cvxpy")
    for n, xi in ((9, 3.0), (14, rng.uniform(1.5, 9.0, size=14))):
        C = squared(np.vstack((rng.normal(size=(n - 2, 2)), 6 + rng.normal(size=(2, 2)))))
        C /= C.max()
        A = quot.affinities(
            C, metric="precomputed", perplexity=xi, kind="doubly_stochastic", tol=1e-7,
            regularizer=regularizer, n_neighbors=n - 1, diagonal=diagonal,
        )  # fmt: skip
        P, oracle = A.matrix.toarray(), symmetric_by_clarabel(C, xi, regularizer, diagonal=diagonal)
        assert (C * P).sum() == pytest.approx((C * oracle).sum(), rel=1e-6)
        np.testing.assert_allclose(P, oracle, atol=2e-3)
        assert A.converged
        assert A.is_exact


@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_entries_are_made_of_prices_and_strengths(rng, regularizer):
    X = np.vstack((rng.normal(size=(70, 2)), rng.standard_t(1, size=(10, 2))))
    A = quot.affinities(X, perplexity=7, kind="doubly_stochastic", regularizer=regularizer)
    P = A.matrix.toarray()
    np.testing.assert_array_equal(P, P.T)
    np.testing.assert_allclose(P.sum(axis=1), 1.0, atol=1e-6)
    assert A.perplexity.min() >= 7 * (1 - 1e-6)
    y = (A.price[:, None] + A.price - squared(X)) / np.add.outer(A.strength, A.strength)
    kept = P > 0.0
    np.testing.assert_allclose(P[kept], entry(y, regularizer)[kept], rtol=1e-6, atol=1e-12)
    np.fill_diagonal(kept, val=True)
    left = np.where(kept, 0.0, entry(y, regularizer)).sum(axis=1)
    np.testing.assert_allclose(A.neglected, left, rtol=1e-6, atol=1e-9)
    assert A.is_exact == (regularizer == "quadratic")
    # A point that shares more than it must has next to no strength.
    assert A.strength[A.perplexity > 7.01].max(initial=0.0) <= 1e-3 * A.strength.max()


def test_pricing_finds_what_neighbours_miss(rng, monkeypatch):
    """Begun with far too few of them, the answer is the same."""
    from quot.adaptive import affinities

    X = np.vstack((rng.normal(size=(150, 2)), 8.0 * rng.standard_t(2, size=(30, 2))))
    how = {"perplexity": 10, "kind": "doubly_stochastic", "regularizer": "quadratic", "tol": 1e-8}
    whole = quot.affinities(X, n_neighbors=179, **how)
    monkeypatch.setattr(affinities, "_PRICED", 1.3)
    monkeypatch.setattr(affinities, "_MORE", 1)
    A = quot.affinities(X, **how)
    assert A.is_exact
    np.testing.assert_allclose(A.matrix.toarray(), whole.matrix.toarray(), atol=1e-5)


def test_random_small_problems():
    """Ties, duplicates, clusters far apart, any perplexity, any unit: all within the tolerance."""
    for seed in range(25):
        rng = np.random.default_rng(seed)
        n, kind = int(rng.integers(4, 30)), seed % 5
        X = rng.normal(size=(n, 2))
        if kind == 1:
            X = rng.integers(0, 3, size=(n, 2)).astype(float)
        elif kind == 2:
            X = rng.standard_t(1, size=(n, 2))
        elif kind == 3:
            X[: n // 2] += 100.0
        C = squared(X) * (10.0 ** rng.uniform(-90, 90) if kind == 4 else 1.0)
        xi = np.exp(rng.uniform(0, np.log(0.98 * (n - 1)), n if seed % 2 else None))
        for regularizer in REGULARIZERS:
            for of in KINDS:
                A = quot.affinities(
                    C, metric="precomputed", perplexity=xi, kind=of, regularizer=regularizer,
                    n_neighbors=n - 1, on_failure="raise",
                )  # fmt: skip
                assert A.converged
                assert (A.perplexity >= xi * (1 - 2e-6)).all()


# --- what goes in, and where it goes -------------------------------------------------------------


@pytest.mark.parametrize("regularizer", REGULARIZERS)
@pytest.mark.parametrize("kind", KINDS)
def test_points_a_matrix_and_neighbours_are_the_same(rng, regularizer, kind):
    X = rng.normal(size=(40, 2))
    C = squared(X)
    how = {"perplexity": 5, "kind": kind, "regularizer": regularizer}
    one = quot.affinities(X, n_neighbors=20, **how).matrix.toarray()
    two = quot.affinities(C, metric="precomputed", n_neighbors=20, **how).matrix.toarray()
    np.testing.assert_allclose(two, one, atol=1e-6)
    near = np.argsort(C, axis=1)[:, 1:21]
    rows = np.repeat(np.arange(40), 20)
    listed = sp.csr_array((C[rows, near.ravel()], (rows, near.ravel())), shape=(40, 40))
    three = quot.affinities(listed, metric="precomputed", **how)
    np.testing.assert_allclose(three.matrix.toarray(), one, atol=1e-6)
    assert three.is_exact  # others are forbidden


def test_all_points_the_same():
    for kind in KINDS:
        for regularizer in REGULARIZERS:
            A = quot.affinities(np.ones((100, 3)), perplexity=5, kind=kind, regularizer=regularizer)
            assert A.converged
            assert A.perplexity.min() >= 5.0


def test_scikit_learn_takes_them(rng):
    cluster = pytest.importorskip("sklearn.cluster")
    manifold = pytest.importorskip("sklearn.manifold")
    truth = np.repeat([0, 1, 2], 30)
    X = rng.normal(size=(90, 4)) + 8.0 * rng.normal(size=(3, 4))[truth]
    for regularizer in REGULARIZERS:
        A = quot.affinities(X, perplexity=10, kind="doubly_stochastic", regularizer=regularizer)
        with warnings.catch_warnings():  # it is not connected where clusters are far apart
            warnings.simplefilter("ignore")
            found = cluster.SpectralClustering(3, affinity="precomputed", random_state=0)
            labels = found.fit_predict(A.matrix)
            Z = manifold.SpectralEmbedding(2, affinity="precomputed").fit_transform(A.matrix)
        assert all(len(set(labels[truth == k])) == 1 for k in range(3))
        assert len(set(labels)) == 3
        assert np.isfinite(Z).all()


def test_threads_and_runs_are_the_same(rng, monkeypatch):
    X = rng.normal(size=(2500, 2))
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("QUOT_NUM_THREADS", threads)
        with quot.settings.using(threaded=0):
            found.append(quot.affinities(X, kind="doubly_stochastic", perplexity=10).matrix)
    assert (found[0] != found[1]).nnz == 0


WRONG = [
    ({"perplexity": 30.0}, "less than 19, the number of other points; got 30"),
    ({"perplexity": 8.0, "n_neighbors": 8}, "less than 8, the number of neighbours kept"),
    ({"perplexity": 25.0, "diagonal": True}, "less than 20, the number of other points, and the"),
    ({"perplexity": 0.5}, "at least 1 and less than 19"),
    ({"perplexity": np.full(3, 2.0)}, "has 3 entries, but there are 20 rows"),
    ({"perplexity": np.append(np.full(19, 2.0), np.nan)}, "`perplexity` must be finite"),
    ({"perplexity": np.append(np.full(19, 2.0), 40.0)}, "got 40 for row 19"),
    ({"perplexity": "five"}, "`perplexity` must be a number"),
    ({"kind": "square"}, "`kind` must be one of"),
    ({"regularizer": "l1"}, "`regularizer` must be one of"),
    ({"metric": "hamming"}, "`metric` must be one of"),
    ({"diagonal": 2}, "`diagonal` must be True or False"),
    ({"n_neighbors": 20}, "`n_neighbors` must be at most 19"),
    ({"n_neighbors": 2.5}, "`n_neighbors` must be an integer"),
    ({"tol": 0.0}, "`tol` must be positive"),
    ({"max_iter": 0}, "`max_iter` must be at least 1"),
    ({"metric": "precomputed"}, "must be square with metric"),
]


@pytest.mark.parametrize(("how", "message"), WRONG)
def test_unusable_arguments_are_named(rng, how, message):
    with pytest.raises(quot.InvalidProblemError, match=message):
        quot.affinities(rng.normal(size=(20, 2)), **{"perplexity": 5.0, **how})


def test_unusable_points_are_named(rng):
    with pytest.raises(quot.InvalidProblemError, match="need 3 points at least"):
        quot.affinities(rng.normal(size=(2, 2)), perplexity=1)
    X = rng.normal(size=(20, 2))
    X[3, 1] = np.nan
    with pytest.raises(quot.InvalidProblemError, match="`X` must be finite"):
        quot.affinities(X, perplexity=5)
    C = rng.random((9, 9))
    with pytest.raises(quot.InvalidProblemError, match="`X` must be symmetric with kind"):
        quot.affinities(C, metric="precomputed", perplexity=3, kind="doubly_stochastic")
    listed = sp.csr_array(np.where(C < 0.5, C, 0.0))
    with pytest.raises(quot.InvalidProblemError, match="of no use with a sparse `X`"):
        quot.affinities(listed, metric="precomputed", perplexity=1.5, n_neighbors=3)
    with pytest.raises(quot.InvalidProblemError, match="pairs stored in its row of `X`"):
        quot.affinities(listed, metric="precomputed", perplexity=8.5)


def test_room_is_asked_for(rng, monkeypatch):
    monkeypatch.setattr(quot.memory, "available", lambda: 10_000)
    with pytest.raises(quot.ProblemTooLargeError, match="Lower `n_neighbors` or `perplexity`"):
        quot.affinities(rng.normal(size=(50, 2)), perplexity=5)


def test_what_is_not_within_the_tolerance_says_so(rng):
    """One step is not enough; and there are pairs on which there is no such plan."""
    X = rng.normal(size=(60, 2))
    how = {"perplexity": 5, "kind": "doubly_stochastic"}
    with pytest.warns(quot.NotConvergedWarning, match="raise `n_neighbors`, the perplexity or"):
        A = quot.affinities(X, max_iter=1, **how)
    assert not A.converged
    with pytest.raises(quot.NotConvergedError, match="not within the tolerance"):
        quot.affinities(X, max_iter=1, on_failure="raise", **how)
    two = np.zeros((8, 8))
    two[:2, 2:] = two[2:, :2] = rng.random()  # all the others would need these two
    A = quot.affinities(
        sp.csr_array(two), metric="precomputed", perplexity=1.5, on_failure="ignore",
        kind="doubly_stochastic",
    )  # fmt: skip
    assert not A.converged
    assert A.residual > 0.1
