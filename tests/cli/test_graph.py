"""``quot graph``: a table of streets and one of stations in, flows, balances and pictures out."""

import csv
import json
import os
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import quot
from quot.cli import common, graph
from quot.io.tables import write_table


@pytest.fixture(autouse=True)
def city(tmp_path, monkeypatch):
    """A 4 x 5 grid of streets, some narrow or one way, its stations, and both as GraphML."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    grid = quot.graphs.grid((4, 5))
    names = [f"s{k}" for k in range(20)]
    lengths = rng.integers(1, 9, grid.n_edges).astype(float)
    one_way = (rng.random(grid.n_edges) < 0.1).astype(int)
    lanes = np.where(rng.random(grid.n_edges) < 0.3, 0.5, np.inf)
    bikes, wanted = rng.integers(0, 5, (2, 20)).astype(float)
    ends = [[names[v] for v in end] for end in grid.edges.T]
    streets = {"from": ends[0], "to": ends[1], "length": lengths, "reg": lengths / 10}
    write_table(streets | {"oneway": one_way, "lanes": lanes}, "streets.csv")
    stations = {"station": names, "bikes": bikes, "wanted": wanted}
    xy = dict(zip("xy", grid.positions.T, strict=True))
    write_table(stations | xy, "stations.csv")
    write_table(stations, "nowhere.csv")
    write_table(streets, "streets.parquet")
    drawn = nx.Graph()
    for k, name in enumerate(names):
        drawn.add_node(name, bikes=bikes[k], wanted=wanted[k], x=xy["x"][k], y=xy["y"][k])
    drawn.add_edges_from((u, v, {"length": k}) for u, v, k in zip(*ends, lengths, strict=True))
    nx.write_graphml(drawn, "city.graphml")
    return quot.Graph(20, grid.edges, lengths, one_way.astype(bool), lanes), bikes, wanted


MASSES = ("--source", "bikes", "--target", "wanted")
CITY = ("graph", "streets.csv", "--nodes", "stations.csv", *MASSES)
NARROW = ("--one-way", "oneway", "--capacity", "lanes")


def test_a_table_of_what_there_is_to_know(said, city):
    code, out, err = said(*CITY, *NARROW, "--mass", 30, "--reg", 0.5)
    assert (code, err) == (0, "")
    table = {line[:16].strip(): line[16:].strip() for line in out.splitlines()}
    r = quot.solve_graph(*city, reg=0.5, mass=30)
    one_way, lanes = city[0].directed.sum(), np.isfinite(city[0].capacity).sum()
    in_place = np.minimum(r.plan.sent, r.plan.received).sum()
    full = (np.abs(r.flow) == city[0].capacity).sum()
    assert full > 0
    assert table["nodes"] == "20"
    assert table["edges"] == f"31, {one_way} one way, {lanes} with a capacity"
    assert table["components"] == "1"
    assert table["value"] == f"{r.value:.12g}"
    assert table["cost"] == f"{r.cost:.12g}"
    assert table["mass moved"] == f"30, of {city[1].sum():g} there and {city[2].sum():g} wanted"
    assert table["stays in place"] == f"{in_place:.12g} of it, wanted where it is"
    assert table["edges used"] == f"{r.plan.nnz}, {full} of them full"
    assert table["flow"].startswith(f"{np.abs(r.flow).sum():.12g} over all edges, at most ")
    assert table["edges priced"] == "31 (all)"
    assert table["status"].startswith("OPTIMAL, ")


def test_json(told, city):
    code, facts = told(*CITY, *NARROW, "--mass-fraction", 0.5, "--reg", 0.5)
    least = min(city[1].sum(), city[2].sum())
    r = quot.solve_graph(*city, reg=0.5, mass=least / 2)
    assert code == 0
    assert (facts["nodes"], facts["edges"], facts["components"]) == (20, 31, 1)
    assert facts["columns"]["edges"] == ["from", "to", "length", "lanes", "oneway"]
    assert facts["columns"]["nodes"] == ["station", "bikes", "wanted", "x", "y"]
    assert (facts["reg"], facts["mass"], facts["mass_moved"]) == (0.5, least / 2, r.plan.total)
    assert (facts["source"], facts["target"]) == (city[1].sum(), city[2].sum())
    assert (facts["value"], facts["cost"], facts["edges_used"]) == (r.value, r.cost, r.plan.nnz)
    assert facts["flow"] == np.abs(r.flow).sum()
    for name in ("lower", "upper", "gap", "relative_gap", "primal_residual", "scope"):
        assert facts[name] == getattr(r.certificate, name)
    assert (facts["status"], facts["converged"]) == ("OPTIMAL", True)
    assert {facts[k] for k in ("flows", "balance", "picture", "result")} == {None}


def all_that_can(city):
    return min(city[1].sum(), city[2].sum())


def test_against_the_network_simplex_of_networkx(told, city):
    """Streets for both ways; what is more than wanted goes to a place that takes it for nothing."""
    code, facts = told(*CITY, "--mass", all_that_can(city))
    one, bikes, wanted = city
    net = nx.DiGraph()
    for (u, v), length in zip(one.edges.tolist(), one.lengths.astype(int).tolist(), strict=True):
        net.add_edge(u, v, weight=length)
        net.add_edge(v, u, weight=length)
    for v in range(20):
        net.nodes[v]["demand"] = int(wanted[v] - bikes[v])
    more = int(bikes.sum() - wanted.sum())
    net.add_node("rest", demand=more)
    for v in range(20):  # free to leave where there is too much, free to miss where too little
        edge = (v, "rest") if more > 0 else ("rest", v)
        most = int(bikes[v] if more > 0 else wanted[v])
        net.add_edge(*edge, weight=0, capacity=most)
    assert more != 0
    assert code == 0
    assert facts["cost"] == pytest.approx(nx.min_cost_flow_cost(net), rel=1e-12)


@pytest.mark.parametrize(
    ("argv", "options"),
    [
        (["streets.parquet", "--nodes", "stations.csv"], {}),
        (["city.graphml"], {}),
        (["city.graphml", "--nodes", "nowhere.csv", "--node", "station"], {}),
        (["streets.csv", "--nodes", "stations.csv", "--ends", "to", "from"], {}),
        (["streets.csv", "--nodes", "stations.csv", "--reg", "reg"], {"reg": "edges"}),
        (["streets.csv", "--nodes", "stations.csv", "--length", "reg"], {"lengths": 0.1}),
    ],
)
def test_files_of_every_kind(told, city, argv, options):
    mass = all_that_can(city) - 1
    code, facts = told("graph", *argv, *MASSES, "--mass", mass)
    lengths = city[0].lengths
    both = quot.Graph(20, city[0].edges, lengths * options.get("lengths", 1.0))
    reg = lengths / 10 if options.get("reg") else 0.0
    r = quot.solve_graph(both, *city[1:], mass=mass, reg=reg)
    assert code == 0
    assert facts["value"] == pytest.approx(r.value, rel=1e-9)
    if options.get("reg"):
        assert facts["reg"] == [reg.min(), reg.max()]


def test_directed_streets(told, said, city):
    one, bikes, wanted = city
    argv = [*CITY, "--mass", 3, "--directed"]
    r = quot.solve_graph(quot.Graph(20, one.edges, one.lengths, True), bikes, wanted, mass=3)
    code, facts = told(*argv)
    assert (code, facts["one_way"], facts["cost"]) == (0, 31, r.cost)
    code, out, err = said(*CITY, "--directed", "--mass", all_that_can(city))
    assert (code, out) == (2, "")
    assert "the edges can carry at most" in err


def test_flows_and_balances_add_up(told, city):
    """What flows in and out of each station is what it receives and sends."""
    outputs = ["-o", "flows.csv", "--balance", "balance.csv"]
    code, facts = told(*CITY, *NARROW, "--mass", 30, "--reg", 0.3, *outputs)
    assert code == 0
    assert (facts["flows"], facts["balance"]) == ("flows.csv", "balance.csv")
    with Path("streets.csv").open() as stream:
        streets = list(csv.DictReader(stream))
    with Path("flows.csv").open() as stream:
        flows = list(csv.DictReader(stream))
    with Path("balance.csv").open() as stream:
        balance = {row["station"]: row for row in csv.DictReader(stream)}
    assert len(flows) == facts["edges_used"]
    arrives = dict.fromkeys(balance, 0.0)
    for row in flows:
        street = streets[int(row["edge"])]
        assert {row["from"], row["to"]} == {street["from"], street["to"]}
        assert float(row["length"]) == float(street["length"])
        assert 0.0 < float(row["flow"]) <= float(street["lanes"])
        if street["oneway"] == "1":
            assert row["from"] == street["from"]
        arrives[row["to"]] += float(row["flow"])
        arrives[row["from"]] -= float(row["flow"])
    for name, row in balance.items():
        assert arrives[name] == pytest.approx(float(row["received"]) - float(row["sent"]), abs=1e-9)
        assert float(row["sent"]) <= float(row["source"]) + 1e-9
        assert float(row["received"]) <= float(row["target"]) + 1e-9
    assert sum(float(row["sent"]) for row in balance.values()) == pytest.approx(30)
    assert sum(float(row["cost"]) for row in flows) == pytest.approx(facts["cost"])


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
@pytest.mark.parametrize("file", ["streets.csv", "city.graphml"])
def test_a_picture(told, suffix, file):
    pytest.importorskip("matplotlib")
    argv = CITY if file == "streets.csv" else ("graph", file, *MASSES)
    code, facts = told(*argv, "--mass", 5, "--picture", f"p.{suffix}")
    assert (code, facts["picture"]) == (0, f"p.{suffix}")
    begins = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[suffix]
    assert Path(f"p.{suffix}").read_bytes().startswith(begins)


def test_no_answer_in_time_exits_1(told, city):
    code, facts = told(*CITY, "--mass", 30, "--reg", 1.0, "--max-iter", 1)
    assert (code, facts["converged"], facts["status"]) == (1, False, "ITERATION_LIMIT")
    one, bikes, wanted = city
    both = quot.Graph(20, one.edges, one.lengths)
    assert facts["lower"] < quot.solve_graph(both, bikes, wanted, reg=1.0, mass=30).value


def test_lines_for_both_ways_are_pointed_out(said):
    Path("pairs.csv").write_text("u,v,length\na,b,1\nb,a,2\n")
    Path("ab.csv").write_text("node,have,want\na,1,0\nb,0,1\n")
    code, _, err = said("graph", "pairs.csv", "--nodes", "ab.csv", "--source", "have", "--target",
                        "want")  # fmt: skip
    assert code == 0
    assert err.startswith("quot: warning: `pairs.csv` lists 1 pairs of nodes there and back")
    assert err.count("\n") == 1


def test_progress_tells_of_edges(city):
    r = quot.solve_graph(*city, reg=0.5, mass=30)
    text = graph.describe(r.history[-1])
    assert "of 31 edges carry mass" in text
    with common.progress("solving", describe=graph.describe) as callback:
        assert callback is None  # away from a terminal


ERRORS = {
    "no masses": (["streets.csv"], "`streets.csv` is a table of edges, and the masses are nowhere; "
                  "pass a table of nodes (`--nodes FILE`) with the columns `bikes` and `wanted`."),
    "unequal": ([], "moving all mass needs equal totals. Pass `--mass "),
    "too much": (["--mass", "99"], "`mass=99` exceeds min(source.sum(), target.sum())="),
    "fraction": (["--mass-fraction", "80"], "`--mass-fraction` must be from 0 to 1; got 80."),
    "fraction of nan": (["--mass-fraction", "nan"], "--mass-fraction: invalid number value: 'nan'"),
    "two masses": (["--mass", "1", "--mass-fraction", "1"], "not allowed with argument --mass"),
    "no column": (["--source", "cars"], "`stations.csv` has no column `cars` for the masses of `sou"
                  "rce`; it has `station`, `bikes`, `wanted`, `x`, `y`. Name one of these."),
    "reg": (["--reg", "strong"], "has no column `strong` for the strength of the quadratic term"),
    "negative reg": (["--reg=-1", "--mass", "1"], "`reg` must not be negative; got -1."),
    "node of nothing": (["city.graphml", "--node", "id"], "`--node` is a column of `--nodes`, w"),
    "directions": (["--directed", "--one-way", "oneway"], "pass one of the two."),
    "no places": (
        ["--nodes", "nowhere.csv", "--picture", "p.png"],
        "`--picture` needs a place for each node, and 20 of 20 have none, the first 's0'; give the "
        "nodes of `nowhere.csv` numbers `x` and `y`, or name their columns (`--xy COL COL`).",
    ),
    "picture": (["--picture", "p.bmp"], "'.bmp', which names no format to write; use .png, .pdf o"),
    "flows": (["-o", "flows.npz"], "'.npz', which names no format to write; use .csv or .parquet."),
    "balance": (["--balance", "no/b.csv"], "there is no directory `no`; make it first."),
    "result": (["--save", "r.csv"], "which names no format to write; use .npz."),
    "same": (["-o", "f.csv", "--balance", "f.csv"], "`-o` and `--balance` both name `f.csv`, and"),
    "same by link": (["-o", "f.csv", "--balance", "./f.csv"], "name one file, links and capitals"),
    "over edges": (["-o", "./streets.csv"], "`-o` names `./streets.csv`, which is the file that `FI"
                   "LE` reads, and would overwrite it; choose another name."),
    "over nodes": (["--balance", "stations.csv"], "which is the file that `--nodes` reads, and wo"),
}  # fmt: skip


@pytest.mark.parametrize(("argv", "text"), ERRORS.values(), ids=ERRORS.keys())
def test_bad_input_is_one_line_and_exit_2(said, monkeypatch, argv, text):
    monkeypatch.setattr("quot.api.graphs.solve_quadratic", lambda *_, **__: pytest.fail("solved"))
    before = sorted(os.listdir())
    file, *rest = argv if argv and not argv[0].startswith("-") else ["streets.csv", *argv]
    nodes = [] if argv[:1] == [file] or "--nodes" in rest else ["--nodes", "stations.csv"]
    code, out, err = said("graph", file, *nodes, *MASSES, *rest)
    assert (code, out) == (2, "")
    assert err.startswith("quot: error: ")
    assert err.count("\n") == 1
    assert text in err
    assert sorted(os.listdir()) == before


def test_ties(told):
    """Two ways of one length share what goes; or it goes any way."""
    Path("square.csv").write_text("from,to,length\n0,1,1\n1,3,1\n0,2,1\n2,3,1\n")
    Path("ends.csv").write_text("node,bikes,wanted\n0,1,0\n1,0,0\n2,0,0\n3,0,1\n")
    argv = ["graph", "square.csv", "--nodes", "ends.csv", *MASSES]
    (_, share), (code, one) = told(*argv), told(*argv, "--ties", "any")
    assert share["edges_used"] == 4
    assert share["value"] == one["value"] == 2.0
    assert code == 0


def test_columns_of_masses_must_be_named(said):
    code, _, err = said("graph", "streets.csv")
    assert code == 2
    assert "the following arguments are required: --source, --target" in err


def test_missing_packages_are_named_before_any_work(said, monkeypatch):
    monkeypatch.setattr(quot, "solve_graph", lambda *_, **__: pytest.fail("solved"))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "pip install 'quot[images]'" in said(*CITY, "--picture", "p.png")[2]
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert "pip install 'quot[parquet]'" in said(*CITY, "-o", "f.parquet")[2]


def test_the_help_names_every_file(said):
    code, out, _ = said("graph", "--help")
    assert code == 0
    words = " ".join(out.split())
    for text in (".graphml", "semicolon or tab", "`from`, `to`", "Exit codes: 0 certified"):
        assert text in words


def test_facts_are_json(city):
    r = quot.solve_graph(*city, reg=city[0].lengths, mass=3)
    assert json.dumps(graph.result_facts(r))


# --- check ---------------------------------------------------------------------------------------


def test_a_saved_result_is_checked(said, told):
    argv = [*CITY, *NARROW, "--mass", 30, "--reg", 0.5, "--save", "r.npz"]
    code, facts = told(*argv)
    assert (code, facts["result"]) == (0, "r.npz")
    code, again = told("check", "r.npz")
    assert (code, again["certified"], again["tolerance"]) == (0, True, 1e-9)
    for name in ("value", "cost", "lower", "edges_used", "largest_flow", "one_way", "status"):
        assert again[name] == facts[name]
    code, out, err = said("check", "r.npz")
    assert (code, err) == (0, "")
    assert "claimed           OPTIMAL" in out
    assert "edges priced      31 (all)" in out
    assert quot.load("r.npz").problem.graph.labels[0] == "s0"


def test_a_saved_result_is_not_believed(said):
    said(*CITY, "--mass", 30, "--reg", 0.5, "--save", "r.npz")
    arrays = dict(np.load("r.npz"))
    arrays["values"] *= 0.9
    np.savez("r.npz", **arrays)
    code, out, err = said("check", "r.npz")
    assert code == 1
    assert "no: gap or residuals exceed 1.0e-09" in out
    assert err.startswith("quot: warning: `r.npz` claims an optimal plan, but its certificate")
    code, _, err = said("check", "r.npz", "--reg", 1)
    assert code == 2
    assert "`r.npz` is a saved result and carries its problem and potentials" in err


def test_what_was_read_is_said(said, told, monkeypatch):
    text = (
        "20 nodes (station, bikes, wanted, x, y), 31 edges (from, to, length), "
        "bikes of total {:g}, wanted of total {:g}"
    )
    argv = (*CITY, "--mass", 1)
    facts = told(*argv)[1]
    text = text.format(facts["source"], facts["target"])
    assert facts["read"] == text
    monkeypatch.delenv("QUOT_QUIET")
    assert said(*argv)[2] == f"quot: read {text}\n"
