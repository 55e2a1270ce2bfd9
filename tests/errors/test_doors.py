"""What is no number, flag, list of names or table of numbers: one sentence at every door."""

import numpy as np
import pytest

import quot
from quot import InvalidProblemError, graphs, plot
from quot.applications.registration import register

rng = np.random.default_rng(7)
C, X = rng.random((4, 5)), rng.random((12, 2))
R = quot.solve(C, reg=0.1, mass=0.5)
GRAPH = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0], positions=X[:3])
G = quot.solve_graph(GRAPH, {0: 1.0}, {2: 1.0})
RAGGED = [[0.5, 1.0], [0.5]]
LARGE = np.arange(2000.0)

FLAGS = {
    "connect": lambda x: graphs.knn(X, 3, connect=x),
    "exactly": lambda x: graphs.near(X, 1, 3, exactly=x),
    "own": lambda x: graphs.partition(X, 1, 3, own=x),
    "count_self": lambda x: graphs.partition(X, 1, 3, count_self=x),
    "diagonals": lambda x: graphs.grid((2, 2), diagonals=x),
    "scale": lambda x: register(X, X, scale=x, n_starts=2),
    "diagonal": lambda x: quot.affinities(X, perplexity=3, diagonal=x),
    "values": lambda x: plot.plan(R, values=x),
    "legend": lambda x: plot.convergence(R, legend=x),
}


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_is_true_or_false(name):
    if name in {"values", "legend"}:
        pytest.importorskip("matplotlib")
    for flag in (True, np.False_, 1, 0):
        FLAGS[name](flag)
    for given, text in (
        ("no", "'no' of type str"), (None, "None of type NoneType"), (2, "2 of type int"),
        (0.0, "0.0 of type float"), (LARGE, "a ndarray"), ([True], r"\[True\] of type list"),
    ):  # fmt: skip
        with pytest.raises(
            InvalidProblemError, match=f"`{name}` must be True or False; got {text}"
        ):
            FLAGS[name](given)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("reg", lambda x: quot.solve_graph(GRAPH, {0: 1.0}, {2: 1.0}, reg=x)),
        ("reg", lambda x: quot.solve_batch([C, C], reg=x)),
        ("mass", lambda x: quot.solve_batch([C, C], mass=x)),
        ("perplexity", lambda x: quot.solve_adaptive(C, perplexity=x)),
        ("perplexity", lambda x: quot.affinities(X, perplexity=x)),
        ("X", lambda x: R.plan.barycentric(C[0], X=x)),
        ("shape", graphs.grid),
    ],
)
def test_ragged_lists(name, call):
    with pytest.raises(
        InvalidProblemError, match=rf"`{name}` cannot be read as an array.*equal row"
    ):
        call(RAGGED)


def test_an_integer_beyond_floats():
    for name in ("reg", "mass", "tol", "time_limit"):
        with pytest.raises(InvalidProblemError, match=f"`{name}`.* must be finite; got inf"):
            quot.solve(C, **{name: 10**400})


@pytest.mark.parametrize("side", ["row", "col"])
def test_a_perplexity_has_one_name(side):
    on = {"row": "source", "col": "target"}[side]
    for given in ([np.nan] * 5, np.ones((5, 1)), np.full(5, "a")):
        with pytest.raises(InvalidProblemError, match="`perplexity`") as found:
            quot.solve_adaptive(rng.random((5, 5)), perplexity=given, on=on)
        assert f"{side}_" not in str(found.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: quot.solve(C, method=x),
        lambda x: quot.solve(C, callback=x),
        lambda x: quot.affinities(X, diagonal=x),
        plot.path,
        lambda x: quot.Graph(2000, [[0, 1]], [1.0]).number(x),
    ],
    ids=["option", "callback", "flag", "path", "node"],
)
def test_a_message_shows_no_arrays(call):
    with pytest.raises(InvalidProblemError) as found:
        call(LARGE)
    assert "a ndarray" in str(found.value)
    assert "\n" not in str(found.value)


def test_what_is_no_list_of_names():
    graph = lambda x: quot.Graph(3, GRAPH.edges, GRAPH.lengths, labels=x)  # noqa: E731
    plan = lambda x: quot.Plan.empty((3, 3)).labelled(x)  # noqa: E731
    for call, name in ((graph, "`labels`"), (plan, "`row_labels`")):
        for given in (3, {"a", "b", "c"}, {0: "a", 1: "b", 2: "c"}, np.ones(()), [[1], [2], [3]]):
            with pytest.raises(InvalidProblemError, match=f"{name} must be a list of names.*; got"):
                call(given)
        for given in ("abc", ["a", "b", "c"], (k for k in "abc"), np.array(["a", "b", "c"])):
            assert call(given) is not None
    assert graph(np.array(["a", "b", "c"])).labels == ("a", "b", "c")
    assert type(graph(np.arange(3, 6)).labels[0]) is int
    days = np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[ns]")
    assert plan(days).row_labels == graph(days).labels == tuple(days)


def test_what_is_no_graph():
    nx = pytest.importorskip("networkx")
    for given in ("streets.graphml", None, np.ones(3)):
        with pytest.raises(InvalidProblemError, match=r"`graph` must be a quot\.Graph, a network"):
            graphs.connect(given)
        with pytest.raises(InvalidProblemError, match="`graph` must be a graph of networkx; got"):
            quot.Graph.from_networkx(given)
        with pytest.raises(
            InvalidProblemError, match=r"`problem` must be a quot\.GraphProblem; got"
        ):
            graphs.football(given)
    for given in ("streets.graphml", None, 3.0):
        with pytest.raises(InvalidProblemError, match=r"`lengths` (is|must have 2 axes)"):
            quot.Graph.from_sparse(given)
    assert graphs.connect(nx.path_graph(1)).n_nodes == 1
    for node in ([0], "mill", 7):
        with pytest.raises(InvalidProblemError, match="the graph has no node"):
            G.plan.between(node, 0)
    for call in (lambda x: graphs.knn(x, 2), lambda x: graphs.near(x, 1, 2), graphs.delaunay):
        with pytest.raises(InvalidProblemError, match=r"`X` is empty, of shape \(6, 0\)"):
            call(np.ones((6, 0)))
    for shape in (3, None, "ab", [[2, 2]]):
        with pytest.raises(
            InvalidProblemError, match="`shape` must be the number of nodes along ea"
        ):
            graphs.grid(shape)
    for seed in ("a", -1, 1.5, LARGE):
        with pytest.raises(
            InvalidProblemError, match="`random_state` must be an integer >= 0, a n"
        ):
            graphs.near(X, 1, 3, random_state=seed)


def test_what_is_no_axes():
    plt = pytest.importorskip("matplotlib.pyplot")
    path = quot.mass_path(quot.Problem(C), [0.5])
    drawn = {
        1: (plot.plan, R), 2: (plot.flow, G), 3: (plot.convergence, R), 4: (plot.path, path),
    }  # fmt: skip
    figure = plt.figure()
    for draw, noun in drawn.values():
        for ax, text in (
            ("a", "str"), (figure, "Figure"), ((figure, 1), "Figure"), (X, "ndarray"),
        ):  # fmt: skip
            with pytest.raises(InvalidProblemError, match=rf"`ax` must be axes.*got a {text}\."):
                draw(noun, ax)
    with pytest.raises(InvalidProblemError, match="`ax` has 2 axes; pass one"):
        plot.plan(R, figure.subplots(1, 2))
    plt.close(figure)
    for name in ("width", "size"):
        for given, text in (
            ("a", "must be a number"),
            (-1, "must be positive"),
            (np.nan, "finite"),
        ):
            with pytest.raises(InvalidProblemError, match=f"`{name}`.*{text}"):
                plot.flow(G, **{name: given})
    for call in (lambda x: plot.path(path, of=x), lambda x: plot.convergence(R, labels=x)):
        with pytest.raises(InvalidProblemError, match="must be a list of names"):
            call(3)


def test_tables_of_pandas_own_numbers():
    """Of type Int64 and Float64, and of Arrow; what is missing is NaN, and refused as that."""
    pd = pytest.importorskip("pandas")
    whole = np.arange(12.0).reshape(4, 3)
    wanted = quot.solve(whole, reg=0.1)
    points = quot.solve_points(whole, whole, reg=0.1)
    kinds = ["Int64", "Float64"]
    if hasattr(pd, "ArrowDtype"):
        pytest.importorskip("pyarrow")
        kinds += ["double[pyarrow]", "int64[pyarrow]"]
    for kind in kinds:
        table = pd.DataFrame(whole).astype(kind)
        assert quot.solve(table, reg=0.1).value == wanted.value
        assert quot.solve_points(table, table, reg=0.1).value == points.value
        a = pd.Series([1.0, 1.0, 2.0, 2.0]).astype(kind)
        assert quot.solve(whole, a, [2.0, 2.0, 2.0]).problem.a.tolist() == a.tolist()
        gap = table.mask(table == 4)
        for call, name in ((quot.solve, "C"), (lambda x: quot.PointCost(x, whole), "X")):
            with pytest.raises(
                InvalidProblemError, match=rf"`{name}` must be finite; {name}\[1, 1\]"
            ):
                call(gap)


def test_columns_that_are_no_numbers():
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame(np.ones((4, 3))).assign(name=list("abcd"))
    for call, name in (
        (quot.solve, "C"), (lambda x: quot.solve_points(x, x), "X"), (quot.Plan.from_dense, "P"),
        (lambda x: quot.affinities(x, perplexity=2), "X"),
    ):  # fmt: skip
        with pytest.raises(InvalidProblemError, match=f"`{name}` has the column 'name' of"):
            call(table)
    twice = pd.DataFrame([[1, "a"], [2, "b"]], columns=["x", "x"])
    with pytest.raises(InvalidProblemError, match="`X` has the column 'x' of"):
        quot.solve_points(twice, twice)
    pl = pytest.importorskip("polars")
    with pytest.raises(InvalidProblemError, match="`C` has the column 'name' of String"):
        quot.solve(pl.DataFrame({"x": [1.0, 2.0], "name": ["a", "b"]}))


def test_products_with_what_is_no_matrix():
    plan = R.plan
    P = plan.to_dense()
    assert ((plan * (1j * C)).toarray() == P * (1j * C)).all()
    pd = pytest.importorskip("pandas")
    for given, text in (
        (C.astype(str), "has dtype <U"), (C.astype(object), "dtype object"),
        (np.zeros((4, 5), "M8[D]"), "datetime64"), (np.ma.masked_array(C), "is a masked array"),
        (pd.DataFrame(C).assign(name="a"), "has the column 'name'"),
    ):  # fmt: skip
        for call in (lambda x: plan * x, lambda x: plan / x):
            with pytest.raises(InvalidProblemError, match=f"`other` .*{text}"):
                call(given)


@pytest.mark.parametrize("kind", ["plan", "gibbs", "transposed"])
def test_quantities_of_several_axes(kind):
    plan = {
        "plan": R.plan,
        "gibbs": quot.solve_entropic(C, eps=0.3).plan,
        "transposed": quot.solve_entropic(C.T.copy(), eps=0.3).plan.T,
    }[kind]
    P = plan.to_dense()
    x, y = rng.random((4, 2, 3)), rng.random((5, 2, 3))
    np.testing.assert_allclose(plan.push(x), np.tensordot(P.T, x, 1), rtol=1e-12)
    np.testing.assert_allclose(plan.pull(y), np.tensordot(P, y, 1), rtol=1e-12)
    means = plan.barycentric(y, X=np.zeros((4, 2, 3)))
    for k in range(3):
        np.testing.assert_allclose(means[:, :, k], plan.barycentric(y[:, :, k], X=0.0), rtol=1e-12)
    stack = rng.random((3, 5, 2))
    np.testing.assert_allclose(plan @ stack, P @ stack)
    np.testing.assert_allclose(stack.transpose(0, 2, 1) @ plan.T, stack.transpose(0, 2, 1) @ P.T)
    for axis in (1.0, "0", [0]):
        with pytest.raises(TypeError, match="integer"):
            plan.sum(axis)
    with pytest.raises(InvalidProblemError, match="`threshold` must be a number"):
        plan.sparsity_at("low")


def test_places_that_do_not_fit():
    """Places in one axis were spread over a square, where there were as many coordinates."""
    Y = rng.random((5, 4))
    for X in (np.ones(4), np.ones((4, 2)), np.ones((4, 0)), np.ones((4, 4, 1))):
        with pytest.raises(InvalidProblemError, match=r"`X` has shape .*places of shape \(4, 4\)"):
            R.plan.barycentric(Y, X=X)
    with pytest.raises(InvalidProblemError, match=r"`a` must have 1 axis"):
        R.plan.barycentric(Y, X=0.0, a=np.ones((4, 4)))
    assert R.plan.barycentric(Y, X=np.ones((4, 1))).shape == (4, 4)


def test_masses_in_a_row():
    sp = pytest.importorskip("scipy.sparse")
    even = np.ones(5) / 5
    for call in (
        lambda a: quot.solve(rng.random((5, 5)), a),
        lambda a: quot.solve_points(rng.random((5, 2)), rng.random((5, 2)), a),
    ):
        for given, text in (
            (even[None], r"`a` must have 1 axis, as \(n,\); got shape \(1, 5\)\. Pass `np\.ravel"),
            (sp.csr_array(even[None]), r"`a` is a sparse csr_array.*pass `a\.toarray\(\)\.ravel"),
        ):
            with pytest.raises(InvalidProblemError, match=text):
                call(given)


def test_options_and_files():
    for call in (
        lambda x: quot.solve_entropic(C, eps=0.3, method="sinkhorn", solver_options=x),
        lambda x: quot.solve(C, method="clarabel", solver_options=x),
        lambda x: quot.approximate_partial(C, mass=0.5, accuracy=0.1, solver_options=x),
    ):
        for given in (3, ["memory"], LARGE):
            with pytest.raises(
                InvalidProblemError, match="`solver_options` must be a mapping of na"
            ):
                call(given)
    with pytest.raises(InvalidProblemError, match="`method` must be one of"):
        quot.solve_entropic(C, eps=0.3, method=LARGE)
    for path in (None, 3, b"r.npz", LARGE):
        with pytest.raises(InvalidProblemError, match="`path` must be the name of a file"):
            quot.load(path)
        with pytest.raises(InvalidProblemError, match="`path` must be the name of a file"):
            quot.save(R, path)
    with pytest.raises(InvalidProblemError, match=r"got a str\. It comes first: `quot\.save\(resu"):
        quot.save("r.npz", R)
    with pytest.raises(InvalidProblemError, match=r"`reg` must be a number; got .* timedelta64"):
        quot.solve(C, reg=np.timedelta64(1, "s"))


def test_a_query_of_polars(recwarn):
    pl = pytest.importorskip("polars")
    for call, name in ((quot.solve, "C"), (lambda x: quot.solve_points(x, x), "X")):
        with pytest.raises(
            InvalidProblemError, match=rf"`{name}` is of type LazyFrame.*{name}\.coll"
        ):
            call(pl.DataFrame(C).lazy())
    assert not recwarn.list


def test_plans_and_flows_made_by_hand():
    """A plan with its entries in another order had none of them at their places."""
    plan = quot.Plan((2, 3), [1, 0, 0, 1], np.array([0, 2, 1, 0]), [0.5, 0.25, 1, 0.5])
    assert plan.to_dense().tolist() == [[0.0, 1.0, 0.25], [1.0, 0.0, 0.0]]
    assert (plan[1, 0], plan[0, 2], plan.nnz) == (1.0, 0.25, 3)
    assert (plan.rows.dtype, plan.values.dtype) == (np.int32, np.float64)
    assert quot.Plan((2, 3), [], [], []).nnz == 0
    for rows, cols, text in (
        ([0, 2], [0, 1], r"`rows` must be from 0 to 1, as `shape` has it; got 0 to 2"),
        ([0, 1], [-1, 1], r"`cols` must be from 0 to 2, .* got -1 to 1"),
        (
            [0],
            [0, 1],
            r"`rows` must be 2 integers, one for each of `values`; got int64 of shape \(1",
        ),
        ([0.0, 1.0], [0, 1], r"`rows` must be 2 integers.* got float64"),
        (["a", "b"], [0, 1], "`rows` has dtype <U1"),
    ):
        with pytest.raises(InvalidProblemError, match=text):
            quot.Plan((2, 3), rows, cols, [0.5, 0.5])
    flow = quot.Flow(GRAPH, [1, 1], [1, 0, 0], [0, 0, 1])
    assert flow.total == 1.0
    assert quot.certify(G.problem, flow, G.f, G.g, G.lam) == G.certificate
    for arguments, text in (
        ((None, [1, 1], [1, 0, 0], [0, 0, 1]), r"`graph` must be a quot\.Graph; got NoneType"),
        ((GRAPH, [1], [1, 0, 0], [0, 0, 1]), "`values` has 1 entries, but the graph has 2 edges"),
        ((GRAPH, [1, 1], [1, 0], [0, 0, 1]), "`sent` has 2 entries, but the graph has 3 nodes"),
    ):
        with pytest.raises(InvalidProblemError, match=text):
            quot.Flow(*arguments)
