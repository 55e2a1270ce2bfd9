"""Tables of edges and nodes as pandas, polars, arrow, R and Excel write them."""

import datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from quot import InvalidProblemError
from quot.io.graphs import read_graph
from quot.io.roles import Roles

STREETS = {"here": ["a", "b"], "there": ["b", "c"], "length": [1.0, 2.5]}
STATIONS = {"node": ["a", "c"], "have": [3, 0], "want": [0, 2]}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame(STREETS).to_csv("e.csv", index=False)
    pd.DataFrame(STATIONS).to_csv("n.csv", index=False)


def read(edges="e.csv", nodes="n.csv", **roles):
    return read_graph(edges, Roles(**{"source": "have", "target": "want", **roles}), nodes=nodes)


def check(data, labels=("a", "b", "c")):
    assert data.graph.labels == labels
    assert data.graph.edges.tolist() == [[0, 1], [1, 2]]
    assert data.graph.lengths.tolist() == [1, 2.5]
    assert data.source.tolist() == [3, 0, 0]
    assert data.target.tolist() == [0, 0, 2]


# --- .csv ----------------------------------------------------------------------------------------

R_STREETS = '"","here","there","length"\n"1","a","b",1\n"2","b","c",2.5\n'
WRITTEN = {
    "index of pandas": (",here,there,length\n0,a,b,1\n1,b,c,2.5\n", {}),
    "R": (R_STREETS, {}),
    "R, numbers before": (R_STREETS.replace("\n", "\r\n"), {}),
    "Excel, semicolons": ("\ufeffhere;there;length;;\r\na;b;1;;\r\nb;c;2.5;;\r\n", {}),
    "tabs": ("here\tthere\tlength\na\tb\t1\nb\tc\t2.5\n", {}),
    "old newlines": ("here,there,length\ra,b,1\rb,c,2.5\r", {}),
    "blanks": ('"here", "there", "length"\n a , "b ",1\n"b", c,\t2.5 \n', {}),
    "quoted lines in a column that is not read": (
        'here,there,length,note\na,b,1,"one\ntwo, ""three"""\nb,c,2.5,\n', {}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "roles"), WRITTEN.values(), ids=WRITTEN.keys())
def test_csv_as_others_write_it(text, roles):
    Path("e.csv").write_text(text, encoding="utf-8", newline="")
    check(read(**roles))


def test_pandas_and_polars_write_csv():
    pd.DataFrame(STREETS).to_csv("e.csv")
    pd.DataFrame(STATIONS).set_index("node").to_csv("n.csv")
    check(read())
    pd.DataFrame(STREETS).to_csv("e.csv", sep=";", encoding="utf-8-sig", lineterminator="\r\n")
    pl.DataFrame(STATIONS).write_csv("n.csv", separator="\t", quote_style="always")
    check(read())


HEADER = "here,there,length\n"
REFUSED = {
    "decimal commas": (
        "here;there;length\na;b;1\nb;c;2,5\n",
        r"`length` in line 3 of `e.csv` is '2,5', which is no number; write it with a decimal",
    ),
    "commas of both kinds": (
        HEADER + "a,b,1\nb,c,2,5\n",
        r"line 3 of `e.csv` has 4 fields, but the header has 3: .*, and write decimal points",
    ),
    "thousands": (HEADER + 'a,b,"1,000"\n', r"is '1,000', which is no number"),
    "underscores": (HEADER + "a,b,1_000\n", r"is '1_000', which is no number"),
    "missing in R": (HEADER + "a,b,NA\n", r"is 'NA', which is no number; .* leave it empty where"),
    "rows of R": (
        '"here","there","length"\n"1","a","b",1\n"2","b","c",2\n',
        r"line 2 of `e.csv` has 4 fields, .*\. Without `row.names = FALSE`, R writes names of rows",
    ),
    "blanks of R": (
        '"here" "there" "length"\n"a" "b" 1\n',
        r"`e.csv` begins with the line '\"here\" \"there\" \"length\"', which is one name alone",
    ),
    "quote that is not closed": (
        HEADER.rstrip("\n") + ',"cost\na,b,1,1\n',
        r"the header of `e\.csv` opens a quote and does not close it; write it in one line",
    ),
    "sep=": ("sep=;\n" + HEADER, r"first line of `e\.csv` is `sep=;`, which is for Excel"),
    "two levels": (",,lanes,zone,length\na,b,1,2,3\n", r"no columns for the ends of edges, such"),
    "cases": (
        "here,there,Length,length\na,b,1,2\n",
        r"the columns `Length` and `length`, which may both be the lengths; say which, or rename",
    ),
    "a quote": (
        HEADER + 'a,"b,1\nb,c,2\nc,"d",1\n',
        r"line 4 of `e.csv` cannot be read \(',' expected after '\"'\); close each quote where its",
    ),
    "an open quote": (HEADER + 'a,b,1\nb,"c,2\n', r"line 3 of .* cannot be read \(unexpected end"),
    "zeros": ("h\0e\0,\0t\0,\0l\0\n", r"`e.csv` has zero bytes in its first line, as UTF-16 has;"),
    "powers": (HEADER + "a,1.23457E+11,1\n", r"`there` in line 2 .* as Excel and R write large i"),
    "look alike": (
        HEADER + "\xc9cole,b,1\nE\u0301cole,b,1\n",
        r"two names of nodes look alike, .* but are '\\xc9cole' and 'E\\u0301cole' in Unicode;",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_csv_that_is_refused(text, message):
    Path("e.csv").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidProblemError, match=message):
        read()


ENCODED = {
    "cp1252": (
        "cp1252",
        r"`e.csv` is not in UTF-8: line 3 has the byte 0xc9\. Save it as UTF-8 \(",
    ),
    "utf-16": (
        "utf-16",
        r"`e.csv` is in UTF-16, which Excel calls Unicode text; save it as UTF-8 ",
    ),
    "no mark": ("utf-16-le", r"`e.csv` is not in UTF-8: line 3 has the byte 0xc9\. Save it as"),
}


@pytest.mark.parametrize(("encoding", "message"), ENCODED.values(), ids=ENCODED.keys())
def test_other_encodings(encoding, message):
    text = "here,there,length\na,b,1\nb,\xc9cole,2\n"
    Path("e.csv").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    with pytest.raises(InvalidProblemError, match=message):
        read()


def test_a_byte_far_down():
    text = "here,there,length\n" + "a,b,1\n" * 100_000 + "a,\xc9cole,1\n"
    Path("e.csv").write_bytes(text.encode("cp1252"))
    with pytest.raises(InvalidProblemError, match=r"line 100002 has the byte 0xc9"):
        read()


def test_a_workbook():
    Path("e.csv").write_bytes(b"PK\x03\x04\x14\x00\x06\x00\xc0\xff")
    with pytest.raises(InvalidProblemError, match=r"`e.csv` is a workbook of Excel or another zip"):
        read()


@pytest.mark.parametrize(
    "header", [",have,want,zone", ",zone,have,want", '"",zone,have,want', ",have,want"]
)
def test_an_index_without_a_name_may_be_the_names_of_nodes_or_a_count(header):
    """Today's zone 1 and 2 would have been nodes 1 and 2."""
    pd.DataFrame({"u": [1], "v": [2], "length": [1]}).to_csv("e.csv", index=False)
    Path("n.csv").write_text(f"{header}\n{'1,' * header.count(',')}1\n")
    message = (
        r"the index of `n.csv` has no name; call it `node` if it names .* `df.rename_axis\(\"no"
    )
    with pytest.raises(InvalidProblemError, match=message):
        read()
    if "zone" in header:
        assert read(node="zone").node == "zone"
    Path("n.csv").write_text(f"{header},id\n{'1,' * header.count(',')}1,2\n")
    assert read().source.tolist() == [0, 1]


# --- .parquet ------------------------------------------------------------------------------------


def as_arrow(columns, types):
    return pa.table({k: pa.array(v, types.get(k)) for k, v in columns.items()})


TEXTS = [
    pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
]  # fmt: skip
NUMBERS = [
    pa.float16(), pa.float32(), pa.float64(), pa.decimal128(5, 2), pa.decimal256(50, 2),
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=str)
@pytest.mark.parametrize("number", NUMBERS, ids=str)
def test_types_of_arrow(text, number):
    lengths = [Decimal("1.00"), Decimal("2.50")] if "decimal" in str(number) else [1.0, 2.5]
    lengths = np.float16(lengths) if number == pa.float16() else lengths
    types = {"here": text, "there": text, "length": number}
    pq.write_table(as_arrow({**STREETS, "length": lengths}, types), "e.parquet")
    pq.write_table(as_arrow(STATIONS, {"node": text, "have": pa.uint64(), "want": pa.int8()}),
                   "n.parquet")  # fmt: skip
    check(read("e.parquet", "n.parquet"))


def test_pandas_writes_parquet():
    edges, nodes = pd.DataFrame(STREETS), pd.DataFrame(STATIONS)
    edges["oneway"] = pd.array([True, None], "boolean")
    edges["here"] = edges["here"].astype("category")
    edges["capacity"] = pd.array([None, 2], "Int64")
    nodes["have"] = nodes["have"].astype("Float32")
    for kind in (edges, edges[edges.length > 0], edges.rename_axis("number")):
        kind.to_parquet("e.parquet")
        for table in (nodes, nodes[nodes.have >= 0], nodes.set_index("node"),
                      nodes.set_index("node").rename_axis("station")):  # fmt: skip
            table.to_parquet("n.parquet")
            data = read("e.parquet", "n.parquet", one_way="oneway")
            check(data)
            assert data.graph.directed.tolist() == [True, False]
            assert data.graph.capacity.tolist() == [np.inf, 2]


def test_an_index_of_parquet():
    """It is no end of an edge, and names nodes only if it has a name."""
    edges = pd.DataFrame({"here": [1, 2], "there": [2, 3], "length": [1.0, 2.5]}, index=[7, 8])
    edges.rename_axis("edge").to_parquet("e.parquet")
    assert read("e.parquet", graph_of("n.parquet", "name")).graph.labels == (1, 2, 3)
    message = (
        r"the index of `n.parquet` has no name; .*, of `zone`, `have`, `want`, `__index_level_0"
    )
    with pytest.raises(InvalidProblemError, match=message):
        read("e.parquet", graph_of("n.parquet", None))
    assert read("e.parquet", "n.parquet", node="__index_level_0__").source.tolist() == [3, 0, 0]


def graph_of(path, name):
    nodes = pd.DataFrame({"zone": [2, 3], "have": [3, 0], "want": [0, 2]}, index=[1, 3])
    nodes.rename_axis(name).to_parquet(path)
    return path


def test_polars_writes_parquet():
    edges = pl.DataFrame(STREETS).with_columns(
        pl.col("here").cast(pl.Categorical),
        pl.col("there").cast(pl.Enum(["b", "c"])),
        pl.col("length").cast(pl.Decimal(10, 3)),
        pl.Series("oneway", [True, None]),
        pl.Series("day", [datetime.date(2020, 1, 1)] * 2),
    )
    edges.write_parquet("e.parquet")
    pl.DataFrame(STATIONS).write_parquet("n.parquet")
    data = read("e.parquet", "n.parquet", one_way="oneway")
    check(data)
    assert data.graph.directed.tolist() == [True, False]


TIMES = {
    "ns": pa.array([1, 2], pa.timestamp("ns")),
    "zone": pa.array([1, 2], pa.timestamp("ns", tz="UTC")),
    "us": pa.array([1, 2], pa.timestamp("us")),
    "date": pa.array([1, 2], pa.date32()),
    "duration": pa.array([1, 2], pa.duration("ns")),
    "time": pa.array([1, 2], pa.time64("us")),
    "bytes": pa.array([b"1", b"2"]),
    "list": pa.array([[1.0], [2.0]]),
    "record": pa.array([{"a": 1}, {"a": 2}]),
    "nothing": pa.array([None, None]),
}


@pytest.mark.parametrize("column", TIMES.values(), ids=TIMES.keys())
def test_what_is_neither_number_nor_name(column):
    """Nanoseconds were lengths."""
    table = as_arrow(STREETS, {})
    pq.write_table(table.set_column(2, "length", column), "e.parquet")
    with pytest.raises(InvalidProblemError, match=r"`length` in row 0 .* (no number|missing)"):
        read("e.parquet")
    pq.write_table(table.set_column(0, "here", column), "e.parquet")
    with pytest.raises(InvalidProblemError, match=r"`here` in row 0 .*have integers or text for"):
        read("e.parquet", ends=("here", "there"))


def test_text_of_parquet_that_is_not_utf8():
    names = pa.array([b"\xc9cole", b"b"]).view(pa.string())
    pq.write_table(as_arrow(STREETS, {}).set_column(0, "here", names), "e.parquet")
    with pytest.raises(
        InvalidProblemError, match=r"`e.parquet` cannot be read \(.*; it should hold"
    ):
        read("e.parquet")
