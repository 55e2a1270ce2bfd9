"""Files with faults, found by `make fuzz`: one line each, and no warning of a library."""

import io
import struct
import zlib

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot import memory
from quot.cli import main

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

C = np.arange(20.0).reshape(5, 4) / 20


@pytest.fixture(autouse=True)
def at(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.save("C.npy", C)


@pytest.fixture
def refused(capfd):
    """Run the command line; return the one line that it has said."""

    def run(*argv):
        code, said = main([*argv]), capfd.readouterr().err
        assert code == 2
        assert said.startswith("quot: error: ")
        assert said.count("\n") == 1
        return said

    return run


def header(text):
    """A .npy of this header."""
    content = text.encode().ljust(100) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(content)) + content + C.tobytes()


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (5, 4",
        "{'descr': '<f8', 'fortran_order': 9**9**9, 'shape': (5, 4), }",
        "{'descr': '<f8', 'fortran_order': '''",
        f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**64 - 1}, 0), }}",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 0), }",
    ],
)
def test_a_header_that_python_cannot_read(refused, text):
    with open("it.npy", "wb") as stream:
        stream.write(header(text))
    said = refused("solve", "it.npy")
    assert "`it.npy` cannot be read (" in said
    assert " object at 0x" not in said


def sparse(**changes):
    """A file of scipy.sparse with other arrays."""
    stream = io.BytesIO()
    sp.save_npz(stream, sp.csr_array(C))
    stream.seek(0)
    np.savez("it.npz", **{**np.load(stream), **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"format": np.array(1.0)},
        {"format": np.array("csx")},
        {"indices": np.arange(20) % 4 + 0j},
        {"data": C.ravel().astype("U5")},
        {"shape": np.array([5.5, 4.0])},
        {"indptr": np.array([0, 0, 0, 0, 1, 0])},
        {"indptr": np.array([False, False, True, False, True, False])},
    ],
    ids=["a number", "unknown", "complex", "text", "a broken shape", "falling", "truth values"],
)
def test_a_sparse_matrix_that_is_none(refused, changes):
    sparse(**changes)
    assert "it should hold a scipy.sparse matrix. Write it again." in refused("solve", "it.npz")


def test_numbers_that_are_none_after_a_cast(refused):
    np.save("it.npy", np.frombuffer(b"\xff" * 320, np.longdouble).reshape(5, 4))
    assert "`C` must be finite" in refused("solve", "it.npy")


@pytest.mark.parametrize("name", ["mass", "lam", "a", "history_residual"])
def test_a_result_of_complex_numbers(refused, name):
    quot.save(quot.solve(C, mass=0.5), "r.npz")
    arrays = dict(np.load("r.npz"))
    np.savez("r.npz", **{**arrays, name: arrays[name] + 0j})
    assert f"`r.npz` is damaged: `{name}` is complex128." in refused("check", "r.npz")


GRAPH = ("graph", "edges.parquet", "--nodes", "nodes.csv", "--source", "have", "--target", "want")


def graph(ends, metadata=None):
    with open("nodes.csv", "w") as stream:
        stream.write("node,have,want\n0,1,0\n1,0,1\n")
    table = pa.table({"u": ends, "v": pa.array([1]), "length": pa.array([1.0])})
    pq.write_table(table.replace_schema_metadata(metadata), "edges.parquet")


@pytest.mark.parametrize("text", [b"[1, 2, 3]", b'"x"', b'{"index_columns": [{"kind": "range"}]}'])
def test_metadata_of_pandas_that_are_none(text):
    graph(pa.array([0]), {b"pandas": text})
    assert main([*GRAPH]) == 0


@pytest.mark.parametrize("line", [0, 1])
def test_a_field_that_is_longer_than_any(refused, line):
    lines = ["from,to,length", "0,1,1"]
    lines[line] = 200_000 * "x" + lines[line]
    graph(pa.array([0]))
    with open("edges.csv", "w") as stream:
        stream.write("\n".join(lines))
    assert "field larger than field limit" in refused(GRAPH[0], "edges.csv", *GRAPH[2:])


def test_a_capacity_beyond_any_mass(refused):
    with open("edges.csv", "w") as stream:
        stream.write("from,to,length,capacity\n0,2,1,1e308\n2,1,1,0.5")
    graph(pa.array([0]))
    said = refused(GRAPH[0], "edges.csv", *GRAPH[2:])
    assert "can carry at most 0.5" in said


def test_names_in_half_precision():
    graph(pa.array([np.float16(0)]))
    assert main([*GRAPH]) == 0


def test_a_plan_of_masses_whose_squares_overflow(capsys):
    np.save("P.npy", np.full((5, 4), 1e200))
    assert main(["check", "P.npy", "--cost", "C.npy", "--reg", "1"]) == 1
    assert capsys.readouterr().err == ""


def test_what_compiled_libraries_print(refused):
    """Compressed data of a TIFF file, damaged: libtiff says so on stderr by itself."""
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (7, 6)).save("it.tif", compression="tiff_adobe_deflate")
    image.new("RGB", (7, 6)).save("other.png")
    with open("it.tif", "rb") as stream:
        data = bytearray(stream.read())
    at = data.index(zlib.compress(bytes(126))[:2])
    data[at + 2 : at + 6] = b"\xff" * 4
    with open("it.tif", "wb") as stream:
        stream.write(data)
    assert "cannot be read as a picture" in refused("recolor", "it.tif", "other.png", "-o", "o.png")


def test_what_is_small_only_while_it_is_packed(refused, monkeypatch):
    """A file of a few kilobytes that unpacks to more than there is."""
    zeros = np.zeros((2000, 1000))
    np.savez_compressed("C.npz", C=zeros)
    sp.save_npz("S.npz", sp.csr_array(zeros + 1.0))
    columns = {f"c{k}": zeros[:, k] for k in range(1000)}
    pq.write_table(pa.table(columns), "C.parquet", compression="zstd")
    monkeypatch.setattr(memory, "available", lambda: 12_000_000)
    for name in ("C.npz", "S.npz", "C.parquet"):
        said = refused("solve", name)
        assert f"`{name}` does not fit into memory (it takes 0.0" in said
        assert "GB, and this machine has 0.01" in said


def test_a_picture_of_more_pixels_than_there_is_room_for(refused, monkeypatch):
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (1000, 1000)).save("it.png")
    monkeypatch.setattr(memory, "available", lambda: 12_000_000)
    said = refused("recolor", "it.png", "it.png", "-o", "o.png")
    assert "`it.png` does not fit into memory (it takes 0.02 GB, and this machine has" in said
    assert "make it smaller." in said


def test_what_pillow_logs(refused):
    """That there are more samples a pixel than it decodes is an error in its log."""
    image = pytest.importorskip("PIL.Image")
    image.new("RGB", (7, 6)).save("it.tif")
    with open("it.tif", "rb") as stream:
        data = stream.read()
    entry = struct.pack("<HHIH", 277, 3, 1, 3)
    assert entry in data
    with open("it.tif", "wb") as stream:
        stream.write(data.replace(entry, struct.pack("<HHIH", 277, 3, 1, 99)))
    assert "is not a picture that Pillow can read" in refused(
        "recolor", "it.tif", "it.tif", "-o", "o.png"
    )


@pytest.mark.parametrize("wrong", [np.zeros((1, 2)), np.array(["many"]), np.zeros(())])
def test_a_history_that_is_no_column_of_numbers(refused, wrong):
    """It was read, and the first that printed it failed."""
    quot.save(quot.solve_entropic(C, eps=0.1), "r.npz")
    with np.load("r.npz") as stored:
        arrays = dict(stored)
    arrays["history_passes"] = wrong
    np.savez("r.npz", **arrays)
    assert "history_passes" in refused("check", "r.npz")


def test_a_plan_that_is_infinite(refused):
    """Sums over it were warnings of NumPy."""
    quot.save(quot.solve_adaptive(C[:4], perplexity=2), "r.npz")
    with np.load("r.npz") as stored:
        arrays = dict(stored)
    arrays["values"][0] = np.inf
    np.savez("r.npz", **arrays)
    assert "an infinite mass" in refused("check", "r.npz")


def test_a_nan_that_signals(capfd):
    """It was a warning of NumPy wherever it was used."""
    quot.save(quot.solve_adaptive(C[:4], perplexity=2), "r.npz")
    with np.load("r.npz") as stored:
        arrays = dict(stored)
    arrays["values"].view(np.int64)[0] = 0x7FF4 << 48
    np.savez("r.npz", **arrays)
    assert main(["check", "r.npz"]) == 1
    assert "Warning" not in capfd.readouterr().err


def test_a_sparse_matrix_of_half_precision(refused):
    """SciPy reads it, and has no such arrays."""
    sp.save_npz("M.npz", sp.csr_array(C))
    with np.load("M.npz") as stored:
        arrays = dict(stored)
    np.savez("M.npz", **arrays | {"data": arrays["data"].astype(np.float16)})
    assert "its `data` is float16" in refused("solve", "M.npz", "-o", "plan.npz")
