"""How the answer depends on the mass: convex, monotone, and balanced in the limit."""

import numpy as np
from hypothesis import given
from tests.checks import assert_solved, error_bound, round_off
from tests.strategies import generic, moderate_regs, problems, regs

import quot

PARTS = np.array([0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 1.0])


def path(instance):
    most = min(instance.a.sum(), instance.b.sum())
    masses = PARTS * most
    answers = []
    for mass in masses:
        part = instance.but(mass=float(mass))
        answers.append(quot.solve(*part.data, **part.options))
        assert_solved(part, answers[-1])
    return masses, answers


@given(problems(regs=regs, balanced=False))
def test_value_is_convex_and_rises_with_the_mass(instance):
    """For costs >= 0; lam is its slope."""
    masses, answers = path(instance)
    values = np.array([r.value for r in answers])
    slack = 1e-8 * (1e-6 + np.abs(values).max()) + round_off(instance, answers[-1])
    assert (np.diff(values) >= -slack).all()
    slopes = np.diff(values) / np.diff(masses)
    blur = 2 * slack / np.diff(masses).min()
    assert (np.diff(slopes) >= -blur).all()
    for k, r in enumerate(answers[:-1]):  # a subgradient: below the chord, above the one before
        assert r.lam <= slopes[k] + blur
        if k:
            assert r.lam >= slopes[k - 1] - blur


@given(problems(regs=moderate_regs, balanced=True, weight_kinds=("uniform", "random", "zeros")))
def test_all_the_mass_is_the_balanced_problem(instance):
    whole = instance.but(mass=float(min(instance.a.sum(), instance.b.sum())))
    r = quot.solve(*instance.data, **instance.options)
    s = quot.solve(*whole.data, **whole.options)
    distance = np.linalg.norm(r.plan.to_dense() - s.plan.to_dense())
    assert distance <= error_bound(instance, r) + error_bound(whole, s)


@given(generic)
def test_partial_masses_are_bounded(instance):
    part = instance.but(mass=float(0.5 * min(instance.a.sum(), instance.b.sum())))
    r = quot.solve(*part.data, **part.options)
    assert (r.plan.row_sums() <= part.a * (1 + 1e-14)).all()
    assert (r.plan.col_sums() <= part.b * (1 + 1e-14)).all()
    # A gauge remains only when no row or no column is slack.
    if (r.plan.row_sums() < part.a * (1 - 1e-6)).any():
        assert r.f.max() == 0.0 or abs(r.f.max()) <= 1e-6
