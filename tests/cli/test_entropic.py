"""Entropic problems on the command line: what is printed, written, judged and refused."""

import json
import os
import sys

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot import memory
from quot.cli import main, plan_file
from quot.io.plans import read_plan

RNG = np.random.default_rng(3)
C = RNG.random((12, 9))
ENTROPIC = ("--eps", 0.05, "--mass", 0.6)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Problems in the current directory."""
    monkeypatch.chdir(tmp_path)
    np.save("C.npy", C)
    np.save("X.npy", C[:, :2])
    np.save("Y.npy", C[:7, 2:4])
    np.save("a.npy", np.arange(12) / 66)
    sp.save_npz("S.npz", sp.csr_array(C * (C > 0.3)))
    return tmp_path


def solution(**options):
    return quot.solve_entropic(C, **{"eps": 0.05, "mass": 0.6, **options})


def table(out):
    """What a table says, by name."""
    pairs = (line.split("  ", 1) for line in out.splitlines())
    return {name: text.strip() for name, text in pairs}


# --- solve -----------------------------------------------------------------------------------


def test_solve_prints_a_table(said):
    code, out, err = said("solve", "C.npy", *ENTROPIC)
    assert (code, err) == (0, "")
    r, told = solution(), table(out)
    assert (told["shape"], told["eps"]) == ("12 x 9", "0.05")
    assert told["formulation"] == "E1: the plan has an entropy"
    assert told["value"] == f"{r.value:.12g}"
    assert told["cost"] == f"{r.cost:.12g}"
    assert told["mass moved"] == f"{r.plan.total:.12g}"
    assert told["carry mass"] == "all 108 pairs, however little"
    assert told["status"].startswith("OPTIMAL, optimal: gap and residuals")
    assert told["method"] == f"newton, {r.history[-1].passes:.4g} passes over all pairs"
    assert {"gap", "optimum between", "marginals within", "pairs priced", "seconds"} <= set(told)
    assert not {"reg", "nnz", "sparsity", "plan"} & set(told)


def test_solve_tells_the_same_keys_as_of_squares(told):
    code, facts = told("solve", "C.npy", *ENTROPIC)
    r = solution()
    assert code == 0
    assert (facts["reg"], facts["eps"], facts["mass"]) == (None, 0.05, 0.6)
    for name in ("value", "cost"):
        assert facts[name] == getattr(r, name)
    for name in ("lower", "upper", "gap", "relative_gap", "primal_residual", "scope", "pairs"):
        assert facts[name] == getattr(r.certificate, name)
    assert (facts["formulation"], facts["mass_moved"]) == ("E1", r.plan.total)
    assert (facts["status"], facts["converged"], facts["method"]) == ("OPTIMAL", True, "newton")
    assert (facts["iterations"], facts["passes"]) == (len(r.history), r.history[-1].passes)
    for name in ("nnz", "sparsity", "plan", "threshold", "entries", "mass_lost", "result"):
        assert facts[name] is None, name
    squares = told("solve", "C.npy", "--reg", 0.1)[1]
    assert list(squares) == list(facts)
    for name in ("eps", "formulation", "passes"):
        assert squares[name] is None, name


@pytest.mark.parametrize(
    ("argv", "options"),
    [
        (["--formulation", "E2"], {"formulation": "E2"}),
        (["--formulation", "E3", "--method", "sinkhorn"], {"formulation": "E3"}),
        (["--method", "aspot", "--tol", "1e-4"], {"formulation": "E2"}),
        (["-a", "a.npy", "--max-iter", "500"], {"a": np.arange(12) / 66}),
    ],
)
def test_formulations_and_methods(told, argv, options):
    code, facts = told("solve", "C.npy", *ENTROPIC, *argv)
    r = solution(**options)
    assert (code, facts["formulation"]) == (0, r.problem.formulation)
    assert facts["lower"] <= r.value + 1e-9
    assert facts["upper"] >= r.value - 1e-9


def test_of_a_balanced_problem_all_formulations_are_one(said, told):
    code, out, _ = said("solve", "--points", "X.npy", "Y.npy", "--eps", 1, "--formulation", "E2")
    assert code == 0
    assert "formulation" not in table(out)
    facts = told("solve", "--points", "X.npy", "Y.npy", "--eps", 1)[1]
    assert facts["formulation"] is None
    assert facts["value"] == quot.solve_entropic(quot.PointCost(C[:, :2], C[:7, 2:4]), eps=1).value


def test_which_pairs_may_carry_mass(said):
    a = np.arange(12) / 66
    allowed = np.count_nonzero((C > 0.3) & (a > 0)[:, None])
    out = said("solve", "S.npz", "-a", "a.npy", *ENTROPIC)[1]
    assert table(out)["carry mass"] == f"all {allowed} pairs that may, however little"
    out = said("solve", "C.npy", "-a", "a.npy", *ENTROPIC)[1]
    assert table(out)["carry mass"] == "all 99 pairs that may, however little"
    out = said("solve", "C.npy", "--eps", 1, "--mass", 0)[1]
    assert table(out)["carry mass"] == "none, for no mass moves"


def test_nothing_is_counted_that_nobody_asked_for(said, monkeypatch):
    for name in ("nnz", "sparsity_at", "to_plan", "to_dense", "below"):
        monkeypatch.setattr(quot.GibbsPlan, name, property(lambda _: pytest.fail("counted")))
    assert said("solve", "C.npy", *ENTROPIC, "--save", "R.npz")[0] == 0
    assert said("check", "R.npz")[0] == 0


def test_a_limit_and_a_method_that_promises_no_more_exit_1(told):
    code, facts = told("solve", "C.npy", *ENTROPIC, "--max-iter", 1)
    assert (code, facts["status"]) == (1, "ITERATION_LIMIT")
    code, facts = told("solve", "C.npy", *ENTROPIC, "--method", "tuned-sinkhorn", "--tol", "1e-12")
    assert (code, facts["status"], facts["formulation"]) == (1, "APPROXIMATE", "E3")


def test_a_reference_lists_its_plan(told):
    pytest.importorskip("cvxpy")
    pytest.importorskip("clarabel")
    argv = ["--method", "clarabel", "--tol", "1e-6"]
    code, facts = told("solve", "C.npy", *ENTROPIC, *argv, "-o", "P.npz")
    assert (code, facts["passes"], facts["threshold"]) == (0, None, None)
    assert facts["nnz"] == facts["entries"] == 108
    kept = told("solve", "C.npy", *ENTROPIC, *argv, "-o", "P.npz", "--threshold", 1e-3)[1]
    assert kept["entries"] == np.count_nonzero(solution().plan.to_dense() > 1e-3)


# --- the plan --------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".npz", ".csv", ".parquet"])
def test_the_plan_has_all_entries_or_those_beyond_a_threshold(said, told, suffix):
    P = solution().plan.to_dense()
    code, facts = told("solve", "C.npy", *ENTROPIC, "-o", f"P{suffix}")
    assert (code, facts["plan"], facts["threshold"]) == (0, f"P{suffix}", 0.0)
    assert (facts["entries"], facts["mass_lost"]) == (108, 0.0)
    assert np.array_equal(read_plan(f"P{suffix}", C.shape).to_dense(), P)
    argv = ["solve", "C.npy", *ENTROPIC, "-o", f"P{suffix}", "--threshold", 1e-3]
    code, facts = told(*argv)  # and no word of warning
    large = P > 1e-3
    assert (code, facts["entries"], facts["threshold"]) == (0, np.count_nonzero(large), 1e-3)
    assert 0 < np.count_nonzero(large) < 108
    assert facts["mass_lost"] == pytest.approx(P[~large].sum(), rel=1e-14)
    assert np.array_equal(read_plan(f"P{suffix}", C.shape).to_dense(), np.where(large, P, 0.0))
    code, out, err = said(*argv)
    assert (code, err) == (0, "")
    assert table(out)["entries"] == f"{np.count_nonzero(large)}, all beyond 0.001"
    assert table(out)["mass lost"] == f"{P[~large].sum():.3g} of 0.6"


def test_entries_that_are_no_floats_are_not_written(told):
    code, facts = told("solve", "C.npy", "--eps", 1e-4, "-o", "P.npz")
    P = quot.solve_entropic(C, eps=1e-4).plan.to_dense()
    assert (code, facts["mass_lost"]) == (0, 0.0)
    assert facts["entries"] == np.count_nonzero(P) < 108


def test_a_threshold_for_a_plan_that_is_sparse(told):
    P = quot.solve(C, reg=0.5).plan.to_dense()
    facts = told("solve", "C.npy", "--reg", 0.5, "-o", "P.npz")[1]
    assert (facts["threshold"], facts["entries"], facts["mass_lost"]) == (None, facts["nnz"], 0.0)
    facts = told("solve", "C.npy", "--reg", 0.5, "-o", "P.npz", "--threshold", 0.02)[1]
    assert facts["entries"] == np.count_nonzero(P > 0.02) < facts["nnz"]
    assert facts["mass_lost"] == pytest.approx(P[P <= 0.02].sum(), rel=1e-14)


def test_no_list_is_begun_that_memory_has_no_room_for(said, monkeypatch):
    """All entries are refused before work; those beyond a threshold when they are counted."""
    argv = ["solve", "C.npy", *ENTROPIC, "-o", "P.npz"]
    room = 20 * plan_file._ENTRY / memory._SMALL_PART  # for twenty entries
    monkeypatch.setattr(memory, "available", lambda: room)
    with monkeypatch.context() as patch:
        patch.setattr(quot, "solve_entropic", lambda *_, **__: pytest.fail("solved"))
        code, out, err = said(*argv)
    assert (code, out) == (2, "")
    assert err.startswith("quot: error: `-o` would list 108 entries of the plan, which takes 5.18e")
    assert "Pass `--threshold T` to keep entries beyond T only, or `--save RESULT`, which" in err
    assert err.count("\n") == 1
    code, _, err = said(*argv, "--threshold", 1e-9, "--save", "R.npz")
    assert code == 2
    assert "Pass `--threshold T` with a larger T, or" in err
    assert os.path.exists("R.npz")
    assert not os.path.exists("P.npz")
    assert said(*argv, "--threshold", 0.015)[0] == 0
    assert said("check", "R.npz")[0] == 0


# --- check -----------------------------------------------------------------------------------


@pytest.mark.parametrize("formulation", ["E1", "E2", "E3"])
def test_check_of_a_saved_result(said, told, formulation):
    argv = ["solve", "C.npy", *ENTROPIC, "--formulation", formulation, "--save", "R.npz"]
    code, facts = told(*argv)
    code, again = told("check", "R.npz")
    assert (code, again.pop("certified"), again.pop("tolerance")) == (0, True, 1e-8)
    files = {"read", "plan", "threshold", "entries", "mass_lost", "result"}
    assert again == {name: fact for name, fact in facts.items() if name not in files}
    text = table(said("check", "R.npz")[1])
    assert text["certified"] == "yes, to 1.0e-08"
    assert text["formulation"].startswith(f"{formulation}: the plan")
    assert "passes over all pairs" in text["method"]


@pytest.mark.parametrize("formulation", ["E1", "E2", "E3"])
def test_check_of_a_bare_plan(said, told, formulation):
    problem = [*ENTROPIC, "--formulation", formulation]
    value = told("solve", "C.npy", *problem, "-o", "P.npz")[1]["value"]
    code, facts = told("check", "P.npz", "--cost", "C.npy", *problem)
    assert (code, facts["certified"], facts["feasible"], facts["nnz"]) == (1, False, True, 108)
    assert (facts["tolerance"], facts["eps"], facts["formulation"]) == (1e-8, 0.05, formulation)
    assert facts["value"] == pytest.approx(value, rel=1e-13)
    out = said("check", "P.npz", "--cost", "C.npy", *problem)[1]
    assert "no: a plan without potentials has no bound" in table(out)["certified"]
    code, facts = told("check", "P.npz", "--cost", "C.npy", *problem, "--solve")
    assert (code, facts["certified"], facts["solution"]["status"]) == (0, True, "OPTIMAL")
    assert facts["lower"] == pytest.approx(value, rel=1e-8)


def test_check_of_plans_that_are_not_the_answer(told):
    """One that lost mass, one for another formulation, and one of squares."""
    problem = ["--cost", "C.npy", *ENTROPIC]
    told("solve", "C.npy", *ENTROPIC, "-o", "P.npz", "--threshold", 1e-3)
    code, facts = told("check", "P.npz", *problem)
    assert (code, facts["feasible"]) == (1, False)
    told("solve", "C.npy", *ENTROPIC, "-o", "P.npz")
    code, facts = told("check", "P.npz", *problem, "--formulation", "E2", "--solve")
    assert (code, facts["certified"]) == (1, False)
    assert facts["gap"] > 1e-6
    told("solve", "C.npy", "--mass", 0.6, "-o", "P.npz")
    code, facts = told("check", "P.npz", *problem, "--solve")
    assert (code, facts["certified"]) == (1, False)
    assert facts["gap"] > 1e-3


def test_check_of_a_plan_on_forbidden_pairs(told):
    np.save("P.npy", np.full((12, 9), 0.6 / 108))
    code, facts = told("check", "P.npy", "--cost", "S.npz", *ENTROPIC)
    assert (code, facts["value"], facts["feasible"]) == (1, None, False)
    assert facts["forbidden_pairs"] == np.count_nonzero(C <= 0.3)


# --- what is refused, and the rest -----------------------------------------------------------


ERRORS = {
    "reg and eps": (["--eps", "1", "--reg", "1"], "`--reg` is the strength of squares and `--eps`"),
    "reg 0 and eps": (["--eps", "1", "--reg", "0"], "a problem has one of them; leave out the oth"),
    "formulation without eps": (["--formulation", "E1"], "without `--eps` nothing has; pass"),
    "unknown formulation": (["--eps", "1", "--formulation", "E4"], "argument --formulation: inval"),
    "eps of zero": (["--eps", "0"], "`eps` must be positive; got 0."),
    "no number": (["--eps", "x"], "argument --eps: invalid number value: 'x'"),
    "entropic method": (
        ["--method", "aspot"],
        "`--method aspot` is for entropic problems; pass `--eps E`, or one of auto, newton, clara",
    ),
    "unknown method": (
        ["--eps", "1", "--method", "pot"],
        "`--method pot` is unknown; with `--eps` there are auto, newton, sinkhorn, tuned-sinkhorn",
    ),
    "method of another formulation": (
        [*map(str, ENTROPIC), "--method", "aspot", "--formulation", "E3"],
        "method='aspot' solves E2, not E3; for that pass method='newton' or 'sinkhorn' or",
    ),
    "all mass": (
        ["--eps", "1", "--mass", "1", "--formulation", "E2"], "must be more than 0 and less than 1"
    ),
    "ties": (["--eps", "1", "--ties", "any"], "with `--eps` there is one plan only; leave it out."),
    "threshold without a file": (["--eps", "1", "--threshold", "0"], "pass `-o PLAN`, or leave it"),
    "negative threshold": (
        ["--eps", "1", "-o", "P.npz", "--threshold=-1"], "`threshold` must not be negative; got -1"
    ),
    "threshold of inf": (["--threshold", "inf", "-o", "P.npz"], "`threshold` must be finite; got"),
}  # fmt: skip


@pytest.mark.parametrize(("argv", "text"), ERRORS.values(), ids=ERRORS.keys())
def test_bad_input_is_one_line_and_exit_2(said, monkeypatch, argv, text):
    for name in ("solve", "solve_entropic"):
        monkeypatch.setattr(quot, name, lambda *_, **__: pytest.fail("solved"))
    code, out, err = said("solve", "C.npy", *argv)
    assert (code, out) == (2, "")
    assert err.startswith("quot: error: ")
    assert err.count("\n") == 1
    assert text in err


def test_options_are_judged_before_files_are_read(said):
    for argv in (["--eps", 1, "--reg", 1], ["--method", "aspot"], ["--formulation", "E2"]):
        assert "`no.npy`" not in said("solve", "no.npy", *argv)[2]


def test_check_refuses_what_does_not_fit(said):
    said("solve", "C.npy", *ENTROPIC, "--save", "R.npz", "-o", "P.npz")
    err = said("check", "R.npz", *ENTROPIC, "--formulation", "E1")[2]
    assert "leave out `--eps`, `--mass`, `--formulation`." in err
    err = said("check", "P.npz", "--cost", "C.npy", "--eps", 1, "--reg", 1)[2]
    assert "`--reg` is the strength of squares" in err
    assert "without `--eps` nothing has" in said(
        "check", "P.npz", "--cost", "C.npy", "--formulation", "E2"
    )[2]  # fmt: skip


def test_progress_on_a_terminal(monkeypatch, capsys):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert main(["solve", "C.npy", "--eps", "0.05", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["converged"] is True
    assert "solving" in captured.err
    from quot.cli.transport import describe

    text = describe(quot.solve_entropic(C, eps=0.05).history[-1])
    assert text.startswith("temperature 0.05, ")
    assert "passes over all pairs, residual" in text
