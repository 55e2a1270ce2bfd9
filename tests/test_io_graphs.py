"""Graphs from tables and GraphML: what is read, what is refused and where, and flows as tables."""

import csv
import gzip
import sys
from pathlib import Path

import networkx as nx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import quot
from quot import InvalidProblemError, MissingDependencyError, QuotWarning
from quot.io import tables
from quot.io.flows import write_balance, write_flow
from quot.io.graphs import read_graph
from quot.io.roles import Roles
from quot.io.tables import check_table_path, open_table, write_table

MASSES = Roles("have", "want")
STREETS = "from,to,length\na,b,1\nb,c,2.5\nc,a,1e1\n"
STATIONS = "node,have,want\na,3,0\nc,0,2\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("streets.csv").write_text(STREETS)
    Path("stations.csv").write_text(STATIONS)
    return tmp_path


def read(edges="streets.csv", nodes="stations.csv", directed=False, **roles):
    return read_graph(edges, Roles(**{"source": "have", "target": "want", **roles}),
                      nodes=nodes, directed=directed)  # fmt: skip


def test_a_table_of_streets_and_one_of_stations():
    data = read()
    graph = data.graph
    assert graph.labels == ("a", "b", "c")
    assert graph.edges.tolist() == [[0, 1], [1, 2], [2, 0]]
    assert graph.lengths.tolist() == [1.0, 2.5, 10.0]
    assert not graph.directed.any()
    assert np.isinf(graph.capacity).all()
    assert graph.positions is None
    assert (data.source.tolist(), data.target.tolist()) == ([3, 0, 0], [0, 0, 2])
    assert (data.ends, data.node, data.reg) == (("from", "to"), "node", None)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_separators_marks_and_blank_lines(separator, mark, newline):
    text = mark + (STREETS + "\n").replace("b,c", "\nb,c").replace(",", separator)
    Path("streets.csv").write_bytes(text.replace("\n", newline).encode())
    assert read().graph.lengths.tolist() == [1.0, 2.5, 10.0]


def test_quotes_blanks_and_text_with_separators():
    Path("streets.csv").write_text('"from" , to,"length"\n"Park, north", b ,"1"\n\nb,Zoo, 2\n')
    Path("stations.csv").write_text('node,have,want\n"Park, north",1,0\nZoo,0,1\n')
    data = read()
    assert data.graph.labels == ("Park, north", "b", "Zoo")
    assert data.target.tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (["1", "-2", "30"], (1, -2, 30)),
        (["1", "02", "30"], ("1", "02", "30")),  # 02 is not 2
        (["1", "2.0", "30"], ("1", "2.0", "30")),
        (["1", "2", "1" * 25], ("1", "2", "1" * 25)),
        (["1", "2", "x"], ("1", "2", "x")),
    ],
)
def test_names_are_integers_if_all_are(names, labels):
    a, b, c = names
    Path("streets.csv").write_text(f"u,v,weight\n{a},{b},1\n{b},{c},1\n")
    Path("stations.csv").write_text(f"id,have,want\n{c},0,1\n{a},1,0\n")
    data = read()
    assert data.graph.labels == labels
    assert data.source.tolist() == [1, 0, 0]


def test_names_of_two_files_are_of_one_kind():
    """An integer here is text there, if any name of either file is text."""
    write_table({"u": [1, 2], "v": [2, 3], "length": [1.0, 1.0]}, "streets.parquet")
    Path("stations.csv").write_text("id,have,want\n1,1,0\n3,0,1\nx,0,0\n")
    assert read("streets.parquet").graph.labels == ("1", "2", "3", "x")
    Path("stations.csv").write_text("id,have,want\n1,1,0\n3,0,1\n")
    assert read("streets.parquet").graph.labels == (1, 2, 3)
    write_table({"u": ["1", "2"], "v": ["2", "3"], "length": [1.0, 1.0]}, "streets.parquet")
    assert read("streets.parquet").graph.labels == ("1", "2", "3")  # a column of text stays text


@pytest.mark.parametrize(
    ("header", "ends"),
    [
        ("length,target,source", ("source", "target")),
        ("length,To,FROM", ("FROM", "To")),
        ("length,head,tail", ("tail", "head")),
        ("weight,v,u", ("u", "v")),
        ("here,there,cost", ("here", "there")),
        (",here,there,cost", ("here", "there")),  # an index of pandas has no name
    ],
)
def test_columns_are_found_by_their_usual_names(header, ends):
    line = {ends[0]: "a", ends[1]: "b", "": "0"}
    row = ",".join(line.get(name, "7") for name in header.split(","))
    Path("streets.csv").write_text(f"{header}\n{row}\n")
    Path("stations.csv").write_text("stop,have,want\na,1,0\nb,0,1\n")
    data = read()
    assert data.ends == ends
    assert data.graph.edges.tolist() == [[0, 1]]
    assert data.graph.labels == ("a", "b")
    assert data.graph.lengths.tolist() == [7.0]
    assert data.node == "stop"


def test_columns_by_name():
    Path("streets.csv").write_text(
        "source,target,length,p,q,metres,lanes,oneway,w\n"
        "x,x,9,a,b,5,,yes,0.5\nx,x,9,b,c,6,2,no,0\nx,x,9,c,a,-1,inf,True,1\n"
    )
    Path("stations.csv").write_text("id,who,have,want,lon,lat\n1,c,1,2,3,4\n2,a,5,6,7,8\n")
    data = read(node="who", ends=("p", "q"), length="metres", capacity="lanes", one_way="oneway",
                reg="w", xy=("lon", "lat"))  # fmt: skip
    graph = data.graph
    assert graph.labels == ("a", "b", "c")
    assert graph.lengths.tolist() == [5, 6, -1]
    assert graph.capacity.tolist() == [np.inf, 2, np.inf]
    assert graph.directed.tolist() == [True, False, True]
    assert data.reg.tolist() == [0.5, 0, 1]
    assert data.source.tolist() == [5, 0, 1]
    assert graph.positions is None  # b has none
    assert data.unplaced == ["b"]


def test_columns_that_are_there_count():
    Path("streets.csv").write_text("u,v,length,Capacity,directed\na,b,1,2,1\nb,c,1,,0\n")
    Path("stations.csv").write_text("node,have,want,X,y\na,1,0,0,0\nb,0,0,1,0\nc,0,1,1,2\n")
    graph = read().graph
    assert graph.capacity.tolist() == [2, np.inf]
    assert graph.directed.tolist() == [True, False]
    assert graph.positions.tolist() == [[0, 0], [1, 0], [1, 2]]
    assert read(directed=True).graph.directed.all()


def test_parallel_edges_loops_and_isolated_nodes_are_kept():
    Path("streets.csv").write_text("u,v,length\na,b,1\nb,a,2\na,a,0\n")
    Path("stations.csv").write_text("node,have,want\nfar,1,1\na,0,0\n")
    data = read(directed=True)
    assert data.graph.labels == ("a", "b", "far")
    assert data.graph.edges.tolist() == [[0, 1], [1, 0], [0, 0]]
    assert data.graph.n_components == 2
    assert data.source.tolist() == [0, 0, 1]


@pytest.mark.parametrize("chunk", [1, 2, 3, 100])
def test_large_files_are_read_in_pieces(chunk, monkeypatch):
    whole = read().graph
    monkeypatch.setattr(tables, "_CHUNK", chunk)
    graph = read().graph
    assert graph.labels == whole.labels
    assert graph.edges.tolist() == whole.edges.tolist()
    assert graph.lengths.tolist() == whole.lengths.tolist()
    Path("streets.csv").write_text(STREETS + "\nc,b,?\n")
    with pytest.raises(InvalidProblemError, match=r"`length` in line 6 of `streets.csv` is '\?'"):
        read()


def test_lines_there_and_back_without_directions_are_pointed_out():
    Path("streets.csv").write_text("u,v,length\na,b,1\nb,a,1\nb,c,1\nc,b,2\na,a,1\n")
    with pytest.warns(QuotWarning, match=r"`streets.csv` lists 2 pairs .* pass `--directed`"):
        read()
    read(directed=True)
    Path("streets.csv").write_text("u,v,length\na,b,1\nb,a,1\nb,c,1\nc,d,2\nd,a,1\na,a,1\n")
    read()  # one pair of five is a street of two lanes


# --- what is refused -----------------------------------------------------------------------------

LISTED = "it has `from`, `to`, `length`"
BAD_STREETS = {
    "no header": ("1,2,3.5\n2,3,1\n", r"`streets.csv` has no header: its first line is `1,2,3.5`"),
    "empty": ("", r"`streets.csv` has no first line; it should hold a table with a header"),
    "header alone": ("from,to,length\n", r"`streets.csv` has no rows; got only `from`, `to`, `l"),
    "one column": ("a b 3\n", r"begins with the line 'a b 3', which is one name alone; it "),
    "lengths first": ("length,a,b\n", r"no columns for the ends .*`a`, `b`\. Name two of these"),
    "no length": ("a,b,metres\n", r"no column `length`; it has .*`metres`\. Name one of these \("),
    "twice": ("a,b,length,length\n", r"`streets.csv` has two columns `length`; give each"),
    "words": (STREETS + "a,c,long\n", r"^`length` in line 5 of `streets.csv` is 'long', which is"),
    "comma": ("a;b;length\nx;y;1,5\n", r"`length` in line 2 .* is '1,5', .* with a decimal point"),
    "missing": (STREETS + "a,c,\n", r"`length` in line 5 of `streets.csv` is missing; every row"),
    "blanks": (STREETS + "a,c,  \n", r"`length` in line 5 of `streets.csv` is missing; every row"),
    "no name": (STREETS + "a, ,1\n", r"`to` in line 5 of `streets.csv` is missing; every row"),
    "nan": (STREETS + "a,c,nan\n", r"`length` in line 5 of `streets.csv` is 'nan', which is no n"),
    "inf": (STREETS + "a,c,inf\n", r"`length` in line 5 .* is inf; a length is a finite number"),
    "negative": (STREETS + "a,c,-2\n", r"`length` in line 5 .* is -2; only an edge that leads one"),
    "short": (STREETS + "a,c\n", r"line 5 of `streets.csv` has 2 fields, but the header has 3: `f"),
    "long": (STREETS + "\na,c,1,1\n", r"line 6 of `streets.csv` has 4 fields, but the header has"),
    "no capacity": ("a,b,length,capacity\na,b,1,0\n", r"`capacity` in line 2 .* is 0; a capacity"),
    "flag": ("a,b,length,directed\na,b,1,-1\n", r"`directed` in line 2 .* is '-1'; it should be 0"),
    "quote": (STREETS + 'a,"c,1\n' + "x" * 200_000, r"`streets.csv` cannot be read \(field larger"),
    "others": ("a,b,length\n1.0,2.0,3\n", r"no node of `stations.csv` is in `streets.csv`: the col"
               r"umn `node` has names such as 'a', and the edges join nodes such as '1.0'"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD_STREETS.values(), ids=BAD_STREETS.keys())
def test_bad_streets(text, message):
    Path("streets.csv").write_text(text)
    with pytest.raises(InvalidProblemError, match=message):
        read()


BAD_STATIONS = {
    "no masses": ("node,have\n", r"`stations.csv` has no column `want` for the masses of `target`"),
    "words": (STATIONS + "b,two,0\n", r"`have` in line 4 of `stations.csv` is 'two', which is no"),
    "missing": (STATIONS + "b,,0\n", r"`have` in line 4 of `stations.csv` is missing; every row"),
    "negative": (STATIONS + "b,0,-2\n", r"`want` in line 4 .* is -2; a mass is finite and >= 0"),
    "inf": (STATIONS + "b,inf,0\n", r"`have` in line 4 of `stations.csv` is inf; a mass is finite"),
    "twice": (STATIONS + "b,0,0\na,1,0\n", r"`node` in line 5 of `stations.csv` names the node "
              r"that was named in line 2 of `stations.csv`; one row a node"),
    "no names": ("have,want\n1,2\n", r"no column for the names of nodes, .*it has `have`, `want`"),
    "x of words": ("node,have,want,x,y\na,1,1,here,2\n", r"`x` in line 2 .* is 'here', which is"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD_STATIONS.values(), ids=BAD_STATIONS.keys())
def test_bad_stations(text, message):
    Path("stations.csv").write_text(text)
    with pytest.raises(InvalidProblemError, match=message):
        read()


BAD_ROLES = {
    "ends": ({"ends": ("from", "x")}, r"`streets.csv` has no column `x` for the ends; " + LISTED),
    "length": ({"length": "x"}, r"`streets.csv` has no column `x` for the lengths; " + LISTED),
    "capacity": ({"capacity": "x"}, "has no column `x` for the capacities; " + LISTED),
    "one way": ({"one_way": "x"}, "has no column `x` for the directions; " + LISTED),
    "reg": ({"reg": "x"}, "has no column `x` for the strength of the quadratic term; " + LISTED),
    "node": ({"node": "x"}, r"`stations.csv` has no column `x` for the nodes; it has `node`, `ha"),
    "xy": ({"xy": ("x", "have")}, r"`stations.csv` has no column `x` for the places"),
    "negative reg": ({"reg": "minus"}, r"`minus` in line 2 .* is -1; the strength .* is >= 0"),
    "both": ({"one_way": "length", "directed": True}, "`--directed` says that all edges lead one"),
    "no nodes": ({"nodes": None}, r"`streets.csv` is a table of edges, and the masses are nowhere"),
    "kind": ({"edges": "streets.txt"}, r"has the suffix '.txt'; pass a graph, .csv, .parquet, .gr"),
    "nodes of no kind": ({"nodes": "n.xlsx"}, r"has the suffix '.xlsx'; pass a table, .csv or .pa"),
    "no file": ({"edges": "no.csv"}, "`no.csv` does not exist"),
    "no parquet": ({"edges": "no.parquet"}, "`no.parquet` does not exist"),
    "no graphml": ({"edges": "no.graphml", "nodes": None}, "`no.graphml` does not exist"),
    "folder": ({"nodes": "dir.csv"}, "`dir.csv` is a directory"),
    "bytes": ({"nodes": "bytes.csv"}, r"`bytes.csv` is compressed by gzip; unpack it first\."),
}


@pytest.mark.parametrize(("options", "message"), BAD_ROLES.values(), ids=BAD_ROLES.keys())
def test_bad_roles(options, message):
    Path("dir.csv").mkdir()
    Path("bytes.csv").write_bytes(gzip.compress(b"node,have,want\n"))
    if options.get("reg") == "minus":
        Path("streets.csv").write_text("from,to,length,minus\na,b,1,-1\n")
    with pytest.raises(InvalidProblemError, match=message):
        read(**options)


# --- parquet -------------------------------------------------------------------------------------


def test_parquet_of_every_type():
    table = pa.table({
        "u": pa.array(["a", "b", "c"]).dictionary_encode(),
        "v": pa.array(["b", "c", "a"], pa.large_string()),
        "length": pa.array([1, 2, 3], pa.int16()),
        "capacity": pa.array([None, 2.5, None], pa.float32()),
        "directed": pa.array([True, None, False]),
        "w": pa.array(["0.5", "1", "2"]),
    })  # fmt: skip
    pq.write_table(table, "streets.parquet", row_group_size=2)
    want = pa.array([1, 0], pa.int8()).cast(pa.decimal128(5, 2))
    table = pa.table({"id": ["c", "a"], "have": np.uint8([2, 3]), "want": want})
    pq.write_table(table, "stations.parquet")
    data = read("streets.parquet", "stations.parquet", reg="w")
    graph = data.graph
    assert graph.labels == ("a", "b", "c")
    assert graph.lengths.tolist() == [1, 2, 3]
    assert graph.capacity.tolist() == [np.inf, 2.5, np.inf]
    assert graph.directed.tolist() == [True, False, False]
    assert data.reg.tolist() == [0.5, 1, 2]
    assert (data.source.tolist(), data.target.tolist()) == ([3, 0, 2], [0, 0, 1])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"u": [1, None]}, r"`u` in row 1 \(the first is 0\) of `s.parquet` is missing"),
        ({"u": [1.0, 2.5]}, r"`u` in row 1 .* is 2.5, which names no node"),
        ({"u": ["a", None]}, r"`u` in row 1 .* is missing; nodes have integers or text for names"),
        ({"u": [["a"], ["b"]]}, r"`u` in row 0 .* which names no node"),
        ({"length": [1.0, None]}, r"`length` in row 1 .* of `s.parquet` is missing"),
        ({"length": ["1", "far"]}, r"`length` in row 1 .* is 'far', which is no number"),
        ({"directed": [2, 0]}, r"`directed` in row 0 .* it should be 0 or 1, true or false"),
    ],
)
def test_bad_parquet(columns, message):
    table = {"u": [1, 2], "v": [2, 3], "length": [1, 2], **columns}
    pq.write_table(pa.table(table), "s.parquet")
    Path("stations.csv").write_text("node,have,want\n1,1,1\n")
    with pytest.raises(InvalidProblemError, match=message):
        read("s.parquet")


def test_floats_without_fractions_are_names():
    """What pandas makes of integers."""
    write_table({"u": [1.0, 2.0], "v": [2.0, 3.0], "length": [1, 2]}, "s.parquet")
    Path("stations.csv").write_text("node,have,want\n1,1,1\n")
    assert read("s.parquet").graph.labels == (1, 2, 3)


def test_missing_packages(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for call in (lambda: open_table("s.parquet"), lambda: check_table_path("s.parquet")):
        with pytest.raises(MissingDependencyError, match=r"`pyarrow` is not .*quot\[parquet\]"):
            call()


# --- GraphML -------------------------------------------------------------------------------------


def city(kind=nx.Graph):
    graph = kind()
    for name, have, want, x in (("a", 3, 0, 0.0), ("b", 0, 1, 1.0), ("c", 0, 2, 2.0)):
        graph.add_node(name, have=have, want=want, x=x, y=-x)
    graph.add_node("far", x=9.0, y=9.0)  # no masses
    graph.add_edge("b", "a", length=1.0, w=0.1)
    graph.add_edge("b", "c", length=2.0, capacity=5.0, w=0.2)
    return graph


def test_graphml():
    nx.write_graphml(city(), "city.graphml")
    data = read("city.graphml", None, reg="w")
    graph = data.graph
    assert set(graph.labels) == {"a", "b", "c", "far"}
    at = {name: k for k, name in enumerate(graph.labels)}
    found = {frozenset((graph.labels[u], graph.labels[v])): (length, capacity, reg)
             for (u, v), length, capacity, reg in zip(
                 graph.edges, graph.lengths, graph.capacity, data.reg, strict=True)}  # fmt: skip
    assert found == {frozenset("ab"): (1, np.inf, 0.1), frozenset("bc"): (2, 5, 0.2)}
    assert data.source[[at["a"], at["b"], at["c"], at["far"]]].tolist() == [3, 0, 0, 0]
    assert data.target[[at["a"], at["b"], at["c"], at["far"]]].tolist() == [0, 1, 2, 0]
    assert graph.positions[at["c"]].tolist() == [2, -2]
    r = quot.solve_graph(graph, data.source, data.target)
    assert r.cost == pytest.approx(3 * 1 + 2 * 2)


def test_graphml_of_one_way_parallel_edges_and_integers():
    graph = nx.MultiDiGraph()
    graph.add_edge(1, 2, length=1.0)
    graph.add_edge(1, 2, length=3.0, capacity=0.5)
    graph.add_edge(2, 1, length=2.0)
    nx.set_node_attributes(graph, {1: "2", 2: "0"}, "have")  # text, as osmnx writes it
    nx.set_node_attributes(graph, {1: 0, 2: 2}, "want")
    nx.set_node_attributes(graph, {1: "0.5,1", 2: "(2.0, 3e0)"}, "pos")
    nx.write_graphml(graph, "city.graphml")
    data = read("city.graphml", None)
    assert data.graph.labels == (1, 2)
    assert data.graph.directed.all()
    assert sorted(zip(data.graph.lengths, data.graph.capacity, strict=True)) == [
        (1.0, np.inf), (2.0, np.inf), (3.0, 0.5),
    ]  # fmt: skip
    assert data.graph.positions.tolist() == [[0.5, 1], [2, 3]]


def test_graphml_with_masses_in_a_table():
    nx.write_graphml(city(nx.DiGraph), "city.graphml")
    Path("stations.csv").write_text("node,have,want\na,0,1\nfar,5,5\nnew,1,1\n")
    data = read("city.graphml")
    masses = dict(zip(data.graph.labels, zip(data.source, data.target, strict=True), strict=True))
    assert masses == {"b": (0, 0), "a": (0, 1), "c": (0, 0), "far": (5, 5), "new": (1, 1)}
    assert data.unplaced == ["new"]
    assert data.graph.directed.all()


CITY = "`city.graphml`"
BAD_CITIES = {
    "length": (
        lambda g: g.add_edge("a", "far"),
        {},
        f"`length` of the edge 'a' - 'far' in line .* of {CITY} is missing",
    ),
    "words": (
        lambda g: g.add_node("a", have="x"),
        {},
        f"`have` of the node 'a' in line .* of {CITY} is 'x', which is no number",
    ),
    "masses": (
        None,
        {"source": "bikes"},
        f"{CITY} has no attribute `bikes` for the masses of `source`; it has `y`, `x`, `want`, `h",
    ),
    "directed": (None, {"directed": True}, "where they lead; leave out `--directed`"),
    "one way": (None, {"one_way": "w"}, "where they lead; leave out `--one-way`"),
    "ends": (None, {"ends": ("u", "v")}, "where they lead; leave out `--ends`"),
    "no edges": (nx.Graph.clear_edges, {}, f"{CITY} has no attribute `length`; it has none"),
    "other nodes": (None, {"nodes": "other.csv"}, f"no node of `other.csv` is in {CITY}: the colu"),
}


@pytest.mark.parametrize(
    ("change", "options", "message"), BAD_CITIES.values(), ids=BAD_CITIES.keys()
)
def test_bad_graphml(change, options, message):
    graph = city()
    if change is not None:
        change(graph)
    nx.write_graphml(graph, "city.graphml")
    Path("other.csv").write_text("node,have,want\nq,1,1\n")
    with pytest.raises(InvalidProblemError, match=message):
        read("city.graphml", **{"nodes": None, **options})


@pytest.mark.parametrize("text", ["", "<graphml", "<html></html>", "\x00"])
def test_what_is_no_graphml(text):
    Path("city.graphml").write_text(text)
    with pytest.raises(InvalidProblemError, match=r"`city.graphml` cannot be read \(.* a graph in"):
        read("city.graphml", None)


# --- writing -------------------------------------------------------------------------------------

SUFFIXES = ["csv", "parquet"]


def rows(path):
    """Rows of a table, as text, by another reader than ours."""
    if path.endswith("csv"):
        with Path(path).open() as stream:
            return list(csv.DictReader(stream))
    return [{k: str(v) for k, v in row.items()} for row in pq.read_table(path).to_pylist()]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("labels", [None, ("a", 'b,"', "ü"), (10, 20, 2**60)])
def test_a_flow_as_a_table(suffix, labels):
    graph = quot.Graph(3, [[0, 1], [2, 1], [0, 2], [0, 1]], [0.1, 2.0, 3.0, 4.0], labels=labels)
    flow = quot.Flow(graph, np.array([1 / 3, 0.0, -0.25, 2.0]), np.zeros(3), np.zeros(3))
    write_flow(flow, f"f.{suffix}", ("from", "to"))
    names = [str(k) for k in (labels or (0, 1, 2))]
    found = rows(f"f.{suffix}")
    assert [row["from"] for row in found] == [names[0], names[2], names[0]]
    assert [row["to"] for row in found] == [names[1], names[0], names[1]]
    assert [int(row["edge"]) for row in found] == [0, 2, 3]
    assert [float(row["flow"]) for row in found] == [1 / 3, 0.25, 2.0]
    assert [float(row["length"]) for row in found] == [0.1, 3.0, 4.0]
    assert [float(row["cost"]) for row in found] == [0.1 * (1 / 3), 0.75, 8.0]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_balance_as_a_table(suffix):
    graph = quot.Graph(3, [[0, 1], [1, 2]], [1.0, 1.0], labels=("a", "b", "c"))
    r = quot.solve_graph(graph, [2.0, 1.0, 0], [0, 1.0, 3.0], mass=2.5)
    write_balance(r, f"b.{suffix}", "stop")
    found = rows(f"b.{suffix}")
    assert [row["stop"] for row in found] == ["a", "b", "c"]
    for name, array in (("source", r.problem.source), ("target", r.problem.target),
                        ("sent", r.plan.sent), ("received", r.plan.received),
                        ("potential", r.potentials)):  # fmt: skip
        assert [float(row[name]) for row in found] == array.tolist(), name
    assert sum(float(row["sent"]) for row in found) == pytest.approx(2.5)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_written_can_be_read(suffix):
    graph = quot.graphs.grid((4, 5))
    named = quot.Graph(20, graph.edges, graph.lengths, labels=[f"n{k}" for k in range(20)])
    source, target = np.eye(20)[0], np.eye(20)[19]
    r = quot.solve_graph(named, source, target, reg=0.5)
    write_flow(r.plan, f"f.{suffix}")
    write_balance(r, f"b.{suffix}")
    again = read(f"f.{suffix}", f"b.{suffix}", source="sent", target="received", directed=True)
    ours = again.graph
    at = {name: k for k, name in enumerate(ours.labels)}
    assert again.source[at["n0"]] == again.target[at["n19"]] == 1.0
    assert ours.n_edges == r.plan.nnz
    assert quot.solve_graph(ours, again.source, again.target, reg=0.5).value == pytest.approx(
        r.value, rel=1e-9
    )


def test_names_that_collide_give_way():
    graph = quot.Graph(2, [[0, 1]], [1.0])
    r = quot.solve_graph(graph, [1.0, 0], [0, 1.0])
    write_flow(r.plan, "f.csv", ("edge", "to"))
    assert Path("f.csv").read_text() == "source,target,edge,flow,length,cost\n0,1,0,1.0,1.0,1.0\n"
    write_balance(r, "b.csv", "target")
    assert Path("b.csv").read_text().startswith("node,source,target,sent,received,potential\n")
    with pytest.raises(InvalidProblemError, match=r"'.txt', which names no format to write"):
        write_flow(r.plan, "f.txt")
