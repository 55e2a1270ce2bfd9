"""The experiments on ASPOT: small, and what is known of them from elsewhere."""

import json
from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from quot.reproduce import drawing, parts
from quot.reproduce.aspot import palettes, traces
from quot.reproduce.aspot.a0_complexities import MORE, TABLE
from quot.reproduce.aspot.annealing import Clouds, by_scaling, by_trace, register
from quot.reproduce.aspot.axes import logarithmic
from quot.reproduce.aspot.clouds import at_random, gaussians, on_a_line, squared
from quot.reproduce.aspot.traces import WAYS, Way, limit, spaced, trace
from quot.reproduce.data import Data
from quot.reproduce.experiment import Case
from quot.reproduce.outcome import Verdict
from quot.reproduce.registry import experiments

# Sizes at which a run takes a second or two.
TINY = {
    "A0": {"per_unit": 12},
    "A1": {"pixels": 24, "colors": 12, "steps": 60, "looks": 8, "near": 0.2},
    "A2": {"pixels": 24, "colors": 12, "steps": 200, "looks": 8, "powers": (1.0, 2.0, 4.0)},
    "A3": {"points": 30, "rate": 0.4, "last": 0.01, "steps": 100},
    "A4": {"sizes": (10, 20, 40), "steps": 60, "accuracies": (0.2, 0.1)},
    "A5": {"points": 30, "shares": (0.9, 0.1), "rate": 0.4, "last": 0.01, "steps": 40},
    "A6": {"sources": 20, "targets": 40, "tests": 200, "limits": (5, 100), "trials": 2},
    "A7": {"n": 12, "temperatures": (0.3, 0.1, 0.02)},
    "A8": {"problems": (("clouds", 12), ("on a line", 12)), "temperatures": (0.05,), "most": 800},
}


def tiny(id, seed=0, **parameters):
    """An experiment and a small case of it."""
    experiment = experiments()[id]
    sizes = {**experiment.parameters(is_quick=True), **TINY[id], **parameters}
    assert set(sizes) == set(experiment.full)
    return experiment, Case(sizes, Data(), seed, is_quick=True)


@cache
def outcome(id, seed=0, **parameters):
    experiment, case = tiny(id, seed, **parameters)
    with drawing.style():
        return experiment.run(case)


def problem(n=12, eps=0.05, mass=0.6):
    """Masses of different totals, the larger 1."""
    rng = np.random.default_rng(5)
    a, b = rng.random(n), 1.5 * rng.random(n + 3)
    unit = max(a.sum(), b.sum())
    C = squared(rng.random((n, 2)), rng.random((n + 3, 2)))
    a, b = a / unit, b / unit
    return C, a, b, {"eps": eps, "mass": mass * min(a.sum(), b.sum())}


@pytest.mark.parametrize("id", TINY)
def test_every_experiment_runs(id, tmp_path):
    experiment, case = tiny(id)
    found = outcome(id)
    assert found.claims
    assert found.pictures
    assert found.tables
    for claim in found.claims:
        assert claim.ours
        assert claim.why or claim.verdict is Verdict.REPRODUCED
        assert "nan" not in claim.ours.lower().split()
    for table in found.tables:
        assert table.rows
    # What is kept is what came out, and the same the next time.
    path = tmp_path / "part.json"
    parts.write(parts.part_of(experiment, case, found, {}), path)
    assert parts.read(path, experiment, case).outcome == found
    with drawing.style():
        again = experiment.run(case)
    parts.write(parts.part_of(experiment, case, again, {}), tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("id", [id for id in TINY if id != "A0"])
def test_numbers_come_from_the_seed(id):
    one, other = outcome(id), outcome(id, seed=1)
    assert [t.rows for t in one.tables] != [t.rows for t in other.tables]
    assert [c.says for c in one.claims] == [c.says for c in other.claims]


def test_all_rows_of_the_document_are_there():
    assert set(TINY) <= set(experiments())
    assert {e.id for e in experiments().values() if e.document.name == "ASPOT"} == set(TINY)


# --- claims ----------------------------------------------------------------------------------


def test_three_bounds_meet_at_a_quarter():
    quarter = Fraction(1, 4)
    three = [TABLE[name] for name in ("tuned Sinkhorn", "APDAGD", "ASPOT")]
    assert {bound.at(quarter) for bound in three} == {Fraction(11, 4)}
    assert MORE["ASPOT on the scaled dual"].at(quarter) == Fraction(8, 3)
    claims = outcome("A0").claims
    assert [c.verdict for c in claims] == [Verdict.NOT_REPRODUCED, Verdict.WITH_REMARK]
    assert "at 0 of 37 relations" in claims[0].ours


def test_a_slope_with_fixed_iterations_is_two():
    claim = outcome("A4").claims[0]
    assert claim.verdict is Verdict.NOT_REPRODUCED
    assert "the slope is 2.00" in claim.ours


def test_what_is_moved_too_much_is_in_the_corner():
    found = outcome("A7")
    rows = {table.name: table.rows for table in found.tables}
    for *_, rounded, beyond, ours in rows["corner"]:
        assert beyond == pytest.approx(rounded, abs=1e-14)
        assert abs(ours) < 1e-14
    # E1 costs less than E2, at any temperature.
    assert all(0.0 < e1 < e2 for _, e1, e2, *_ in rows["problems"])
    verdicts = {c.says: c.verdict for c in found.claims}
    assert verdicts["Entropic partial transport is one problem"] is Verdict.NOT_REPRODUCED


def test_a_larger_power_is_a_higher_temperature():
    rows = outcome("A2").tables[0].rows
    for accuracy in {row[0] for row in rows}:
        _, *tuned = [row for row in rows if row[0] == accuracy]
        for one, other in pairwise(tuned):
            assert one[2] < other[2]
            assert one[3] >= other[3]
    # Prices prove no more than what is so.
    assert all(error <= proved + 1e-12 for *_, error, proved in rows)


def test_momentum_saves_blocks_not_passes():
    rows = outcome("A8").tables[0].rows
    for _, _, _, blocks, fixed, _, _, sinkhorn in rows:
        assert sinkhorn < blocks < fixed


# --- traces ----------------------------------------------------------------------------------


def test_all_come_to_the_exact_plan():
    C, a, b, setting = problem()
    exact = limit(C, a, b, formulation="E2", **setting)
    for way in (*WAYS.values(), Way("three-block", "E2"), Way("aam", "E2")):
        found = trace(way, C, a, b, steps=8000, enough=1e-7, **setting)
        assert found.missing[-1] <= 1e-7 < found.missing[-2]
        assert np.abs(found.plan - exact.plan.to_dense()).max() < 1e-5
        assert found.costs[-1] == pytest.approx(exact.cost, abs=1e-6)
        assert found.plan.sum() == pytest.approx(setting["mass"], abs=1e-14)
        assert (found.plan.sum(axis=1) <= a + 1e-15).all()


def test_what_is_missing_at_first():
    C, a, b, setting = problem()
    found = trace(Way("three-block", "E2"), C, a, b, steps=1, **setting)
    B = np.exp(-C / setting["eps"])
    total, mass = B.sum() + a.size + b.size, setting["mass"]
    scale = (a.sum() + b.sum() - mass) / total
    rows, cols = scale * (B.sum(axis=1) + 1.0), scale * (B.sum(axis=0) + 1.0)
    missing = np.abs(rows - a).sum() + np.abs(cols - b).sum() + abs(scale * B.sum() - mass)
    assert found.missing[0] == pytest.approx(missing, rel=1e-12)
    assert found.passes.tolist() == [1.0, 2.0]
    assert found.steps == 1


def test_where_a_run_ends():
    C, a, b, setting = problem()
    way = WAYS["ASPOT"]
    found = trace(way, C, a, b, steps=50, looks=(1, 7, 20, 400), **setting)
    assert found.looks.tolist() == [1, 7, 20, 50]
    shorter = trace(way, C, a, b, steps=7, **setting)
    assert found.costs[1] == shorter.costs[0]
    assert trace(way, C, a, b, steps=50, most=60, **setting).passes[-1] < 70
    assert found.steps_to(0.0) is None
    assert found.passes_to(0.0) is None
    step = found.steps_to(0.05)
    assert found.missing[step] <= 0.05 < found.missing[:step].min()
    assert found.passes_to(0.05) == found.passes[step]
    end = found.costs[-1]
    assert found.look_within(end, 1e9) == 1
    assert found.look_within(end, 0.0) == 50
    assert found.look_within(end + 1.0, 1e-9) is None


def test_prices_prove_less_than_the_least_cost():
    C, a, b, setting = problem()
    least = traces.least_cost(C, a, b, setting["mass"])
    found = trace(WAYS["Sinkhorn"], C, a, b, steps=3000, eps=1e-3, mass=setting["mass"])
    proved = traces.proved_least(C, a, b, setting["mass"], found.v)
    assert least - 1e-2 < proved <= least + 1e-14


def test_spaced():
    assert spaced(1, 5) == [1]
    assert spaced(100, 3) == [1, 10, 100]
    assert spaced(7, 100) == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("kind", [gaussians, on_a_line, at_random])
def test_costs_are_at_most_one(kind):
    C = kind(9, np.random.default_rng(0))
    assert C.shape == (9, 9)
    assert C.min() >= 0.0
    assert 0.5 < C.max() <= 1.0


# --- pictures and clouds ---------------------------------------------------------------------


def test_colours_without_mass_stay():
    _, case = tiny("A1")
    pair = palettes.Pair.of(case)
    still = pair.painted(np.zeros_like(pair.C))
    assert (still == np.rint(255 * pair.colors).astype(np.uint8)[pair.label]).all()
    moved = pair.painted(np.outer(pair.a, pair.b))
    assert palettes.sharpness(moved) == 0.0  # all that is, is the mean
    assert palettes.sharpness(still) > 1.0


def test_clouds_come_together():
    _, case = tiny("A3", degrees=20.0, rate=0.7, last=1e-3)
    clouds = Clouds.of(case)
    assert np.abs(clouds.truth.transform(clouds.blue) - clouds.red[::2]).max() < 1e-12
    for plan in (by_trace(WAYS["Sinkhorn"], case), by_scaling(case)):
        found = register(case, clouds, plan, 0.9)
        assert clouds.wrong(found.motion) < 3.0
        assert found.rounds[0].wrong > found.rounds[-1].wrong
        assert found.steps == sum(each.steps for each in found.rounds)
        assert found.passes >= found.steps
        assert not found.is_lost


def test_scaling_is_sinkhorn_without_logarithms():
    _, case = tiny("A3", enough=1e-10, steps=5000)
    C, a, b, setting = problem()
    plain, _, _ = by_scaling(case)(C, a, b, **setting)
    same, _, _ = by_trace(WAYS["Sinkhorn"], case)(C, a, b, **setting)
    assert np.abs(plain - same).max() < 1e-9


def test_numbers_are_lost_where_exp_is_zero():
    _, case = tiny("A5", first=1e-8, last=1e-8, rounds=2)
    found = register(case, Clouds.of(case), by_scaling(case), 0.5)
    assert found.is_lost
    assert np.isnan(found.rounds[-1].wrong)
    _, case = tiny("A5", first=1e-8, last=1e-8, rounds=2, steps=20)
    assert not register(case, Clouds.of(case), by_trace(WAYS["Sinkhorn"], case), 0.5).is_lost


def test_numbers_are_written_out():
    with drawing.style():
        figure, axes = drawing.panels(2)
        axes[0].plot([1.0, 20.0], [1e-6, 1.0])
        logarithmic(axes[0])
        axes[1].plot([1.0, 2.0], [10.0, 1000.0])
        logarithmic(axes[1], "y")
        figure.canvas.draw()
    shown = [
        [t.get_text() for t in axis.get_ticklabels()] for axis in (axes[0].xaxis, axes[0].yaxis)
    ]
    assert {"1", "2", "5", "10", "20"} <= set(shown[0])
    assert {"1e-06", "0.01", "1"} <= set(shown[1])
    assert axes[1].get_xscale() == "linear"


def test_parameters_can_be_kept():
    for id in TINY:
        experiment, _ = tiny(id)
        for is_quick in (False, True):
            json.dumps(experiment.parameters(is_quick=is_quick))
