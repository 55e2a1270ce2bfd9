"""`quot adapt`: what is printed, written and refused."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn")

from quot.estimators import TransportLabelPropagation

RNG = np.random.default_rng(5)
Y = np.repeat([3, 7], 20)
X = RNG.normal(size=(40, 2)) + 6.0 * (Y == 7)[:, None]
NEW = np.concatenate((X[::2] + 0.5, [[50.0, 50.0]] * 2))
NAMES = np.array(["", "", "", "calm", "", "", "", "rough, wet"])[Y]


def table(path, names, *columns):
    lines = [",".join(names), *(",".join(map(str, row)) for row in zip(*columns, strict=True))]
    path.write_text("\n".join(lines) + "\n")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "source.csv", ["p", "sea", "q"], X[:, 0], [f'"{k}"' for k in NAMES], X[:, 1])
    table(tmp_path / "target.csv", ["q", "p"], NEW[:, 1], NEW[:, 0])
    np.savez("source.npz", X=X, y=Y)
    np.save("target.npy", NEW)
    return tmp_path


def read(path):
    return [line.rpartition(",")[::2] for line in Path(path).read_text().splitlines()]


def test_from_tables(told):
    code, facts = told("adapt", "source.csv", "target.csv", "--label", "sea", "-o", "out.csv",
                       "--mass", 0.9)  # fmt: skip
    model = TransportLabelPropagation(mass=0.9).fit_domains(X, NEW, NAMES)
    assert code == 0
    assert facts["read"] == (
        "source of 40 samples of 2 features (columns p, q; labels `sea`), target of 22 samples of "
        "2 features (columns q, p)"
    )
    found = model.transduction_
    assert facts["unlabelled"] == (found == "").sum() >= 2
    assert facts["labelled"] == {k: (found == k).sum() for k in ("calm", "rough, wet")}
    assert facts["mass_moved"] == pytest.approx(0.9)
    assert facts["relative_gap"] <= 1e-9
    assert facts["reg"] == model.result_.problem.reg
    (header, _), *rows = read("out.csv")
    assert header == "label"
    assert [label.strip('"') for label, _ in rows] == found.tolist()
    shares = model.label_distributions_.max(axis=1)
    assert [float(share) for _, share in rows] == shares.tolist()


def test_a_feature_may_be_called_y(told, folder):
    table(folder / "source.csv", ["x", "y", "label"], X[:, 0], X[:, 1], Y)
    table(folder / "target.csv", ["y", "x"], NEW[:, 1], NEW[:, 0])
    code, facts = told("adapt", "source.csv", "target.csv", "-o", "out.csv", "--mass", 0.9)
    assert (code, facts["features"]) == (0, 2)
    model = TransportLabelPropagation(mass=0.9).fit_domains(X, NEW, Y)
    found = [int(label or -1) for label, _ in read("out.csv")[1:]]
    assert found == model.transduction_.tolist()


def test_from_arrays(said):
    code, out, err = said("adapt", "source.npz", "target.npy", "-o", "out.npz", "--perplexity", 4)
    assert (code, err) == (0, "")
    lines = dict(line.split("  ", 1) for line in out.splitlines())
    assert lines["labelled"].split() == ["3:", "11,", "7:", "11"]
    assert lines["unlabelled"].strip() == "0"
    assert lines["labels"].strip() == "out.npz"
    with np.load("out.npz") as kept:
        model = TransportLabelPropagation(perplexity=4).fit_domains(X, NEW, Y)
        assert np.array_equal(kept["label"], model.transduction_)
        assert np.array_equal(kept["shares"], model.label_distributions_)
        assert kept["classes"].tolist() == [3, 7]


def test_other_problems(told):
    given = ("adapt", "source.npz", "target.npy", "-o", "out.csv")
    for options in (
        ["--mass", "knee", "--metric", "euclidean"],
        ["--eps", 0.5, "--mass", 0.8],
        ["--perplexity", 4, "--on", "source", "--regularizer", "entropic"],
        ["--reg", 0, "--tol", 1e-6],
    ):
        code, facts = told(*given, *options)
        assert code == 0
        assert facts["converged"]
    np.savez("minus.npz", X=X, y=np.where(Y == 3, -1, 1))
    code, facts = told("adapt", "minus.npz", "target.npy", "-o", "out.npz", "--mass", 0.8)
    assert set(np.load("out.npz")["label"].tolist()) == {-2, -1, 1}


def test_parquet(told, folder):
    pa = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    pa.parquet.write_table(pa.table({"class": Y, "p": X[:, 0], "q": X[:, 1]}), "s.parquet")
    code, _ = told("adapt", "s.parquet", "target.csv", "-o", "out.parquet", "--mass", 0.8)
    assert code == 0
    labels = pa.parquet.read_table("out.parquet")["label"].to_pylist()
    assert set(labels) == {3, 7, None}


def test_an_index_and_the_labels_of_the_target_are_left_out(told, folder):
    count = range(22)
    table(folder / "t.csv", ["", "p", "q", "sea"], count, NEW[:, 0], NEW[:, 1], ["?"] * 22)
    code, facts = told("adapt", "source.csv", "t.csv", "--label", "sea", "-o", "out.csv")
    assert code == 0
    assert facts["read"].endswith("(columns p, q; labels `sea` left out)")


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["source.csv", "target.csv"], "has no column `label` for the labels; it has `p`, `sea`"),
        (["source.csv", "target.csv", "--label", "ocean"], "has no column `ocean` for the labels"),
        (["source.npz", "target.npy", "--label", "z"], "`source.npz` has no array `z` of labels"),
        (
            ["target.npy", "target.npy"],
            "`target.npy` has no array `y` of labels; got one array. Save",
        ),
        (
            ["empty.csv", "target.csv"],
            "`class` in line 3 of `empty.csv` is missing; every row needs",
        ),
        (["words.csv", "target.csv"], "`p` in line 2 of `words.csv` is 'a', which is no number"),
        (["alone.csv", "target.csv"], "`alone.csv` begins with the line 'y', which is one name"),
        (["other.csv", "target.csv"], "`other.csv` has the columns"),
        (["source.npz", "wide.npy"], "`source.npz` has 2 features and `wide.npy` has 3; source"),
        (["nan.npz", "target.npy"], "`X` must be finite; X[0, 0] is nan"),
        (["floats.npz", "target.npy"], "`y` in `floats.npz` is float64 of shape (40,); labels are"),
        (["source.npz", "target.npy", "--mass", 2], "`mass` must be from 0 to 1"),
        (
            ["source.npz", "target.npy", "--mass", "all"],
            "argument --mass: must be a number S, or knee; got 'all'",
        ),
        (["source.npz", "target.npy", "--perplexity", 4, "--mass", 0.5], "all mass moves"),
        (["source.npz", "target.npy", "--reg", 4, "--eps", 0.5], "`reg` and `eps` both say"),
        (["source.npz", "target.npy", "--on", "source"], "`--on` says how points share their mass"),
        (["source.npz", "nothing.npy"], "`nothing.npy` does not exist"),
    ],
    ids=str,
)
def test_refused(said, folder, argv, message):
    table(folder / "empty.csv", ["p", "q", "class"], [1.0, 2.0], [1.0, 2.0], ["a", ""])
    table(folder / "words.csv", ["p", "q", "class"], ["a", 2.0], [1.0, 2.0], ["a", "b"])
    table(folder / "alone.csv", ["y"], ["a", "b"])
    table(folder / "other.csv", ["p", "r", "class"], [1.0, 2.0], [1.0, 2.0], ["a", "b"])
    np.save("wide.npy", np.ones((4, 3)))
    np.savez("nan.npz", X=np.full((40, 2), np.nan), y=Y)
    np.savez("floats.npz", X=X, y=Y * 0.5)
    code, out, err = said("adapt", *argv, "-o", "out.csv")
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
    assert not (folder / "out.csv").exists()


def test_outputs_are_checked_first(said, folder):
    (folder / "target.csv").rename(folder / "same.csv")
    for output, message in (
        ("same.csv", "`-o` names `same.csv`, which is the file that `TARGET` reads"),
        ("out.txt", "has the suffix '.txt'"),
        ("nowhere/out.csv", "nowhere"),
    ):
        code, _, err = said("adapt", "missing.csv", "same.csv", "-o", output)
        assert code == 2
        assert message in err


def test_what_is_not_certified(said, monkeypatch):
    monkeypatch.setattr("quot.Result.converged", False)
    assert said("adapt", "source.npz", "target.npy", "-o", "out.csv")[0] == 1


def test_read_line(said, monkeypatch):
    monkeypatch.setenv("QUOT_QUIET", "0")
    _, _, err = said("adapt", "source.npz", "target.npy", "-o", "out.csv")
    assert "quot: read source of 40 samples of 2 features, target of 22 samples of 2" in err
