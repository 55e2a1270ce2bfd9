"""Signals at chosen moments: by counts, in this process. `tests/signals` has those by the clock."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import quot
from quot import Status, interrupts
from quot.api import batch
from quot.applications.color import recolor
from quot.applications.registration import register
from quot.cli import main, problem_files, transport
from quot.convergence import Monitor
from quot.estimators import TransportLabelPropagation, TransportMapper

if os.name != "posix":
    pytest.skip("on Windows there is no SIGHUP", allow_module_level=True)

QUIET = {"on_failure": "ignore"}


@pytest.fixture(autouse=True)
def no_signal_came_before(monkeypatch):
    monkeypatch.setattr(interrupts, "_now", interrupts._Now())
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert (interrupts._now.depth, interrupts._now.notes) == (0, False)


def press(number=signal.SIGINT):
    signal.raise_signal(number)


@pytest.fixture
def at_poll(monkeypatch):
    """Press at the polls of these numbers, from 1; returns a list that has their count."""

    ask = interrupts.must_stop

    def arrange(*numbers):
        polls = [0]

        def asked():
            if threading.current_thread() is threading.main_thread():
                polls[0] += 1
                if polls[0] in numbers:
                    press()
            return ask()

        monkeypatch.setattr(interrupts, "must_stop", asked)
        return polls

    return arrange


def calls():
    rng = np.random.default_rng(0)
    C, X, Y = rng.random((40, 50)), rng.normal(size=(150, 2)), rng.normal(size=(140, 2))
    points = quot.PointCost(X, Y)
    grid, masses = quot.graphs.grid((12, 12)), rng.integers(1, 9, 144).astype(float)
    ends = grid, masses, masses[::-1]
    return {
        "matrix": lambda: quot.solve(C, reg=1e-2, mass=0.7, **QUIET),
        "linear": lambda: quot.solve(C, **QUIET),
        "points": lambda: quot.solve_points(X, Y, reg=0.1, method="newton", **QUIET),
        "graph": lambda: quot.solve_graph(*ends, reg=0.1, **QUIET),
        "linear graph": lambda: quot.solve_graph(*ends, **QUIET),
        "entropic": lambda: quot.solve_entropic(points, eps=0.1, **QUIET),
        "first order": lambda: quot.solve_entropic(points, eps=0.5, method="sinkhorn", **QUIET),
        "approximate": lambda: quot.approximate_partial(C, accuracy=1e-5, mass=0.5, **QUIET),
        "adaptive": lambda: quot.solve_adaptive(C, perplexity=8, **QUIET),
        "average": lambda: quot.solve_adaptive(C, perplexity=8, on="average", **QUIET),
    }


@pytest.mark.parametrize("name", calls())
def test_an_interrupt_at_any_poll_returns_the_best_so_far(name, at_poll, tune):
    tune(stretch=1)
    call = calls()[name]
    polls = at_poll()
    call()
    count, seen = polls[0], set()
    assert count >= 2
    for moment in sorted({1, 2, max(count // 3, 1), max(count // 2, 1), count - 1, count}):
        interrupts._now.last = -np.inf
        at_poll(moment)
        r = call()
        seen.add(r.status)
        assert r.status is Status.STOPPED or r.converged or r.status is Status.APPROXIMATE
        if name not in {"adaptive", "average"}:  # else perplexities count, too
            assert r.certificate.primal_residual <= 1e-9
        assert -np.inf < r.certificate.lower < np.inf
        assert r.certificate.gap > -1e-12
    assert Status.STOPPED in seen


def test_an_interrupt_where_a_kernel_hands_over_its_results(monkeypatch, rng):
    """There it became a SystemError."""
    from quot.network import simplex

    names = [name for name, kernel in vars(simplex.kernels).items() if hasattr(kernel, "py_func")]
    seen = set()

    def pressing(kernel):
        def call(*args):
            press()
            return kernel(*args)

        return call

    for name in names:
        with monkeypatch.context() as patch:
            patch.setattr(simplex.kernels, name, pressing(getattr(simplex.kernels, name)))
            interrupts._now.last = -np.inf
            r = quot.solve(rng.random((300, 300)), reg=0.01, **QUIET)
            seen.add(r.status)
            assert r.certificate.primal_residual <= 1e-12
    assert seen == {Status.OPTIMAL, Status.STOPPED}


@pytest.mark.parametrize("name", ["suggest_reg", "estimate", "certify", "affinities", "load"])
def test_where_there_is_nothing_to_return_it_is_a_keyboard_interrupt(name, monkeypatch, tmp_path):
    X, Y = np.random.default_rng(0).normal(size=(2, 120, 2))
    r = quot.solve_points(X, Y, reg=0.1)
    quot.save(r, tmp_path / "R.npz")
    call = {
        "suggest_reg": lambda: quot.suggest_reg(r.problem),
        "estimate": lambda: quot.estimate(r.problem),
        "certify": lambda: quot.certify(r.problem, r.plan, r.f, r.g, r.lam),
        "affinities": lambda: quot.affinities(X, perplexity=5),
        "load": lambda: quot.load(tmp_path / "R.npz"),
    }[name]
    check, asked = interrupts.check, [0]

    def once():
        asked[0] += 1
        if asked[0] == 1:
            press()
        check()

    monkeypatch.setattr(interrupts, "check", once)
    with pytest.raises(KeyboardInterrupt):
        call()
    assert asked[0] <= 3  # who catches it asks again


def test_a_second_one_ends_it_with_nothing(at_poll, monkeypatch):
    monkeypatch.setattr(interrupts, "_SAME", 0.0)
    at_poll(3, 4)
    monkeypatch.setattr(Monitor, "is_late", lambda _: press() or False)
    with pytest.raises(KeyboardInterrupt):
        calls()["matrix"]()


def test_what_comes_at_once_is_the_same_signal():
    """A launcher passes on what the terminal has sent to all."""
    with interrupts.noted(stops=True):
        press()
        press()
        press()
        assert interrupts.must_stop()


def test_the_third_does_not_wait_to_be_asked(monkeypatch):
    monkeypatch.setattr(interrupts, "_SAME", 0.0)
    reached = []
    with pytest.raises(KeyboardInterrupt), interrupts.noted(stops=True):  # noqa: PT012
        press()
        press()
        reached.append(True)
        press()
        reached.append(False)
    assert reached == [True]


def test_a_loop_of_small_solves_ends_at_the_second(monkeypatch, at_poll):
    monkeypatch.setattr(interrupts, "_SAME", 0.0)
    at_poll(3, 9)
    done = []
    with pytest.raises(KeyboardInterrupt):  # noqa: PT012
        for _ in range(20):
            done.append(quot.solve(np.eye(4), reg=0.1, **QUIET))
    assert 1 <= len(done) < 10


def test_a_callback_is_interrupted_where_it_is(rng, tune):
    tune(at_once=0)

    def wait(iterate):
        press()
        pytest.fail("it goes on")

    r = quot.solve(rng.random((30, 30)), reg=0.1, callback=wait, **QUIET)
    assert r.status is Status.STOPPED


def test_solves_within_solves_end_together(rng, tune):
    tune(at_once=0)
    C, inner = rng.random((30, 30)), []

    def again(iterate):
        with pytest.MonkeyPatch.context() as patch:
            late = Monitor.is_late
            patch.setattr(Monitor, "is_late", lambda m: ((inner or press()) and False) or late(m))
            inner.append(quot.solve(C, reg=1.0, **QUIET))

    r = quot.solve(C, reg=0.1, callback=again, **QUIET)
    assert [r.status, *(each.status for each in inner)] == [Status.STOPPED] * 2


@pytest.mark.parametrize("threads", ["1", "2"])
def test_a_batch_and_paths_keep_what_is_done(monkeypatch, rng, tune, threads):
    """A signal while the third of some sixteen parts begins; whoever waits looks around often."""
    monkeypatch.setenv("QUOT_NUM_THREADS", threads)
    tune(look=1e-3)
    begin, begun = batch.begin, []

    def pressed(*args, **options):
        begun.append(1)
        if len(begun) == 3:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
        return begin(*args, **options)

    monkeypatch.setattr(batch, "begin", pressed)
    results = quot.solve_batch(rng.random((500, 30, 30)), reg=0.01, **QUIET)
    assert len(results) == 500
    assert {r.status for r in results} == {Status.OPTIMAL, Status.STOPPED}
    assert all(r.certificate.primal_residual <= 1e-12 for r in results)


def test_a_path_ends_with_what_it_has(rng, at_poll):
    problem = quot.Problem(rng.random((30, 30)), mass=0.7)
    for call in (
        lambda: quot.reg_path(problem, [0.1, 0.2, 0.4, 0.8], **QUIET),
        lambda: quot.mass_path(problem, [0.2, 0.4, 0.6], **QUIET),
        lambda: quot.mass_path(problem, **QUIET),
    ):
        interrupts._now.last = -np.inf
        polls = at_poll()
        whole = len(call())
        at_poll(polls[0] // 2)
        path = call()
        assert path.status is Status.STOPPED
        assert len(path) < whole


@pytest.mark.parametrize("name", ["recolor", "mapper", "labels"])
def test_the_mass_is_no_knee_of_half_a_path(name, at_poll, rng):
    """It was taken from what there was of the path, in silence."""
    X, Y = rng.normal(size=(2, 40, 2))
    pictures = rng.integers(0, 256, (2, 8, 8, 3), np.uint8)
    call = {
        "recolor": lambda: recolor(*pictures, colors=8),
        "mapper": lambda: TransportMapper(reg=0.1, mass="knee").fit_domains(X, Y),
        "labels": lambda: TransportLabelPropagation(
            regularizer="entropic", eps=0.1, mass="knee"
        ).fit_domains(X, Y, X[:, 0] > 0),
    }[name]
    at_poll(3)
    with pytest.raises(KeyboardInterrupt):
        call()


@pytest.mark.parametrize("n", [60, 700])
@pytest.mark.parametrize("way", ["signal", "callback"])
def test_a_registration_ends_with_the_plan_that_was_stopped(n, way, at_poll, rng):
    """The rounds went on, and said that it had converged."""
    X = rng.normal(size=(n, 2))
    asked = []

    def ended(iterate):
        asked.append(iterate)
        return len(asked) == 1

    if way == "signal":
        at_poll(4)
    with pytest.warns(quot.NotConvergedWarning):
        found = register(X, X[: n // 2] + 3.0, callback=ended if way == "callback" else None)
    assert found.result.status is Status.STOPPED
    assert len(found.history) == 1
    assert not found.converged
    assert found.result.certificate.primal_residual <= 1e-9
    assert found.result.certificate.scope == "all"


def test_a_handler_of_the_user_is_left_in_place(rng):
    seen = []
    before = signal.signal(signal.SIGINT, lambda *_: seen.append(1))
    try:
        r = quot.solve(rng.random((9, 9)), reg=0.1, callback=lambda _: press())
        assert seen
        assert r.converged
        assert signal.getsignal(signal.SIGINT).__name__ == "<lambda>"
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_hear_nothing(rng):
    C, found = rng.random((30, 30)), []

    def work():
        with interrupts.noted():
            assert not interrupts.must_stop()
        found.append(quot.solve(C, reg=0.1))

    with interrupts.noted(stops=True):
        press()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert found[0].converged


def test_what_became_of_an_interrupt_is_one_again():
    """Of a handler that is not ours."""

    @interrupts.interruptible
    def call(error):
        raise error

    inner = SystemError("returned a result with an exception set")
    inner.__cause__ = KeyboardInterrupt()
    outer = SystemError("returned a result with an exception set")
    outer.__cause__ = inner
    with pytest.raises(KeyboardInterrupt):
        call(outer)
    with pytest.raises(SystemError, match="a defect"):
        call(SystemError("a defect"))


def test_another_solver_is_interrupted_as_it_always_was(monkeypatch):
    cvxpy = pytest.importorskip("cvxpy")
    monkeypatch.setattr(cvxpy.Problem, "solve", lambda *_, **__: press())
    with pytest.raises(KeyboardInterrupt):
        quot.solve(np.eye(3), reg=0.1, method="clarabel")


# --- the command line ------------------------------------------------------------------------


@pytest.fixture
def at_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.save("C.npy", rng.random((30, 30)))
    return tmp_path


ENDS = [
    (signal.SIGINT, 130, "quot: interrupted\n"),
    (signal.SIGTERM, 143, "quot: ended by SIGTERM\n"),
    (signal.SIGHUP, 129, "quot: ended by SIGHUP\n"),
]


@pytest.mark.parametrize(("number", "code", "line"), ENDS)
@pytest.mark.parametrize("where", ["read_problem", "solve"])
def test_a_command_ends_with_one_line(at_work, capsys, monkeypatch, where, number, code, line):
    module = problem_files if where == "read_problem" else transport
    before = {each: signal.getsignal(each) for each, _, _ in ENDS}
    monkeypatch.setattr(module, where, lambda *_, **__: press(number))
    assert main(["solve", "C.npy", "-o", "P.npz"]) == code
    assert capsys.readouterr() == ("", line)
    assert {each: signal.getsignal(each) for each in before} == before
    assert os.listdir() == ["C.npy"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_writes_the_best_so_far(at_work, capsys, at_poll, tune, monkeypatch, number):
    tune(at_once=0)
    at_poll(5)
    monkeypatch.setattr(sys.modules[__name__], "press", lambda: signal.raise_signal(number))
    assert main(["solve", "C.npy", "--reg", "0.1", "--save", "R.npz", "-o", "P.csv"]) == 1
    out, err = capsys.readouterr()
    assert "STOPPED" in out
    assert err == "" or err.startswith("quot: warning: stopped")
    r = quot.load("R.npz")
    assert r.status is Status.STOPPED
    assert r.certificate.primal_residual <= 1e-9


@pytest.mark.parametrize(("number", "code", "line"), ENDS)
def test_a_file_is_written_whole_or_not_at_all(at_work, capsys, monkeypatch, number, code, line):
    at_work.joinpath("P.npz").write_bytes(b"older")
    monkeypatch.setattr(os, "fsync", lambda _: press(number))
    assert main(["solve", "C.npy", "-o", "P.npz"]) == code
    assert capsys.readouterr().err == line
    assert sorted(os.listdir()) == ["C.npy", "P.npz"]
    assert at_work.joinpath("P.npz").read_bytes() == b"older"


def test_what_is_ignored_stays_ignored(at_work, monkeypatch):
    """As by nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        read = problem_files.read_problem
        monkeypatch.setattr(
            problem_files, "read_problem", lambda *args: (press(signal.SIGHUP), read(*args))[1]
        )
        assert main(["solve", "C.npy"]) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


IMPORTING = """
import os, signal, sys

class Press:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.{signal})

sys.meta_path.insert(0, Press())
sys.argv = ["quot", "info"]
from quot.cli import command
command()
"""


@pytest.mark.parametrize("name", ["numpy", "numba.core.types", "quot.adaptive.rows", "argparse"])
@pytest.mark.parametrize(("number", "code", "line"), ENDS[:2])
def test_while_it_is_imported(name, number, code, line):
    text = IMPORTING.format(name=name, signal=number.name)
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (code, "", line)


IN_A_TEXT = """
import os, signal, sys
from quot.cli import command, info

def run(args):
    exec("os.kill(os.getpid(), signal.SIGINT)" + chr(10) + "for k in range(10**9): pass")

info.run = run
sys.argv = ["quot", "info"]
command()
"""


def test_in_a_text_that_is_executed(tmp_path):
    """As where a library makes a dataclass: `python -m` ended by the signal, with no exit code."""
    (tmp_path / "as_module.py").write_text(IN_A_TEXT)
    argv = [sys.executable, "-m", "as_module"]
    done = subprocess.run(
        argv, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "quot: interrupted\n")


def test_nothing_that_takes_time_is_imported_before_signals_are_seen_to():
    text = "import sys, quot.cli; print('numpy' in sys.modules, 'scipy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"


def test_a_call_costs_little(rng):
    @interrupts.stoppable
    def nothing():
        pass

    best = np.inf
    for _ in range(2000):
        start = time.perf_counter()
        nothing()
        best = min(best, time.perf_counter() - start)
    assert best < 2e-5
