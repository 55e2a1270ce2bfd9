"""What has names is taken by name, or refused; the answer has the names that came in."""

import copy
import dataclasses
import pickle
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import quot
from quot.labels import column_labels, row_labels

ROWS, COLS = ["x", "y", "z"], ["p", "q"]
C = pd.DataFrame([[0.0, 2.0], [1.0, 0.5], [3.0, 1.0]], index=ROWS, columns=COLS)
A = pd.Series([0.2, 0.3, 0.5], index=ROWS)
B = pd.Series([0.4, 0.6], index=COLS)
PLAIN = C.to_numpy(), A.to_numpy(), B.to_numpy()


def by_name(plan):
    frame = plan.to_frame()
    return {(row, col): mass for row, col, mass in frame.itertuples(index=False)}


def same(plan, other):
    assert by_name(plan) == pytest.approx(by_name(other), abs=1e-9)


SOLVERS = {
    "solve": lambda C, a, b: quot.solve(C, a, b, reg=0.5).plan,
    "solve_entropic": lambda C, a, b: quot.solve_entropic(C, a, b, eps=0.5).plan,
    "approximate": lambda C, a, b: quot.approximate_partial(C, a, b, 0.5, accuracy=0.01).plan,
    "solve_adaptive": lambda C, a, b: quot.solve_adaptive(C, a, b, perplexity=1.1).plan,
    "solve_batch": lambda C, a, b: quot.solve_batch([C, C], a, b, reg=0.5)[1].plan,
    "mass_path": lambda C, a, b: quot.mass_path(quot.Problem(C, a, b, reg=0.5), [0.5])[0].plan,
    "reg_path": lambda C, a, b: quot.reg_path(quot.Problem(C, a, b), [0.5])[0].plan,
}


@pytest.mark.parametrize("name", SOLVERS)
def test_masses_are_taken_by_name_and_plans_have_the_names(name):
    wanted = SOLVERS[name](C, A, B)
    np.testing.assert_array_equal(wanted.to_dense(), SOLVERS[name](*PLAIN).to_dense())
    assert wanted.row_labels == tuple(ROWS)
    assert wanted.col_labels == tuple(COLS)
    same(SOLVERS[name](C, A[::-1], B[::-1]), wanted)
    same(SOLVERS[name](C, dict(A[::-1]), dict(B)), wanted)
    same(SOLVERS[name](C.loc[["z", "x", "y"]], A, B), wanted)
    same(SOLVERS[name](C[["q", "p"]], A, B[::-1]), wanted)


names = st.sampled_from(["text", "numbers", "filtered", "dates", "pairs"])


def an_index(kind, n):
    return {
        "text": pd.Index([f"name {k}" for k in range(n)]),
        "numbers": pd.RangeIndex(n),
        "filtered": pd.Index(3 * np.arange(n) + 2),
        "dates": pd.date_range("2020-02-27", periods=n),
        "pairs": pd.MultiIndex.from_product([["u"], range(n)]),
    }[kind]


@given(n=st.integers(2, 6), m=st.integers(2, 6), kinds=st.tuples(names, names), data=st.data())
def test_any_order_of_anything_with_names_is_the_same(n, m, kinds, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rows, cols = an_index(kinds[0], n), an_index(kinds[1], m)
    X = pd.DataFrame(rng.normal(size=(n, 2)), index=rows, columns=["lat", "lon"])
    Y = pd.DataFrame(rng.normal(size=(m, 2)), index=cols, columns=["lat", "lon"])
    a, b = pd.Series(rng.random(n), index=rows), pd.Series(rng.random(m), index=cols)
    cost = pd.DataFrame(quot.PointCost(X, Y).block(0, n), index=rows, columns=cols)

    def mixed(one):
        return one.iloc[data.draw(st.permutations(range(len(one))))]

    def solved(X, Y, a, b):
        return quot.solve_points(X, Y, a, b, reg=1.0, mass=0.5 * min(a.sum(), b.sum())).plan

    def on_matrix(cost, a, b):
        return quot.solve(cost, a, b, reg=1.0, mass=0.5 * min(a.sum(), b.sum())).plan

    def named(plan):  # a frame that only counts is answered in its own order
        lines = plan.to_frame()
        return {(r, c): v for r, c, v in lines.itertuples(index=False)}

    wanted = named(solved(X, Y, a, b))
    assert named(solved(X, Y, mixed(a), mixed(b))) == pytest.approx(wanted)
    flipped = mixed(Y)[["lon", "lat"]]
    assert named(solved(mixed(X), flipped, mixed(a), mixed(b))) == pytest.approx(wanted)
    assert named(on_matrix(mixed(cost), mixed(a), b)) == pytest.approx(wanted)
    assert named(on_matrix(mixed(cost.T).T, a, mixed(b))) == pytest.approx(wanted)
    x = pd.DataFrame(rng.random((n, 2)), index=rows)
    plan = solved(X, Y, a, b)
    np.testing.assert_array_equal(plan.push(mixed(x)), plan.push(x.to_numpy()))
    np.testing.assert_array_equal(plan.barycentric(mixed(Y)), plan.barycentric(Y.to_numpy()))


REFUSED = {
    "a name missing": (
        C, A[["x", "y"]], B,
        r"`a` has no entry for the row 'z' \(1 such\); give each of the rows one, or pass its "
        "values without names if they are in the order of the rows",
    ),
    "a name too many": (
        C, A, pd.concat([B, pd.Series({"r": 0.0})]),
        r"`b` has an entry for 'r' \(1 such\), which is none of the columns; leave it out",
    ),
    "a name twice": (
        C, pd.Series([0.2, 0.3, 0.5], index=["x", "y", "x"]), B,
        "`a` has the name 'x' more than once, so `a` cannot be matched with the rows",
    ),
    "a name of the cost twice": (
        C.set_axis(["x", "y", "y"]), A, B,
        "the rows have the name 'y' more than once, so `a` cannot be matched",
    ),
    "other names": (
        C, A.rename(str.upper), B, r"`a` has no entry for the row 'x' \(3 such\)",
    ),
    "a mapping of nothing": (
        C.to_numpy(), {"x": 0.2, "y": 0.3, "z": 0.5}, B,
        "`a` is a mapping of names, but the rows have none; pass an array, or name them",
    ),
    "a mapping that leaves out": (
        C, {"x": 1.0}, B, r"`a` has no entry for the row 'y' \(2 such\)",
    ),
    "numbers or names": (
        C.to_numpy(), A.set_axis([2, 0, 1]), B,
        r"the index of `a` is 0 to 2 in another order, and the rows have no names: pass "
        r"`a.sort_index\(\)` if it numbers them, or `a.to_numpy\(\)` if it is in their order",
    ),
    "numbers of floats": (C.to_numpy(), A.set_axis([2.0, 0.0, 1.0]), B, "in another order"),
    "masses filtered, points not": (
        C.reset_index(drop=True), A.set_axis([0, 2, 5]), B, "`a` has no entry for the row 1",
    ),
    "points filtered, masses not": (
        C.set_axis([0, 2, 5]), A.reset_index(drop=True), B, "`a` has no entry for the row 5",
    ),
    "too few, by place": (
        C, pd.Series([0.5, 0.5]), B, "`a` has 2 entries, but the cost has 3 rows",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case):
    *arguments, message = REFUSED[case]
    with pytest.raises(quot.InvalidProblemError, match=message):
        quot.Problem(*arguments)


def test_by_place_where_only_one_side_has_names():
    """A default index names nothing; an array has none; filtered masses name the rows."""
    for a in (A.to_numpy(), A.reset_index(drop=True), list(A), pl.Series(A.to_numpy())):
        assert quot.Problem(C, a, B).a.tolist() == A.tolist()
        assert quot.Problem(C, a, B).row_labels == tuple(ROWS)
    problem = quot.Problem(C.to_numpy(), A.set_axis([0, 2, 5]), B)
    assert problem.row_labels == (0, 2, 5)
    assert problem.col_labels == tuple(COLS)
    assert quot.Problem(C.reset_index(drop=True), A, B).row_labels == tuple(ROWS)
    assert quot.Problem(*PLAIN).row_labels is None


def test_rows_may_share_a_name_as_long_as_nothing_is_looked_up():
    twice = ["x", "y", "x"]
    plan = quot.solve(C.set_axis(twice), A.set_axis(twice), B).plan
    assert plan.row_labels == tuple(twice)
    np.testing.assert_array_equal(plan.to_dense(), quot.solve(*PLAIN).plan.to_dense())


def test_names_given_to_the_problem():
    problem = quot.Problem(*PLAIN, row_labels=ROWS, col_labels=pd.Index(COLS))
    assert (problem.row_labels, problem.col_labels) == (tuple(ROWS), tuple(COLS))
    assert quot.Problem(PLAIN[0], A[::-1], row_labels=ROWS).a.tolist() == A.tolist()
    with pytest.raises(quot.InvalidProblemError, match="`col_labels` has 3 names, but there are 2"):
        quot.Problem(*PLAIN, col_labels=ROWS)
    with pytest.raises(quot.InvalidProblemError, match="`row_labels` are not those that the cost"):
        quot.Problem(C, row_labels=["z", "y", "x"])


def test_coordinates_are_matched_by_their_names():
    X = pd.DataFrame({"lat": [0.0, 1.0], "lon": [5.0, 3.0]})
    Y = pd.DataFrame({"lon": [2.0, 7.0], "lat": [4.0, 1.0]})
    wanted = quot.PointCost(X.to_numpy(), Y[["lat", "lon"]].to_numpy()).block(0, 2)
    for convert in (lambda frame: frame, lambda frame: pl.DataFrame(dict(frame))):
        for one, other in ((X, convert(Y)), (convert(X), Y)):
            np.testing.assert_array_equal(quot.PointCost(one, other).block(0, 2), wanted)
        assert quot.PointCost(convert(X), Y.to_numpy()).Y[0, 0] == 2.0
        with pytest.raises(
            quot.InvalidProblemError,
            match="`X` has the columns 'lat', 'lon' and `Y` has 'x', 'y'; they must be the same",
        ):
            quot.PointCost(X, convert(Y.set_axis(["x", "y"], axis=1)))
    assert column_labels(pl.DataFrame(X.to_numpy())) == range(2)
    pa = pytest.importorskip("pyarrow")
    assert column_labels(pa.table({"lon": [1.0], "lat": [2.0]})) == ("lon", "lat")


def test_columns_of_costs_without_an_index():
    """Of polars and arrow; a Series went by place in silence."""
    pa = pytest.importorskip("pyarrow")
    wanted = quot.solve(C, A, B).value
    for costs in (pl.DataFrame(dict(C)), pa.table(dict(C))):
        found = quot.solve(costs, A.to_numpy(), B[::-1])
        assert found.value == wanted
        assert found.plan.col_labels == tuple(COLS)
        assert quot.solve(costs, A.to_numpy(), B.to_numpy()).value == wanted


def test_a_batch_of_masses_in_a_frame():
    """Lines are problems; a list of a frame would be the names of its columns."""
    masses = pd.DataFrame([[0.4, 0.6], [0.3, 0.7]], columns=COLS)
    results = quot.solve_batch([C, C], A, masses[["q", "p"]])
    assert results[1].plan.col_sums().tolist() == pytest.approx([0.3, 0.7])
    results = quot.solve_batch([C, C], [dict(A), A[::-1]], pl.DataFrame(masses.to_numpy()))
    assert results[1].plan.col_sums().tolist() == pytest.approx([0.3, 0.7])
    assert results[1].plan.row_sums().tolist() == pytest.approx(A.tolist())
    with pytest.raises(quot.InvalidProblemError, match="the index of `reg` is 0 to 1 in another"):
        quot.solve_batch([C, C], A, B, reg=pd.Series([0.0, 1.0], index=[1, 0]))


def test_perplexities_by_name():
    asked = pd.Series([1.5, 1.2, 1.1], index=ROWS)
    problem = quot.AdaptiveProblem(C, A, B, row_perplexity=asked[::-1])
    assert problem.row_perplexity.tolist() == asked.tolist()
    result = quot.solve_adaptive(C, A, B, perplexity=asked[::-1])
    assert (result.row_perplexity >= asked.to_numpy() - 1e-6).all()
    P = quot.adaptive.project_rows(C, A[::-1], asked[::-1])
    np.testing.assert_array_equal(P, quot.adaptive.project_rows(C.to_numpy(), PLAIN[1], [*asked]))


def test_affinities_by_name(rng):
    index = [f"cell {k}" for k in range(20)]
    X = pd.DataFrame(rng.normal(size=(20, 2)), index=index)
    asked = pd.Series(rng.uniform(2, 5, 20), index=index)
    found = quot.affinities(X, perplexity=asked[::-1])
    wanted = quot.affinities(X.to_numpy(), perplexity=asked.to_numpy())
    assert found.labels == tuple(index)
    assert wanted.labels is None
    assert (found.matrix != wanted.matrix).nnz == 0
    costs = pd.DataFrame(quot.PointCost(X, X).block(0, 20), index=index, columns=index)
    again = quot.affinities(costs[index[::-1]], perplexity=asked, metric="precomputed")
    assert again.labels == tuple(index)
    np.testing.assert_allclose(again.matrix.toarray(), wanted.matrix.toarray(), atol=1e-12)
    with pytest.raises(quot.InvalidProblemError, match=r"`X.columns` has no entry for the row"):
        quot.affinities(costs.rename(columns={"cell 3": "cell"}), metric="precomputed")


def test_to_frame():
    frame = quot.solve(C, A, B).plan.to_frame()
    assert list(frame.columns) == ["row", "column", "mass"]
    assert frame.pivot(index="row", columns="column", values="mass").loc["z", "q"] == 0.5
    plain = quot.solve(*PLAIN).plan.to_frame()
    assert plain["row"].dtype.kind + plain["column"].dtype.kind == "ii"
    dates = pd.date_range("2020-01-01", periods=3)
    assert quot.solve(C.set_axis(dates), A.to_numpy(), B).plan.to_frame()["row"].dt.day.max() == 3
    pairs = C.set_axis(pd.MultiIndex.from_tuples([("u", 1), ("u", 2), ("v", 1)]))
    assert quot.solve(pairs).plan.to_frame()["row"].iloc[-1] == ("v", 1)
    entropic = quot.solve_entropic(C, A, B, eps=0.2).plan
    assert by_name(entropic)["x", "p"] == pytest.approx(entropic.to_dense()[0, 0])
    with pytest.warns(quot.MassLostWarning):
        assert len(entropic.to_frame(0.1)) < 6


@pytest.mark.parametrize("kind", ["plan", "gibbs", "transposed"])
def test_operators_take_tables_by_name(kind):
    """`(plan * C).sum()` was another number where a table had its rows in another order."""
    plan = {
        "plan": lambda: quot.solve(C, A, B).plan,
        "gibbs": lambda: quot.solve_entropic(C, A, B, eps=0.2).plan,
        "transposed": lambda: quot.solve_entropic(C.T, B, A, eps=0.2).plan.T,
    }[kind]()
    P, costs = plan.to_dense(), C.to_numpy()
    shuffled = C.loc[["z", "x", "y"], ["q", "p"]]
    for op in (np.multiply, np.add, np.subtract, np.maximum):
        other = shuffled + 1.0
        for found, wanted in (
            (op(plan, other), op(P, costs + 1.0)), (op(other, plan), op(costs + 1.0, P)),
        ):  # fmt: skip
            found = found.toarray() if hasattr(found, "toarray") else found
            np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert (plan * shuffled).sum() == pytest.approx((P * costs).sum())
    np.testing.assert_allclose(plan + B[::-1], P + B.to_numpy())
    np.testing.assert_allclose(plan + shuffled[["q"]], P + costs[:, [1]])
    with pytest.raises(quot.InvalidProblemError, match="`other` has no entry for the row 'x'"):
        plan * shuffled.rename(index={"x": "w"})
    other = pl.DataFrame({name: C[name].to_numpy() for name in COLS[::-1]})  # no names of rows
    if kind != "transposed":
        assert (plan * other).sum() == pytest.approx((P * costs).sum())
    bare = plan.labelled()
    assert np.asarray(bare + shuffled.to_numpy()).tolist() == (P + shuffled.to_numpy()).tolist()
    np.testing.assert_allclose(plan.barycentric(B, X=A.to_dict()), plan.barycentric(B, X=A))


def test_a_plan_in_another_order_has_no_objective():
    r = quot.solve(C, A, B)
    table = pd.DataFrame(r.plan.to_dense(), ROWS, COLS)
    assert r.problem.objective(table) == r.value
    for judge in (r.problem.objective, lambda P: quot.certify(r.problem, P, r.f, r.g)):
        with pytest.raises(quot.InvalidProblemError, match="bring the plan in the same order"):
            judge(table[::-1])


def test_flows_take_values_of_edges_by_name():
    graph = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0], labels=ROWS)
    flow = quot.solve_graph(graph, {"x": 2.0}, {"y": 0.5, "z": 1.5}).plan
    tolls = pd.Series([7.0, 3.0], pd.MultiIndex.from_tuples([("y", "z"), ("x", "y")]))
    for found in (flow * tolls, tolls * flow, np.multiply(flow, tolls)):
        assert np.asarray(found).tolist() == [2.0 * 3.0, 1.5 * 7.0]
    assert (flow * pd.Series([3.0, 7.0])).tolist() == [6.0, 10.5]
    with pytest.raises(quot.InvalidProblemError, match="`other` has no entry for the edge"):
        flow * tolls.rename({"x": "w"})


def test_to_frame_of_a_path():
    path = quot.mass_path(quot.Problem(C), [0.5, 0.25])
    frame = path.to_frame()
    assert list(frame.columns) == [
        "mass", "reg", "cost", "value", "lam", "sparsity", "nnz", "converged",
    ]  # fmt: skip
    assert frame["mass"].tolist() == [0.5, 0.25]
    assert frame["nnz"].tolist() == [r.plan.nnz for r in path]
    assert frame["cost"].tolist() == path.costs.tolist()
    assert frame["converged"].all()


def test_to_frame_of_the_transpose():
    plan = quot.solve_entropic(C, A, B, eps=0.2).plan
    assert by_name(plan.T) == {(col, row): mass for (row, col), mass in by_name(plan).items()}
    renamed = plan.T.labelled(list("st"), ROWS)
    assert set(renamed.to_frame()["row"]) == {"s", "t"}
    given = pd.Series([1.0, 2.0, 3.0], ROWS)
    np.testing.assert_array_equal(renamed.pull(given[::-1]), plan.push(given.to_numpy()))
    with pytest.raises(quot.InvalidProblemError, match=r"`y` has shape .*has 3 columns"):
        plan.T @ np.ones(7)


def test_names_of_parts_and_of_the_transpose():
    for plan in (quot.solve(C, A, B).plan, quot.solve_entropic(C, A, B, eps=0.2).plan):
        assert (plan.T.row_labels, plan.T.col_labels) == (tuple(COLS), tuple(ROWS))
        np.testing.assert_array_equal(plan.T.pull(A[::-1]), plan.push(A))
        assert plan.labelled().row_labels is None
    plan = quot.solve(C, A, B).plan
    assert plan.kept(plan.values > 0.3).row_labels == tuple(ROWS)
    with pytest.raises(quot.InvalidProblemError, match=r"`y` has no entry for the column 'p'"):
        plan.pull(A)


def test_to_frame_without_pandas(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(quot.MissingDependencyError, match="`pandas` is not installed, and data fr"):
        quot.Plan.empty((2, 2)).to_frame()


def test_what_turns_into_pandas():
    """As a DataArray of xarray does: coordinates are names, and without them it counts."""

    class DataArray(SimpleNamespace):
        def __array__(self, dtype=None, copy=None):
            return self.table.to_numpy(dtype)

        def to_pandas(self):
            return self.table

    def array(table):
        return DataArray(table=table, coords={}, ndim=table.ndim)

    wanted = quot.solve(C, A, B).plan
    same(quot.solve(array(C[["q", "p"]]), array(A[::-1]), array(B)).plan, wanted)
    assert row_labels(array(C.reset_index())) == range(3)
    assert quot.PointCost(array(C), array(C)).row_labels == tuple(ROWS)


def test_saved_and_loaded(tmp_path):
    for result in (
        quot.solve(C, A, B.set_axis([4, 7]).to_numpy(), reg=0.1),
        quot.solve_entropic(C, A, B, eps=0.2),
        quot.solve_adaptive(C, A, B, perplexity=1.1),
        quot.solve_points(C, C, A, A),
    ):
        quot.save(result, tmp_path / "result.npz")
        again = quot.load(tmp_path / "result.npz")
        assert again.problem.row_labels == result.problem.row_labels == tuple(ROWS)
        assert again.plan.col_labels == result.plan.col_labels is not None
    numbered = quot.solve(C.set_axis([5, 2, 9]).to_numpy(), A.set_axis([5, 2, 9]), B)
    quot.save(numbered, tmp_path / "result.npz")
    assert quot.load(tmp_path / "result.npz").plan.row_labels == (5, 2, 9)
    dated = quot.solve(C.set_axis(pd.date_range("2020-01-01", periods=3)))
    with pytest.warns(quot.QuotWarning, match="`row_labels` are of type Timestamp, and only integ"):
        quot.save(dated, tmp_path / "result.npz")
    again = quot.load(tmp_path / "result.npz")
    assert again.problem.row_labels is None
    assert again.problem.col_labels == tuple(COLS)


def test_certificates_by_name():
    r = quot.solve(C, A, B, reg=0.5)
    f, g = pd.Series(r.f, ROWS)[::-1], pd.Series(r.g, COLS)[::-1]
    assert quot.certify(r.problem, r.plan, f, g).gap == r.certificate.gap
    table = r.plan.to_frame().pivot(index="row", columns="column", values="mass").fillna(0.0)
    assert quot.certify(r.problem, quot.Plan.from_dense(table[COLS]), f, g).gap == r.gap
    with pytest.raises(
        quot.InvalidProblemError,
        match=r"the rows of `plan` are 'z', 'y', 'x' and those of the problem 'x', 'y', 'z'; bring",
    ):
        quot.certify(r.problem, quot.Plan.from_dense(table[::-1]), f, g)
    streets = quot.Graph(2, [[0, 1]], [2.0], labels=["inn", "mill"])
    s = quot.solve_graph(streets, {"inn": 1.0}, {"mill": 1.0})
    f = pd.Series(s.f, ["inn", "mill"])[::-1]
    assert quot.certify(s.problem, s.plan, f, s.g).gap == s.gap


@pytest.mark.parametrize("formulation", ["E1", "E2", "E3"])
def test_names_of_partial_problems_with_empty_rows(formulation):
    a, b = A.copy(), B.copy()
    a["y"] = 0.0
    solved = [
        quot.solve_entropic(C, one, b, eps=0.3, mass=0.4, formulation=formulation)
        for one in (a, a[::-1])
    ]
    for result in (*solved, quot.solve(C, a[::-1], b, reg=0.1, mass=0.4)):
        assert result.plan.row_labels == result.problem.row_labels == tuple(ROWS)
        assert result.plan.row_sums()[1] == 0.0
    np.testing.assert_array_equal(solved[0].f, solved[1].f)


def test_names_outlive_copies():
    plan = quot.solve(C, A, B).plan
    for other in (pickle.loads(pickle.dumps(plan)), copy.deepcopy(plan)):
        assert other.row_labels == tuple(ROWS)
    problem = dataclasses.replace(quot.Problem(C, A, B, mass=0.3), reg=2.0)
    assert quot.solve_points(C, C).problem.row_labels == problem.row_labels == tuple(ROWS)
    cut = problem.taken(np.array([2, 0]), np.array([1]))
    assert (cut.shape, cut.row_labels) == ((2, 1), None)
    assert problem.joined(cut.cost, np.array([0, 1, 1]), np.array([0, 0])).row_labels is None
