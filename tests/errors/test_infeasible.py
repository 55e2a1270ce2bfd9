"""Sparse costs whose pairs cannot carry the mass: the error names rows that cannot ship."""

import numpy as np
import pytest
import scipy.sparse as sp

from quot import InfeasibleError, QuotError, solve

METHODS = ["auto", "newton", "interior_point"]


def cost(pairs, shape):
    rows, cols = np.array(pairs).reshape(-1, 2).T
    return sp.csr_array((np.ones(len(rows)), (rows, cols)), shape=shape)


CASES = {
    "an empty row": (cost([(0, 0), (0, 1), (2, 1)], (3, 2)), None, None, [1]),
    "two rows, one small column": (
        cost([(0, 0), (1, 0), (2, 0), (2, 1)], (3, 2)),
        [0.4, 0.4, 0.2],
        [0.5, 0.5],
        [0, 1],
    ),
    "a Hall violator in the middle": (
        cost([(i, j) for i in range(6) for j in range(6) if i not in (2, 4) or j == 3], (6, 6)),
        None,
        None,
        [2, 4],
    ),
    "no pair at all": (sp.csr_array((2, 2)), None, None, [0, 1]),
}


@pytest.mark.parametrize("reg", [0.0, 0.5])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("C", "a", "b", "rows"), CASES.values(), ids=CASES)
def test_balanced(C, a, b, rows, method, reg):
    with pytest.raises(InfeasibleError) as caught:
        solve(C, a, b, reg=reg, method=method)
    assert isinstance(caught.value, QuotError)
    assert not isinstance(caught.value, ValueError)
    text = str(caught.value)
    assert any(str(row) in text for row in rows), text
    assert "row" in text


@pytest.mark.parametrize("reg", [0.0, 0.5])
def test_partial_beyond_the_largest_flow(reg):
    """Rows 0 and 1 share column 0 of mass 0.5: at most 0.5 + 0.2 can move."""
    C = cost([(0, 0), (1, 0), (2, 1)], (3, 2))
    a, b = [0.4, 0.4, 0.2], [0.5, 0.5]
    with pytest.raises(InfeasibleError, match=r"0\.7"):
        solve(C, a, b, reg=reg, mass=0.75)
    assert solve(C, a, b, reg=reg, mass=0.7).converged
    assert solve(C, a, b, reg=reg, mass=0.65).converged


@pytest.mark.parametrize("reg", [0.0, 0.5])
def test_rows_without_mass_need_no_pair(reg):
    C = cost([(0, 0), (0, 1)], (2, 2))
    r = solve(C, [1.0, 0.0], [0.5, 0.5], reg=reg)
    assert r.converged
    assert r.plan.to_dense().tolist() == [[0.5, 0.5], [0.0, 0.0]]


def test_nothing_to_move_is_always_feasible():
    r = solve(sp.csr_array((2, 2)), mass=0.0)
    assert r.converged
    assert r.plan.nnz == 0
