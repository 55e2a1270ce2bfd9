"""Files: every bit comes back, nothing is unpickled, and what is not ours is refused in words."""

import os
import stat
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import scipy.sparse as sp

import quot
from quot import InvalidProblemError, NumericalWarning, Plan, Result, Status, load, save
from quot.costs import DenseCost
from quot.io import arrays, plans
from quot.io.arrays import pick, read_arrays, read_vector
from quot.io.files import check_writable, write_atomically
from quot.io.plans import read_plan, write_plan
from quot.problem import EntropicProblem

C = np.random.default_rng(1).random((5, 7))
ALLOWED = sp.csr_array(C * (C > 0.2))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- results ---------------------------------------------------------------------------------


def entropic():
    problem = EntropicProblem(np.zeros((2, 2)), eps=0.5)
    plan = Plan.from_dense(np.full((2, 2), 0.25))
    f, g = np.full(2, 0.5 * np.log(0.25)), np.zeros(2)
    certificate = quot.certify(problem, plan, f, g)
    return Result(problem, plan, f, g, 0.0, certificate, Status.OPTIMAL)


def points(metric):
    X, Y = C[:4] + 0.1, C[1:] + 0.2
    return quot.solve_points(X, Y, metric=metric, reg=0.2, mass=0.6)


RESULTS = {
    "balanced": lambda: quot.solve(C),
    "regularised": lambda: quot.solve(C, reg=0.3),
    "partial": lambda: quot.solve(C, reg=0.3, mass=0.4),
    "no mass": lambda: quot.solve(C, reg=0.3, mass=0.0),
    "sparse": lambda: quot.solve(ALLOWED, mass=0.3),
    "points": lambda: points("sqeuclidean"),
    "cosine": lambda: points("cosine"),
    "unfinished": lambda: quot.solve(C, reg=1, max_iter=1, tol=1e-14, on_failure="ignore"),
    "tolerance": lambda: quot.solve(C, reg=1, tol=quot.Tolerance(1e-7, 1e-8, 1e-6)),
    "entropic": entropic,
}


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS.keys())
def test_a_result_comes_back_bit_for_bit(make):
    r = make()
    save(r, "R.npz")
    back = load("R.npz")
    assert type(back.problem) is type(r.problem)
    assert type(back.problem.cost) is type(r.problem.cost)
    assert np.array_equal(back.problem.cost.block(0, 2), r.problem.cost.block(0, 2))
    assert (back.problem.a == r.problem.a).all()
    assert (back.problem.b == r.problem.b).all()
    assert back.problem.mass == r.problem.mass
    known = {"total", "unit"}  # once they have been asked for
    assert vars(back.problem).keys() - known == vars(r.problem).keys() - known
    for name in ("reg", "eps"):
        assert getattr(back.problem, name, None) == getattr(r.problem, name, None)
    assert back.plan.shape == r.plan.shape
    for name in ("rows", "cols", "values"):
        one, other = getattr(back.plan, name), getattr(r.plan, name)
        assert one.dtype == other.dtype
        assert one.tobytes() == other.tobytes()
    assert back.f.tobytes() == r.f.tobytes()
    assert back.g.tobytes() == r.g.tobytes()
    for name in ("lam", "status", "tolerance", "history", "seconds", "method", "value", "cost"):
        assert getattr(back, name) == getattr(r, name), name
    assert back.certificate == r.certificate
    assert back.converged == r.converged


def test_a_loaded_result_starts_a_solve():
    save(quot.solve(C, reg=0.3), "R.npz")
    again = quot.solve(C, reg=0.3, start=load("R.npz"))
    assert again.converged


def test_saving_twice_writes_the_same_file_and_replaces_it():
    r = quot.solve(C, reg=0.3)
    save(r, "R.npz")
    save(quot.solve(C, reg=0.4), "R.npz")
    save(r, "R.npz")
    save(r, Path("S.npz"))
    assert load("R.npz").value == load("S.npz").value == r.value
    assert sorted(os.listdir()) == ["R.npz", "S.npz"]


def test_the_name_is_taken_as_it_is():
    save(quot.solve(C), "result")
    assert os.listdir() == ["result"]
    assert load("result").converged
    for name in ("x.csv", "x.npy", "result-0.5"):
        with pytest.raises(InvalidProblemError, match=r"which names no format to write; use \.npz"):
            save(quot.solve(C), name)
    assert os.listdir() == ["result"]
    Path("x.csv").write_text("1,2\n")
    message = r"`x\.csv` cannot be read .*; it should hold a result that `quot\.save` wrote"
    with pytest.raises(InvalidProblemError, match=message):
        load("x.csv")


def change(**arrays):
    """Rewrite R.npz with other arrays; None removes one."""
    old = dict(np.load("R.npz"))
    old.update(arrays)
    np.savez("R.npz", **{k: v for k, v in old.items() if v is not None})


DAMAGED = r"`R\.npz` is damaged: "
CHANGES = {
    "later version": ({"version": 99}, r"format version 99, and this one reads version 2; read it"),
    "no version": ({"version": None}, DAMAGED + "no version number"),
    "version of words": ({"version": "x"}, DAMAGED + "no version number"),
    "no plan": ({"rows": None}, DAMAGED + "no array 'rows'"),
    "no cost": ({"C": None}, DAMAGED + "no array 'C'"),
    "unknown cost": ({"cost": "graph"}, DAMAGED + "cost of unknown kind 'graph'"),
    "unknown problem": ({"problem": "cubic"}, DAMAGED + "no array 'cubic'"),
    "unknown status": ({"status": "GOOD"}, DAMAGED + "no array 'GOOD'"),
    "other shape": ({"shape": [5, 6]}, DAMAGED),
    "masses of another size": ({"a": np.ones(3)}, DAMAGED + "`a` has 3 entries"),
    "cost with nan": ({"C": np.full((5, 7), np.nan)}, DAMAGED + "`C` must be finite"),
    "potentials of another size": ({"f": np.ones(3)}, DAMAGED + r"`f` is float64 of shape \(3,\)"),
    "potentials of integers": ({"g": np.ones(7, int)}, DAMAGED + "`g` is int64 of shape"),
    "pairs outside": ({"rows": np.full(11, 9)}, DAMAGED),
    "pairs of floats": ({"rows": np.ones(11)}, DAMAGED + "rows and columns of pairs are not"),
    "negative tolerance": ({"tolerance": -np.ones(3)}, DAMAGED + r"`tol\.primal` must be positive"),
    "tolerance of one": ({"tolerance": np.float64(1)}, DAMAGED),
    "history of two lengths": ({"history_reg": np.ones(99)}, DAMAGED),
    "negative reg": ({"strength": -1.0}, DAMAGED + "`reg` must not be negative"),
}


@pytest.mark.parametrize(("arrays", "text"), CHANGES.values(), ids=CHANGES.keys())
def test_a_damaged_result_is_refused(arrays, text):
    save(quot.solve(C, reg=0.3), "R.npz")
    change(**arrays)
    with pytest.raises(InvalidProblemError, match=text):
        load("R.npz")


def test_pairs_must_be_inside_and_in_order():
    r = quot.solve(C, reg=0.3)
    save(r, "R.npz")
    change(rows=r.plan.rows[::-1], cols=r.plan.cols[::-1])
    with pytest.raises(InvalidProblemError, match=DAMAGED + "pairs out of order"):
        load("R.npz")
    change(rows=r.plan.rows + 5)
    with pytest.raises(InvalidProblemError, match=DAMAGED + r"pairs outside the shape \(5, 7\)"):
        load("R.npz")


def test_a_result_that_lies_is_found_out():
    save(quot.solve(C, reg=0.3), "R.npz")
    change(f=np.zeros(5))
    with pytest.warns(
        NumericalWarning, match=r"`R\.npz` claims an optimal plan, but .* solve again"
    ):
        back = load("R.npz")
    assert back.status is Status.OPTIMAL
    assert not back.converged


def test_nan_in_a_result_is_not_certified():
    save(quot.solve(C, reg=0.3), "R.npz")
    change(g=np.full(7, np.nan))
    with pytest.warns(NumericalWarning, match="its certificate does not hold"):
        assert not load("R.npz").converged


def test_nothing_is_unpickled():
    class Bomb:
        def __reduce__(self):
            return os.mkdir, ("exploded",)

    np.savez("R.npz", format="quot-result", version=np.array([Bomb()], object))
    np.save("B.npy", np.array([Bomb()], object), allow_pickle=True)
    with pytest.raises(InvalidProblemError, match=r"cannot be read .*allow_pickle=False"):
        load("R.npz")
    with pytest.raises(InvalidProblemError, match=r"cannot be read .*allow_pickle=False"):
        read_arrays("B.npy")
    Path("B.npy").rename("B.npz")
    with pytest.raises(InvalidProblemError, match="cannot be read"):
        read_arrays("B.npz")
    assert not Path("exploded").exists()


def test_what_cannot_be_saved():
    class Own:
        shape = (5, 7)

        def block(self, start, stop):
            return C[start:stop]

        def at(self, rows, cols):
            return C[rows, cols]

        def take(self, rows, cols):
            return DenseCost(C[np.ix_(rows, cols)])

    r = quot.solve(Own(), reg=0.3)
    with pytest.raises(
        InvalidProblemError, match=r"a cost of type Own cannot be saved; solve with"
    ):
        save(r, "R.npz")

    class Other(quot.Problem):
        pass

    with pytest.raises(InvalidProblemError, match=r"results of Other cannot be saved; keep the"):
        save(replace(r, problem=Other(C)), "R.npz")
    assert os.listdir() == []


# --- files that are not what they should be ----------------------------------------------------

READERS = {
    "load": load,
    "arrays": read_arrays,
    "vector": lambda path: read_vector(path, "a"),
    "plan": lambda path: read_plan(path, (5, 7)),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
@pytest.mark.parametrize("suffix", arrays.SUFFIXES)
def test_missing_directory_empty_garbage(read, suffix):
    name = f"F{suffix}"
    with pytest.raises(InvalidProblemError, match=r"`F\.\w+` does not exist; check the name"):
        read(name)
    Path(name).mkdir()
    with pytest.raises(InvalidProblemError, match=r"`F\.\w+` is a directory; name a file in it"):
        read(name)
    Path(name).rmdir()
    for content in (b"", b"\x00\xff\xfe garbage\n" * 9, b"PK\x03\x04", b"\x93NUMPY\x01\x00"):
        Path(name).write_bytes(content)
        with pytest.raises(
            InvalidProblemError,
            match=r"`F\.\w+` (cannot be read \(|is empty; pass|is not in UTF-8: line 1)",
        ):
            read(name)


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_truncated_anywhere(suffix):
    name = f"F{suffix}"
    if suffix == ".npz":
        save(quot.solve(C[:2, :2]), name)
    else:
        np.save(name, C)
    whole = Path(name).read_bytes()
    for size in range(0, len(whole), max(1, len(whole) // 60)):
        Path(name).write_bytes(whole[:size])
        with pytest.raises(InvalidProblemError, match="cannot be read"):
            read_arrays(name)


def header(shape, dtype="<f8"):
    """The head of a .npy file that claims that shape, and no more."""
    text = str({"descr": dtype, "fortran_order": False, "shape": shape})
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


HUGE = r"its header says float64 of shape .*, which is \d+ bytes, but there are only \d+\)"


@pytest.mark.parametrize("shape", [(10**6, 10**6), (10**30,), (2**32, 2**32), (9, 1)], ids=str)
@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_header_that_claims_too_much(shape, compression):
    """Found before memory is asked for."""
    content = header(shape) + bytes(64)
    Path("F.npy").write_bytes(content)
    with zipfile.ZipFile("F.npz", "w", compression) as archive:
        archive.writestr("C.npy", content)
        archive.writestr("format.npy", content)
    for read in (read_arrays, lambda path: read_vector(path, "a"), lambda p: read_plan(p, (5, 7))):
        for name in ("F.npy", "F.npz"):
            with pytest.raises(InvalidProblemError, match=r"`F\.np.` cannot be read \(" + HUGE):
                read(name)
    with pytest.raises(InvalidProblemError, match=r"`F\.npz` cannot be read \(" + HUGE):
        load("F.npz")


def test_a_directory_that_claims_too_much_as_well():
    """The list of members at the end of the archive agrees with the header; the file cannot."""
    with zipfile.ZipFile("F.npz", "w") as archive:
        archive.writestr("C.npy", header((10**8,)) + bytes(64))
    whole = bytearray(Path("F.npz").read_bytes())
    at = whole.index(b"PK\x01\x02")
    whole[at + 20 : at + 28] = (10**9).to_bytes(4, "little") * 2  # both sizes of the member
    Path("F.npz").write_bytes(whole)
    with pytest.raises(InvalidProblemError, match=r"`F\.npz` cannot be read \(" + HUGE):
        read_arrays("F.npz")


def no_memory(*_, **__):
    raise MemoryError("Unable to allocate 20.0 GiB for an array with shape (50000, 50000)")


MEMORY = (
    r"`R\.npz` does not fit into memory \(Unable to allocate 20\.0 GiB .*\); read it on a larger"
)


@pytest.mark.parametrize("place", ["numpy.lib.format.read_array", "quot.io.results.certify"])
def test_a_result_larger_than_memory(place, monkeypatch):
    save(quot.solve(C), "R.npz")
    monkeypatch.setattr(place, no_memory)
    with pytest.raises(InvalidProblemError, match=MEMORY) as caught:
        load("R.npz")
    assert isinstance(caught.value.__cause__, MemoryError)
    assert "rite it again" not in str(caught.value)


def no_mapping(*_, **__):
    raise OSError(12, "Cannot allocate memory")


@pytest.mark.parametrize("suffix", arrays.SUFFIXES)
def test_an_array_larger_than_memory(suffix, monkeypatch):
    np.save("F.npy", C)
    np.savez("F.npz", C=C)
    np.savetxt("F.csv", C, delimiter=",")
    pa.parquet.write_table(pa.table({"x": C[0]}), "F.parquet")
    for place in ("numpy.lib.format.read_array", "numpy.loadtxt", "quot.io.parquet._batches"):
        monkeypatch.setattr(place, no_memory)
    monkeypatch.setattr(np, "memmap", no_mapping)
    with pytest.raises(InvalidProblemError, match=r"`F\.\w+` does not fit into memory \(Unable"):
        read_arrays(f"F{suffix}")


def test_a_sparse_matrix_larger_than_memory():
    """It is small in the file, and its rows alone would fill any memory."""
    none = np.zeros(0, np.int64)
    np.savez("S.npz", format=b"coo", shape=[10**14, 3], row=none, col=none, data=np.zeros(0))
    with pytest.raises(InvalidProblemError, match=r"`S\.npz` does not fit into memory \("):
        read_arrays("S.npz")


def test_a_flipped_byte_never_passes_unseen():
    save(quot.solve(C[:2, :2]), "R.npz")
    whole, rng = bytearray(Path("R.npz").read_bytes()), np.random.default_rng(0)
    truth = load("R.npz")
    for at in rng.choice(len(whole), 60, replace=False):
        broken = whole.copy()
        broken[at] ^= 0x5A
        Path("R.npz").write_bytes(broken)
        try:
            back = load("R.npz")
        except InvalidProblemError:
            continue
        assert back.certificate == truth.certificate  # a byte that means nothing to us


def test_an_archive_of_other_things():
    with zipfile.ZipFile("F.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(InvalidProblemError, match=r"\(`readme\.txt` in it is no array\)"):
        read_vector("F.npz", "a")
    np.savez("F.npz", x=1, y=2)
    with pytest.raises(
        InvalidProblemError, match="is not a result of quot; got an archive of `x`,"
    ):
        load("F.npz")
    np.savez("F.npz", format="csr", shape=[2, 2], data=[1.0])
    with pytest.raises(InvalidProblemError, match=r"it should hold a scipy\.sparse matrix"):
        read_arrays("F.npz")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read():
    np.save("F.npy", C)
    Path("F.npy").chmod(0)
    with pytest.raises(InvalidProblemError, match=r"`F\.npy` may not be read; change its perm"):
        read_arrays("F.npy")


@pytest.mark.parametrize("kind", [sp.csr_array, sp.csc_array])
@pytest.mark.parametrize("index", [99, -1])
def test_a_sparse_matrix_with_pairs_outside(kind, index):
    matrix = kind(C)
    matrix.indices[-1] = index
    sp.save_npz("S.npz", matrix)
    with pytest.raises(InvalidProblemError, match=r"should hold a scipy\.sparse matrix"):
        read_arrays("S.npz")


# --- arrays ------------------------------------------------------------------------------------


def test_arrays_of_every_kind():
    np.save("F.npy", C)
    np.savetxt("F.csv", C, delimiter=",", fmt="%.17g")
    np.savez("one.npz", whatever=C)
    np.savez("two.npz", C=C, a=C[0])
    sp.save_npz("S.npz", ALLOWED)
    sp.save_npz("T.npz", ALLOWED.tocoo())
    for name in ("F.npy", "F.csv", "one.npz", "two.npz"):
        assert np.array_equal(pick(read_arrays(name), "C", name), C)
    for name in ("S.npz", "T.npz"):
        assert np.array_equal(pick(read_arrays(name), "C", name).toarray(), ALLOWED.toarray())
    with pytest.raises(InvalidProblemError, match=r"`two\.npz` has no array `X`; got `C`, `a`\."):
        pick(read_arrays("two.npz"), "X", "two.npz")
    with pytest.raises(InvalidProblemError, match=r"`F\.txt` has the suffix '\.txt'; pass a file"):
        read_arrays("F.txt")


def test_vectors():
    a = C[0]
    np.save("v.npy", a)
    np.savetxt("row.csv", a[None], delimiter=",", fmt="%.17g")
    np.savetxt("column.csv", a, fmt="%.17g")
    np.savez("named.npz", a=a, b=1)
    for name in ("v.npy", "row.csv", "column.csv", "named.npz"):
        assert np.array_equal(read_vector(name, "a")[0], a)
    np.save("v.npy", C)
    with pytest.raises(InvalidProblemError, match=r"`a` must have 1 axis, as \(n,\); got shape"):
        read_vector("v.npy", "a")
    np.save("v.npy", a + 1j)
    with pytest.raises(InvalidProblemError, match="`a` has dtype complex128"):
        read_vector("v.npy", "a")
    sp.save_npz("S.npz", ALLOWED)
    with pytest.raises(InvalidProblemError, match=r"`a` in `S\.npz` is a sparse matrix of shape"):
        read_vector("S.npz", "a")


# --- plans -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", plans.PLAN_SUFFIXES)
@pytest.mark.parametrize("mass", [None, 0.4, 0.0])
def test_a_plan_comes_back_bit_for_bit(suffix, mass):
    plan = quot.solve(C, reg=0.3, mass=mass).plan
    write_plan(plan, f"P{suffix}")
    back = read_plan(f"P{suffix}", (5, 7))
    for name in ("rows", "cols", "values"):
        assert getattr(back, name).tobytes() == getattr(plan, name).tobytes()
    assert os.listdir() == [f"P{suffix}"]


def test_plans_of_peers():
    dense = C * (C > 0.5)
    np.save("P.npy", dense)
    np.savez("P.npz", P=dense, log=[1, 2])
    np.savetxt("P.csv", dense, delimiter=",", fmt="%.17g")
    sp.save_npz("S.npz", sp.coo_array(dense))
    for name in ("P.npy", "P.npz", "P.csv", "S.npz"):
        assert np.array_equal(read_plan(name, (5, 7)).to_dense(), dense)
    Path("P.csv").write_text("row, column, mass\n0,1,0.5\n4,6,-1e-9\n0,1,0.25\n")
    back = read_plan("P.csv", (5, 7))
    assert (back.nnz, back.to_dense()[0, 1], back.to_dense()[4, 6]) == (2, 0.75, -1e-9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "row,column,mass\n0,7,1\n",
            r"`P\.csv` has pairs outside the 5 x 7 cost; rows and columns",
        ),
        ("row,column,mass\n-1,0,1\n", "has pairs outside the 5 x 7 cost"),
        ("row,column,mass\n0.5,0,1\n", "has a pair in row or column 0.5; rows and columns of"),
        ("row,column,mass\n0,nan,1\n", "has a pair in row or column nan; rows and columns of"),
        ("row,column,mass\n0,0\n", r"line 2 of `P\.csv` has 2 cells, and there are 3 in the"),
        ("row,column\n", r"`P\.csv` is empty; pass a table with columns of numbers"),
        ("row,column,mass\n0,0,nan\n", r"`plan` must be finite; plan\[0\] is nan"),
        (
            "1,2\n3,4\n",
            r"holds a plan of shape \(2, 2\), but the cost has shape \(5, 7\); pass the",
        ),
    ],
)
def test_plans_that_are_none(text, message):
    Path("P.csv").write_text(text)
    with pytest.raises(InvalidProblemError, match=message):
        read_plan("P.csv", (5, 7))


def test_a_dense_plan_with_nan():
    np.save("P.npy", np.full((5, 7), np.nan))
    with pytest.raises(InvalidProblemError, match=r"`plan` must be finite; plan\[0, 0\] is nan"):
        read_plan("P.npy", (5, 7))


# --- writing -----------------------------------------------------------------------------------


def test_where_nothing_can_be_written(folder):
    plan = quot.solve(C).plan
    (folder / "dir.npz").mkdir()
    with pytest.raises(
        InvalidProblemError, match=r"`dir\.npz` is a directory; name a file in it\."
    ):
        write_plan(plan, "dir.npz")
    with pytest.raises(InvalidProblemError, match=r"there is no directory `no`; make it first"):
        save(quot.solve(C), "no/R.npz")
    with pytest.raises(
        InvalidProblemError, match=r"suffix '\.txt', which names no format to write"
    ):
        write_plan(plan, "P.txt")
    with pytest.raises(InvalidProblemError, match=r"use \.npz, \.csv or \.parquet\."):
        check_writable("P", plans.PLAN_SUFFIXES)
    assert os.listdir() == ["dir.npz"]


def test_a_failure_leaves_the_old_file():
    Path("F").write_text("old")

    def fail(error):
        with write_atomically("F") as stream:
            stream.write(b"half")
            raise error

    with pytest.raises(ZeroDivisionError, match="defect"):
        fail(ZeroDivisionError("defect"))
    with pytest.raises(
        InvalidProblemError, match=r"`F` cannot be written \(No space left\); choose"
    ):
        fail(OSError(28, "No space left"))
    assert Path("F").read_text() == "old"
    assert os.listdir() == ["F"]


def test_a_link_into_no_directory_is_refused_before_work(folder):
    """It was found out when all was done."""
    (folder / "link.npz").symlink_to("nowhere/x.npz")
    with pytest.raises(InvalidProblemError, match=r"there is no directory `.*nowhere`; make"):
        check_writable("link.npz")


@pytest.mark.parametrize("thing", [Plan.from_dense(C), quot.Problem(C), C, None], ids=str)
def test_only_results_are_saved(folder, thing):
    with pytest.raises(
        InvalidProblemError, match=r"`result` must be what a solver returns.*got a "
    ):
        save(thing, "x.npz")
    assert os.listdir() == []


def test_links_modes_and_devices(folder):
    (folder / "real.npz").write_bytes(b"")
    (folder / "real.npz").chmod(0o640)
    (folder / "link.npz").symlink_to("real.npz")
    save(quot.solve(C), "link.npz")
    assert Path("link.npz").is_symlink()
    assert load("real.npz").converged
    assert stat.S_IMODE(Path("real.npz").stat().st_mode) == 0o640
    save(quot.solve(C), os.devnull)
    assert not Path(os.devnull).is_file()
