"""One of each public noun, small."""

import numpy as np
import scipy.sparse as sp

import quot


def nouns():
    """One of each public noun, by name."""
    C = np.array([[0.0, 2.0], [2.0, 1.0]])
    problem = quot.Problem(C, reg=0.1, mass=0.7)
    result, entropic = quot.solve(C, reg=0.1, mass=0.7), quot.solve_entropic(C, eps=0.5)
    X = np.random.default_rng(0).normal(size=(20, 2))
    adaptive = quot.solve_adaptive(np.abs(np.subtract.outer(X[:, 0], X[:, 1])), perplexity=3)
    graph = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0], labels="abc")
    flow = quot.solve_graph(graph, {"a": 1.0}, {"c": 1.0}, reg=0.5)
    found = [
        problem, problem.cost, result, result.certificate, result.plan, result.history[0],
        result.tolerance, result.status, quot.estimate(problem), quot.solve,
        entropic.problem, entropic, entropic.plan, entropic.plan.T, adaptive.problem, adaptive,
        graph, flow.problem, flow, flow.plan, quot.mass_path(problem),
        quot.solve_batch([problem.cost.block(0, problem.shape[0])]),
        quot.PointCost(X, X), quot.affinities(X, perplexity=3),
        quot.Problem(sp.csr_array(C + 1)).cost, quot.InfeasibleError("no way"),
    ]  # fmt: skip
    return {f"{k}-{type(noun).__name__}": noun for k, noun in enumerate(found)}


NOUNS = nouns()
