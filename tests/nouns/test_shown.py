"""What nouns say of themselves: one line, and a small table in a notebook."""

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.nouns.every import NOUNS

import quot

REPRS = {
    "Problem": "Problem(2 x 2, mass=0.7, reg=0.1)",
    "DenseCost": "DenseCost(2 x 2)",
    "SparseCost": "SparseCost(2 x 2, 4 pairs)",
    "PointCost": "PointCost(20 x 20, 2 axes, 'sqeuclidean')",
    "EntropicProblem": "EntropicProblem(2 x 2, total=1, eps=0.5)",
    "AdaptiveProblem": "AdaptiveProblem(20 x 20, total=1, regularizer=quadratic, row_perplexity=3)",
    "Graph": "Graph(3 nodes, 2 edges)",
    "GraphProblem": "GraphProblem(3 nodes, 2 edges, total=1, reg=0.5)",
    "Tolerance": "Tolerance(primal=1e-09, dual=1e-09, gap=1e-09)",
    "Transposed": "GibbsPlan(2 x 2, eps=0.5).T",
}


@pytest.mark.parametrize("noun", NOUNS.values(), ids=NOUNS.keys())
def test_a_noun_is_one_line(noun):
    assert "\n" not in repr(noun)
    assert "array(" not in repr(noun)
    assert len(repr(noun)) < 250
    assert repr(noun) == REPRS.get(type(noun).__name__, repr(noun))


def test_all_that_a_problem_is(rng):
    C, points = rng.random((3, 4)), quot.PointCost(np.eye(3), np.ones((4, 3)), "cosine")
    problem = quot.EntropicProblem(C, eps=0.1, mass=0.5, formulation="E3", corner=2.0)
    assert repr(problem) == "EntropicProblem(3 x 4, mass=0.5, eps=0.1, formulation=E3, corner=2)"
    both = quot.AdaptiveProblem(C, row_perplexity=1.5, col_perplexity=[1.0, 1.2, 2.0, 2.0])
    assert repr(both) == (
        "AdaptiveProblem(3 x 4, total=1, regularizer=quadratic, row_perplexity=1.5, "
        "col_perplexity=1 to 2)"
    )
    average = quot.AdaptiveProblem(C, row_perplexity=2, is_average=True, regularizer="entropic")
    assert repr(average).endswith("regularizer=entropic, row_perplexity=2 on average)")
    assert repr(points) == "PointCost(3 x 4, 3 axes, 'cosine')"
    graph = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 2.0])
    problem = quot.GraphProblem(graph, np.eye(3)[0], np.eye(3)[2], reg=[1.0, 2.0], mass=0.5)
    assert repr(problem) == "GraphProblem(3 nodes, 2 edges, mass=0.5, reg=1 to 2)"


def test_a_certificate_is_one_line():
    certificate = quot.solve(np.array([[0.0, 2.0], [2.0, 1.0]]), mass=0.7).certificate
    assert repr(certificate) == (
        "Certificate(0.2 <= optimal value <= 0.2, relative gap 0.0e+00, residual 0.0e+00, "
        "all 4 pairs)"
    )


class Table(HTMLParser):
    """The rows of a table, and every tag there is."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.cells, self.attributes = [], [], []
        self.feed(html)
        self.close()
        assert not self.tags

    def handle_starttag(self, tag, attrs):
        assert tag in {"table", "caption", "tr", "th", "td"}
        self.tags.append(tag)
        self.attributes += attrs
        if tag in {"th", "td", "caption"}:
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.tags.pop() == tag

    def handle_data(self, data):
        self.cells[-1] += data


def read(noun):
    table = Table(noun._repr_html_())
    assert {name for name, _ in table.attributes} <= {"style"}
    caption, *cells = table.cells
    assert caption == type(noun).__name__
    return dict(zip(cells[::2], cells[1::2], strict=True))


WITH_TABLES = {
    "Problem", "EntropicProblem", "AdaptiveProblem", "GraphProblem", "Result", "AdaptiveResult",
    "GraphResult", "Certificate", "Plan", "GibbsPlan", "Transposed", "Flow", "Path", "Graph",
    "Affinities", "PointCost", "Batch",
}  # fmt: skip


def test_tables_are_those_promised():
    have = {type(noun).__name__ for noun in NOUNS.values() if hasattr(noun, "_repr_html_")}
    assert have == WITH_TABLES


@pytest.mark.parametrize("name", sorted(WITH_TABLES))
def test_a_noun_is_a_small_table(name):
    for noun in NOUNS.values():
        if type(noun).__name__ == name:
            facts = read(noun)
            assert 2 <= len(facts) <= 14
            assert all(facts)
            assert all(facts.values())
            assert len(noun._repr_html_()) < 2500
            assert not re.search(r"array\(|http|src=|None|\bnan\b", noun._repr_html_())


def test_what_tables_say():
    C = np.array([[0.0, 2.0], [2.0, 1.0]])
    r = quot.solve(C, reg=0.5, mass=0.7)
    assert read(r.problem) == {
        "shape": "2 x 2",
        "cost": "DenseCost",
        "a": "total 1",
        "b": "total 1",
        "mass": "0.7",
        "reg": "0.5",
    }
    assert read(r.plan) == {
        "shape": "2 x 2",
        "entries": "2",
        "total": "0.7",
        "rows that send": "2 of 2",
        "columns that receive": "2 of 2",
    }
    told = read(r)
    assert told["status"] == "OPTIMAL"
    assert told["problem"] == repr(r.problem)
    assert float(told["value"]) == pytest.approx(r.value)
    assert told["mass moved"] == "0.7"
    stopped = dataclasses.replace(r, status=quot.Status.TIME_LIMIT)
    assert read(stopped)["status"] == (
        "TIME_LIMIT: time limit reached; raise `time_limit` or loosen `tol`"
    )
    assert read(r.certificate)["priced"] == "all 4 pairs"


def test_what_a_table_says_is_text():
    r = quot.solve(np.eye(2))
    for text in ("<script>alert(1)</script>", "a & b", '"><b>'):
        assert read(dataclasses.replace(r, method=text))["method"] == text


def test_pictures_and_maps_of_colours_are_one_line(rng):
    """The picture and its palettes were printed whole."""
    pytest.importorskip("PIL")
    from quot.applications.color import match_samples

    image = rng.integers(0, 256, (8, 6, 3)).astype(np.uint8)
    found, samples = quot.recolor(image, image[::-1], colors=5), match_samples(np.eye(4), np.eye(4))
    plan = r"Plan\(5 x 5, nnz=\d+, total=[\d.]+\), OPTIMAL\)"
    for noun, text in (
        (found, rf"Recoloring\(8 x 6 pixels, ColorMap\(5 upon 5 colours, lab, {plan}\)"),
        (found.map, rf"ColorMap\(5 upon 5 colours, lab, {plan}"),
        (found.source, r"Palette\(5 colours, lab\)"),
        (samples, r"SampleMap\(4 upon 4 samples, Plan\(4 x 4, .*OPTIMAL\)"),
    ):
        assert re.fullmatch(text, repr(noun))
    assert read(found)["pixels"] == "8 x 6"
    assert read(found.map)["source"] == "Palette(5 colours, lab)"
    assert read(samples)["status"] == "OPTIMAL"
