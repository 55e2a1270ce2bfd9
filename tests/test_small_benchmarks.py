"""The benchmark rows on small problems: tiny sizes, in this process, no word about time."""

import json
import time

import numpy as np
import pytest

pytest.importorskip("benchmarks.run", reason="benchmarks are not part of this installation")

from benchmarks import measure, report, rows, run, together
from benchmarks.cases import BatchCase, Case, EverydayCase, PathCase, rebuild
from benchmarks.peers import SOLVERS, Answer
from benchmarks.peers.clocked import PARTS, Clock, clocked
from benchmarks.peers.replaced import replaced
from benchmarks.peers.worst import worst
from benchmarks.rows import batches
from benchmarks.rows.duels import OURS
from benchmarks.rows.turns import take_worst
from benchmarks.together import LEAST, Turn, measure_together

import quot

# Their lines when quick, and a column of theirs.
LINES = {"S0": (28, "median ms"), "S0b": (16, "ms each"), "S0c": (6, "certificate")}
LINES |= {"S0d": (12, "least ms"), "P": (20, "breakpoints")}
INSIDE = rows.Options(quick=True, runs=1, isolated=False)
# Of ours, whose answers must be within the tolerance.
OUR_OWN = {"quot", "batch", "quot loop", "path", "solves"}


@pytest.fixture
def results(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    return tmp_path


def silent(text):
    pass


@pytest.mark.parametrize("key", list(LINES))
def test_row_runs(key, results):
    lines = rows.ROWS[key].run(INSIDE, silent)
    count, column = LINES[key]
    assert len(lines) == count
    for line in lines:
        m = line.measurement
        if m.outcome == "missing":
            assert m.solver not in OUR_OWN
            continue
        assert m.outcome == "ok", m.message
        assert m.seconds == min(m.runs) > 0
        assert len(m.runs) == LEAST
        assert rebuild(m.case).as_dict() == m.case
        if m.solver in OUR_OWN:
            assert m.is_certified(m.settings["tol"])
        else:
            assert m.gap < 1e-3
        if line.ratio is not None:
            assert m is not lines[0].measurement
            assert line.ratio > 0
    report.save(key, lines, quick=True)
    text = report.page(quick=True)
    assert f"## {key}: {rows.ROWS[key].title}" in text
    assert rows.ROWS[key].about in text
    assert f" {column} " in text


@pytest.mark.parametrize("key", ["S0", "S0b", "P"])
def test_row_without_peers(key):
    options = rows.Options(quick=True, runs=1, isolated=False, rivals=False)
    lines = rows.ROWS[key].run(options, silent)
    assert {line.measurement.solver for line in lines} <= OUR_OWN
    assert all(line.ratio is None for line in lines)


def test_aims_are_those_of_ours(monkeypatch):
    """None is met where an answer of ours is not within its tolerance."""
    monkeypatch.setattr("benchmarks.worker.Measurement.is_certified", lambda *_: False)
    for key in ("S0", "S0b", "S0c"):
        aimed = [line for line in rows.ROWS[key].run(INSIDE, silent) if line.aim]
        assert aimed
        assert not any(line.met for line in aimed)


def test_slow_peers_solve_a_few_of_the_batch():
    for case in (BatchCase(64, 1000, 0.01), BatchCase(6, 20, 1.0)):
        ((_, few, _),) = batches._rivals(case)
        assert few.count < case.count
        (whole,) = (c for _, c, _ in batches._rivals(BatchCase(case.n, case.count, 0.0)))
        assert whole.count == case.count
    assert batches._rivals(BatchCase(64, 1000, 0.01, 0.7)) == []


@pytest.mark.parametrize(
    "case",
    [
        BatchCase(4, 3, 0.5, 0.7),
        EverydayCase("distances of bins", 7, mass=0.7),
        PathCase(7, "reg", 4, mass=0.7),
        PathCase(7, "breakpoints", 4, shape="random"),
    ],
)
def test_cases_are_rebuilt(case):
    again = rebuild(json.loads(json.dumps(case.as_dict())))
    assert again == case
    assert str(again) == str(case)
    for mine, other in zip(case.dense()[:3], again.dense()[:3], strict=True):
        np.testing.assert_array_equal(mine, other)


def test_a_batch_is_of_different_problems():
    case = BatchCase(4, 3, 0.5, 0.7)
    Cs, a, *_ = case.dense()
    assert Cs.shape == (3, 4, 4)
    assert case.matrix == Cs.nbytes
    for single, C in zip(case.singles(), Cs, strict=True):
        np.testing.assert_array_equal(single.dense()[0], C)
        np.testing.assert_array_equal(single.dense()[1], a)
        assert (single.reg, single.mass) == (case.reg, case.mass)
    assert not np.array_equal(Cs[0], Cs[1])


def test_values_of_a_path():
    regs = PathCase(5, "reg", 4).values()
    np.testing.assert_allclose(regs, [1.0, 0.1, 0.01, 0.001])
    assert PathCase(5, "mass", 4).values() == [0.25, 0.5, 0.75, 1.0]
    random = PathCase(5, "mass", 4, shape="random").dense()[0]
    assert not np.array_equal(random, PathCase(5, "mass", 4).dense()[0])


def test_the_worst_answer_counts():
    cases = BatchCase(5, 3, 0.1).singles()
    problems = [case.problem() for case in cases]
    answers = [quot.solve(p.cost, p.a, p.b, reg=p.reg) for p in problems]
    answers = [Answer(r.plan.to_dense(), r.f, r.g) for r in answers]
    good = worst(problems, answers)
    assert good["gap"] <= 1e-9
    assert good["residual"] <= 1e-9
    assert good["instances"] == 3
    answers[1].plan = 1.5 * answers[1].plan
    bad = worst(problems, answers)
    assert bad["residual"] > 0.1
    answers[1].f = np.full(5, np.nan)
    assert not worst(problems, answers)["gap"] <= 1.0
    m = measure.Measurement("batch", {}, {}, work=bad)
    assert take_worst(m) == {"instances": 3.0}
    assert not m.is_certified(1e-9)


def test_parts_of_a_call_add_up():
    case = Case(5, 0.5, 0.7)
    call, read = clocked(case, OURS)
    call()
    before = time.perf_counter()
    result = call()
    whole = time.perf_counter() - before
    work = read(result).work
    assert list(work) == list(PARTS)
    assert all(seconds > 0.0 for seconds in work.values())
    assert sum(work.values()) <= whole
    np.testing.assert_array_equal(
        result.plan.values, quot.solve(*case.data()[:3], reg=0.5, mass=0.7).plan.values
    )


def test_time_of_a_part_is_its_own(monkeypatch):
    times = iter(range(10))
    monkeypatch.setattr("benchmarks.peers.clocked.time.perf_counter", lambda: float(next(times)))
    clock = Clock()
    inner = clock.at("certificate")(lambda: 7)
    outer = clock.at("result")(lambda: inner() + 1)
    clock.start()
    assert outer() == 8
    clock.turn("rest")
    spent = {part: seconds for part, seconds in clock.spent.items() if seconds}
    assert spent == {"rest": 2.0, "result": 2.0, "certificate": 1.0}


def test_what_is_replaced_comes_back():
    places = [place for places in PARTS.values() for place in places]
    before = quot.Problem.__dict__["__post_init__"], quot.Result.of

    def fails(function):
        def failing(*given, **named):
            raise RuntimeError("no")

        return failing

    with pytest.raises(RuntimeError, match="no"), replaced(dict.fromkeys(places, fails)):
        quot.solve(np.ones((2, 2)))
    assert (quot.Problem.__dict__["__post_init__"], quot.Result.of) == before
    assert quot.solve(np.ones((2, 2))).converged


def test_what_is_not_there_is_said():
    with (
        pytest.raises(AttributeError, match="nothing_like_that"),
        replaced({"quot.problem:Problem.nothing_like_that": lambda function: function}),
    ):
        pass


def test_one_that_fails_does_not_stop_the_others(monkeypatch):
    def fails(case, settings):
        raise NotImplementedError("not this one")

    monkeypatch.setitem(SOLVERS, "emd", ("POT emd", "quot", fails))
    monkeypatch.setitem(SOLVERS, "partial", ("POT", "no_such_package", fails))
    turns = [Turn(solver, Case(4, 0.0), {}) for solver in ("partial", "emd", "quot")]
    found = measure_together(turns, seconds=0.0, isolated=False)
    missing, failed, good = (m for m, _ in found)
    assert (missing.outcome, failed.outcome, good.outcome) == ("missing", "failed", "ok")
    assert failed.message == "NotImplementedError: not this one"
    assert failed.seconds is None
    assert len(good.runs) == LEAST
    assert [answer is None for _, answer in found] == [True, True, False]


def test_calls_take_turns(monkeypatch):
    called = []

    def quick(case, settings):
        return lambda: called.append(settings["name"]), lambda raw: Answer(None)

    monkeypatch.setitem(SOLVERS, "emd", ("POT emd", "quot", quick))
    monkeypatch.setattr(together, "MOST", 5)
    turns = [Turn("emd", Case(4, 0.0), {"name": name}) for name in "xy"]
    found = measure_together(turns, seconds=100.0, isolated=False)
    assert "".join(called) == "xy" * 6  # once off the record
    assert [len(m.runs) for m, _ in found] == [5, 5]


def test_a_process_of_their_own():
    pytest.importorskip("ot")
    turns = [Turn("emd", Case(n, 0.0), {}) for n in (4, 5)]
    for (m, answer), turn in zip(measure_together(turns, seconds=0.0), turns, strict=True):
        assert m.outcome == "ok", m.message
        assert m.case["n"] == turn.case.n
        assert answer.plan.shape == (turn.case.n, turn.case.n)


def test_out_of_time(monkeypatch):
    def late(command, **how):
        raise measure.subprocess.TimeoutExpired(command, how["timeout"])

    monkeypatch.setattr(measure.subprocess, "run", late)
    turns = [Turn("quot", Case(4, 0.0), OURS)] * 2
    for m, answer in measure_together(turns, time_limit=7.0):
        assert answer is None
        assert (m.outcome, m.message) == ("time limit", "not done after 14 s")


def test_rows_are_named_as_one_likes():
    assert run._rows("s0B, p") == ["S0b", "P"]
