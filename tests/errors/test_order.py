"""Arguments in the order of other libraries, or for another function, are recognised."""

import re

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot.applications.registration import register
from quot.exceptions import InvalidProblemError

C, a, b = np.ones((3, 4)), np.full(3, 1 / 3), np.full(4, 0.25)
X, Y = np.ones((5, 2)), np.zeros((6, 2))
PROBLEM = quot.Problem(C)

MIXED_UP = {
    "masses first": (
        (a, b, C),
        r"^the cost comes first, then the masses: \(C, a, b\)\. Got `C` of shape \(3,\), `a` of "
        r"shape \(4,\), `b` of shape \(3, 4\)\.$",
    ),
    "masses first, sparse": ((a, b, sp.csr_array(C)), r"^the cost comes first.*shape \(3, 4\)"),
    "masses first, as lists": (
        (a.tolist(), b.tolist(), C.tolist()),
        r"^the cost comes first, then the masses",
    ),
    "masses first, a Cost": ((np.ones(5), np.ones(6), quot.PointCost(X, Y)), r"^the cost comes fi"),
    "cost in the middle": ((a, C, b), r"^the cost comes first.*`a` of shape \(3, 4\)"),
    "no cost": (
        (a, b),
        r"^`C` must have 2 axes, as \(n, m\); got shape \(3,\) and masses of shape \(4,\)\. The "
        r"cost comes first, then the masses: \(C, a, b\)\. For points on a line call "
        r"`quot\.solve_points\(x\[:, None\], y\[:, None\]\)`\.$",
    ),
    "masses swapped": (
        (C, b, a),
        r"^`a` has 4 entries and `b` has 3, and the cost is 3 x 4: `a` is of the rows, `b` of the "
        r"columns\. Swap them, or transpose the cost\.$",
    ),
    "masses swapped, points": ((quot.PointCost(X, Y), np.ones(6), np.ones(5)), "the cost is 5 x 6"),
    "points": (
        (X, Y),
        r"^`C` of shape \(5, 2\) and `a` of shape \(6, 2\) look like two sets of points; call "
        r"`quot\.solve_points\(X, Y\)`, or pass `quot\.PointCost\(X, Y\)` as the cost\.$",
    ),
    "strength in place of masses": (
        (C, 0.1),
        r"^`a` is 0\.1, and masses are arrays, one a row; what else there is goes by name, as in "
        r"`reg=0\.1`\.$",
    ),
    "strength for the second masses": (
        (C, a, np.float64(2)),
        r"^`b` is 2, and .* one a column",
    ),
    "columns of masses": (
        (C, a[:, None]),
        r"^`a` has shape \(3, 1\), and masses have one axis; pass `a\.ravel\(\)`\.$",
    ),
    "many problems": (
        (np.ones((7, 3, 4)), a, b),
        r"^`C` must have 2 axes, as \(n, m\); got shape \(7, 3, 4\)\. For many problems call "
        r"`quot\.solve_batch`\.$",
    ),
    "a problem": (
        (PROBLEM,),
        r"^`C` is a Problem and not a cost; pass what is in it, `problem\.cost, problem\.a, "
        r"problem\.b` and the rest by name\.$",
    ),
    # Not for us to explain: what was there before stays.
    "one axis": ((a,), r"^`C` must have 2 axes, as \(n, m\); got shape \(3,\)\.$"),
    "wrong masses": (
        (C, b),
        r"^`a` has 4 entries, but the cost has 3 rows; pass one mass a row\.$",
    ),
    "words": (("abc",), r"^`C` is text, 'abc' of type str; pass numbers, not the"),
    "ragged": ((C, [[1.0], [1.0, 2.0]]), r"^`a` cannot be read as an array"),
}


@pytest.mark.parametrize("name", MIXED_UP)
@pytest.mark.parametrize(
    "call",
    [
        quot.solve,
        quot.Problem,
        lambda *args: quot.solve_entropic(*args, eps=0.1),
        lambda *args: quot.solve_adaptive(*args, perplexity=2.0),
        lambda *args: quot.approximate_partial(*args, accuracy=0.1),
    ],
    ids=["solve", "Problem", "solve_entropic", "solve_adaptive", "approximate_partial"],
)
def test_arguments_in_another_order(call, name):
    args, message = MIXED_UP[name]
    with pytest.raises(InvalidProblemError, match=message):
        call(*args)


def test_a_matrix_of_costs_given_for_points():
    message = (
        r"^`X`, `Y` and `a` of shapes \(3, 4\), \(3,\) and \(4,\) look like a cost and its masses; "
        r"call `quot\.solve\(C, a, b\)`\.$"
    )
    with pytest.raises(InvalidProblemError, match=message):
        quot.solve_points(C, a, b)
    with pytest.raises(InvalidProblemError, match=r"^`a` is 0\.1, and masses are arrays"):
        quot.solve_points(X, Y, 0.1)
    with pytest.raises(InvalidProblemError, match=r"^`a` has 6 entries and `b` has 5"):
        quot.solve_points(X, Y, np.ones(6), np.ones(5))


@pytest.mark.parametrize("args", [(a, b, X, Y), (X, a, Y, b)])
def test_points_and_masses_in_another_order(args):
    with pytest.raises(InvalidProblemError, match=r"^the points come first.*Got `X` of shape \("):
        quot.solve_points(*args)


def test_one_column_of_a_frame_has_no_ravel():
    pd = pytest.importorskip("pandas")
    with pytest.raises(InvalidProblemError, match=r"one axis; pass `a\.squeeze\(\)`\.$"):
        quot.solve(C, pd.DataFrame({"mass": a}))


GRAPH = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0])


@pytest.mark.parametrize("graph", [GRAPH, sp.csr_array(np.eye(3))], ids=["Graph", "sparse"])
@pytest.mark.parametrize("order", [(1, 2, 0), (1, 0, 2)])
def test_masses_before_the_graph(graph, order):
    args = graph, np.eye(3)[0], np.eye(3)[2]
    given = [args[k] for k in order]
    message = (
        r"^the graph comes first, then the masses: \(graph, source, target\)\. Got "
        rf"{', '.join(type(x).__name__ for x in given)}\.$"
    )
    with pytest.raises(InvalidProblemError, match=message):
        quot.solve_graph(*given)


def test_a_dense_adjacency():
    message = (
        r"got ndarray\. A dense array does not tell an edge of length 0 from none; pass "
        r"`scipy\.sparse\.csr_array\(graph\)`\.$"
    )
    with pytest.raises(InvalidProblemError, match=message):
        quot.solve_graph(np.ones((3, 3)), np.eye(3)[0], np.eye(3)[2])
    for edges in (np.array([[0, 1], [1, 2], [0, 2]]), [[0], [1, 2]]):
        with pytest.raises(InvalidProblemError, match=rf"lengths; got {type(edges).__name__}\.$"):
            quot.solve_graph(edges, np.eye(3)[0], np.eye(3)[2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: quot.solve(C, a, b, 0.1),
            r"^`solve` takes 3 positional arguments, C, a, b in this order, and got 4, the last a "
            r"float; pass the others by name, as in `reg=\.\.\.`\.$",
        ),
        (lambda: quot.solve(a, b, C, 0.1), r"C, a, b in this order, and got 4"),
        (lambda: quot.solve_points(X, Y, None, None, 0.1), r"X, Y, a, b in this order, and got 5"),
        (lambda: quot.solve_entropic(C, a, b, 0.1), r"^`solve_entropic`.*as in `eps=\.\.\.`"),
        (lambda: quot.solve_adaptive(C, a, b, 3.0), r"as in `perplexity=\.\.\.`"),
        (lambda: quot.solve_batch([C], a, b, 0.1), r"Cs, a, b in this order, and got 4"),
        (lambda: quot.solve_graph(GRAPH, a, a, 0.1), r"graph, source, target in this order"),
        (lambda: quot.approximate_partial(C, a, b, 0.5, 0.1), r"C, a, b, mass .* `accuracy="),
    ],
)
def test_too_many_by_position(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(
    "call",
    [
        lambda: quot.mass_path(C),
        lambda: quot.reg_path(C, [1.0]),
        lambda: quot.estimate(C),
        lambda: quot.suggest_reg(C),
    ],
)
def test_a_cost_in_place_of_a_problem(call):
    message = (
        r"^`problem` must be a quot\.Problem; got ndarray\. Make one of a cost and masses, "
        r"`quot\.Problem\(C, a, b\)`\.$"
    )
    with pytest.raises(InvalidProblemError, match=message):
        call()


@pytest.mark.parametrize("wrong", ["M", "numItermax", "epsilon", "m"])
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda **o: quot.solve(C, **o), "solve"),
        (lambda **o: quot.solve_points(X, Y, **o), "solve_points"),
        (lambda **o: quot.solve_entropic(C, eps=1.0, **o), "solve_entropic"),
    ],
)
def test_keywords_of_others(call, name, wrong):
    with pytest.raises(TypeError, match=rf"^{name}\(\) got an unexpected keyword.*'{wrong}'"):
        call(**{wrong: 1})


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: quot.solve(C, epsilon=1.0), "keyword argument 'epsilon'; it takes C, a, b, reg, "),
        (lambda: quot.solve(C, Reg=1.0), "'Reg'; did you mean `reg`? It takes C, a, b, reg, "),
        (lambda: quot.solve_points(C, C, max_iters=3), "'max_iters'; did you mean `max_iter`?"),
        (lambda: quot.mass_path(PROBLEM, mass=[1.0]), "'mass'; did you mean `masses`?"),
        (lambda: quot.certify(PROBLEM, None, None, None, scop=1), "did you mean `scope`?"),
        (lambda: quot.affinities(C, perplexty=3), "did you mean `perplexity`?"),
        (lambda: register(C, C, starts=3), "register() got an unexpected keyword argument 'starts"),
        (lambda: quot.recolor(C, C, color=3), "did you mean `colors`? It takes source, reference,"),
        (lambda: quot.graphs.knn(C, 2, connected=True), "knn() got an unexpected keyword argument"),
        (lambda: quot.graphs.grid((2, 2), diagonal=True), "did you mean `diagonals`?"),
        (lambda: quot.plot.plan(C, cell=3), "did you mean `cells`? It takes plan, ax, values, thr"),
        (lambda: quot.plot.lines(C, X, Y), "takes 2 positional arguments, plan, ax in this order,"),
        (lambda: quot.plot.flow(C, position=X), "did you mean `positions`?"),
        (
            lambda: quot.mass_path(C, a, b),
            "`mass_path` takes 2 positional arguments, problem, masses in this order, and got 3, "
            "the last a ndarray; pass the others by name, as in `count=...`. Make a problem of a "
            "cost and masses, `quot.Problem(C, a, b)`.",
        ),
        (
            lambda: quot.estimate(C, a, b),
            "`estimate` takes 1 positional argument, problem, and got 3, the last a ndarray. Make",
        ),
    ],
)
def test_arguments_of_another_name(call, text):
    with pytest.raises(TypeError, match=re.escape(text)):
        call()
