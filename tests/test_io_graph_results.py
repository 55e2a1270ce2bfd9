"""Results on graphs: every bit comes back, and what is damaged or not ours is refused."""

import os

import networkx as nx
import numpy as np
import pytest

import quot
from quot import InvalidProblemError, NumericalWarning, load, save


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def streets(labels=None, **options):
    grid = quot.graphs.grid((3, 4))
    return quot.Graph(12, grid.edges, np.arange(17) / 8 + 0.1, labels=labels, **options)


def masses():
    source, target = np.random.default_rng(0).random((2, 12))
    return source / source.sum(), target / target.sum()


ONE_WAY = np.arange(17) % 5 == 0
NARROW = np.where(np.arange(17) % 3 == 0, 0.5, np.inf)
RESULTS = {
    "balanced": lambda: quot.solve_graph(streets(), *masses(), reg=0.3),
    "linear": lambda: quot.solve_graph(streets(), *masses()),
    "partial": lambda: quot.solve_graph(streets(), *masses(), reg=0.3, mass=0.6),
    "no mass": lambda: quot.solve_graph(streets(), *masses(), mass=0.0),
    "reg of each": lambda: quot.solve_graph(streets(), *masses(), reg=np.arange(1, 18) / 9),
    "one way": lambda: quot.solve_graph(streets(directed=ONE_WAY), *masses(), reg=0.1, mass=0.2),
    "narrow": lambda: quot.solve_graph(streets(capacity=NARROW), *masses(), mass=0.4),
    "positions": lambda: quot.solve_graph(
        streets(positions=np.random.default_rng(1).random((12, 3))), *masses(), reg=1.0
    ),
    "text": lambda: quot.solve_graph(
        streets([f"Straße {k}, «{'x' * k}»" for k in range(12)]), *masses(), reg=1.0
    ),
    "integers": lambda: quot.solve_graph(streets(range(-(2**62), -(2**62) + 12)), *masses()),
    "no edges": lambda: quot.solve_graph(quot.Graph(2, [], []), [0.5, 0.5], [0.5, 0.5]),
    "unfinished": lambda: quot.solve_graph(
        streets(), *masses(), reg=1e-3, max_iter=1, on_failure="ignore"
    ),
    "football": lambda: quot.graphs.football(quot.GraphProblem(streets(), *masses(), 1.0)),
}


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS.keys())
def test_a_result_comes_back_bit_for_bit(make):
    r = make()
    save(r, "R.npz")
    back = load("R.npz")
    assert type(back) is quot.GraphResult
    one, other = r.problem.graph, back.problem.graph
    assert (one.n_nodes, one.labels) == (other.n_nodes, other.labels)
    assert (one.positions is None) == (other.positions is None)
    pairs = [(getattr(one, k), getattr(other, k)) for k in ("edges", "lengths", "directed")]
    pairs += [(one.capacity, other.capacity), (r.f, back.f), (r.g, back.g)]
    pairs += [(one.positions, other.positions)] if one.positions is not None else []
    pairs += [(getattr(r.problem, k), getattr(back.problem, k)) for k in ("source", "target")]
    pairs += [(getattr(r.plan, k), getattr(back.plan, k)) for k in ("values", "sent", "received")]
    for ours, theirs in [*pairs, (np.asarray(r.problem.reg), np.asarray(back.problem.reg))]:
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
        assert ours.tobytes() == theirs.tobytes()
    assert back.problem.mass == r.problem.mass
    for name in ("lam", "status", "tolerance", "history", "seconds", "method", "value", "cost"):
        assert getattr(back, name) == getattr(r, name), name
    for name in ("lower", "upper", "primal_residual", "scope", "pairs"):
        assert getattr(back.certificate, name) == getattr(r.certificate, name), name
    assert back.converged == r.converged


def test_a_loaded_result_starts_a_solve():
    save(quot.solve_graph(streets(), *masses(), reg=0.3), "R.npz")
    again = quot.solve_graph(streets(), *masses(), reg=0.3, start=load("R.npz"))
    assert again.converged
    assert len(again.history) == 1


@pytest.mark.parametrize(
    ("labels", "kinds"),
    [
        ([(k, k) for k in range(12)], "tuple"),
        ([*range(11), "x"], "int, str"),
        ([*range(11), 2**70], "int"),
        ([*"abcdefghijk", "l\0"], "str"),
        ([True, *range(2, 13)], "bool, int"),
    ],
)
def test_labels_that_cannot_be_saved(labels, kinds):
    r = quot.solve_graph(streets(labels), *masses(), reg=1.0)
    with pytest.raises(InvalidProblemError, match=f"labels of the graph are of type {kinds}, and"):
        save(r, "R.npz")
    assert os.listdir() == []


def test_networkx_and_back():
    graph = nx.path_graph(3)
    nx.set_edge_attributes(graph, 1.0, "length")
    save(quot.solve_graph(graph, {0: 1.0}, {2: 1.0}), "R.npz")
    assert load("R.npz").problem.graph.labels == (0, 1, 2)


DAMAGED = r"`R\.npz` is damaged: "
CHANGES = {
    "no edges": ({"edges": None}, DAMAGED + "no array 'edges'"),
    "edges of floats": ({"edges": np.zeros((17, 2))}, DAMAGED + "`edges` must be integers"),
    "nodes outside": ({"n_nodes": 5}, DAMAGED + r"`edges\[\d+\]` is"),
    "lengths": ({"lengths": np.ones(3)}, DAMAGED + "`lengths` has 3 entries"),
    "masses": ({"source": np.ones(3)}, DAMAGED + "`source` has 3 entries"),
    "unequal": ({"source": np.ones(12)}, DAMAGED + "`source` sums to 12"),
    "labels": ({"labels": np.arange(12.0)}, DAMAGED + "`labels` is float64"),
    "labels twice": (
        {"labels": np.zeros(12, int)},
        DAMAGED + "`labels` must be 12 different",
    ),
    "positions": ({"positions": np.ones((3, 2))}, DAMAGED + "`positions` has 3 rows"),
    "flow": ({"values": np.ones(3)}, DAMAGED + r"`values` is float64 of shape \(3,\), not \(17,\)"),
    "sent": ({"sent": np.ones(12, int)}, DAMAGED + "`sent` is int64 of shape"),
    "potentials": ({"f": np.ones(3)}, DAMAGED + r"`f` is float64 of shape \(3,\), not \(12,\)"),
    "reg": ({"strength": -1.0}, DAMAGED + "`reg` must not be negative"),
    "another kind": ({"problem": "quadratic"}, DAMAGED + "no array 'shape'"),
}


def change(**arrays):
    old = dict(np.load("R.npz")) | arrays
    np.savez("R.npz", **{k: v for k, v in old.items() if v is not None})


@pytest.mark.parametrize(("arrays", "text"), CHANGES.values(), ids=CHANGES.keys())
def test_a_damaged_result_is_refused(arrays, text):
    save(quot.solve_graph(streets(), *masses(), reg=0.3), "R.npz")
    change(**arrays)
    with pytest.raises(InvalidProblemError, match=text):
        load("R.npz")


@pytest.mark.parametrize("arrays", [{"values": np.zeros(17)}, {"f": np.zeros(12)},
                                    {"values": np.full(17, np.nan)}])  # fmt: skip
def test_a_result_that_lies_is_found_out(arrays):
    save(quot.solve_graph(streets(), *masses(), reg=0.3), "R.npz")
    change(**arrays)
    with pytest.warns(NumericalWarning, match=r"`R\.npz` claims an optimal plan, but its cert"):
        assert not load("R.npz").converged
