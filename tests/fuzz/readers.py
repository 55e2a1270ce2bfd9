"""The readers: valid files for each, how it is called, and what it has to say of how much it read.

The counts are made by other code than that of quot: NumPy, pyarrow, ElementTree, or by hand.
"""

import csv
import functools
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import scipy.sparse as sp
from PIL import Image
from tests.fuzz import mutate

import quot
from quot.cli.guarded import guarded
from quot.cli.recolor import read_photograph
from quot.io.flows import write_balance, write_flow
from quot.io.plans import write_plan

LIMITS = ("--max-iter", "1", "--time-limit", "1", "--json")
N, M = 5, 4
GRAPH = ("--source", "have", "--target", "want", "--mass-fraction", "1")


@dataclass(frozen=True)
class Reader:
    """A reader as the command line calls it.

    Parameters
    ----------
    suffix : str
    mutations : tuple of callables
        One is taken at random.
    argv : callable
        Arguments of the command line for a file; or a function to be called with the file, as an
        action of the command line.
    judge : callable
        Of a file and what was printed for it, as JSON: what is wrong with that, or nothing.
    """

    suffix: str
    mutations: tuple
    argv: Callable
    judge: Callable | None = None


# --- how many rows there are, by hand ----------------------------------------------------------


def lines_of(path, comment="#"):
    """Lines with something in them; a line of separators is one."""
    text = Path(path).read_bytes().decode("utf-8-sig")
    lines = re.split("\r\n|\r|\n", text)
    return [
        k for k in (line.partition(comment)[0] if comment else line for line in lines) if k.strip()
    ]


def rows_of(path):
    """Rows of a table of which fields may hold ends of lines; Python's csv knows them."""
    with Path(path).open(encoding="utf-8-sig", newline="") as stream:
        return sum(map(bool, csv.reader(stream)))


def count_of_matrix(axis, path, told):
    """A line for each row, but for a header that was said to be one."""
    if '"' in Path(path).read_text("utf-8-sig"):  # quotes may hold ends of lines
        return ""
    rows = len(lines_of(path)) - ("header skipped" in told["read"])
    return differs("rows", told["shape"][axis], rows)


def count_of_table(what, path, told):
    return differs(what, told[what], rows_of(path) - 1)


def count_of_nodes(path, told):
    """Each row is a node of its own; those of the edges may be others."""
    rows = rows_of(path) - 1
    return "" if rows <= told["nodes"] <= rows + N else f"{told['nodes']} nodes of {rows} rows"


def count_of_pairs(path, told):
    """Pairs, each once, that carry something."""
    lines, masses = lines_of(path), {}
    separator = next((mark for mark in ";\t," if mark in lines[0]), None)  # None are blanks
    lines = [line.split(separator) for line in lines]
    if [k.strip(' \t"') for k in lines[0]] != ["row", "column", "mass"]:
        return ""
    for row, column, mass in lines[1:]:
        pair = float(row.strip(' \t"')), float(column.strip(' \t"'))
        masses[pair] = masses.get(pair, 0.0) + float(mass.strip(' \t"'))
    return differs("pairs", told["nnz"], sum(mass != 0.0 for mass in masses.values()))


def count_by_numpy(path, told):
    with zipfile.ZipFile(path) as archive:  # `np.load` looks at the first bytes only
        names = {name.removesuffix(".npy"): name for name in archive.namelist()}
        is_sparse = {"shape", "data", "format"} <= names.keys()
        only = "shape" if is_sparse else "C" if len(names) > 1 else next(iter(names))
        array = np.load(io.BytesIO(archive.read(names[only])), allow_pickle=False)
    found = array.ravel().tolist() if is_sparse else list(array.shape)
    return differs("shape", told["shape"], found)


def count_by_numpy_alone(path, told):
    return differs("shape", told["shape"], list(np.load(path, allow_pickle=False).shape))


def count_by_pyarrow(what, path, told):
    rows = pq.ParquetFile(path).metadata.num_rows
    return differs("rows", told["shape"][0] if what == "shape" else told[what], rows)


def count_by_elements(path, told):
    root = ElementTree.parse(path).getroot()
    space = root.tag.rpartition("graphml")[0]
    graph = root.find(f"{space}graph")
    counts = [len(graph.findall(f"{space}{name}")) for name in ("node", "edge")]
    return differs("elements", [told["nodes"], told["edges"]], counts)


def differs(what, said, counted):
    return "" if said == counted else f"{what}: {said} were read, and there are {counted}"


# --- seeds -------------------------------------------------------------------------------------


@functools.cache
def folder():
    """A directory with valid files, `seed-READER-NUMBER.suffix`, and what goes with them."""
    made = tempfile.TemporaryDirectory(prefix="quot-fuzz-")
    folder.made = made
    at = Path(made.name)
    rng = np.random.default_rng(0)
    X, Y, C = rng.random((N, 2)), rng.random((M, 2)), rng.random((N, M))
    a = np.full(N, 1 / N)
    np.save(at / "X.npy", X)
    np.save(at / "Y.npy", Y)
    np.save(at / "C.npy", C)
    plan = quot.solve(C, reg=0.5).plan
    points = pd.DataFrame(X, columns=["p", "q"])
    nodes = pd.DataFrame(
        {"node": list("abcde"), "have": [1.0, 2, 0, 0, 0], "want": [0, 0, 1.0, 1, 1]}
    )
    edges = pd.DataFrame({"from": list("abcd"), "to": list("bcde"), "length": [1.0, 2, 0.5, 3]})
    nodes.assign(x=X[:, 0], y=X[:, 1]).to_csv(at / "nodes.csv", index=False)
    edges.to_csv(at / "edges.csv", index=False)
    graph = nx.from_pandas_edgelist(edges, "from", "to", "length")
    nx.set_node_attributes(graph, nodes.set_index("node").to_dict("index"))
    flow = quot.solve_graph(graph, {"a": 1.0}, {"e": 1.0})

    def seed(reader, number):
        return at / f"seed-{reader}-{number}{READERS[reader].suffix}"

    points.to_csv(seed("points", 0), index=False)
    points.to_csv(seed("points", 1))
    np.savetxt(seed("points", 2), X, delimiter=",")
    points.rename_axis("id").to_csv(seed("points", 3), index=True, quoting=csv.QUOTE_NONNUMERIC)
    np.savetxt(seed("masses", 0), a)
    pd.DataFrame({"mass": a}).to_csv(seed("masses", 1), index=False)
    write_plan(plan, seed("plan", 0))
    np.savetxt(seed("plan", 1), plan.to_dense(), delimiter=",")
    edges.to_csv(seed("edges", 0), index=False)
    edges.assign(capacity=5.0, directed="yes").to_csv(seed("edges", 1), index=False)
    write_flow(flow.plan, seed("edges", 2))
    nodes.to_csv(seed("nodes", 0), index=False)
    nodes.assign(x=X[:, 0], y=X[:, 1]).to_csv(seed("nodes", 1))
    balance = at / "balance.csv"
    write_balance(flow, balance)
    pd.read_csv(balance).rename(columns={"source": "have", "target": "want"}).to_csv(
        seed("nodes", 2), index=False
    )
    for k, array in enumerate((C, C.astype("f4"), np.asfortranarray(C), (9 * C).astype(int))):
        np.save(seed("npy", k), array)
    np.savez(seed("npz", 0), C=C, a=a, b=np.full(M, 1 / M))
    np.savez_compressed(seed("npz", 1), C=C)
    sp.save_npz(seed("npz", 2), sp.csr_array(C))
    sp.save_npz(seed("npz", 3), sp.coo_array(C), compressed=False)
    results = (
        *(quot.solve(C, reg=0.1), quot.solve(sp.csr_array(C), mass=0.5), quot.solve_points(X, Y)),
        *(quot.solve_entropic(C, eps=0.1), quot.solve_adaptive(C, perplexity=2.0), flow),
        quot.solve_entropic(C, eps=0.1, mass=0.5, formulation="E3"),
    )
    for k, result in enumerate(results):
        quot.save(result, seed("result", k))
    points.to_parquet(seed("table", 0))
    points.astype("f4").to_parquet(seed("table", 1), index=False)
    pd.DataFrame({"p": list(X)}).to_parquet(seed("table", 2))
    _by_polars(points, seed("table", 3))
    write_plan(plan, seed("pairs", 0))
    pd.DataFrame(plan.to_dense(), columns=list("pqrs")).to_parquet(seed("pairs", 1))
    edges.to_parquet(seed("streets", 0))
    _by_polars(edges, seed("streets", 1))
    write_flow(flow.plan, seed("streets", 2))
    nodes.to_parquet(seed("stations", 0))
    nodes.set_index("node").to_parquet(seed("stations", 1))
    nx.write_graphml(graph, seed("graphml", 0))
    seed("graphml", 1).write_text(YED)
    _pictures(seed, rng)
    return at


def _by_polars(frame, path):
    try:
        import polars
    except ImportError:
        frame.to_parquet(path)
    else:
        polars.DataFrame({name: frame[name].tolist() for name in frame}).write_parquet(path)


def _pictures(seed, rng):
    levels = rng.integers(0, 256, (6, 7, 4), np.uint8)
    for k, (array, kind, options) in enumerate((
        (levels[..., :3], "PNG", {}),
        (levels, "PNG", {}),
        (levels[..., 0].astype(np.uint16) * 257, "PNG", {}),
        (levels[..., :3], "JPEG", {"exif": Image.Exif().tobytes(), "quality": 95}),
        (levels[..., :3], "TIFF", {"compression": "tiff_deflate"}),
        (levels[..., 0] / np.float32(255), "TIFF", {}),
        (levels, "WEBP", {}),
        (levels[..., :3], "GIF", {}),
        (levels[..., :3], "BMP", {}),
        (levels[..., :3], "PPM", {}),
        (levels[..., :3], "TGA", {}),
    )):  # fmt: skip
        Image.fromarray(array).save(seed("image", k), format=kind, **options)


YED = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="a:graphml" xmlns:y="a:yworks">
<key id="d0" for="node" attr.name="have" attr.type="double"><default>0</default></key>
<key id="d1" for="node" attr.name="want" attr.type="double"><default>0</default></key>
<key id="d2" for="edge" attr.name="length" attr.type="double"><default>1.5</default></key>
<key id="d3" for="node" yfiles.type="nodegraphics"/>
<key id="d4" for="node" attr.name="pos" attr.type="string"/>
<graph id="G" edgedefault="undirected">
<node id="a"><data key="d0">1</data><data key="d4">(1, 2)</data></node>
<node id="b"><data key="d3"><y:ShapeNode><y:NodeLabel>b</y:NodeLabel></y:ShapeNode></data></node>
<node id="c"><data key="d1">1</data><desc>end</desc></node>
<edge id="e0" source="a" target="b"/>
<edge id="e1" source="b" target="c" directed="true"><data key="d2">2</data></edge>
</graph>
</graphml>
"""


# --- readers -----------------------------------------------------------------------------------


def near(name):
    return str(folder() / name)


def see(path):
    """Read a picture as an action of the command line; print its size."""

    def action():
        shape = read_photograph(path).shape
        print(json.dumps({"pixels": sorted(shape[:2]), "bands": shape[2]}))  # noqa: T201
        return 0

    return lambda: guarded(action)


def count_of_pixels(path, told):
    with Image.open(path) as file:
        return differs("pixels", told["pixels"], sorted(file.size))


TEXT = (mutate.table, mutate.table, mutate.bytewise)
PLAN = ("--reg", "0.5")
TABLES = (mutate.parquet, mutate.parquet, mutate.bytewise)
READERS = {
    "points": Reader(
        ".csv", TEXT, lambda p: ["solve", "--points", p, near("Y.npy"), *LIMITS],
        functools.partial(count_of_matrix, 0),
    ),
    "masses": Reader(
        ".csv", TEXT, lambda p: ["solve", near("C.npy"), "-a", p, "--mass", "1e-9", *LIMITS]
    ),
    "plan": Reader(
        ".csv", TEXT, lambda p: ["check", p, "--cost", near("C.npy"), *PLAN, "--json"],
        count_of_pairs,
    ),
    "edges": Reader(
        ".csv", TEXT, lambda p: ["graph", p, "--nodes", near("nodes.csv"), *GRAPH, *LIMITS],
        functools.partial(count_of_table, "edges"),
    ),
    "nodes": Reader(
        ".csv", TEXT, lambda p: ["graph", near("edges.csv"), "--nodes", p, *GRAPH, *LIMITS],
        count_of_nodes,
    ),
    "npy": Reader(
        ".npy", (mutate.npy, mutate.bytewise), lambda p: ["solve", p, *LIMITS],
        count_by_numpy_alone,
    ),
    "npz": Reader(
        ".npz", (mutate.npz, mutate.npz, mutate.bytewise), lambda p: ["solve", p, *LIMITS],
        count_by_numpy,
    ),
    "result": Reader(
        ".npz", (mutate.npz, mutate.npz, mutate.npz, mutate.bytewise),
        lambda p: ["check", p, "--json"],
    ),
    "table": Reader(
        ".parquet", TABLES, lambda p: ["solve", "--points", p, near("Y.npy"), *LIMITS],
        functools.partial(count_by_pyarrow, "shape"),
    ),
    "pairs": Reader(
        ".parquet", TABLES, lambda p: ["check", p, "--cost", near("C.npy"), *PLAN, "--json"]
    ),
    "streets": Reader(
        ".parquet", TABLES, lambda p: ["graph", p, "--nodes", near("nodes.csv"), *GRAPH, *LIMITS],
        functools.partial(count_by_pyarrow, "edges"),
    ),
    "stations": Reader(
        ".parquet", TABLES, lambda p: ["graph", near("edges.csv"), "--nodes", p, *GRAPH, *LIMITS]
    ),
    "graphml": Reader(
        ".graphml", (mutate.markup, mutate.markup, mutate.bytewise),
        lambda p: ["graph", p, *GRAPH, *LIMITS], count_by_elements,
    ),
    "image": Reader(".image", (mutate.picture, mutate.bytewise), see, count_of_pixels),
}  # fmt: skip
