"""Small graph problems that once went wrong, against CLARABEL, HiGHS and closed forms."""

import numpy as np
import pytest
from tests.oracles import graphs as oracle

import quot
from quot.exceptions import InfeasibleError, NotConvergedWarning

ROUND = [[0, 1], [1, 2], [2, 0]]


def pays(**options):
    """A cycle that pays 1 a unit."""
    return quot.Graph(3, ROUND, [1.0, -3.0, 1.0], directed=True, **options)


# --- nothing to move ---------------------------------------------------------------------------


@pytest.mark.parametrize("masses", [([0.0] * 3, [0.0] * 3), ([1.0, 0, 0], [0, 0, 1.0])], ids=str)
@pytest.mark.parametrize("reg", [1.0, 1e-6, 1e6, [1.0, 0.0, 0.5], [0.0, 0.0, 1e-3]])
def test_no_mass_but_a_cycle_that_pays(reg, masses):
    """All edges of the cycle carry 1 / sum(reg)."""
    mass = 0.0 if any(masses[0]) else None
    r = quot.solve_graph(pays(), *masses, reg=reg, mass=mass)
    assert r.converged
    sum_of_reg = np.broadcast_to(reg, 3).sum()
    np.testing.assert_allclose(r.flow, 1.0 / sum_of_reg, rtol=1e-4)  # the root of the gap
    assert r.value == pytest.approx(-0.5 / sum_of_reg, rel=1e-9)
    assert not r.plan.sent.any()
    assert not r.plan.received.any()
    if sum_of_reg == 3.0:
        best = oracle.transport(pays(), *map(np.array, masses), reg, mass)
        assert r.value == pytest.approx(best, abs=1e-8)


@pytest.mark.parametrize("mass", [None, 0.0])
def test_no_mass_and_a_cycle_that_is_narrow_or_has_no_end(mass):
    nothing = np.zeros(3)
    r = quot.solve_graph(pays(capacity=[np.inf, 2.0, 5.0]), nothing, nothing, mass=mass)
    assert r.converged
    assert r.flow.tolist() == [2.0, 2.0, 2.0]
    for reg in (0.0, [0.0, 0.0, 0.0]):
        with pytest.raises(InfeasibleError, match="negative length and no capacity"):
            quot.solve_graph(pays(), nothing, nothing, reg=reg, mass=mass)


@pytest.mark.parametrize("mass", [None, 0.0])
@pytest.mark.parametrize("reg", [0.0, 1.0, [0.0, 1.0, 0.0]])
def test_no_mass_and_lengths_that_pay_but_no_cycle(reg, mass):
    graph = quot.Graph(3, [[0, 1], [1, 2], [0, 2]], [-1.0, -2.0, 1.0], directed=True)
    r = quot.solve_graph(graph, np.zeros(3), np.zeros(3), reg=reg, mass=mass)
    assert r.converged
    assert r.value == 0.0


@pytest.mark.parametrize("mass", [None, 0.0, 0.7])
@pytest.mark.parametrize("reg", [0.0, 1.0, [0.0, 1.0]])
def test_nothing_to_move(reg, mass):
    graph = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 0.0])
    same = np.zeros(3) if mass is None else np.array([0.2, 0.5, 0.3])
    r = quot.solve_graph(graph, same, same, reg=reg, mass=mass)
    assert r.converged
    assert r.value == 0.0
    assert not r.flow.any()


# --- edges from a node to itself -----------------------------------------------------------------


@pytest.mark.parametrize("mass", [None, 0.5])
@pytest.mark.parametrize("reg", [0.0, 1.0, [0.0, 1.0]])
def test_only_loops(reg, mass):
    graph = quot.Graph(2, [[0, 0], [1, 1]], [1.0, 0.0])
    r = quot.solve_graph(graph, [0.5, 0.5], [0.5, 0.5], reg=reg, mass=mass)
    assert r.converged
    assert not r.flow.any()


@pytest.mark.parametrize("mass", [None, 0.0, 0.5])
def test_loops_that_pay(mass):
    graph = quot.Graph(2, [[0, 0], [0, 1]], [-2.0, 1.0], directed=True)
    r = quot.solve_graph(graph, [1.0, 0.0], [0.0, 1.0], reg=[1e-6, 1.0], mass=mass)
    assert r.converged
    assert r.flow.tolist() == pytest.approx([2e6, 1.0 if mass is None else mass])
    with pytest.raises(InfeasibleError, match="negative length and no capacity"):
        quot.solve_graph(graph, [1.0, 0.0], [0.0, 1.0], reg=[0.0, 1.0], mass=mass)


# --- sizes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("reg", [0.0, 0.3, [0.3, 0.6]])
def test_very_little_of_the_mass(reg):
    """What is there, but will not move, does not say what is little."""
    graph = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0])
    r = quot.solve_graph(graph, [1.0, 0, 0], [0, 0, 1.0], reg=reg, mass=1e-12)
    assert r.converged
    np.testing.assert_allclose(r.flow, 1e-12, rtol=1e-9)
    assert r.certificate.relative_gap <= 1e-9


# --- limits ------------------------------------------------------------------------------------


def test_out_of_pivots():
    """As many as half the nodes for one step allowed."""
    graph = quot.graphs.knn(np.random.default_rng(0).random((200, 2)), 8, connect=True)
    source, target = np.random.default_rng(1).random((2, 200))
    target *= source.sum() / target.sum()
    with pytest.warns(NotConvergedWarning, match="raise `max_iter`"):
        r = quot.solve_graph(graph, source, target, max_iter=1)
    assert r.status is quot.Status.ITERATION_LIMIT
    assert 0 < r.history[-1].inner < 200
    assert r.certificate.primal_residual <= 1e-13
    assert quot.solve_graph(graph, source, target, max_iter=50).status is quot.Status.OPTIMAL


# --- partial -----------------------------------------------------------------------------------


@pytest.mark.parametrize("reg", [[1.0, 10.0], [1.0, 100.0], [0.0, 1e6], [0.0, 0.0]])
def test_mass_that_cannot_go_anywhere_is_in_nobodys_way(reg):
    """Node 2 has mass and node 3 wants some, but no edges; Newton went in circles."""
    graph = quot.Graph(4, [[1, 0], [1, 0]], [1.0, 3e-6], capacity=[4.0, 4.0])
    source, target = np.array([2.0, 0, 3.0, 0]), np.array([0, 1.0, 0, 5.0])
    r = quot.solve_graph(graph, source, target, reg=reg, mass=0.7, max_iter=60)
    assert r.converged
    assert r.plan.sent.tolist() == pytest.approx([0.7, 0, 0, 0])
    assert r.value == pytest.approx(oracle.transport(graph, source, target, reg, 0.7), abs=1e-8)


@pytest.mark.parametrize("reg", [0.0, 0.5, 1e6, [0.5, 0.0]])
@pytest.mark.parametrize("mass", [0.5, 2.0])
def test_lengths_that_pay_where_mass_could_stay(mass, reg):
    """Nodes 0 and 2 have mass and want some: all ways from one to itself cost nothing."""
    graph = quot.Graph(3, [[0, 1], [1, 2]], [-2.0, 1.0], directed=True)
    source, target = np.array([1.0, 0, 2.0]), np.array([1.0, 0.3, 1.0])
    r = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
    assert r.converged
    best = oracle.transport(graph, source, target, reg, mass)
    assert r.value == pytest.approx(best, abs=2e-8)


# --- near the linear problem -------------------------------------------------------------------


@pytest.mark.parametrize("mass", [None, 2e-8])
@pytest.mark.parametrize("reg", [1e-8, 1e-12, [1e-8, 0.0, 1e-9, 1e-8, 1e-8]])
def test_squares_below_round_off(reg, mass):
    """Masses of 1e-8 and a reg of 1e-8: to the lengths, what is paid for squares is 1e-16."""
    edges = [[0, 1], [1, 2], [0, 3], [3, 2], [0, 2]]
    graph = quot.Graph(4, edges, [1.0, 2.0, 1.0, 2.0, 4.0], directed=True)
    source, target = 1e-8 * np.array([3.0, 0, 0, 0]), 1e-8 * np.array([0, 1.0, 2.0, 0])
    r = quot.solve_graph(graph, source, target, reg=reg, mass=mass)
    assert r.converged
    assert r.cost == pytest.approx(7e-8 if mass is None else 4e-8, rel=1e-9)


def test_a_negative_length_without_a_quadratic_term_is_certified():
    """Its potentials are lowered along ways of negative length."""
    graph = quot.Graph(4, [[0, 1], [1, 2], [2, 3]], [1.0, -0.5, 2.0], directed=True)
    masses = np.eye(4)[0], np.eye(4)[3]
    problem = quot.GraphProblem(graph, *masses)
    flow = quot.Flow(graph, np.ones(3), *masses)
    p = np.array([0.0, 1.0, 0.6, 2.5])
    certificate = quot.certify(problem, flow, -p, p)
    assert certificate.upper == 2.5
    assert certificate.lower == pytest.approx(2.5)
    p[2] = 0.0  # as far as potentials go down only
    assert quot.certify(problem, flow, -p, p).lower == pytest.approx(2.0)
    around = quot.Graph(3, ROUND, [1.0, -3.0, 1.0], directed=True)
    nothing = np.zeros(3)
    problem = quot.GraphProblem(around, nothing, nothing)
    flow = quot.Flow(around, nothing, nothing, nothing)
    assert quot.certify(problem, flow, nothing, nothing).lower == -np.inf


# --- certificates ------------------------------------------------------------------------------


def test_dust_that_has_nowhere_to_go():
    """Within the tolerance for totals; node 2 has it, and no edges."""
    graph = quot.Graph(3, [[0, 1]], [2.0])
    source, target = np.array([1.0, 0, 2e-12]), np.array([0, 1.0 + 2e-12, 0])
    for reg in (0.0, 1.0):
        r = quot.solve_graph(graph, source, target, reg=reg)
        assert r.converged
        assert 0.0 < r.certificate.primal_residual <= 1e-11


def test_tiny_masses_are_certified_beside_large_ones():
    """The potentials of S and T are those that fit best, to the last digit."""
    graph = quot.Graph(4, [[1, 0], [1, 0]], [0.523, 0.178], directed=True)
    source, target = np.array([0, 4.0, 58.0, 0]), np.array([0.8, 0, 0, 1.9])
    r = quot.solve_graph(graph, source, target, mass=1e-13)
    assert r.converged
    assert r.certificate.lower == pytest.approx(0.178e-13, rel=1e-9)
    for off in (0.0, 1e-9, -1e-9):
        c = quot.certify(r.problem, r.plan, r.f - off, r.g, r.lam + 0.5 * off)
        assert c.lower == pytest.approx(0.178e-13, rel=1e-6)


def test_flows_a_little_beyond_their_limits_are_repaired():
    graph = quot.Graph(3, [[0, 1], [1, 2], [0, 2]], np.ones(3), directed=True, capacity=[2, 2, 1.0])
    source, target = np.array([2.0, 0, 0]), np.array([0, 0, 2.0])
    problem = quot.GraphProblem(graph, source, target, reg=1.0)
    for values in ([1.0, 1.0, 1.0 + 1e-9], [1.0 - 1e-9, 1.0, 1.0 + 1e-9], [0.5, 0.5, 1.5]):
        flow = quot.Flow(graph, np.array(values), source, target)
        c = quot.certify(problem, flow, np.zeros(3), np.zeros(3))
        assert c.upper == pytest.approx(4.5, rel=1e-8)


def test_what_a_loop_carries_is_no_round_off_of_its_node():
    graph = quot.Graph(2, [[0, 1], [1, 1]], [1.0, -1.0], directed=True, capacity=[np.inf, 1e17])
    flow = quot.Flow(graph, np.array([1.0, 1e17]), np.array([1.0, 0]), np.array([0, 1.0]))
    np.testing.assert_array_equal(flow.arriving(), [-1.0, 1.0])


def test_dust_on_edges_out_of_a_node_that_gets_none():
    """Two edges out of node 0 carry round-off, and no forest can put that right."""
    graph = quot.Graph(4, [[0, 1], [0, 2], [3, 1], [3, 2]], np.ones(4), directed=True)
    source, target = np.array([0, 0, 0, 1.0]), np.array([0, 0.5, 0.5, 0])
    flow = quot.Flow(graph, np.array([1e-13, 1e-13, 0.5, 0.5]), source, target)
    c = quot.certify(quot.GraphProblem(graph, source, target), flow, np.zeros(4), np.zeros(4))
    assert c.upper == pytest.approx(1.0)


def test_full_one_way_edges_against_the_slope():
    """Edges that pay are full where the potentials fall, too."""
    edges = [[1, 2], [3, 0], [0, 1], [2, 3], [0, 3]]
    graph = quot.Graph(4, edges, [0, 0, 1, -1, -2.0], directed=True, capacity=[2, 4, 2, 2, 1.0])
    r = quot.solve_graph(graph, [0.49999997, 0, 3e-8, 0], [0, 0.3, 0, 0.2])
    assert r.converged
