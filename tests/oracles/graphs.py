"""Dense graph algebra: Laplacians, components, flows by quadratic programming."""

import numpy as np


def incidence(tail, head, n):
    """D (n, E): -1 at the tail, +1 at the head, 0 for a loop."""
    D = np.zeros((n, len(tail)))
    np.add.at(D, (tail, np.arange(len(tail))), -1.0)
    np.add.at(D, (head, np.arange(len(tail))), 1.0)
    return D


def laplacian(tail, head, conductance, n):
    """D diag(c) D'."""
    D = incidence(tail, head, n)
    return (D * conductance) @ D.T


def components(tail, head, n):
    """Members of each connected component, by repeated minimum of labels."""
    label = np.arange(n)
    while True:
        before = label.copy()
        for u, v in zip(tail, head, strict=True):
            label[u] = label[v] = min(label[u], label[v])
        if (label == before).all():
            return [np.flatnonzero(label == k) for k in np.unique(label)]


def random_tree(rng, n):
    """Each node but the first hangs from an earlier one; (tail, head, n)."""
    return np.array([rng.integers(v) for v in range(1, n)]), np.arange(1, n), n


def random_graph(rng, n, edges):
    """Edges between different nodes, repetitions allowed; (tail, head, n)."""
    tail = rng.integers(n, size=edges)
    head = (tail + rng.integers(1, n, size=edges)) % n
    return tail.astype(np.int32), head.astype(np.int32), n


def arc_flow(y, cost, weight, capacity, undirected):
    """Minimiser of phi(x) - y x for one arc of positive weight, straight from the definition."""
    if undirected:
        return np.sign(y) * min(max(abs(y) - cost, 0.0) / weight, capacity)
    return min(max(y - cost, 0.0) / weight, capacity)


def quadratic_flow(tail, head, cost, weight, capacity, supply, undirected):
    """Optimal flow and value by cvxpy and CLARABEL; None if there is no flow."""
    import cvxpy as cp

    x = cp.Variable(len(tail))
    undirected = np.asarray(undirected, bool)
    spent = cp.multiply(np.where(undirected, 0.0, cost), x) + cp.multiply(
        np.where(undirected, cost, 0.0), cp.abs(x)
    )
    constraints = [incidence(tail, head, len(supply)) @ x == supply]
    if (~undirected).any():
        constraints.append(x[np.flatnonzero(~undirected)] >= 0)
    finite = np.flatnonzero(np.isfinite(capacity))
    if finite.size:
        constraints.append(cp.abs(x[finite]) <= np.asarray(capacity)[finite])
    value = cp.sum(spent) + 0.5 * cp.sum(cp.multiply(weight, cp.square(x)))
    problem = cp.Problem(cp.Minimize(value), constraints)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    return (x.value, problem.value) if x.value is not None else (None, np.inf)


def transport(graph, source, target, reg, mass=None):
    """Optimal value of transport on a graph, by cvxpy and CLARABEL."""
    import cvxpy as cp

    D = incidence(graph.tail, graph.head, graph.n_nodes)
    w = cp.Variable(graph.n_edges)
    one_way, limited = np.flatnonzero(graph.directed), np.flatnonzero(np.isfinite(graph.capacity))
    spent = cp.multiply(np.where(graph.directed, graph.lengths, 0.0), w) + cp.multiply(
        np.where(graph.directed, 0.0, graph.lengths), cp.abs(w)
    )
    constraints = [w[one_way] >= 0] if one_way.size else []
    if limited.size:
        constraints.append(cp.abs(w[limited]) <= graph.capacity[limited])
    if mass is None:
        constraints.append(D @ w == np.subtract(target, source))
    else:
        sent, received = cp.Variable(graph.n_nodes), cp.Variable(graph.n_nodes)
        constraints += [D @ w == received - sent, sent >= 0, sent <= source, received >= 0]
        constraints += [received <= target, cp.sum(sent) == mass, cp.sum(received) == mass]
    value = cp.sum(spent) + 0.5 * cp.sum(cp.multiply(np.broadcast_to(reg, w.shape), cp.square(w)))
    problem = cp.Problem(cp.Minimize(value), constraints)
    return problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-11, tol_gap_rel=1e-10, tol_feas=1e-10)


def linear_transport(graph, source, target, mass=None):
    """Optimal value of transport on a graph without a quadratic term, by HiGHS; None if none."""
    from scipy.optimize import linprog

    D = incidence(graph.tail, graph.head, graph.n_nodes)
    there = [(0.0, None if np.isinf(k) else k) for k in graph.capacity]
    back = [(0.0, 0.0) if d else k for d, k in zip(graph.directed, there, strict=True)]
    cost, bounds = np.tile(graph.lengths, 2), there + back
    left, right = np.hstack((D, -D)), target - source
    if mass is not None:
        n = graph.n_nodes
        total = np.r_[np.zeros(2 * graph.n_edges), np.ones(n), np.zeros(n)]
        left = np.vstack((np.hstack((left, np.eye(n), -np.eye(n))), total))
        right = np.r_[np.zeros(n), mass]
        cost = np.r_[cost, np.zeros(2 * n)]
        bounds = bounds + [(0.0, m) for m in (*source, *target)]
    found = linprog(cost, A_eq=left, b_eq=right, bounds=bounds, method="highs")
    return found.fun if found.success else None
