"""Files of entropic results: every bit of prices and corrections comes back, damage is told."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot import GibbsPlan, InvalidProblemError, NumericalWarning, Plan, Result, load, save
from quot.io.plans import write_plan

C = np.random.default_rng(2).random((5, 7))
A = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
ALLOWED = sp.csr_array(C * (C > 0.2))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def solved(cost=C, a=None, **options):
    return quot.solve_entropic(cost, a, **{"eps": 0.05, **options})


def corrected():
    """A result whose plan has entries that are not what the prices say."""
    r = solved(mass=0.6)
    at = np.array([1, 3], np.int32), np.array([2, 0], np.int32)
    plan = replace(r.plan, extra=Plan(C.shape, *at, np.array([1e-13, -1e-13])))
    certificate = quot.certify(r.problem, plan, r.f, r.g, r.lam)
    return Result(r.problem, plan, r.f, r.g, r.lam, certificate, r.status)


RESULTS = {
    "balanced": solved,
    "E1": lambda: solved(mass=0.6),
    "E2": lambda: solved(mass=0.6, formulation="E2"),
    "E3": lambda: solved(mass=0.6, formulation="E3"),
    "no masses in places": lambda: solved(a=A, mass=0.6, formulation="E2"),
    "no mass to move": lambda: solved(mass=0.0),
    "points": lambda: solved(quot.PointCost(C, C[:3], metric="cityblock"), mass=0.6),
    "forbidden pairs": lambda: solved(ALLOWED, A, mass=0.6),
    "corrected": corrected,
    "first order": lambda: solved(method="aspot", mass=0.6, max_iter=9, on_failure="ignore"),
}


@pytest.mark.parametrize("make", RESULTS.values(), ids=RESULTS.keys())
def test_an_entropic_result_comes_back_bit_for_bit(make):
    r = make()
    save(r, "R.npz")
    back = load("R.npz")
    assert isinstance(back.plan, GibbsPlan)
    assert back.plan.cost is back.problem.cost
    assert type(back.problem.cost) is type(r.problem.cost)
    assert back.plan.eps == back.problem.eps == r.problem.eps
    for name in ("formulation", "corner", "mass"):
        assert getattr(back.problem, name) == getattr(r.problem, name), name
    for one, other, names in (
        (back, r, "fg"),
        (back.problem, r.problem, "ab"),
        (back.plan, r.plan, "fguw"),
        (back.plan.extra, r.plan.extra, ("rows", "cols", "values")),
    ):
        for name in names:
            assert getattr(one, name).dtype == getattr(other, name).dtype
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name
    for field in fields(r):
        if field.name not in ("problem", "plan", "f", "g"):
            assert getattr(back, field.name) == getattr(r, field.name), field.name
    assert (back.value, back.cost, back.converged) == (r.value, r.cost, r.converged)
    assert back.plan.to_dense().tobytes() == r.plan.to_dense().tobytes()
    save(back, "S.npz")
    assert Path("S.npz").read_bytes() == Path("R.npz").read_bytes()


def change(**arrays):
    """Rewrite R.npz with other arrays; None removes one."""
    kept = {**np.load("R.npz"), **arrays}
    np.savez("R.npz", **{name: array for name, array in kept.items() if array is not None})


def one_of(array, value):
    array = array.copy()
    array[2] = value
    return array


FIVE, SEVEN = np.ones(5), np.ones(7)
CHANGES = {
    "prices of another size": ({"plan_f": SEVEN}, r"`plan_f` is float64 of shape \(7,\), not \(5,"),
    "prices of integers": ({"plan_g": SEVEN.astype(int)}, "`plan_g` is int64 of shape"),
    "factors of another size": ({"plan_u": np.ones((5, 1))}, r"`plan_u` is float64 of shape \(5"),
    "negative factor of a row": ({"plan_u": one_of(FIVE, -1.0)}, "`plan_u` is negative; what scal"),
    "negative factor of a column": ({"plan_w": one_of(SEVEN, -1e-9)}, "`plan_w` is negative"),
    "no prices of rows": ({"plan_f": None}, "no array 'plan_f'"),
    "no factors": ({"plan_w": None}, "no array 'plan_w'"),
    "no correction": ({"values": None}, "no array 'values'"),
    "correction outside": (
        {"rows": np.array([9]), "cols": np.array([0]), "values": np.ones(1)}, "pairs outside"
    ),
    "no formulation": ({"formulation": None}, "no array 'formulation'"),
    "unknown formulation": ({"formulation": "E4"}, "`formulation` must be one of 'E1', 'E2', 'E3'"),
    "no corner": ({"corner": None}, "no array 'corner'"),
    "corner of another formulation": ({"corner": np.ones(1)}, "`corner` belongs to formulation='E"),
    "no temperature": ({"strength": 0.0}, "`eps` must be positive; got 0"),
    "all mass in E2": ({"mass": np.ones(1)}, "what rows and columns keep has an entropy, too"),
    "another kind": ({"problem": "quadratic"}, "prices of an entropic plan, but the problem has"),
}  # fmt: skip


@pytest.mark.parametrize(("arrays", "text"), CHANGES.values(), ids=CHANGES.keys())
def test_a_damaged_entropic_result_is_refused(arrays, text):
    save(solved(mass=0.6, formulation="E2"), "R.npz")
    change(**arrays)
    with pytest.raises(InvalidProblemError, match=r"`R\.npz` is damaged: .*" + text):
        load("R.npz")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300, 0.5])
@pytest.mark.parametrize("name", ["plan_f", "plan_g", "plan_u", "plan_w"])
@pytest.mark.parametrize("formulation", ["E1", "E2"])
def test_what_is_no_answer_is_not_certified(formulation, name, value):
    """Nor does it warn of anything but that."""
    save(solved(mass=0.6, formulation=formulation), "R.npz")
    change(**{name: one_of(np.load("R.npz")[name], value)})
    with pytest.warns(NumericalWarning, match="its certificate does not hold"):
        back = load("R.npz")
    assert not back.converged
    assert np.isnan(back.value) or back.value == back.problem.objective(back.plan)


@pytest.mark.parametrize(
    ("version", "text"),
    [
        (99, "of a later quot: it has format version 99, and this one reads version 2; read it"),
        (1, "of an older quot: it has format version 1, and this one reads version 2; solve again"),
    ],
)
def test_files_of_other_versions(version, text):
    save(solved(), "R.npz")
    change(version=version)
    with pytest.raises(InvalidProblemError, match=r"`R\.npz` is " + text):
        load("R.npz")


def test_a_plan_of_another_problem_cannot_be_saved():
    r = solved()
    for plan in (replace(r.plan, eps=1.0), replace(r.plan, cost=solved(2 * C).problem.cost)):
        other = replace(r, plan=plan)
        with pytest.raises(InvalidProblemError, match="with prices for another cost or eps than"):
            save(other, "R.npz")
    assert not Path("R.npz").exists()


def test_the_file_of_a_plan_needs_a_list():
    with pytest.raises(TypeError, match=r"`plan` must be a Plan.*got GibbsPlan\. Pass `plan\.to_p"):
        write_plan(solved().plan, "P.npz")
    assert not Path("P.npz").exists()
