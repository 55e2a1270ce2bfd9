"""The command line in-process: what it prints, what it writes, and how it exits."""

import contextlib
import io
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import scipy.sparse as sp

import quot
import quot.cli
from quot.cli import common, main
from quot.problem import EntropicProblem

C = np.array([[0.0, 2.0, 1.0], [2.0, 1.0, 0.5]])


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Problems of every kind in the current directory."""
    monkeypatch.chdir(tmp_path)
    np.save("C.npy", C)
    np.savetxt("C.csv", C, delimiter=",", fmt="%.17g")
    np.savez("all.npz", C=C, a=[0.25, 0.75], b=[0.5, 0.25, 0.25])
    sp.save_npz("S.npz", sp.csr_array(np.array([[0.0, 2.0, 1.0], [2.0, 1.0, 0.0]])))
    np.save("X.npy", np.arange(4.0)[:, None])
    np.savetxt("Y.csv", np.arange(4.0)[:, None] + 0.25, delimiter=",")
    np.savez("XY.npz", X=np.eye(2), Y=np.ones((3, 2)), a=[1.0, 2.0], b=[1.0, 1.0, 1.0])
    np.savetxt("a.csv", [[0.25, 0.75]], delimiter=",")
    np.save("b.npy", np.array([[0.5], [0.25], [0.25]]))
    return tmp_path


# --- solve -----------------------------------------------------------------------------------


def test_solve_prints_a_table(said):
    code, out, err = said("solve", "C.npy", "--reg", 0.5, "--mass", 0.7)
    assert (code, err) == (0, "")
    table = dict(line.split("  ", 1) for line in out.splitlines())
    table = {key: text.strip() for key, text in table.items()}
    r = quot.solve(C, reg=0.5, mass=0.7)
    assert table["shape"] == "2 x 3"
    assert table["reg"] == "0.5"
    assert table["value"] == f"{r.value:.12g}"
    assert table["cost"] == f"{r.cost:.12g}"
    assert table["mass moved"] == f"{r.plan.total:.12g}"
    assert table["nnz"] == str(r.plan.nnz)
    assert table["sparsity"] == f"{100 * r.plan.sparsity:.6g} %"
    assert table["status"].startswith("OPTIMAL, optimal: gap and residuals")
    assert {"gap", "optimum between", "marginals within", "pairs priced", "seconds"} <= set(table)


def test_solve_tells_json(told):
    code, facts = told("solve", "C.npy", "--reg", 0.5, "--mass", 0.7)
    r = quot.solve(C, reg=0.5, mass=0.7)
    assert code == 0
    assert facts["shape"] == [2, 3]
    assert (facts["reg"], facts["mass"]) == (0.5, 0.7)
    for name in ("value", "cost"):
        assert facts[name] == getattr(r, name)
    for name in ("lower", "upper", "gap", "relative_gap", "primal_residual", "scope", "pairs"):
        assert facts[name] == getattr(r.certificate, name)
    assert (facts["mass_moved"], facts["nnz"]) == (r.plan.total, r.plan.nnz)
    assert facts["sparsity"] == r.plan.sparsity
    assert (facts["status"], facts["converged"], facts["method"]) == ("OPTIMAL", True, r.method)
    assert facts["seconds"] > 0
    assert facts["plan"] is None
    assert facts["result"] is None


MASSES = [0.25, 0.75], [0.5, 0.25, 0.25]


@pytest.mark.parametrize(
    ("argv", "solution"),
    [
        (["C.csv"], lambda: quot.solve(C)),
        (["C.npy", "-a", "a.csv", "-b", "b.npy"], lambda: quot.solve(C, *MASSES)),
        (["all.npz"], lambda: quot.solve(C, *MASSES)),
        (["C.npy", "-a", "all.npz", "-b", "all.npz"], lambda: quot.solve(C, *MASSES)),
        (["all.npz", "-b", "uniform.npy"], lambda: quot.solve(C, MASSES[0])),
        (["S.npz", "--mass", "0.3"], lambda: quot.solve(sp.load_npz("S.npz"), mass=0.3)),
        (
            ["--points", "X.npy", "Y.csv"],
            lambda: quot.solve_points(np.load("X.npy"), np.load("X.npy") + 0.25),
        ),
        (
            ["--points", "XY.npz", "XY.npz", "--metric", "cityblock"],
            lambda: quot.solve_points(
                np.eye(2), np.ones((3, 2)), [1.0, 2.0], [1.0, 1.0, 1.0], metric="cityblock"
            ),
        ),
    ],
)
def test_solve_reads_every_form_of_a_problem(told, argv, solution):
    np.save("uniform.npy", np.full(3, 1 / 3))
    code, facts = told("solve", *argv)
    assert code == 0
    assert facts["value"] == solution().value


def test_ties(told):
    """All pairs tie: the mass is shared by all of them, or takes as few as it can."""
    np.save("ties.npy", np.ones((6, 6)))
    (_, share), (_, few) = told("solve", "ties.npy"), told("solve", "ties.npy", "--ties", "any")
    assert (share["nnz"], few["nnz"]) == (36, 6)
    assert share["value"] == pytest.approx(few["value"], rel=1e-15)


def test_solve_not_converged_exits_1_and_says_what_to_do(said, told):
    np.save("big.npy", np.random.default_rng(0).random((30, 30)))
    argv = ["solve", "big.npy", "--reg", "1", "--max-iter", "1", "--tol", "1e-12"]
    code, out, err = said(*argv)
    assert (code, err) == (1, "")
    assert "ITERATION_LIMIT, iteration limit reached; raise `max_iter`" in out
    code, facts = told(*argv)
    assert (code, facts["converged"], facts["status"]) == (1, False, "ITERATION_LIMIT")
    code, facts = told("solve", "big.npy", "--reg", "1", "--time-limit", "1e-9")
    assert (code, facts["status"]) == (1, "TIME_LIMIT")


@pytest.mark.parametrize("method", ["clarabel", "scs"])
def test_solve_by_reference(told, method):
    pytest.importorskip("cvxpy")
    pytest.importorskip(method)
    code, facts = told("solve", "C.npy", "--reg", 0.5, "--method", method, "--tol", "1e-4")
    assert (code, facts["method"]) == (0, method)


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_solve_writes_plan_and_result(told, suffix):
    code, facts = told("solve", "C.npy", "--reg", 0.1, "-o", f"P{suffix}", "--save", "R.npz")
    assert (code, facts["plan"], facts["result"]) == (0, f"P{suffix}", "R.npz")
    ours = quot.solve(C, reg=0.1).plan.to_dense()
    loaded = quot.load("R.npz")
    assert np.array_equal(loaded.plan.to_dense(), ours)
    assert loaded.value == facts["value"]
    if suffix == ".npz":
        assert np.array_equal(sp.load_npz("P.npz").toarray(), ours)
    else:
        table = np.loadtxt("P.csv", delimiter=",", skiprows=1)
        assert np.array_equal(ours[table[:, 0].astype(int), table[:, 1].astype(int)], table[:, 2])


# --- check -----------------------------------------------------------------------------------


@pytest.fixture
def solved():
    r = quot.solve(C, reg=0.5, mass=0.7)
    quot.save(r, "R.npz")
    return r


PROBLEM = ("--cost", "C.npy", "--reg", 0.5, "--mass", 0.7)


def test_check_certifies_a_result(said, told, solved):
    code, out, err = said("check", "R.npz")
    assert (code, err) == (0, "")
    assert "certified         yes, to 1.0e-09" in out
    assert "claimed           OPTIMAL" in out
    code, facts = told("check", "R.npz")
    assert (code, facts["certified"], facts["tolerance"]) == (0, True, 1e-9)
    assert facts["lower"] == solved.certificate.lower


def test_check_believes_nothing(said, solved):
    arrays = dict(np.load("R.npz"))
    arrays["values"] = arrays["values"] * 0.9
    np.savez("R.npz", **arrays)
    code, out, err = said("check", "R.npz")
    assert code == 1
    assert "no: gap or residuals exceed 1.0e-09" in out
    assert err.startswith("quot: warning: `R.npz` claims an optimal plan, but its certificate")
    assert err.count("\n") == 1
    code, out, _ = said("check", "R.npz", "--tol", "0.9")
    assert code == 0
    assert "yes, to 9.0e-01" in out


def test_check_of_an_unfinished_result(said):
    big = np.random.default_rng(0).random((30, 30))
    quot.save(quot.solve(big, reg=1, max_iter=1, tol=1e-12, on_failure="ignore"), "R.npz")
    code, _, err = said("check", "R.npz")
    assert (code, err) == (1, "")


def test_check_of_an_entropic_result(said, told):
    problem = EntropicProblem(np.zeros((2, 2)), eps=0.5)
    plan = quot.Plan.from_dense(np.full((2, 2), 0.25))
    f, g = np.full(2, 0.5 * np.log(0.25)), np.zeros(2)
    certificate = quot.certify(problem, plan, f, g)
    quot.save(quot.Result(problem, plan, f, g, 0.0, certificate, quot.Status.OPTIMAL), "E.npz")
    code, facts = told("check", "E.npz")
    assert (code, facts["eps"]) == (0, 0.5)
    assert "\neps               0.5\n" in said("check", "E.npz")[1]


@pytest.mark.parametrize("name", ["P.npz", "P.csv", "dense.csv", "dense.npy"])
def test_check_of_a_bare_plan_certifies_only_with_a_solve(said, told, solved, name):
    quot.io.plans.write_plan(solved.plan, "P.npz")
    quot.io.plans.write_plan(solved.plan, "P.csv")
    np.savetxt("dense.csv", solved.plan.to_dense(), delimiter=",", fmt="%.17g")
    np.save("dense.npy", solved.plan.to_dense())
    code, out, err = said("check", name, *PROBLEM)
    assert (code, err) == (1, "")
    assert "feasible          yes, to 1.0e-09" in out
    assert "no: a plan without potentials has no bound; pass `--solve`" in out
    code, facts = told("check", name, *PROBLEM)
    assert (code, facts["certified"], facts["feasible"]) == (1, False, True)
    assert facts["value"] == pytest.approx(solved.value, rel=1e-15)
    assert "gap" not in facts
    code, facts = told("check", name, *PROBLEM, "--solve")
    assert (code, facts["certified"]) == (0, True)
    assert facts["solution"]["status"] == "OPTIMAL"
    assert "our value" in said("check", name, *PROBLEM, "--solve")[1]


def test_check_of_a_poor_plan(told):
    np.save("P.npy", np.outer([0.5, 0.5], np.full(3, 1 / 3)))  # feasible, far from optimal
    code, facts = told("check", "P.npy", "--cost", "C.npy", "--solve")
    assert (code, facts["certified"]) == (1, False)
    assert facts["gap"] > 0.1
    code, facts = told("check", "P.npy", "--cost", "C.npy", "--solve", "--tol", "10")
    assert code == 0
    np.save("P.npy", np.zeros((2, 3)))
    code, facts = told("check", "P.npy", "--cost", "C.npy")
    assert (code, facts["feasible"]) == (1, False)
    np.save("P.npy", np.diag([1.0, -1.0, 1.0])[:2])
    code, facts = told("check", "P.npy", "--cost", "C.npy")
    assert (code, facts["feasible"]) == (1, False)


def test_check_of_a_plan_on_forbidden_pairs(said, told):
    np.save("P.npy", np.full((2, 3), 0.05))
    code, facts = told("check", "P.npy", "--cost", "S.npz", "--mass", "0.3")
    assert (code, facts["value"], facts["forbidden_pairs"]) == (1, None, 2)
    assert facts["feasible"] is False
    code, facts = told("check", "P.npy", "--cost", "S.npz", "--mass", "0.3", "--solve")
    assert (code, facts["value"], facts["certified"]) == (1, None, False)


@pytest.mark.parametrize("plan", ["P.npz", "P.csv", "P.parquet"])
def test_points_masses_and_plan_in_parquet(told, plan):
    """Solved and checked as from other formats."""
    X, Y = np.random.default_rng(0).random((2, 20, 2))
    a = np.arange(1, 21) / 210
    for name, columns in (("X", X.T), ("Y", Y.T), ("a", [a])):
        table = pa.table({f"c{k}": column for k, column in enumerate(columns)})
        pa.parquet.write_table(table, f"{name}.parquet")
    np.savez("Z.npz", X=X, Y=Y, a=a)
    problem = ["--points", "X.parquet", "Y.parquet", "-a", "a.parquet", "--reg", "0.1"]
    code, facts = told("solve", *problem, "-o", plan)
    assert (code, facts["plan"]) == (0, plan)
    assert facts["value"] == quot.solve_points(X, Y, a, reg=0.1).value
    code, again = told("check", plan, "--points", "Z.npz", "Z.npz", "--reg", "0.1", "--solve")
    assert (code, again["value"]) == (0, facts["value"])


@pytest.mark.parametrize("option", ["-o", "--save"])
@pytest.mark.parametrize(
    ("argv", "path", "reads"),
    [
        (["all.npz"], "all.npz", "COST"),
        (["all.npz"], "./all.npz", "COST"),
        (["all.npz"], "link.npz", "COST"),
        (["all.npz"], "hard.npz", "COST"),
        (["all.npz"], "folder/all.npz", "COST"),
        (["link.npz"], "hard.npz", "COST"),
        (["C.npy", "-a", "all.npz"], "all.npz", "-a"),
        (["C.npy", "-b", "all.npz"], "all.npz", "-b"),
        (["--points", "XY.npz", "X.npy"], "XY.npz", "--points"),
        (["--points", "X.npy", "XY.npz"], "XY.npz", "--points"),
    ],
)
def test_nothing_is_written_over_what_is_read(said, folder, argv, path, reads, option):
    (folder / "link.npz").symlink_to("all.npz")
    (folder / "hard.npz").hardlink_to("all.npz")
    (folder / "folder").symlink_to(".")
    before = {name: Path(name).read_bytes() for name in ("all.npz", "XY.npz")}
    code, out, err = said("solve", *argv, option, path)
    assert (code, out) == (2, "")
    assert err == (
        f"quot: error: `{option}` names `{path}`, which is the file that `{reads}` reads, and "
        "would overwrite it; choose another name.\n"
    )
    assert before == {name: Path(name).read_bytes() for name in before}


@pytest.mark.parametrize("path", ["./P.npz", "p.npz", "folder/P.npz"])
def test_two_outputs_are_two_files(said, folder, path):
    (folder / "folder").symlink_to(".")
    code, _, err = said("solve", "C.npy", "-o", "P.npz", "--save", path)
    assert (code, err) == (
        2,
        "quot: error: `-o` and `--save` name one file, links and capitals apart, `P.npz` and "
        f"`{path}`, and one would overwrite the other; choose two names.\n",
    )


def test_devices_and_what_is_only_read_may_be_named_twice(said, folder):
    (folder / "P.npz").symlink_to("/dev/null")
    (folder / "R.npz").symlink_to("/dev/null")
    argv = ("--points", "XY.npz", "XY.npz", "-o", "P.npz", "--save", "R.npz")
    assert said("solve", *argv)[0] == 0


def test_suffixes_in_capitals(said, told):
    Path("C.csv").rename("K.CSV")
    code, facts = told("solve", "K.CSV", "--reg", 0.5, "-o", "P.PARQUET", "--save", "R.NPZ")
    assert (code, facts["plan"], facts["result"]) == (0, "P.PARQUET", "R.NPZ")
    assert said("check", "R.NPZ")[0] == 0
    assert told("check", "P.PARQUET", "--cost", "K.CSV", "--reg", 0.5, "--solve")[1]["certified"]


def test_what_may_not_be_written(said, folder, monkeypatch):
    (folder / "P.npz").write_bytes(b"kept")
    (folder / "closed").mkdir()
    closed = {folder / "P.npz", folder / "closed"}
    monkeypatch.setattr("quot.io.files.os.access", lambda path, _: Path(path) not in closed)
    for path, what in (("P.npz", "P.npz"), ("closed/P.npz", "closed")):
        code, out, err = said("solve", "C.npy", "-o", path)
        assert (code, out) == (2, "")
        assert f"`{path}` cannot be written: `{what}` may not be changed; change its perm" in err
    assert Path("P.npz").read_bytes() == b"kept"


# --- what was read -----------------------------------------------------------------------------


READ = [
    (["C.npy"], "cost of 2 x 3, masses uniform"),
    (["C.csv"], "cost of 2 x 3 (no header), masses uniform"),
    (["C.npy", "-a", "a.csv"], "cost of 2 x 3, a of total 1 (no header), b uniform"),
    (["all.npz"], "cost of 2 x 3, a of total 1, b of total 1"),
    (["S.npz", "--mass", "0.3"], "sparse cost of 2 x 3, 2 pairs forbidden, masses uniform"),
    (
        ["--points", "X.npy", "Y.csv"],
        "4 points x 4 points (no header) of 1 coordinate, masses uniform",
    ),
    (
        ["--points", "P.csv", "P.csv", "-b", "m.csv"],
        "2 x 2 points of 2 coordinates (columns p, q; header skipped), a uniform, b of total 1 "
        "(column mass; header skipped)",
    ),
    (
        ["--points", "P.csv", "X2.npy"],
        "2 points (columns p, q; header skipped) x 3 points of 2 coordinates, masses uniform",
    ),
    (["C.npy", "--eps", "0.5"], "cost of 2 x 3, masses uniform"),
    (["C.npy", "--perplexity", "2"], "cost of 2 x 3, masses uniform"),
]


@pytest.mark.parametrize(("argv", "text"), READ)
def test_what_was_read_is_said_before_any_work(said, told, monkeypatch, argv, text):
    Path("P.csv").write_text("p,q\n0,1\n2,3\n")
    Path("m.csv").write_text("mass\n0.5\n0.5\n")
    np.save("X2.npy", np.ones((3, 2)))
    code, facts = told("solve", *argv)
    assert (code, facts["read"]) == (0, text)
    monkeypatch.delenv("QUOT_QUIET")
    code, out, err = said("solve", *argv)
    assert (code, err) == (0, f"quot: read {text}\n")
    assert "read" not in out
    assert told("solve", *argv)[1]["read"] == text  # and nothing on stderr
    monkeypatch.setattr(common, "progress", raising(KeyboardInterrupt()))
    assert said("solve", *argv) == (130, "", f"quot: read {text}\nquot: interrupted\n")


def test_what_was_read_of_a_plan(said, told, solved, monkeypatch):
    quot.io.plans.write_plan(solved.plan, "P.csv")
    text = f"plan of {solved.plan.nnz} entries; cost of 2 x 3, masses uniform"
    assert told("check", "P.csv", *PROBLEM)[1]["read"] == text
    monkeypatch.delenv("QUOT_QUIET")
    assert said("check", "P.csv", *PROBLEM)[2] == f"quot: read {text}\n"


def test_check_of_points(told):
    code, facts = told("solve", "--points", "X.npy", "Y.csv", "-o", "P.npz")
    code, again = told("check", "P.npz", "--points", "X.npy", "Y.csv", "--solve")
    assert (code, again["value"]) == (0, facts["value"])


# --- info and the rest -----------------------------------------------------------------------


def test_info(said, told, monkeypatch):
    monkeypatch.setenv("QUOT_NUM_THREADS", "3")
    code, facts = told("info")
    assert code == 0
    assert facts["quot"] == quot.__version__
    assert facts["numpy"] == np.__version__
    assert facts["threads"] == 3
    assert {"python", "scipy", "numba"} <= set(facts)
    extras = "cli estimators graphs images meshes pandas parquet reference reproduce skada"
    assert set(facts["extras"]) == set(extras.split())
    assert facts["kernel_cache"]["directory"].startswith(os.environ["NUMBA_CACHE_DIR"])
    quot.solve(C)
    assert told("info")[1]["kernel_cache"]["files"] > 0
    monkeypatch.setattr("quot.cli.info._version", lambda package: None)
    code, out, err = said("info")
    assert (code, err) == (0, "")
    assert 'missing rich; pip install "quot[cli]"' in out
    assert ["threads", "3"] in [line.split() for line in out.splitlines()]


def test_version_and_help(said):
    assert said("--version") == (0, f"quot {quot.__version__}\n", "")
    for argv in (["--help"], ["solve", "-h"], ["graph", "-h"], ["check", "-h"], ["info", "-h"]):
        code, out, err = said(*argv)
        assert (code, err) == (0, "")
        assert out.startswith("usage: quot")
    for verb in ("solve", "graph", "check", "recolor", "register", "adapt"):
        assert "Exit codes: 0 certified, 1 not converged" in " ".join(said(verb, "-h")[1].split())
    words = " ".join(said("check", "--help")[1].split())
    assert "the exit code is 1 because optimality is not certified" in words


def test_every_verb_is_there(said):
    out = said("--help")[1]
    for verb in ("solve", "graph", "check", "recolor", "register", "adapt", "reproduce", "info"):
        assert f"\n    {verb}" in out


SAVED = "is a saved result"
ERRORS = {
    "no verb": ([], "the following arguments are required: VERB; see `quot --help`."),
    "unknown verb": (["slove"], "argument VERB: invalid choice: 'slove'"),
    "no cost": (["solve"], "one of the arguments COST --points is required; see `quot solve"),
    "two costs": (["solve", "C.npy", "--points", "X.npy", "Y.csv"], "not allowed with argument"),
    "no number": (["solve", "C.npy", "--reg", "x"], "argument --reg: invalid number value: 'x'"),
    "no integer": (["solve", "C.npy", "--max-iter", "2.5"], "--max-iter: invalid int value"),
    "abbreviation": (["solve", "C.npy", "--re", "1"], "unrecognized arguments: --re 1"),
    "unknown method": (["solve", "C.npy", "--method", "pot"], "`--method pot` is unknown; without"),
    "negative reg": (["solve", "C.npy", "--reg=-1"], "`reg` must not be negative; got -1."),
    "reg of nan": (["solve", "C.npy", "--reg", "nan"], "--reg: invalid number value: 'nan'"),
    "tol of zero": (["solve", "C.npy", "--tol", "0"], "`tol` must be positive; got 0."),
    "no steps": (["solve", "C.npy", "--max-iter", "0"], "`max_iter` must be at least 1; got 0."),
    "no time": (["solve", "C.npy", "--time-limit", "0"], "`time_limit` must be positive; got 0."),
    "too much mass": (["solve", "C.npy", "--mass", "2"], "`mass=2` exceeds min(a.sum(), b.sum())"),
    "wrong size": (["solve", "C.npy", "-a", "b.npy"], "`a` has 3 entries, but the cost has 2 rows"),
    "infeasible": (["solve", "S.npz", "-a", "tilt.npy"], "of `C` cannot carry the mass"),
    "missing file": (["solve", "no.npy"], "`no.npy` does not exist; check the name and the"),
    "directory": (["solve", "dir.npy"], "`dir.npy` is a directory; name a file in it."),
    "unknown kind": (["solve", "C.txt"], "`C.txt` has the suffix '.txt'; pass a file ending in"),
    "no such array": (["solve", "XY.npz"], "`XY.npz` has no array `C`; got `X`, `Y`, `a`, `b`."),
    "result as cost": (["solve", "R.npz"], f"`R.npz` {SAVED}, not a cost; check it with `quot"),
    "metric of a cost": (["solve", "C.npy", "--metric", "cosine"], "`--metric` is for points"),
    "unknown metric": (["solve", "--points", "X.npy", "Y.csv", "--metric", "l3"], "invalid choice"),
    "sparse points": (["solve", "--points", "S.npz", "Y.csv"], "`X` in `S.npz` is a sparse matrix"),
    "sparse masses": (["solve", "C.npy", "-a", "S.npz"], "`a` in `S.npz` is a sparse matrix"),
    "points of 2 kinds": (["solve", "--points", "X.npy", "C.csv"], "points need one dimension"),
    "plan of no kind": (["solve", "C.npy", "-o", "P.txt"], "'.txt', which names no format to"),
    "result as csv": (["solve", "C.npy", "--save", "R.csv"], "which names no format to write; use"),
    "no folder": (["solve", "C.npy", "-o", "no/P.csv"], "there is no directory `no`; make it"),
    "plan on directory": (["solve", "C.npy", "-o", "dir.npz"], "`dir.npz` is a directory; name a"),
    "same file": (["solve", "C.npy", "-o", "S.npz", "--save", "S.npz"], "both name `S.npz`, and"),
    "cost with nan": (["solve", "nan.csv"], "`C` must be finite; C[0, 1] is nan (1 such entries)"),
    "cost with inf": (["solve", "inf.npy"], "`C` must be finite; C[0, 1] is inf (1 such entries)"),
    "cost in one axis": (["solve", "v.npy"], "`C` must have 2 axes, as (n, m); got shape (3,)."),
    "empty cost": (["solve", "empty.npy"], "`C` is empty, of shape (0, 3); pass at least one pair"),
    "complex cost": (["solve", "i.npy"], "`C` has dtype complex128, which is not real numbers"),
    "negative masses": (["solve", "C.npy", "-a", "minus.csv"], "`a` must not be negative; a[1] is"),
    "unequal totals": (["solve", "C.npy", "-a", "two.csv"], "`a` sums to 2 and `b` to 1: a bala"),
    "negative mass": (["solve", "C.npy", "--mass=-1"], "`mass` must not be negative; got -1."),
    "mass of inf": (["solve", "C.npy", "--mass", "inf"], "`mass` must be finite; got inf."),
    "truncated npy": (["solve", "cut.npy"], "`cut.npy` cannot be read ("),
    "truncated npz": (["solve", "cut.npz"], "`cut.npz` cannot be read ("),
    "header that lies": (["solve", "huge.npy"], "but there are only 0); it should hold an array"),
    "words in csv": (["solve", "words.csv"], "`y` in line 3 of `words.csv` is 'cat', which is no"),
    "header or data": (["solve", "either.csv"], "may be the names of columns, as pandas writes"),
    "words in parquet": (["solve", "words.parquet"], "the column `x` of `words.parquet` is string"),
    "zero under cosine": (
        ["solve", "--points", "X.npy", "X.npy", "--metric", "cosine"],
        "X[0] is zero (1 such points) and has no direction",
    ),
    "check truncated": (["check", "cut.npz"], "`cut.npz` cannot be read ("),
    "check damaged": (["check", "damaged.npz"], "`damaged.npz` is damaged: `C` must be finite"),
    "check nothing": (["check", "no.npz"], "`no.npz` does not exist"),
    "check garbage": (["check", "bad.npz"], "`bad.npz` cannot be read ("),
    "check no problem": (["check", "P.csv"], "`P.csv` is not a saved result, and a bare plan says"),
    "check other shape": (
        ["check", "P.csv", "--points", "X.npy", "Y.csv"],
        "`P.csv` holds a plan of shape (2, 3), but the cost has shape (4, 4); pass the cost",
    ),
    "check result and more": (
        ["check", "R.npz", "--cost", "C.npy", "--reg", "0", "-a", "a.csv", "--solve"],
        "`R.npz` is a saved result and carries its problem and potentials; leave out `--cost`, "
        "`-a`, `--reg`, `--solve`.",
    ),
    "check tol": (["check", "R.npz", "--tol", "-1"], "`tol` must be positive; got -1."),
    "check infeasible": (
        ["check", "P.csv", "--cost", "S.npz", "-a", "tilt.npy", "--solve"],
        "of `C` cannot carry the mass",
    ),
}  # fmt: skip


def bad_files():
    """Files that hold no problem."""
    np.savetxt("nan.csv", [[1.0, np.nan]], delimiter=",")
    np.save("inf.npy", np.array([[1.0, np.inf]]))
    np.save("v.npy", np.ones(3))
    np.save("empty.npy", np.ones((0, 3)))
    np.save("i.npy", np.ones((2, 3), complex))
    np.savetxt("minus.csv", [1.5, -0.5])
    np.savetxt("two.csv", [1.0, 1.0])
    for kind in ("npy", "npz"):
        whole = (Path("C.npy") if kind == "npy" else Path("all.npz")).read_bytes()
        Path(f"cut.{kind}").write_bytes(whole[:-20])
    head = Path("C.npy").read_bytes()[:128]
    Path("huge.npy").write_bytes(head.replace(b"(2, 3), }            ", b"(2, 3000000000000), }"))
    Path("words.csv").write_text("x,y\n1,2\n3,cat\n")
    Path("either.csv").write_text("0,1\n1,0\n")
    pa.parquet.write_table(pa.table({"x": ["a"]}), "words.parquet")


@pytest.mark.parametrize(("argv", "text"), ERRORS.values(), ids=ERRORS.keys())
def test_bad_input_is_one_line_and_exit_2(said, folder, monkeypatch, argv, text):
    for name in ("dir.npy", "dir.npz"):
        (folder / name).mkdir()
    (folder / "bad.npz").write_bytes(b"PK\x03\x04 garbage")
    np.save("tilt.npy", np.array([0.1, 0.9]))
    bad_files()
    np.savetxt("P.csv", np.full((2, 3), 1 / 6), delimiter=",")
    quot.save(quot.solve(C), "R.npz")
    with np.load("R.npz") as archive:
        np.savez("damaged.npz", **{**archive, "C": np.full((2, 3), np.nan)})
    for solver in ("Together", "solve_quadratic"):
        monkeypatch.setattr(
            f"quot.quadratic.plans.{solver}", lambda *_, **__: pytest.fail("solved")
        )
    before = sorted(os.listdir())
    code, out, err = said(*argv)
    assert (code, out) == (2, "")
    assert err.startswith("quot: error: ")
    assert err.endswith(".\n")
    assert err.count("\n") == 1
    assert text in err
    assert sorted(os.listdir()) == before


def test_outputs_are_judged_before_any_work(said, monkeypatch):
    monkeypatch.setattr(quot, "solve", lambda *_, **__: pytest.fail("solved"))
    for argv in (["-o", "P.txt"], ["--save", "no/R.npz"]):
        assert said("solve", "C.npy", *argv)[0] == 2


def raising(error):
    def solve(*_, **__):
        raise error

    return solve


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (quot.MissingDependencyError("`x` is missing."), 2, "quot: error: `x` is missing.\n"),
        (quot.QuotError("two\nlines"), 2, "quot: error: two lines\n"),
        (MemoryError("80 GiB"), 2, "quot: error: not enough memory (80 GiB); points need"),
        (OSError(28, "No space left"), 2, "quot: error: [Errno 28] No space left\n"),
        (KeyboardInterrupt(), 130, "quot: interrupted\n"),
        (BrokenPipeError(), 141, ""),
    ],
)
def test_what_interrupts_a_solve(said, monkeypatch, error, code, text):
    monkeypatch.setattr(quot, "solve", raising(error))
    got, out, err = said("solve", "C.npy")
    assert (got, out) == (code, "")
    assert err.startswith(text)
    assert err.count("\n") == text.count("\n") or text.endswith("need")


def test_a_defect_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr(quot, "solve", raising(ZeroDivisionError("defect")))
    with pytest.raises(ZeroDivisionError, match="defect"):
        main(["solve", "C.npy"])


def test_main_leaves_the_warnings_alone():
    before = warnings.showwarning, list(warnings.filters)
    main(["info"])
    main(["solve"])
    assert (warnings.showwarning, list(warnings.filters)) == before


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_progress_is_silent_away_from_a_terminal(said, monkeypatch):
    with common.progress("x") as callback:
        assert callback is None
    assert said("solve", "C.npy")[2] == ""
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setitem(sys.modules, "rich.console", None)  # not installed
    with common.progress("x") as callback:
        assert callback is None


def test_progress_on_a_terminal(monkeypatch, capsys):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert main(["solve", "C.npy", "--reg", "0.5", "--json"]) == 0
    assert "solving" in terminal.getvalue()
    assert "candidate pairs" in terminal.getvalue(), "what it is expected to take"
    assert json.loads(capsys.readouterr().out)["converged"] is True
    with common.progress("solving") as callback:
        assert callback(quot.solve(C).history[-1]) is None


def test_output_in_any_encoding(monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    with contextlib.redirect_stdout(stream):
        assert main(["solve", "C.npy", "-o", "Ω.csv"]) == 0
    stream.flush()
    assert b"\\u03a9.csv" in stream.buffer.getvalue()


def test_json_is_null_where_a_number_is_not_finite(capsys):
    values = {"a": np.nan, "b": [np.inf, np.float32(0.5)], "c": np.array([1, 2]), "d": None}
    common.print_json({**values, "e": True, "f": np.bool_(False), "g": (1, "x")})
    told = json.loads(capsys.readouterr().out)
    assert told == {
        "a": None, "b": [None, 0.5], "c": [1, 2], "d": None, "e": True, "f": False, "g": [1, "x"],
    }  # fmt: skip


def shell(command):
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60
    )


def test_the_module_and_a_broken_pipe():
    quot_ = f"{sys.executable} -m quot"
    done = shell(f"{{ {quot_} info; echo $? >code; }} | true; cat code")
    assert (done.stdout, done.stderr) == ("141\n", "")
    done = shell(f"{quot_} solve no.npy >/dev/full; {quot_} info >/dev/full")
    lines = done.stderr.splitlines()
    assert lines[0].startswith("quot: error: `no.npy` does not exist")
    assert lines[1:] == ["quot: error: [Errno 28] No space left on device"]
    assert done.returncode == 2
