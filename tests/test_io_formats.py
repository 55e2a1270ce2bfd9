"""Formats: what is mapped, what .parquet may hold, and plans without loss and without dense."""

import mmap
import os
import sys
import tracemalloc
import zipfile
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.sparse as sp

from quot import InvalidProblemError, MissingDependencyError, Plan
from quot.io import parquet
from quot.io.arrays import read_arrays, read_npz, read_vector
from quot.io.files import write_atomically
from quot.io.plans import PLAN_SUFFIXES, check_plan_path, read_plan, write_plan

X = np.random.default_rng(2).normal(size=(40, 3))
TYPES = [np.float64, np.float32, np.float16, np.int64, np.uint8, np.bool_, ">f8"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def is_mapped(array):
    """Whether the memory of an array is a file."""
    while isinstance(array, np.ndarray | memoryview):
        array = array.base if isinstance(array, np.ndarray) else array.obj
    return isinstance(array, mmap.mmap)


# --- mapping -----------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", TYPES, ids=str)
@pytest.mark.parametrize("shape", [(40, 3), (7,), (), (0, 3)], ids=str)
def test_arrays_are_mapped_where_they_lie(dtype, shape):
    rng = np.random.default_rng(0)
    array = np.asfortranarray(rng.integers(0, 99, shape)).astype(dtype)
    np.save("F.npy", array)
    np.savez("F.npz", before=np.ones(5), F=array, after=array.T)
    np.savez_compressed("Z.npz", F=array, other=X)
    members = read_arrays("F.npz")
    for found in (read_arrays("F.npy")[""], members["F"], members["after"].T):
        assert is_mapped(found)
        assert found.dtype == array.dtype
        assert np.array_equal(found, array)
    for found in (read_npz("F.npz")["F"], read_arrays("Z.npz")["F"]):
        assert not is_mapped(found)
        assert np.array_equal(found, array)


@pytest.mark.parametrize("name", ["F.npy", "F.npz"])
def test_a_mapped_array_outlives_its_file(name):
    """What is written to it stays in memory, and a new file in its place leaves it alone."""
    np.save("F.npy", X)
    np.savez("F.npz", X=X)
    before = Path(name).read_bytes()
    array = read_arrays(name)[""]
    with write_atomically(name) as stream:
        stream.write(b"new")
    assert np.array_equal(array, X)
    assert Path(name).read_bytes() == b"new"
    Path(name).write_bytes(before)
    array = read_arrays(name)[""]
    array[:] = 0
    assert Path(name).read_bytes() == before


def test_what_cannot_be_mapped_is_read(monkeypatch):
    np.save("F.npy", X)
    np.savez("F.npz", X=X, Y=X)

    def refuse(*_, **__):
        raise OSError(19, "No such device")

    monkeypatch.setattr(np, "memmap", refuse)
    for array in (read_arrays("F.npy")[""], read_arrays("F.npz")["X"]):
        assert not is_mapped(array)
        assert np.array_equal(array, X)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_flipped_byte_in_an_archive_is_found(save):
    save("F.npz", X=X, Y=X)
    whole, rng = Path("F.npz").read_bytes(), np.random.default_rng(0)
    found = 0
    for at in rng.choice(len(whole), 80, replace=False):
        broken = bytearray(whole)
        broken[at] ^= 0x5A
        Path("F.npz").write_bytes(broken)
        try:
            arrays = read_arrays("F.npz")
        except InvalidProblemError:
            found += 1
            continue
        assert all(np.array_equal(array, X) for array in arrays.values())
    assert found > 60


def test_an_archive_shorter_than_its_directory_says():
    np.savez("F.npz", X=X, Y=X)
    whole = Path("F.npz").read_bytes()
    with zipfile.ZipFile("F.npz") as archive:
        start = archive.infolist()[1].header_offset
    Path("F.npz").write_bytes(whole[:start] + whole[start + 99 :])
    with pytest.raises(InvalidProblemError, match=r"`F\.npz` cannot be read \("):
        read_arrays("F.npz")


# --- .parquet ------------------------------------------------------------------------------------


def write_table(path="F.parquet", /, **columns):
    pq.write_table(pa.table(columns), path)


def test_columns_of_every_number_in_order():
    z, y, x = X.T
    k = np.arange(40, dtype=np.uint16)
    write_table(z=z, y=y.astype(np.float32), x=x.astype(np.float16), k=k)
    found = read_arrays("F.parquet")[""]
    assert found.dtype == np.float64
    assert found.flags.c_contiguous
    expected = [z, y.astype(np.float32), x.astype(np.float16), k]
    assert np.array_equal(found, np.column_stack(expected))
    write_table("a.parquet", mass=z)
    found, note = read_vector("a.parquet", "a")
    assert np.array_equal(found, z)
    assert note == "column mass"


def test_many_batches(monkeypatch):
    monkeypatch.setattr(parquet, "_CHUNK", 7)
    pq.write_table(pa.table({"x": X[:, 0], "y": X[:, 1]}), "F.parquet", row_group_size=16)
    assert np.array_equal(read_arrays("F.parquet")[""], X[:, :2])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"x": [1.0], "name": ["a"]}, "the column `name` of `F.parquet` is string, which is not"),
        ({"x": [True]}, "the column `x` of `F.parquet` is bool, which is not numbers; leave it"),
        ({"x": [1.0, None]}, "the column `x` of `F.parquet` has entries without a value; fill"),
        ({"__index_level_0__": [1]}, "`F.parquet` is empty; pass a table with columns of numbers"),
        ({"id": [7, 3], "x": [1, 2]}, "the column `id` of `F.parquet` is called as an index is, "),
        ({"e": [[1.0], [2.0, 3.0]]}, "the column `e` of `F.parquet` has lists of several lengths"),
        ({"e": [[1.0], [None]]}, "the column `e` of `F.parquet` has entries without a value"),
        ({"e": [[1.0], None]}, "the column `e` of `F.parquet` has entries without a value"),
        ({"e": [[1.0]], "x": [1]}, "the column `e` of `F.parquet` holds lists, and there are"),
        ({"e": [["a"]]}, "the column `e` of `F.parquet` is list<.*: string>, which is not numbers"),
        ({"x": pa.array([], pa.float64())}, "`F.parquet` is empty; pass a table with columns"),
        ({}, "`F.parquet` is empty; pass a table with columns of numbers"),
    ],
)
def test_columns_that_are_no_numbers(columns, message):
    write_table(**columns)
    with pytest.raises(InvalidProblemError, match=message):
        read_arrays("F.parquet")


def test_two_columns_of_a_name():
    pq.write_table(pa.table([[1.0], [2.0]], names=["x", "x"]), "F.parquet")
    with pytest.raises(InvalidProblemError, match=r"`F\.parquet` has two columns `x`; give each"):
        read_arrays("F.parquet")


def test_numbers_of_every_kind():
    write_table(d=[Decimal("1.5"), Decimal("2.25")], h=np.float16([1, 2]), u=np.uint8([3, 4]))
    found = read_arrays("F.parquet")
    assert found[""].tolist() == [[1.5, 1, 3], [2.25, 2, 4]]
    assert found.note == "columns d, h, u"


P, Q = [0.5, 0.6, 0.7], [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda frame: frame, ""),
        (lambda frame: frame.rename_axis("k"), ""),  # a range, which takes no column
        (lambda frame: frame.set_index([[7, 9, 8]]), "; index `__index_level_0__` left out"),
        (lambda frame: frame.set_index([[7, 9, 8]]).rename_axis("k"), "; index `k` left out"),
        (lambda frame: frame.set_index([list("abc")]).rename_axis("k"), "; index `k` left out"),
        (lambda frame: frame.reset_index(), "; index `index` left out"),
        (lambda frame: frame.assign(id=[1, 2, 3])[["id", "p", "q"]], "; index `id` left out"),
    ],
)
def test_an_index_of_pandas_is_no_coordinate(change, note):
    frame = change(pytest.importorskip("pandas").DataFrame({"p": P, "q": Q}))
    frame.to_parquet("F.parquet")
    found = read_arrays("F.parquet")
    assert np.array_equal(found[""], np.column_stack([P, Q]))
    assert found.note == f"columns p, q{note}"


@pytest.mark.parametrize("frame", ["[]", "null", "{}", '{"index_columns": [{}, 7]}'])
def test_a_note_that_names_no_index(frame):
    table = pa.table({"x": [1.0]}).replace_schema_metadata({"pandas": frame})
    pq.write_table(table, "F.parquet")
    assert read_arrays("F.parquet")[""].tolist() == [[1.0]]


@pytest.mark.parametrize("frame", ["{", '{"index_columns": 3}'])
def test_a_damaged_note(frame):
    table = pa.table({"x": [1.0]}).replace_schema_metadata({"pandas": frame})
    pq.write_table(table, "F.parquet")
    with pytest.raises(InvalidProblemError, match=r"`F\.parquet` cannot be read \("):
        read_arrays("F.parquet")


def test_tables_of_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"p": P, "q": Q})
    for each, note in ((frame, ""), (frame.with_row_index(), "; index `index` left out")):
        each.write_parquet("F.parquet")
        found = read_arrays("F.parquet")
        assert np.array_equal(found[""], np.column_stack([P, Q]))
        assert found.note == f"columns p, q{note}"


@pytest.mark.parametrize("size", [3, None])
def test_a_column_of_lists_is_points(size, monkeypatch):
    monkeypatch.setattr(parquet, "_CHUNK", 7)
    write_table(e=pa.array(X.tolist(), pa.list_(pa.float32(), size or -1)))
    found = read_arrays("F.parquet")
    assert found[""].dtype == np.float64
    assert np.array_equal(found[""], X.astype(np.float32))
    assert found.note == "column e"


def test_pairs_beside_an_index():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"row": [4, 0], "column": [1, 2], "mass": [3, 2.5]}, index=[8, 9])
    frame.to_parquet("P.parquet")
    frame.to_csv("P.csv")
    frame.to_csv("Q.csv", sep=";", index=False)
    for name in ("P.parquet", "P.csv", "Q.csv"):
        back = read_plan(name, (5, 3))
        assert (back.nnz, back.to_dense()[4, 1], back.to_dense()[0, 2]) == (2, 3, 2.5)


def test_damaged_parquet_is_refused():
    plan = Plan.from_dense(X)
    write_plan(plan, "P.parquet")
    whole, rng = Path("P.parquet").read_bytes(), np.random.default_rng(0)
    for size in range(0, len(whole), len(whole) // 40):
        Path("P.parquet").write_bytes(whole[:size])
        with pytest.raises(InvalidProblemError, match=r"`P\.parquet` cannot be read \("):
            read_plan("P.parquet", X.shape)
    for at in rng.choice(len(whole), 80, replace=False):
        broken = bytearray(whole)
        broken[at] ^= 0x5A
        Path("P.parquet").write_bytes(broken)
        try:
            back = read_plan("P.parquet", X.shape)
        except InvalidProblemError:
            continue
        assert same(back, plan)


def test_without_pyarrow(monkeypatch):
    write_table(x=[1.0])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    text = r"`pyarrow` is not installed, .* install it with `pip install 'quot\[parquet\]'`\."
    for action in (
        lambda: read_arrays("F.parquet"),
        lambda: read_plan("F.parquet", (1, 1)),
        lambda: check_plan_path("P.parquet"),
        lambda: write_plan(Plan.from_dense(X), "P.parquet"),
    ):
        with pytest.raises(MissingDependencyError, match=text):
            action()
    assert os.listdir() == ["F.parquet"]


# --- plans ---------------------------------------------------------------------------------------


def same(one, other):
    pairs = ((getattr(one, k), getattr(other, k)) for k in ("rows", "cols", "values"))
    return one.shape == other.shape and all(
        x.dtype == y.dtype and x.tobytes() == y.tobytes() for x, y in pairs
    )


def any_plan(rng, shape):
    """A plan whose masses are any bits that are a number."""
    chosen = np.sort(rng.choice(shape[0] * shape[1], rng.integers(0, 99), replace=False))
    values = rng.integers(0, 2**64, chosen.size, np.uint64).view(np.float64)
    fits = (np.abs(values) < 1e300) & (values != 0)
    rows, cols = np.divmod(chosen[fits], shape[1])
    return Plan(shape, rows.astype(np.int32), cols.astype(np.int32), values[fits])


@pytest.mark.parametrize("suffix", PLAN_SUFFIXES)
def test_any_plan_comes_back_bit_for_bit(suffix, monkeypatch):
    monkeypatch.setattr("quot.io.plans._CHUNK", 16)
    monkeypatch.setattr(parquet, "_GROUP", 16)
    monkeypatch.setattr(parquet, "_CHUNK", 7)
    for seed in range(25):
        rng = np.random.default_rng(seed)
        plan = any_plan(rng, (int(rng.integers(10, 40)), int(rng.integers(10, 10**7))))
        write_plan(plan, f"P{suffix}")
        assert same(read_plan(f"P{suffix}", plan.shape), plan)


@pytest.mark.parametrize("suffix", PLAN_SUFFIXES)
def test_a_large_plan_takes_no_more_than_a_few_times_its_memory(suffix):
    """A dense detour would take 8 TB; that it is not taken shows in hundreds of megabytes."""
    n, k = 10**6, 10**5
    rng = np.random.default_rng(0)
    rows = np.sort(rng.choice(n, k, replace=False)).astype(np.int32)
    plan = Plan((n, n), rows, rng.permutation(n)[:k].astype(np.int32), rng.random(k))
    write_plan(Plan.from_dense(X), f"P{suffix}")  # imports are not counted
    tracemalloc.start()
    try:
        write_plan(plan, f"P{suffix}")
        back = read_plan(f"P{suffix}", plan.shape)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert same(back, plan)
    assert peak < 10 * 16 * k + 4 * 8 * n  # entries, and the row pointers of scipy.sparse


def test_a_csv_of_a_plan_is_what_savetxt_writes():
    plan = any_plan(np.random.default_rng(3), (30, 40))
    write_plan(plan, "P.csv")
    columns = np.rec.fromarrays([plan.rows, plan.cols, plan.values])
    np.savetxt("Q.csv", columns, "%d,%d,%.17g", header="row,column,mass", comments="")
    assert Path("P.csv").read_bytes() == Path("Q.csv").read_bytes()


def test_plans_of_others_in_parquet():
    dense = np.round(X)
    write_table("P.parquet", **{f"c{k}": column for k, column in enumerate(dense.T)})
    assert np.array_equal(read_plan("P.parquet", X.shape).to_dense(), dense)
    write_table("P.parquet", row=[4, 0, 4], column=np.uint8([1, 2, 1]), mass=[1, 2, 3])
    back = read_plan("P.parquet", (5, 3))
    assert (back.nnz, back.to_dense()[4, 1], back.to_dense()[0, 2]) == (2, 4, 2)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"row": [0.0]}, "the column `row` of `P.parquet` is float64; rows and columns of pairs"),
        ({"column": [None]}, "the column `column` of `P.parquet` is null, which is not numbers"),
        ({"row": [5]}, r"`P\.parquet` has pairs outside the 5 x 3 cost"),
        ({"column": np.int8([-1])}, r"`P\.parquet` has pairs outside the 5 x 3 cost"),
        ({"mass": [np.nan]}, r"`plan` must be finite; plan\[0\] is nan"),
    ],
)
def test_pairs_that_are_no_plan(columns, message):
    write_table("P.parquet", **{"row": [0], "column": [0], "mass": [1.0], **columns})
    with pytest.raises(InvalidProblemError, match=message):
        read_plan("P.parquet", (5, 3))


def test_the_shape_is_kept_in_parquet():
    write_plan(Plan.from_dense(X), "P.parquet")
    with pytest.raises(InvalidProblemError, match=r"a plan of shape \(40, 3\), but the cost has"):
        read_plan("P.parquet", (50, 3))
    schema = pq.read_schema("P.parquet")
    assert schema.names == ["row", "column", "mass"]
    assert [str(kind) for kind in schema.types] == ["int32", "int32", "double"]
    for shape in ("x", "[1]", "7"):
        table = pq.read_table("P.parquet").replace_schema_metadata({"quot.shape": shape})
        pq.write_table(table, "Q.parquet")
        with pytest.raises(InvalidProblemError, match=r"`Q\.parquet` cannot be read \("):
            read_plan("Q.parquet", (40, 3))


def test_matrices_of_others_in_any_order():
    dense = np.round(X)
    coo = sp.coo_array(dense)
    order = np.random.default_rng(0).permutation(coo.nnz)
    mixed = sp.coo_array((coo.data[order], (coo.row[order], coo.col[order])), shape=X.shape)
    for matrix in (mixed, mixed.tocsc(), mixed.tocsr()):
        sp.save_npz("P.npz", matrix)
        back = read_plan("P.npz", X.shape)
        assert same(back, Plan.from_dense(dense))


@pytest.mark.parametrize("suffix", PLAN_SUFFIXES)
def test_a_full_disk(suffix):
    Path(f"P{suffix}").symlink_to("/dev/full")
    with pytest.raises(InvalidProblemError, match=r"`P\.\w+` cannot be written \(No space left"):
        write_plan(Plan.from_dense(X), f"P{suffix}")
