"""A Series of masses was taken by place: flows on graphs, and plans, of other masses than given."""

import networkx as nx
import pandas as pd
import polars as pl

import quot


def test_a_series_keyed_by_nodes():
    """It cost nothing, as source and target were at the same first node; a mapping was right."""
    streets = nx.Graph()
    streets.add_edge("depot", "park", length=2.0)
    streets.add_edge("park", "school", length=1.0)
    streets.add_edge("depot", "school", length=4.0)
    source = pd.Series({"school": 5.0, "park": 0.0, "depot": 0.0})
    target = pd.Series({"depot": 5.0, "park": 0.0, "school": 0.0})
    for convert in (dict, lambda masses: masses):
        assert quot.solve_graph(streets, convert(source), convert(target)).cost == 15.0
    assert quot.solve_graph(streets, source, [5.0, 0.0, 0.0]).cost == 15.0
    assert quot.solve_graph(streets, source[:1], target[:1]).cost == 15.0
    by_place = pl.Series([0.0, 0.0, 5.0]), pd.Series([5.0, 0.0, 0.0])
    assert quot.solve_graph(streets, *by_place).cost == 15.0


def test_a_series_keyed_by_rows():
    costs = pd.DataFrame([[0.0, 9.0], [9.0, 0.0]], index=["x", "y"], columns=["p", "q"])
    a, b = pd.Series({"y": 0.7, "x": 0.3}), pd.Series({"p": 0.3, "q": 0.7})
    assert quot.solve(costs, a, b).cost == 0.0
    X = pd.DataFrame({"lat": [0.0, 1.0], "lon": [2.0, 3.0]})
    assert quot.solve_points(X, X[["lon", "lat"]]).cost == 0.0
