"""Every message about bad input: what is wrong, what was received, what to do."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot import InvalidProblemError, PointCost, Problem, QuotError, solve, solve_points
from quot.validation import (
    as_array,
    as_number,
    as_weights,
    check_callable,
    check_count,
    check_option,
    check_positive,
)

C = np.ones((2, 3))
NAN, INF = np.nan, np.inf

MASKED = np.ma.masked_array([0.5, 0.5], mask=[True, False])

BAD_PROBLEMS = {
    # the cost
    "cost with NaN": (
        {"C": [[1, NAN, 2]]},
        r"`C` must be finite; C\[0, 1\] is nan \(1 such entries\)\. Remove or replace them; to "
        r"forbid pairs leave them out of a scipy\.sparse cost\.",
    ),
    "cost with inf": ({"C": [[1, INF], [-INF, 2]]}, r"C\[0, 1\] is inf \(2 such entries\)"),
    "cost with one axis": (
        {"C": [1.0, 2.0]},
        r"`C` must have 2 axes, as \(n, m\); got shape \(2,\)\.",
    ),
    "cost with three axes": ({"C": np.ones((1, 2, 3))}, r"got shape \(1, 2, 3\)"),
    "cost that is a number": ({"C": 1.0}, r"`C` must have 2 axes, as \(n, m\); got shape \(\)"),
    "cost of no rows": (
        {"C": np.ones((0, 3))},
        r"`C` is empty, of shape \(0, 3\); pass at least one pair\.",
    ),
    "cost of no columns": ({"C": np.ones((2, 0))}, r"`C` is empty, of shape \(2, 0\)"),
    "sparse cost of no rows": ({"C": sp.csr_array((0, 3))}, r"`C` is empty, of shape \(0, 3\)"),
    "sparse cost with one axis": (
        {"C": sp.coo_array(np.ones(3))},
        r"`C` must have 2 axes, as \(n, m\); got shape \(3,\)",
    ),
    "sparse cost with NaN": ({"C": sp.csr_array([[1.0, NAN]])}, r"`C` must be finite; .* is nan"),
    "ragged cost": (
        {"C": [[1, 2], [3]]},
        r"`C` cannot be read as an array of numbers \(.*\); pass numbers in equal rows\.",
    ),
    "cost of strings": (
        {"C": [["1", "2"]]},
        r"`C` has dtype <U1, which is not real numbers; convert it to float64 "
        r"\(`np\.asarray\(C, dtype=float\)`\)\.",
    ),
    "complex cost": ({"C": np.ones((2, 3), complex)}, r"`C` has dtype complex128, which is not"),
    "cost of objects": ({"C": np.full((2, 3), Fraction(1, 2))}, r"`C` has dtype object"),
    "cost that is None": ({"C": None}, r"`C` is None; pass numbers\."),
    "cost of dates": ({"C": np.zeros((2, 3), "M8[s]")}, r"`C` has dtype datetime64\[s\]"),
    "complex sparse cost": ({"C": sp.csr_array(C.astype(complex))}, r"`C` has dtype complex128"),
    "masked cost": (
        {"C": np.ma.masked_array(C, mask=C > 0)},
        r"`C` is a masked array, and a mask would be lost; fill it first \(`C\.filled\(\.\.\.\)`\)",
    ),
    # the masses
    "negative mass in a": (
        {"a": [1.5, -0.5]},
        r"`a` must not be negative; a\[1\] is -0\.5\. Masses are >= 0\.",
    ),
    "negative mass in b": ({"b": [1, 1, -1e-300]}, r"`b` must not be negative; b\[2\] is -1e-300"),
    "too few masses in a": (
        {"a": [1.0]},
        r"`a` has 1 entries, but the cost has 2 rows; pass one mass a row\.",
    ),
    "too many masses in b": (
        {"b": [0.25] * 4},
        r"`b` has 4 entries, but the cost has 3 columns; pass one mass a column\.",
    ),
    "no masses": ({"a": []}, r"`a` has 0 entries, but the cost has 2 rows"),
    "NaN in a": (
        {"a": [NAN, 1]},
        r"`a` must be finite; a\[0\] is nan \(1 such entries\)\. Remove or replace them\.$",
    ),
    "inf in b": ({"b": [1, INF, INF]}, r"b\[1\] is inf \(2 such entries\)"),
    "masses with two axes": (
        {"a": [[0.5, 0.5]]},
        r"`a` must have 1 axis, as \(n,\); got shape \(1, 2\)\.",
    ),
    "masked masses": ({"a": MASKED}, r"`a` is a masked array"),
    "masses of strings": ({"a": ["x", "y"]}, r"`a` has dtype <U1"),
    "complex masses": ({"a": [0.5j, 0.5]}, r"`a` has dtype complex128"),
    "masses that sum to infinity": (
        {"C": np.ones((5, 3)), "a": [4e307] * 5},
        r"`a` sums to infinity; rescale the masses to a moderate total\.",
    ),
    "masses that overflow": (
        {"a": [1.7e308, 1.7e308]},
        r"`a` ranges from 1\.7e\+308 to 1\.7e\+308, and differences of such numbers overflow; "
        r"rescale it\.",
    ),
    "costs that overflow": (
        {"C": [[1.5e308, -1.5e308]]},
        r"`C` ranges from -1\.5e\+308 to 1\.5e\+308, and differences of such numbers overflow",
    ),
    # the totals and the mass
    "unequal totals": (
        {"a": [1.0, 1.0]},
        r"`a` sums to 2 and `b` to 1: a balanced problem needs equal totals\. Rescale one of them, "
        r"or pass `mass` to move only part, for example `mass=min\(a\.sum\(\), b\.sum\(\)\)`\.",
    ),
    "barely unequal totals": ({"a": [0.5, 0.5 + 1e-8]}, r"`a` sums to 1\.00000001 and `b` to 1"),
    "too much mass": (
        {"mass": 3},
        r"`mass=3` exceeds min\(a\.sum\(\), b\.sum\(\)\)=1; lower `mass` or rescale the masses\.",
    ),
    "a hair too much mass": (
        {"mass": 1 + 3e-12},
        r"`mass=1\.?0*3?` exceeds min\(a\.sum\(\), b\.sum\(\)\)=1; lower `mass` or rescale",
    ),
    "negative mass": ({"mass": -0.1}, r"`mass` must not be negative; got -0\.1\."),
    "mass that is NaN": ({"mass": NAN}, r"`mass` must be finite; got nan\."),
    "mass that is inf": ({"mass": INF}, r"`mass` must be finite; got inf\."),
    "mass that is text": ({"mass": "0.5"}, r"`mass` must be a number; got '0\.5' of type str\."),
    "mass that is an array": (
        {"mass": [0.5]},
        r"`mass` must be a number; got \[0\.5\] of type list",
    ),
    "mass that is a truth value": (
        {"mass": True},
        r"`mass` must be a number; got True of type bool",
    ),
    # the strength
    "negative reg": (
        {"reg": -1e-3},
        r"`reg` must not be negative; got -0\.001\. Use reg=0 for the unregularised problem\.",
    ),
    "reg that is NaN": ({"reg": NAN}, r"`reg` must be finite; got nan\."),
    "reg that is inf": ({"reg": INF}, r"`reg` must be finite; got inf\."),
    "reg that is None": ({"reg": None}, r"`reg` must be a number; got None of type NoneType\."),
    "complex reg": ({"reg": 1j}, r"`reg` must be a number; got 1j of type complex\."),
}


@pytest.fixture
def no_work(monkeypatch):
    """Bad input is refused before any solver is called."""
    for solver in (
        "plans.solve_plan",
        "plans.solve_reference",
        "entropic.solve_entropic_problem",
        "entropic.solve_entropic_reference",
    ):
        monkeypatch.setattr(f"quot.api.{solver}", lambda *_, **__: pytest.fail("solved"))


def test_no_work_would_be_noticed(no_work):
    with pytest.raises(pytest.fail.Exception, match="solved"):
        solve(C)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("door", [solve, Problem], ids=["solve", "Problem"])
@pytest.mark.parametrize(("bad", "message"), BAD_PROBLEMS.values(), ids=BAD_PROBLEMS)
def test_bad_problem(door, bad, message):
    arguments = {"C": C, "a": None, "b": None} | bad
    data = [arguments.pop(name) for name in ("C", "a", "b")]
    with pytest.raises(InvalidProblemError, match=message) as caught:
        door(*data, **arguments)
    assert isinstance(caught.value, (ValueError, QuotError))


BAD_OPTIONS = {
    "unknown method": (
        {"method": "sinkhorn"},
        r"`method` must be one of 'auto', 'newton', 'clarabel', 'scs'; got "
        r"'sinkhorn'\.",
    ),
    "method that is no text": (
        {"method": None},
        r"`method` must be one of .*; got None of type NoneType\.",
    ),
    "unknown answer to failure": (
        {"on_failure": "explode"},
        r"`on_failure` must be one of 'warn', 'raise', 'ignore'; got 'explode'\.",
    ),
    "no iteration allowed": ({"max_iter": 0}, r"`max_iter` must be at least 1; got 0\."),
    "negative iterations": ({"max_iter": -5}, r"`max_iter` must be at least 1; got -5\."),
    "half an iteration": (
        {"max_iter": 1.5},
        r"`max_iter` must be an integer; got 1\.5 of type float",
    ),
    "iterations that are a truth value": (
        {"max_iter": True},
        r"`max_iter` must be an integer; got True of type bool\.",
    ),
    "no time allowed": ({"time_limit": 0}, r"`time_limit` must be positive; got 0\."),
    "negative time": ({"time_limit": -1}, r"`time_limit` must be positive; got -1\."),
    "time that is NaN": ({"time_limit": NAN}, r"`time_limit` must be finite; got nan\."),
    "zero tolerance": ({"tol": 0}, r"`tol` must be positive; got 0\."),
    "negative tolerance": ({"tol": -1e-9}, r"`tol` must be positive; got -1e-09\."),
    "tolerance that is text": (
        {"tol": "small"},
        r"`tol` must be a number; got 'small' of type str",
    ),
    "options for nobody": (
        {"solver_options": {"max_iter": 3}},
        r"`solver_options` go to the solver of a reference method; got method='auto'\. Pass "
        r"method='clarabel' or 'scs', or leave them out\.",
    ),
    "callback that cannot be called": (
        {"callback": "report"},
        r"`callback` must be callable or None; got 'report' of type str\.",
    ),
}


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(("bad", "message"), BAD_OPTIONS.values(), ids=BAD_OPTIONS)
def test_bad_option(bad, message):
    with pytest.raises(InvalidProblemError, match=message):
        solve(C, **bad)
    with pytest.raises(InvalidProblemError, match=message):
        solve_points(np.zeros((2, 2)), np.ones((3, 2)), **bad)


@pytest.mark.parametrize("part", ["primal", "dual", "gap"])
def test_bad_part_of_a_tolerance(part):
    from quot import Tolerance

    with pytest.raises(InvalidProblemError, match=rf"`tol\.{part}` must be positive; got -1\."):
        Tolerance(**{part: -1})


@pytest.mark.parametrize("wrong", ["tolerance", "Reg", "eps", "iterations"])
@pytest.mark.parametrize("door", [lambda **o: solve(C, **o), lambda **o: solve_points(C, C, **o)])
def test_unknown_options_are_named(door, wrong):
    with pytest.raises(TypeError, match=rf"unexpected keyword argument '{wrong}'"):
        door(**{wrong: 1})


def test_options_are_keyword_only():
    with pytest.raises(TypeError, match="positional"):
        solve(C, None, None, 0.5)


def test_start_must_be_a_result_of_a_plan():
    flow = quot.solve_graph(quot.graphs.grid((1, 2)), [1.0, 0.0], [0.0, 1.0])
    with pytest.raises(InvalidProblemError, match=r"`start` .* got GraphResult\."):
        solve(C, start=flow)


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(("other", "name"), [("a string", "str"), (3, "int"), (C, "ndarray")])
def test_start_must_be_a_result(other, name):
    message = rf"`start` must be a Result of an earlier solve; got {name}\."
    with pytest.raises(InvalidProblemError, match=message):
        solve(C, start=other)


def test_start_must_have_the_shape():
    start = solve(np.ones((3, 3)))
    message = (
        r"`start` is a result of shape \(3, 3\), but the problem has shape \(2, 3\); pass a result "
        r"of the same shape\."
    )
    with pytest.raises(InvalidProblemError, match=message):
        solve(C, start=start)


BAD_POINTS = {
    "unequal dimensions": (
        {"X": np.ones((2, 3)), "Y": np.ones((4, 2))},
        r"`X` has 3 columns and `Y` has 2; points need one dimension\.",
    ),
    "no points": ({"Y": np.ones((0, 2))}, r"`Y` is empty, of shape \(0, 2\); pass at least one"),
    "points without coordinates": ({"X": np.ones((4, 0))}, r"`X` is empty, of shape \(4, 0\)"),
    "points in one axis": ({"X": [1.0, 2.0]}, r"`X` must have 2 axes.*; got shape \(2,\)"),
    "NaN among the points": ({"X": [[0.0, NAN]]}, r"`X` must be finite; X\[0, 1\] is nan"),
    "unknown metric": (
        {"metric": "manhattan"},
        r"`metric` must be one of 'sqeuclidean', 'euclidean', 'cityblock', 'cosine'; got "
        r"'manhattan'\.",
    ),
    "metric that is a function": ({"metric": min}, r"`metric` must be one of"),
    "zero under cosine": (
        {"X": [[1.0, 0.0], [0.0, 0.0]], "metric": "cosine"},
        r"X\[1\] is zero \(1 such points\) and has no direction; metric=\"cosine\" needs points "
        r"other than zero\.",
    ),
    "distances that overflow": (
        {"X": [[1e200, 0.0]]},
        r"distances between `X` and `Y` overflow with metric='sqeuclidean'; rescale them\.",
    ),
}


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("door", [solve_points, PointCost], ids=["solve_points", "PointCost"])
@pytest.mark.parametrize(("bad", "message"), BAD_POINTS.values(), ids=BAD_POINTS)
def test_bad_points(door, bad, message):
    arguments = {"X": np.ones((2, 2)), "Y": np.ones((3, 2))} | bad
    with pytest.raises(InvalidProblemError, match=message):
        door(arguments.pop("X"), arguments.pop("Y"), **arguments)


def test_barycentric_with_masses_needs_the_points():
    plan = solve(C).plan
    with pytest.raises(TypeError, match=r"barycentric\(a=\.\.\.\) needs `X`"):
        plan.barycentric(np.ones((3, 2)), a=np.full(2, 0.5))


GOOD_NUMBERS = [1, 1.0, np.float32(1), np.int8(1), np.array(1.0), Fraction(1, 1)]


@pytest.mark.parametrize("number", GOOD_NUMBERS, ids=lambda x: type(x).__name__)
def test_any_real_scalar_is_a_number(number):
    assert as_number(number, "x") == 1.0
    assert type(as_number(number, "x")) is float
    assert check_positive(number, "x") == 1.0


def test_accepted_input_is_left_alone_and_shared_only_when_it_may_be():
    held = np.ones((2, 3))
    assert as_array(held, "C", 2) is held
    weights = np.full(2, 0.5)
    assert not np.shares_memory(as_weights(weights, "a", 2), weights)
    assert as_weights(None, "a", 4).tolist() == [0.25] * 4
    frozen = np.ones((2, 3))
    frozen.flags.writeable = False
    assert as_array(frozen, "C", 2).flags.writeable
    assert as_array(np.asfortranarray(np.ones((3, 2))), "C", 2).flags.c_contiguous
    assert as_array([[True, False]], "C", 2).tolist() == [[1.0, 0.0]]


def test_long_doubles_that_do_not_fit_are_refused():
    if np.finfo(np.longdouble).max == np.finfo(np.float64).max:
        pytest.skip("long double is double here")
    with pytest.raises(InvalidProblemError, match=r"`C` must be finite; C\[0, 0\] is inf"):
        as_array(np.array([[np.longdouble("1e400")]]), "C", 2)


def test_small_checks_pass_what_is_good():
    assert check_option("b", "x", ("a", "b")) == "b"
    assert check_count(np.int16(3), "x") == 3
    assert check_callable(None, "x") is None
    assert check_callable(len, "x") is len


def test_round_off_in_the_mass_is_clipped():
    problem = Problem(C, mass=1 + 1e-13)
    assert problem.mass == min(problem.a.sum(), problem.b.sum())
    assert Problem(C, mass=0).mass == 0.0


def test_problem_is_frozen():
    problem = Problem(C)
    with pytest.raises(AttributeError):
        problem.reg = 1.0
