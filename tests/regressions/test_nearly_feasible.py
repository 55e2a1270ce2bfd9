"""Allowed pairs that lack a little more than rounding explains: refused, and not stalled."""

from functools import partial

import numpy as np
import pytest
import scipy.sparse as sp

import quot

ALLOWED = sp.csr_array(np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]))
A = np.array([0.3, 0.2, 0.5])


@pytest.mark.parametrize("lacking", [1e-6, 1e-10, 1e-12])
@pytest.mark.parametrize("mass", [None, 1.0])
@pytest.mark.parametrize("solve", [quot.solve, partial(quot.solve_entropic, eps=0.1)])
def test_what_cannot_be_carried_is_refused(lacking, mass, solve):
    b = np.array([0.5 - lacking, 0.25 + lacking, 0.25])
    named = "rows 0, 1 must send 0.5 in all" if mass is None else "rows 0, 1 cannot send more"
    if mass is not None:
        mass *= min(A.sum(), b.sum())
    with pytest.raises(quot.InfeasibleError, match=named):
        solve(ALLOWED, A, b, mass=mass, on_failure="ignore")


@pytest.mark.parametrize("off", [0.0, 1e-16, -1e-16])
def test_what_is_only_rounded_is_solved(off):
    b = np.array([0.5 + off, 0.25, 0.25 - off])
    assert quot.solve(ALLOWED, A, b).converged


@pytest.mark.parametrize("lacking", [1e-6, 3e-9, 1e-12])
@pytest.mark.parametrize("mass", [None, 1.0])
def test_capacities_that_lack_a_little_are_refused(lacking, mass):
    graph = quot.Graph(3, [[0, 1], [0, 2]], [1.0, 1.0], capacity=[0.75 - lacking, 1.0])
    with pytest.raises(quot.InfeasibleError, match="what is at node 0 cannot all leave"):
        quot.solve_graph(graph, [1.0, 0.0, 0.0], [0.0, 0.75, 0.25], mass=mass, on_failure="ignore")
    whole = quot.Graph(3, [[0, 1], [0, 2]], [1.0, 1.0], capacity=[0.75 - 1e-16, 1.0])
    assert quot.solve_graph(whole, [1.0, 0.0, 0.0], [0.0, 0.75, 0.25], mass=mass).converged
