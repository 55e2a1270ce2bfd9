"""Runs: what is done is kept, and what changes an outcome is done again."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from quot.exceptions import InvalidProblemError
from quot.reproduce import drawing
from quot.reproduce.data import SETS, Data
from quot.reproduce.experiment import Case, Document, Experiment, Lost
from quot.reproduce.outcome import Outcome, Table, Verdict, judged, unsupported
from quot.reproduce.runner import run_all


class Counted:
    """An experiment that counts its runs, and may be interrupted in the first."""

    def __init__(self, id="Q2", *, breaks=False):
        self.runs, self.breaks = 0, breaks
        self.experiment = Experiment(
            id=id, document=Document.QPOT, title="t", shows="s", setup="x", run=self.run,
            full={"n": 5}, quick={"n": 3}, lost=(Lost("a", "b"),), needs=("photos",),
        )  # fmt: skip

    def run(self, case):
        self.runs += 1
        if self.breaks and self.runs == 1:
            raise KeyboardInterrupt
        with case.clock("numbers"):
            x = case.rng(1).random(case["n"])
        figure, (ax,) = drawing.panels(1)
        ax.plot(x)
        return Outcome(
            claims=(judged("x", ours=f"{x[0]:.3f}", holds=x[0] < 2.0, remark="r", why="w"),),
            pictures=(drawing.picture(figure, "t", caption="c", alt="a"),),
            tables=(Table("x", "t", ("k", "x"), list(enumerate(x))),),
            know=("k",),
        )


def go(folder, *counted, **options):
    return run_all([c.experiment for c in counted], folder, data=Data(), **options)


def test_an_interrupted_run_goes_on(tmp_path):
    one, two = Counted("Q2"), Counted("Q3", breaks=True)
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path, one, two)
    assert (one.runs, two.runs) == (1, 1)
    parts = go(tmp_path, one, two)
    assert (one.runs, two.runs) == (1, 2)
    assert [part.experiment.id for part in parts] == ["Q2", "Q3"]
    assert parts == go(tmp_path, one, two)
    assert set(parts[0].seconds) == {"all", "numbers"}


def test_what_is_kept_is_what_came_out(tmp_path):
    told = []
    one = Counted()
    fresh, kept = go(tmp_path, one, tell=told.append), go(tmp_path, one, tell=told.append)
    assert one.runs == 1
    assert fresh == kept
    assert told[0].startswith("Q2: 0.")
    assert told[1] == "Q2: was done"
    (part,) = kept
    x = Case({"n": 5}, Data()).rng(1).random(5)
    assert [row[1] for row in part.outcome.tables[0].rows] == x.tolist()
    assert part.outcome.pictures[0].data.startswith(b"<?xml")
    assert part.data == {"photos": "stand-in"}


def test_what_changes_an_outcome_is_done_again(tmp_path, monkeypatch):
    one = Counted()
    go(tmp_path, one)
    go(tmp_path, one, seed=1)
    go(tmp_path, one, is_quick=True)
    one.experiment = replace(one.experiment, full={"n": 6})
    go(tmp_path, one)
    assert one.runs == 4
    monkeypatch.setattr("quot.reproduce.parts.code_version", lambda module: "other")
    go(tmp_path, one)
    assert one.runs == 5


def test_a_damaged_part_is_done_again(tmp_path):
    one = Counted()
    fresh = go(tmp_path, one)
    (path,) = (tmp_path / "parts").iterdir()
    for damage in (b"", b"{}", path.read_bytes()[:-100], b'{"outcome": {"claims": [1]}}'):
        path.write_bytes(damage)
        assert go(tmp_path, one)[0].outcome == fresh[0].outcome
    assert one.runs == 5


def test_figures_do_not_depend_on_settings_or_order(tmp_path):
    import matplotlib as mpl

    with mpl.rc_context({"font.size": 20.0, "svg.hashsalt": "mine", "axes.facecolor": "red"}):
        one = go(tmp_path / "a", Counted())
    other = go(tmp_path / "b", Counted("Q3"), Counted())
    assert one[0].outcome == other[1].outcome


def test_verdicts_follow_from_numbers():
    x = np.array([1.0, 2.0])
    assert judged("a", ours="b", holds=x.max() > 1).verdict is Verdict.REPRODUCED
    claim = judged("a", ours="b", holds=True, remark="r", why="w")
    assert (claim.verdict, claim.why) == (Verdict.WITH_REMARK, "r")
    claim = judged("a", ours="b", holds=False, remark="r", why="w")
    assert (claim.verdict, claim.why) == (Verdict.NOT_REPRODUCED, "w")
    assert unsupported("a", ours="b", why="c").verdict is Verdict.UNSUPPORTED
    with pytest.raises(TypeError, match="a cell is a number or a text, not list"):
        Table("x", "t", ("a",), [[[1]]])


def test_data_of_a_folder_and_what_stands_in(tmp_path):
    nothing = Data(tmp_path)
    for name, source in SETS.items():
        assert nothing.missing(name) == source.files
        assert nothing.fingerprint(name) == "stand-in"
    one, two = nothing.photographs(64)
    assert one.shape == two.shape == (64, 64, 3)
    assert [image.shape for image in nothing.small_pictures()] == [(32, 32, 3)] * 2
    (X, y), (Z, z) = nothing.digits()
    assert X.shape == (898, 64)
    assert Z.shape == (899, 64)
    assert set(y) == set(z) == set(range(10))
    assert all(cloud.shape[1] == 3 for cloud in nothing.clouds())

    from PIL import Image

    (tmp_path / "photos").mkdir()
    for k, file in enumerate(SETS["photos"].files):
        Image.new("RGB", (90, 70), (k, 50, 200)).save(tmp_path / file, quality=100)
    assert nothing.missing("photos") == ()
    assert len(nothing.fingerprint("photos")) == 16
    assert nothing.photographs(8)[1].shape == (8, 8, 3)


def test_digits_of_a_file(tmp_path):
    h5py = pytest.importorskip("h5py")
    path = tmp_path / SETS["digits"].files[0]
    path.parent.mkdir()
    kept = {"Xs": np.eye(3, 256), "Ys": [[10.0, 1.0, 2.0]], "Xt": np.ones((2, 256)), "Yt": [[3, 4]]}
    with h5py.File(path, "w") as file:
        file.update(kept)
    one, two = Data(tmp_path).digits()
    assert one.X.shape == (3, 256)
    assert (one.y.tolist(), two.y.tolist()) == ([0, 1, 2], [3, 4])
    with h5py.File(path, "w") as file:
        file.update({**kept, "Yt": [[3, 4, 5]]})
    with pytest.raises(InvalidProblemError, match=r"samples of shape \(2, 256\) have 3 labels"):
        Data(tmp_path).digits()
    path.write_bytes(b"MATLAB 5.0")
    with pytest.raises(InvalidProblemError, match=r"should hold Xs, Ys, Xt and Yt as MATLAB 7\.3"):
        Data(tmp_path).digits()


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_signal_ends_it_with_one_line_and_what_was_done_is_kept(tmp_path):
    command = [sys.executable, "-m", "quot", "reproduce", "Q4", "Q5", "--quick", "--data"]
    command += [str(tmp_path), "-o", str(tmp_path / "out")]
    environment = {**os.environ, "QUOT_QUIET": "1"}
    run = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    parts = tmp_path / "out" / "parts"
    deadline = time.monotonic() + 120
    while not (parts.is_dir() and list(parts.glob("Q4-*.json"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=120)
    assert said == "quot: interrupted\n"
    assert run.returncode == 130
    assert len(list(parts.iterdir())) == 1
    assert not (tmp_path / "out" / "report.html").exists()
    done = subprocess.run(
        [*command[:5], *command[6:], "--json"], capture_output=True, text=True, check=True
    )
    told = json.loads(done.stdout)
    assert told["stand_ins"] == {"cifar10": ["Q4"]}
    assert list(told["verdicts"]) == ["Q4"]
    assert len(list(parts.iterdir())) == 1
