"""Peers that find flows along the edges of a graph; balanced problems on undirected edges."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import Instance
from benchmarks.peers.base import Answer


def _as_program(solver: str):
    """Return the adapter that writes the problem in cvxpy as its definition is printed."""

    def adapter(case: Instance, settings: dict[str, Any]):
        import cvxpy as cp
        import numpy as np
        import scipy.sparse as sp

        graph, source, target, reg, _ = case.data()
        arcs = np.arange(graph.n_edges)
        signs = np.repeat((-1.0, 1.0), arcs.size)
        ends = np.concatenate((graph.tail, graph.head))
        D = sp.csr_array((signs, (ends, np.tile(arcs, 2))), shape=(graph.n_nodes, arcs.size))

        def call():
            w = cp.Variable(graph.n_edges)
            goal = graph.lengths @ cp.abs(w) + 0.5 * reg * cp.sum_squares(w)
            balance = D @ w == target - source
            model = cp.Problem(cp.Minimize(goal), [balance])
            model.solve(solver=solver, **settings)
            return model, w, balance

        def read(raw):
            model, w, balance = raw
            p = -balance.dual_value
            detail = {
                "compilation": float(model.compilation_time),
                "solver alone": float(model.solver_stats.solve_time),
            }
            return Answer(w.value, -p, p, 0.0, str(model.status), detail)

        return call, read

    return adapter


cvxpy_clarabel = _as_program("CLARABEL")
cvxpy_osqp = _as_program("OSQP")


def football(case: Instance, settings: dict[str, Any]):
    """Three least squares and what mends them, our own implementation."""
    import quot

    problem = case.problem()

    def call():
        return quot.graphs.football(problem, **settings)

    def read(r):
        return Answer(r.flow, r.f, r.g, r.lam, work={"as left": r.value})

    return call, read


def networkx_simplex(case: Instance, settings: dict[str, Any]):
    """`networkx.network_simplex`, in pure Python; reg = 0 and integers only."""
    import networkx as nx
    import numpy as np

    graph, supply, lengths = case.integers()
    there, back = (list(zip(*ends, strict=True)) for ends in _both_ways(graph))
    digraph = nx.DiGraph()
    digraph.add_nodes_from((v, {"demand": -s}) for v, s in enumerate(supply.tolist()))
    for (u, v), length in zip(there + back, lengths.tolist() * 2, strict=True):
        digraph.add_edge(u, v, weight=length)

    def call():
        return nx.network_simplex(digraph, **settings)

    def read(raw):
        cost, flow = raw
        plan = [flow[u][v] - flow[v][u] for u, v in there]
        return Answer(np.array(plan, dtype=np.float64), note=f"cost {cost}")

    return call, read


def ortools_flow(case: Instance, settings: dict[str, Any]):
    """`SimpleMinCostFlow` of OR-tools, cost scaling in C++; reg = 0 and integers only."""
    import numpy as np
    from ortools.graph.python.min_cost_flow import SimpleMinCostFlow

    graph, supply, lengths = case.integers()
    tail, head = np.concatenate([np.array(ends) for ends in _both_ways(graph)], axis=1)
    costs, most = np.tile(lengths, 2), np.full(tail.size, int(supply[supply > 0].sum()))
    nodes = np.arange(graph.n_nodes)

    def call():
        solver = SimpleMinCostFlow()
        arcs = solver.add_arcs_with_capacity_and_unit_cost(tail, head, most, costs)
        solver.set_nodes_supplies(nodes, supply)
        status = solver.solve()
        return solver, solver.flows(arcs), status

    def read(raw):
        solver, flow, status = raw
        if status != solver.OPTIMAL:
            raise RuntimeError(f"ended with status {status}")
        there, back = np.split(np.asarray(flow, dtype=np.float64), 2)
        return Answer(there - back, note=f"cost {solver.optimal_cost()}")

    return call, read


def _both_ways(graph: Any):
    """Tails and heads of the edges there, and back."""
    tail, head = graph.tail.tolist(), graph.head.tolist()
    return (tail, head), (head, tail)
