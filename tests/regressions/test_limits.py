"""What the solver cannot do yet: it says so, and claims nothing."""

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
