"""Files whose rows and columns have names: matched by these, or refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import quot
from quot.cli import main

ROWS, COLS = list("wxyz"), list("abc")
C = pd.DataFrame(np.random.default_rng(0).random((4, 3)), ROWS, COLS)
A, B = pd.Series([0.1, 0.2, 0.3, 0.4], ROWS), pd.Series([0.5, 0.2, 0.3], COLS)
X = pd.DataFrame({"p": [0.0, 1.0, 2.0, 5.0], "q": [5.0, 3.0, 1.0, 0.5]}, ROWS)
Y = pd.DataFrame({"q": [2.0, 7.0, 1.0], "p": [4.0, 1.0, 0.0]}, COLS)


@pytest.fixture
def value(tmp_path, monkeypatch):
    """The value that a command finds."""
    monkeypatch.chdir(tmp_path)

    def found(argv):
        assert main([*argv.split(), "--save", "R.npz"]) == 0
        return quot.load("R.npz").value

    return found


def write(frame, name, kind):
    if kind == "csv":
        frame.to_csv(f"{name}.csv")
    else:
        pytest.importorskip("pyarrow")
        (frame.to_frame("mass") if frame.ndim == 1 else frame).to_parquet(f"{name}.parquet")


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_masses_beside_a_cost(value, kind):
    for frame, name in ((C, "C"), (A[::-1], "a"), (B.iloc[[2, 0, 1]], "b")):
        write(frame, name, kind)
    argv = f"solve C.{kind} -a a.{kind} -b b.{kind}"
    assert value(argv) == pytest.approx(quot.solve(C, A, B).value, rel=1e-12)


def test_masses_in_one_row(value):
    write(C, "C", "csv")
    A[::-1].to_frame().T.to_csv("a.csv", index=False)
    assert value("solve C.csv -a a.csv") == pytest.approx(quot.solve(C, A).value, rel=1e-12)
    write(A[::-1].to_frame("mass").T, "a", "csv")
    assert value("solve C.csv -a a.csv") == pytest.approx(quot.solve(C, A).value, rel=1e-12)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_masses_and_coordinates_of_points(value, kind):
    for frame, name in ((X, "X"), (Y, "Y"), (A[::-1], "a"), (B[::-1], "b")):
        write(frame, name, kind)
    argv = f"solve --points X.{kind} Y.{kind} -a a.{kind} -b b.{kind}"
    assert value(argv) == pytest.approx(quot.solve_points(X, Y, A, B).value, rel=1e-12)


def test_names_in_quotes_and_beside_comments(value):
    names = ["a, b", " c", 'e"f', "g"]
    write(C.set_axis(names), "C", "csv")
    write(A.set_axis(names)[::-1], "a", "csv")
    path = Path("a.csv")
    path.write_text("# of today\n" + path.read_text().replace("g,0.4", "g,0.4 # much\n"))
    assert value("solve C.csv -a a.csv") == pytest.approx(quot.solve(C, A).value, rel=1e-12)


def test_whole_numbers_name_rows_unless_they_count(value):
    """In whatever order, as after a filter; from 0 as pandas counts them or from 1 as R does."""
    write(C.set_axis([30, 4, 12, 0]), "C", "csv")
    write(A.set_axis([30, 4, 12, 0]).sort_index(), "a", "csv")
    wanted = quot.solve(C, A).value
    assert value("solve C.csv -a a.csv") == pytest.approx(wanted, rel=1e-12)
    for start in (0, 1):
        write(A.set_axis(range(start, start + 4)), "a", "csv")
        write(C.set_axis(ROWS), "C", "csv")
        assert value("solve C.csv -a a.csv") == pytest.approx(wanted, rel=1e-12)
    write(B.set_axis([1, 2, 3]), "b", "csv")
    assert value("solve C.csv -b b.csv") == pytest.approx(quot.solve(C, b=B).value, rel=1e-12)


REFUSED = {
    "unknown": (A.rename({"w": "v"}), "`a` has no entry for the row 'w' (1 such)"),
    "twice": (A.set_axis(list("wxyy")), "`a` has the name 'y' more than once"),
    "shuffled": (A.set_axis([3, 1, 0, 2]), "the index of `a` is 0 to 3 in another order"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_names_that_do_not_fit(case, value, capsys):
    a, text = REFUSED[case]
    write(a, "a", "csv")
    if case == "shuffled":
        np.save("C.npy", C.to_numpy())
    write(C, "C", "csv")
    assert main(["solve", "C.npy" if case == "shuffled" else "C.csv", "-a", "a.csv"]) == 2
    assert text in capsys.readouterr().err


def test_other_coordinates_are_refused(value, capsys):
    write(X, "X", "csv")
    write(Y.rename(columns={"p": "r"}), "Y", "csv")
    assert main(["solve", "--points", "X.csv", "Y.csv"]) == 2
    said = capsys.readouterr().err
    assert "`X.csv` has the columns 'p', 'q' and `Y.csv` has 'q', 'r'; they must be the" in said


def test_of_many_columns_the_odd_one_is_named(value, capsys):
    wide = pd.DataFrame(np.ones((2, 9)), columns=list("abcdefghi"))
    write(wide, "X", "csv")
    write(wide.rename(columns={"g": "G"}), "Y", "csv")
    assert main(["solve", "--points", "X.csv", "Y.csv"]) == 2
    assert "of which only one has 'g'" in capsys.readouterr().err
