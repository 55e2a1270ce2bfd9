"""Tables of numbers in .csv: which line, which column is data; what cannot be told is refused."""

import csv
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from quot import InvalidProblemError
from quot.io.arrays import read_arrays, read_vector

TWO = [[1.5, 2.0], [3.0, -0.4]]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(text, encoding="utf-8"):
    Path("x.csv").write_bytes(text.encode(encoding))


def read(text, encoding="utf-8"):
    write(text, encoding)
    found = read_arrays("x.csv")
    assert found[""].flags.c_contiguous
    return found[""].tolist(), found.note


# --- what is data ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "1.5,2\n3,-4e-1\n",
        "\ufeff1.5, 2\r\n3,-.4\r\n",
        "1.5,2\r3,-.4\r",
        "1.5;2\n3;-.4",
        "1.5\t2\n3\t-.4\n",
        "1.5 2\n  3   -.4 \n",
        '"1.5","2"\n"3","-.4"\n',
        "# p,q\n\n1.5,2 # here\n\n# there\n3,-0.4\n\n",
    ],
)
def test_lines_of_numbers_are_data(text):
    assert read(text) == (TWO, "no header")


HEADER = "columns p, q; header skipped"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("p,q\n1.5,2\n3,-.4\n", HEADER),
        ("\ufeffp;q\r\n1.5;2\r\n3;-.4\r\n", HEADER),
        ("p\tq\n1.5\t2\n3\t-.4\n", HEADER),
        ("p q\n1.5 2\n3 -.4\n", HEADER),
        ("# of today\n\np, q # names\n\n1.5,2\n#\n3,-.4\n", HEADER),
        ('"p","q"\n"1.5","2"\n"3","-.4"\n', HEADER),
        ('"p, 1","q"\n1.5,2\n3,-.4\n', "columns p, 1, q; header skipped"),
        ('"0","1"\n1.5,2\n3,-.4\n', "columns 0, 1; header skipped"),
        ("Länge,μ\n1.5,2\n3,-.4\n", "columns Länge, μ; header skipped"),
        # an index of pandas, row names of R, and names of an index that counts the rows
        (",p,q\n7,1.5,2\n9,3,-.4\n", HEADER + "; index left out"),
        (",0,1\n0,1.5,2\n1,3,-.4\n", "columns 0, 1; header skipped; index left out"),
        ('"","p","q"\n"1",1.5,2\n"2",3,-.4\n', HEADER + "; index left out"),
        ('"";"p";"q"\n"a;b";1.5;2\n"c";3;-.4\n', HEADER + "; index left out"),
        ("Unnamed: 0,p,q\n4,1.5,2\n2,3,-.4\n", HEADER + "; index left out"),
        ("index,p,q\n0,1.5,2\n1,3,-.4\n", HEADER + "; index `index` left out"),
        ("index,0,1\n0,1.5,2\n1,3,-.4\n", "columns 0, 1; header skipped; index `index` left out"),
        ("ID,p,q\n1,1.5,2\n2,3,-.4\n", HEADER + "; index `ID` left out"),
    ],
)
def test_a_line_of_names_is_a_header(text, note):
    assert read(text) == (TWO, note)


@pytest.mark.parametrize("cell", ["#N/A", "#REF!", "#DIV/0!", "#NAME?", "#NV", "#WERT!"])
@pytest.mark.parametrize(
    "text", ["p,q\n1,2\n{},4\n", "1,2\n3,4\n5,{}\n", "1;2\n{} ;4\n", "{}\n2\n"]
)
def test_errors_of_excel_are_no_comments(text, cell):
    """Such a line was left out in silence."""
    write(text.format(cell))
    with pytest.raises(InvalidProblemError, match=r"^line [123] of `x\.csv` has '#"):
        read_arrays("x.csv")
    assert read("#P,Q\n1.5,2\n3,-.4 #N/A so far\n#DATA!here\n") == (TWO, "no header")


def test_one_column():
    for text, note in (
        ("1.5\n3\n", "no header"),
        ("mass\n1.5\n3\n", "column mass; header skipped"),
        ("mass of all\n1.5\n3\n", "column mass of all; header skipped"),
        ("id\n1.5\n3\n", "column id; header skipped"),  # alone it is data
        (",0\n0,1.5\n1,3\n", "column 0; header skipped; index left out"),
    ):
        assert read(text) == ([[1.5], [3.0]], note)


def test_many_columns_are_named_in_short():
    names = [f"c{k}" for k in range(20)]
    text = ",".join(names) + "\n" + ",".join("5" * 20) + "\n"
    assert read(text)[1] == "columns c0, c1, c2, ..., c19; header skipped"


def test_a_pipe_is_read_once():
    os.mkfifo("x.csv")
    writer = threading.Thread(target=write, args=("p,q\n1.5,2\n3,-0.4\n",))
    writer.start()
    assert read_arrays("x.csv")[""].tolist() == TWO
    writer.join()


def test_what_pandas_writes():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(TWO, columns=["p", "q"])
    for options in (
        {},
        {"index": False},
        {"sep": ";"},
        {"sep": "\t", "index": False, "encoding": "utf-8-sig"},
        {"quoting": csv.QUOTE_ALL},
        {"quoting": csv.QUOTE_NONNUMERIC, "index": False},
        {"index_label": "id"},
        {"header": False, "index": False},
    ):
        frame.to_csv("x.csv", **options)
        assert read_arrays("x.csv")[""].tolist() == TWO
    pandas.DataFrame(TWO).to_csv("x.csv")
    assert read_arrays("x.csv")[""].tolist() == TWO
    frame.set_index([["a", "b,c"]]).to_csv("x.csv")
    assert read_arrays("x.csv")[""].tolist() == TWO
    for odd in (pandas.DataFrame(TWO), pandas.DataFrame(TWO, columns=[1, 2])):
        odd.to_csv("x.csv", index=False)
        with pytest.raises(InvalidProblemError, match="may be the names of columns, as pandas wr"):
            read_arrays("x.csv")


# --- what cannot be told -----------------------------------------------------------------------

EITHER = r"the first line of `x\.csv`, `{}`, may be the names of columns, .* Delete it if it is"
NEITHER = r"the first line of `x\.csv`, `{}`, is neither names of columns nor numbers alone; write"


@pytest.mark.parametrize("text", ["0,1\n.5,.5\n", "0,1\n1,0\n", "0\n3\n", "1,2\n1.5,2.5\n"])
def test_numbers_that_may_be_names(text):
    with pytest.raises(InvalidProblemError, match=EITHER.format(text.split("\n")[0])):
        read(text)


@pytest.mark.parametrize(
    "text",
    ["0.0,1.0\n.5,.5\n", "1,2\n3,4\n", "2,1\n.5,.5\n", "1,1\n.5,.5\n", "0,1\n", "0,-1\n1.5,2.5\n"],
)
def test_numbers_that_are_no_names(text):
    assert read(text)[1] == "no header"


@pytest.mark.parametrize("start", [0, 1])
def test_a_column_that_may_be_an_index(start):
    message = (
        r"the first column of `x\.csv` counts the rows, and may be an index, .* or data\. Leave"
    )
    with pytest.raises(InvalidProblemError, match=message):
        read(f"{start},.5,.6\n{start + 1},.7,.8\n{start + 2},.9,.9\n")


@pytest.mark.parametrize(
    "text", ["0.0,.5\n1.0,.6\n", "0,.5\n1,.6\n3,.7\n", "t,x\n0,.5\n1,.6\n", "1,2\n2,1"]
)
def test_a_column_that_is_none(text):
    assert len(read(text)[0][0]) == 2


def test_masses_are_as_many_as_something_else():
    """A header taken for a mass would be one too many: zeros may come first."""
    write("0\n3\n4\n")
    assert read_vector("x.csv", "a")[0].tolist() == [0, 3, 4]


@pytest.mark.parametrize(
    "line",
    ["NA,2", "NA,NA", "null,None", "-,-", "?", ",.5", "cat,1,2", "id,2019,2020", "1_000,2",
     "1,5;2,5", "2024-01-01,3", "10%,20%", "−1,−2", "1,2,", ",", "0x10,1"],
)  # fmt: skip
def test_neither_names_nor_numbers(line):
    with pytest.raises(InvalidProblemError, match=NEITHER.format(line.replace("?", r"\?"))):
        read(f"{line}\n3,4\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("p,label\n1,cat\n", r"`label` in line 2 of `x\.csv` is 'cat', which is no number; leave"),
        ("p,q\n1,2\n\n3,\n", r"`q` in line 4 of `x\.csv` is empty; fill it, or leave the line or"),
        ("p,q\n1,NA\n", "`q` in line 2 of .* is 'NA', which is no number"),
        ("p,q\n1_000,2\n", "`p` in line 2 of .* is '1_000', which is no number"),
        ("1,2\n1_000,2\n", "column 1 in line 2 of .* is '1_000', which is no number"),
        ("p;q\n1,5;2\n", "`p` in line 2 of .* is '1,5', with a decimal comma; write numbers"),
        ("p,q,\n1,2,\n", "column 3 in line 2 of .* is empty"),
        ("p,q\nx,y\n1,2\n", "`p` in line 2 of .* is 'x', which is no number"),
        ("p,q\n1,2\n3\n", r"line 3 of `x\.csv` has 1 cell, and there are 2 in the header; each"),
        ("1,2\n3,4,5\n", r"line 2 of `x\.csv` has 3 cells, and there are 2 in the first; each"),
        (",p\na,1\nb,1,2\n", "line 3 of .* has 3 cells, and there are 2 in the header"),
        ('"p" "q"\n"1" 0.5 0.3\n', "line 2 of .* `row.names = FALSE`, R writes names"),
        ("p,q\n1,2,\n", r"line 2 of .* has 3 cells.*; each line needs as many\.$"),
        (
            'p,"q\n1,2\n',
            r"header of `x\.csv` opens a quote and does not close it; write it in one",
        ),
        ('p,"q\n(m)"\n1,2\n', r"header of `x\.csv` opens a quote"),
        (",,p,q\na,1,.5,2\n", r"a column of `x\.csv` besides the first has no name, and may be"),
        ("p,,q\n1,.5,2\n", r"a column of `x\.csv` besides the first has no name, and may be"),
        ("sep=;\np;q\n1;2\n", r"first line of `x\.csv` is `sep=;`, which is for Excel alone; del"),
        ("p,q\n1,2\n  \n3,4\n", r"line 3 of `x\.csv` holds blanks alone; delete it\."),
        ("id,p\n5,1\n6,1\n", "`id` of .* is called as an index is, and does not count the rows;"),
        ("id,p\na,1\n", "`id` in line 2 of .* is 'a', which is no number"),
        ("p|q\n1|2\n", r"is '1\|2', which is no number"),
        ("p,q\n", r"`x\.csv` is empty; pass a table with columns of numbers\."),
        ("# nothing\n\n", r"`x\.csv` is empty; pass rows of numbers separated by comma, semicolon"),
    ],
)
def test_refused_by_line_and_column(text, message):
    with pytest.raises(InvalidProblemError, match=message):
        read(text)


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16"])
def test_other_encodings(encoding):
    with pytest.raises(InvalidProblemError, match=r"`x\.csv` is .*(S|s)ave it as UTF-8"):
        read("Länge,q\n1,2\n", encoding)


def test_every_bit_of_a_large_table():
    values = np.random.default_rng(0).normal(size=(3000, 2)) * 10.0 ** np.arange(-3000, 0)[:, None]
    values = values[np.isfinite(values).all(axis=1) & (values != 0).all(axis=1)]
    np.savetxt("x.csv", values, delimiter=",", fmt="%.17g", header="p,q", comments="")
    assert read_arrays("x.csv")[""].tobytes() == values.tobytes()
