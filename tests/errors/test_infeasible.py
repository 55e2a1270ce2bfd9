"""Sparse costs whose pairs cannot carry the mass: the error names rows that cannot ship."""

import numpy as np
import pytest
import scipy.sparse as sp

from quot import InfeasibleError, QuotError, solve

METHODS = ["auto", "newton"]


def cost(pairs, shape):
    rows, cols = np.array(pairs).reshape(-1, 2).T
    return sp.csr_array((np.ones(len(rows)), (rows, cols)), shape=shape)


CASES = {
    "an empty row": (
        cost([(0, 0), (0, 1), (2, 1)], (3, 2)),
        None,
        None,
        "row 1 must send 0.333333 in all, but the columns allowed to them take only 0.",
    ),
    "two rows, one small column": (
        cost([(0, 0), (1, 0), (2, 0), (2, 1)], (3, 2)),
        [0.4, 0.4, 0.2],
        [0.5, 0.5],
        "rows 0, 1 must send 0.8 in all, but the columns allowed to them take only 0.5.",
    ),
    "a Hall violator in the middle": (
        cost([(i, j) for i in range(6) for j in range(6) if i not in (2, 4) or j == 3], (6, 6)),
        None,
        None,
        "rows 2, 4 must send 0.333333 in all, but the columns allowed to them take only 0.166667.",
    ),
    "no pair at all": (
        sp.csr_array((2, 2)),
        None,
        None,
        "rows 0, 1 must send 1 in all, but the columns allowed to them take only 0.",
    ),
    "many rows": (
        cost([(i, 0) for i in range(9)], (9, 2)),
        None,
        None,
        "rows 0, 1, 2, 3, 4 and 4 others must send 1 in all",
    ),
}


@pytest.fixture
def no_work(monkeypatch):
    """No step of a solver is made."""
    monkeypatch.setattr("quot.quadratic.pair_model.Loop", lambda *_: pytest.fail("solved"))


@pytest.mark.parametrize("reg", [0.0, 0.5])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("C", "a", "b", "named"), CASES.values(), ids=CASES)
def test_balanced(C, a, b, named, method, reg, no_work):
    with pytest.raises(InfeasibleError) as caught:
        solve(C, a, b, reg=reg, method=method)
    assert isinstance(caught.value, QuotError)
    assert not isinstance(caught.value, ValueError)
    text = str(caught.value)
    assert text.startswith("the allowed pairs of `C` cannot carry the mass: " + named)
    assert text.endswith("Allow more pairs, or pass `mass` to move less.")


@pytest.mark.parametrize("reg", [0.0, 0.5])
def test_partial_beyond_the_largest_flow(reg):
    """Rows 0 and 1 share column 0 of mass 0.5: at most 0.5 + 0.2 can move."""
    C = cost([(0, 0), (1, 0), (2, 1)], (3, 2))
    a, b = [0.4, 0.4, 0.2], [0.5, 0.5]
    message = (
        r"the allowed pairs of `C` can carry at most 0\.7 of `mass=0\.75`: rows 0, 1 cannot send "
        r"more\. Allow more pairs, or lower `mass`\."
    )
    with pytest.raises(InfeasibleError, match=message):
        solve(C, a, b, reg=reg, mass=0.75)
    assert solve(C, a, b, reg=reg, mass=0.7).converged
    assert solve(C, a, b, reg=reg, mass=0.65).converged


@pytest.mark.parametrize("reg", [0.0, 0.5])
def test_rows_without_mass_need_no_pair(reg):
    C = cost([(0, 0), (0, 1)], (2, 2))
    r = solve(C, [1.0, 0.0], [0.5, 0.5], reg=reg)
    assert r.converged
    # The first row's entries are known up to the rounding of sums; the second row has none at all.
    np.testing.assert_allclose(r.plan.to_dense(), [[0.5, 0.5], [0.0, 0.0]], rtol=1e-15, atol=0)


def test_nothing_to_move_is_always_feasible():
    r = solve(sp.csr_array((2, 2)), mass=0.0)
    assert r.converged
    assert r.plan.nnz == 0


@pytest.mark.parametrize("share", [1e-9, 1e-12])
def test_a_hair_that_cannot_ship_is_refused(share):
    """Too little for the check at the door, which counts in parts of 10^9."""
    C = cost([(0, 0), (0, 1)], (2, 2))
    with pytest.raises(InfeasibleError, match=f"row 1 must send {share:g}"):
        solve(C, [1.0, share], [0.5, 0.5 + share])
