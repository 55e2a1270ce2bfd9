"""Messages name what was passed: a column, an entry, an argument that the caller knows."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot import InvalidProblemError, solve, solve_points

C = np.random.default_rng(3).random((4, 5))
A, B = np.full(4, 0.25), np.full(5, 0.2)

COLUMNS = {
    "str": ["u", "v", "w"],
    "datetime64": np.array(["2020-01-01", "2020-01-02", "2020-01-03"], "M8[s]"),
    "object": [None, 2, Fraction(1, 2)],
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_the_column_of_a_frame_that_is_no_number(kind):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"p": [1.0, 2.0, 3.0], "when": COLUMNS[kind]})
    with pytest.raises(InvalidProblemError) as caught:
        solve_points(frame, frame)
    said = str(caught.value)
    assert said.startswith(f"`X` has the column 'when' of {frame['when'].dtype}, which is not real")
    with pytest.raises(InvalidProblemError, match=r"For points on a line pass `X\.to_frame\(\)`"):
        solve_points(frame["p"], frame)


def test_entries_of_a_sparse_cost_are_named_by_their_place():
    """It was the place among those that are stored."""
    costs = sp.csr_array(([1.0, 2.0, np.nan, np.inf], ([0, 1, 1, 2], [1, 0, 2, 2])), shape=(3, 3))
    text = r"^`C` must be finite; C\[1, 2\] is nan \(2 such entries\)\. Take them out: pairs that"
    with pytest.raises(InvalidProblemError, match=text):
        solve(costs)


def test_a_strength_that_nobody_passed_is_not_named():
    with pytest.raises(InvalidProblemError, match=r"^`accuracy=0\.1` is less than the rounding of"):
        quot.approximate_partial(C, 1e200 * A, 1e200 * B, accuracy=0.1)
    for on in ("source", "target", "both"):
        with pytest.raises(InvalidProblemError, match=r"^`perplexity` must be at least 1"):
            quot.solve_adaptive(C, perplexity=99.0, on=on)
    with pytest.raises(InvalidProblemError, match=r"^`perplexity` has 4 entries, but there are 5"):
        quot.solve_adaptive(C, perplexity=[2.0] * 4, on="target")


def test_names_that_look_the_same():
    """Of another type, or in another form of Unicode."""
    nx, pd = pytest.importorskip("networkx"), pytest.importorskip("pandas")
    graph = nx.Graph([("\u00e9", 7, {"length": 1.0})])
    twin = r"`source` names the node 'e\u0301', which the graph does not have \(there is '\\xe9'.*"
    with pytest.raises(InvalidProblemError, match=twin + r"this is 'e\\u0301' in Unicode\)\.$"):
        quot.solve_graph(graph, {"e\u0301": 1.0}, {7: 1.0})
    typed = r"names the node '7', .* \(there is 7 of type int, and this is of type str\)\.$"
    with pytest.raises(InvalidProblemError, match=typed):
        quot.solve_graph(graph, {"\u00e9": 1.0}, {"7": 1.0})
    costs = pd.DataFrame(np.eye(2), index=["\u00e9", "f"])
    text = r"^`a` has no entry for the row '\u00e9' .*there is 'e\\u0301', and this is '\\xe9' in"
    with pytest.raises(InvalidProblemError, match=text):
        solve(costs, {"e\u0301": 0.5, "f": 0.5})
