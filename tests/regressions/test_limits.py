"""What the solver cannot do yet: it says so, and claims nothing.

Costs over twelve orders of magnitude with ordinary masses are certified, and so are masses over
twelve orders with ordinary costs (tests/strategies.py). Both at once are not always.
"""

import numpy as np
import pytest

import quot


@pytest.mark.parametrize("seed", range(3))
def test_costs_over_sixteen_orders_are_answered_honestly(seed):
    """Certified or not, the bracket holds and the status agrees with it."""
    rng = np.random.default_rng(seed)
    C = 10.0 ** rng.uniform(-8, 8, (40, 30))
    a, b = 10.0 ** rng.uniform(-12, 0, 40), 10.0 ** rng.uniform(-12, 0, 30)
    r = quot.solve(C, a, b * (a.sum() / b.sum()), max_iter=300, on_failure="ignore")
    assert r.certificate.lower <= r.certificate.upper + r.certificate.round_off
    assert r.converged == (r.status is quot.Status.OPTIMAL)
    assert np.isfinite(r.plan.values).all()


@pytest.mark.parametrize("reg", [0.0, 1e-3])
def test_equal_masses_with_a_part_of_one_are_answered_honestly(reg):
    """Costs over six orders, all masses equal, less than one of them to move: Newton may cycle."""
    C = [[0.001, 0.005, 600.0, 20.0], [200.0, 0.004, 0.04, 0.8], [0.06, 0.003, 0.1, 6.0]]
    r = quot.solve(C, np.ones(3), np.ones(4), reg=reg, mass=0.9, max_iter=100, on_failure="ignore")
    assert r.certificate.lower <= r.certificate.upper + r.certificate.round_off
    assert r.converged == (r.status is quot.Status.OPTIMAL)
    assert abs(r.plan.total - 0.9) <= 1e-14
    assert r.value >= 0.001 * 0.9


@pytest.mark.parametrize("method", ["sinkhorn", "apdagd"])
def test_a_limit_before_the_first_pass_leaves_a_result(method):
    C = np.random.default_rng(0).random((40, 50))
    options = {"time_limit": 1e-9, "on_failure": "ignore"}
    r = quot.solve_entropic(C, eps=0.3, mass=0.7, formulation="E2", method=method, **options)
    assert r.status is quot.Status.TIME_LIMIT
    r = quot.approximate_partial(C, accuracy=0.2, mass=0.5, method="dual-extrapolation", **options)
    assert r.status is quot.Status.TIME_LIMIT
