"""Potentials read off a plan, and problems whose numbers span many orders of magnitude."""

import numpy as np
import pytest

import quot
from quot.dual import Dual
from quot.quadratic.polish import polish


@pytest.mark.parametrize("reg", [0.0, 1e-2, 3.0])
@pytest.mark.parametrize("part", [None, 0.6])
def test_polish_takes_the_noise_from_potentials(rng, reg, part):
    """On every pair that carries mass the equation holds again; multipliers of slack are zero."""
    C = rng.random((14, 11)) * 10.0 ** rng.uniform(-6, 0, (14, 11))
    a, b = rng.random(14) + 0.1, rng.random(11) + 0.1
    b *= a.sum() / b.sum()
    mass = None if part is None else part * a.sum()
    r = quot.solve(C, a, b, reg=reg, mass=mass)
    shift = 1e-7 * rng.normal()
    noisy = Dual(*(v + 1e-7 * rng.normal(size=v.size) for v in (r.f, r.g)), r.lam + shift)
    exact = polish(r.problem, r.plan, noisy)
    i, j, x = r.plan.rows, r.plan.cols, r.plan.values
    slack = exact.f[i] + exact.g[j] + exact.lam - C[i, j] - reg * x
    if reg == 0.0:
        assert np.abs(slack).max() <= 1e-15
    on_tree = np.abs(slack) <= 1e-15 * max(1.0, reg)
    parts = 1 if part is not None else 0
    assert np.count_nonzero(on_tree) >= min(x.size, 14 + 11 - 14) - parts
    assert np.abs(slack).max() < 1e-10 * max(1.0, reg), "cycles close to what the solver left"
    if part is not None:
        assert (exact.f[r.plan.row_sums() < a * (1 - 1e-9)] == 0.0).all()
        assert (exact.g[r.plan.col_sums() < b * (1 - 1e-9)] == 0.0).all()


def uneven(seed):
    """Costs and masses over twelve orders of magnitude, or costs that all but agree."""
    rng = np.random.default_rng(seed)
    n, m = rng.integers(1, 20, 2)
    C = 10.0 ** rng.uniform(-6, 6, (n, m))
    kind = rng.integers(3)
    if kind == 1:
        C = 1e6 - C
    elif kind == 2:
        C = 1e6 + 10.0 ** rng.uniform(-9, 0) * C / 1e6
    a, b = 10.0 ** rng.uniform(-12, 0, n), 10.0 ** rng.uniform(-12, 0, m)
    mass = 10.0 ** rng.uniform(-6, 0) * min(a.sum(), b.sum())
    reg = rng.choice([0.0, 10.0 ** rng.uniform(-12, 4)])
    if rng.random() < 0.5:
        return C, a, b, {"mass": mass, "reg": reg}
    return C, a, b * (a.sum() / b.sum()), {"reg": reg}


@pytest.mark.parametrize("seed", [0, 4, 7, 9, 28, 36, 40, 43, 48, 52, 58, 60])
def test_uneven_problems_are_solved(seed):
    """None of these was certified when potentials were used as the solver left them."""
    C, a, b, options = uneven(seed)
    assert quot.solve(C, a, b, **options).converged


def test_columns_without_mass_push_no_row():
    """The potential of the second column is rounded; at reg = 0 no row may pay for that."""
    C = [
        [2.81278136e-01, 3.27691059e03, 1.52382892e-05, 0.0, 0.0, 1.73835236e-04],
        [1.59843896e-05, 7.55042671e05, 1.29808277e-05, 1.54243087e-04, 2.04910594e-05, 2.6e-06],
    ]
    a = np.full(2, 5e-7)
    b = np.array([1.68900387e-07, 0.0, 3.43377727e-08, 2.08707452e-07, 3.51846356e-07, 0.0])
    b[-1] = a.sum() - b.sum()
    r = quot.solve(C, a, b)
    assert r.certificate.gap <= 1e-9 * r.value
