"""Adaptive problems on the command line: what is printed, written, judged and refused."""

import json

import numpy as np
import pytest

import quot
from quot.io.plans import read_plan

C = np.random.default_rng(3).random((12, 9))
A = np.arange(12) / 66


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Problems in the current directory."""
    monkeypatch.chdir(tmp_path)
    np.save("C.npy", C)
    np.save("X.npy", C[:, :2])
    np.save("Y.npy", C[:7, 2:4])
    np.save("a.npy", A)
    return tmp_path


def table(out):
    """What a table says, by name."""
    pairs = (line.split("  ", 1) for line in out.splitlines())
    return {name: text.strip() for name, text in pairs}


def test_solve_prints_a_table(said):
    code, out, err = said("solve", "C.npy", "--perplexity", 3, "-a", "a.npy")
    assert (code, err) == (0, "")
    r, told = quot.solve_adaptive(C, A, perplexity=3), table(out)
    assert told["regularizer"] == "quadratic"
    assert told["perplexity of rows"].endswith("at least, 3 asked")
    assert float(told["perplexity of rows"].split()[0]) == pytest.approx(3, rel=1e-8)
    assert told["value"] == f"{r.value:.12g}"
    assert told["nnz"] == f"{r.plan.nnz}"
    assert told["status"].startswith("OPTIMAL")
    assert not {"perplexity of columns", "strength", "reg", "eps"} & set(told)


@pytest.mark.parametrize(
    ("argv", "options"),
    [
        (["--perplexity", "4"], {"perplexity": 4}),
        (["--perplexity", "3,2", "--on", "both"], {"perplexity": (3, 2), "on": "both"}),
        (["--perplexity", "2", "--on", "both"], {"perplexity": 2, "on": "both"}),
        (["--perplexity", "2.5", "--on", "target"], {"perplexity": 2.5, "on": "target"}),
        (["--perplexity", "3", "--on", "average"], {"perplexity": 3, "on": "average"}),
        (
            ["--perplexity", "3", "--regularizer", "entropic", "--tol", "1e-7"],
            {"perplexity": 3, "regularizer": "entropic", "tol": 1e-7},
        ),
    ],
)
def test_solve_is_that_of_the_library(told, argv, options):
    code, facts = told("solve", "C.npy", *argv)
    r = quot.solve_adaptive(C, **options)
    assert code == 0
    # The last bits of exponentials depend on where arrays lie in memory.
    near = {"rel": 1e-8, "abs": 1e-9} if "regularizer" in options else {"rel": 0.0, "abs": 0.0}
    assert facts["value"] == pytest.approx(r.value, **near)
    assert facts["on"] == options.get("on", "source")
    assert facts["regularizer"] == r.problem.regularizer
    for name in ("lower", "upper", "gap", "primal_residual"):
        assert facts[name] == pytest.approx(getattr(r.certificate, name), **near)
    for name in ("row_perplexity", "col_perplexity"):
        if getattr(r.problem, name) is None:
            assert facts[name] is None
        elif facts["on"] != "average":
            assert facts[name] == pytest.approx(getattr(r, name).min(), **near)
    if facts["on"] == "average":
        assert facts["row_perplexity"] == r.average_perplexity
        assert facts["strength"] == r.row_multipliers[0]
    else:
        assert facts["strength"] is None
    assert list(told("solve", "C.npy")[1]) == list(facts)


def test_points(told):
    code, facts = told("solve", "--points", "X.npy", "Y.npy", "--perplexity", 2)
    r = quot.solve_adaptive(quot.PointCost(C[:, :2], C[:7, 2:4]), perplexity=2)
    assert (code, facts["value"]) == (0, r.value)


def test_a_limit_exits_1(told):
    code, facts = told("solve", "C.npy", "--perplexity", 3, "--max-iter", 1)
    assert (code, facts["status"]) == (1, "ITERATION_LIMIT")


def test_a_saved_result_is_checked(said, told):
    argv = ["--perplexity", "3", "--on", "average", "--save", "R.npz", "-o", "P.npz"]
    out = said("solve", "C.npy", *argv)[1]
    strength = quot.load("R.npz").row_multipliers[0]
    assert table(out)["strength"] == f"{strength:.12g}, of all pairs"
    code, out, err = said("check", "R.npz")
    assert (code, err) == (0, "")
    assert table(out)["certified"] == "yes, to 1.0e-08"
    assert table(out)["perplexity of rows"].endswith("on average, 3 asked")
    assert np.array_equal(read_plan("P.npz", C.shape).values, quot.load("R.npz").plan.values)
    code, _, err = said("check", "R.npz", "--perplexity", 3, "--on", "average")
    assert code == 2
    assert "leave out `--perplexity`, `--on`" in err


def test_a_bare_plan_is_judged(said, told):
    said("solve", "C.npy", "--perplexity", "3", "-o", "P.npz")
    code, facts = told("check", "P.npz", "--cost", "C.npy", "--perplexity", "3")
    assert (code, facts["feasible"], facts["certified"]) == (1, True, False)
    code, facts = told("check", "P.npz", "--cost", "C.npy", "--perplexity", "4")
    assert (code, facts["feasible"]) == (1, False)
    assert facts["primal_residual"] == pytest.approx(1 / 3, rel=1e-6)
    argv = ["check", "P.npz", "--cost", "C.npy", "--perplexity", "3", "--solve"]
    code, out, _ = said(*argv, "--json")
    facts = json.loads(out)
    assert (code, facts["certified"], facts["solution"]["status"]) == (0, True, "OPTIMAL")
    code, facts = told("check", "P.npz", "--cost", "C.npy", "--perplexity", "2", "--solve")
    assert (code, facts["certified"]) == (1, False)
    assert facts["upper"] > facts["lower"]


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--perplexity", "20"], "less than 9"),
        (["--perplexity", "20", "--on", "average"], "less than 9"),
        (["--perplexity", "few"], "must be a number K, or two as K,L; got 'few'"),
        (["--perplexity", "3,2"], "with `--on both` two; got 2"),
        (["--perplexity", "3,2,1", "--on", "both"], "with `--on both` two; got 3"),
        (["--perplexity", "3", "--reg", "1"], "leave out `--reg`"),
        (["--perplexity", "3", "--eps", "1"], "leave out `--eps`"),
        (["--perplexity", "3", "--mass", "0.5"], "leave out `--mass`"),
        (["--on", "target"], "`--on` says how points share their mass"),
        (["--regularizer", "entropic"], "pass `--perplexity K`"),
        (["--perplexity", "3", "--method", "scs"], "with `--perplexity` there are auto, newton"),
        (["--perplexity", "3", "--ties", "any"], "with `--perplexity` there is one plan only"),
    ],
)
def test_what_is_refused(said, argv, message):
    code, out, err = said("solve", "C.npy", *argv)
    assert (code, out) == (2, "")
    assert message in err
