"""One judge for all answers: everything a Result claims, recomputed in dense NumPy."""

import numpy as np
import pytest
from tests.oracles import certificate as oracle

TOL = 1e-9  # the default tolerance of `quot.solve`: relative gap and residuals
EPS = np.finfo(np.float64).eps
FIELDS = ["lower", "upper", "primal_residual", "multiplier_violation", "round_off", "scale"]


def everywhere(shape):
    """No hint: nearest pairs are wanted however far they are."""
    return np.full(shape[0], np.inf), np.full(shape[1], np.inf)


def terms(instance, P, f, g, lam):
    """Sum of the magnitudes whose rounded sums make up value and bound."""
    C = np.where(P != 0, instance.C, 0.0)
    total = (np.abs(C) * P).sum() + instance.reg / 2 * (P**2).sum()
    return total + np.abs(f) @ instance.a + np.abs(g) @ instance.b + abs(lam) * instance.total


def round_off(instance, r):
    """What a gap may be wrong by because its terms are rounded.

    f and g are known no better than lam, whose rounding may move all of them at once.
    """
    shared = abs(r.lam) * (instance.a.sum() + instance.b.sum())
    return 32 * EPS * (terms(instance, r.plan.to_dense(), r.f, r.g, r.lam) + shared)


def priced_residual(instance, r):
    """What the violation of the constraints, itself round-off, is worth at the potentials.

    Weak duality holds up to that: a bound may exceed the value of such a plan by as much.
    """
    P, sign = r.plan.to_dense(), np.abs if instance.balanced else lambda x: np.maximum(x, 0.0)
    rows, cols = sign(P.sum(axis=1) - instance.a), sign(P.sum(axis=0) - instance.b)
    return np.abs(r.f) @ rows + np.abs(r.g) @ cols + abs(r.lam) * abs(P.sum() - instance.total)


def gap(instance, r):
    """Duality gap of plan and potentials by the better bound, recomputed."""
    i = instance
    value = oracle.objective(i.C, r.plan.to_dense(), i.reg)
    return value - oracle.lower_bound(i.C, i.a, i.b, i.reg, i.moved, r.f, r.g, r.lam)


def value_scale(instance, r):
    """What a gap is relative to: all that the plan adds up, or the lower bound if that is more."""
    C = np.where(np.isfinite(instance.C), np.abs(instance.C), 0.0)
    used = oracle.objective(C, r.plan.to_dense(), instance.reg)
    assert r.certificate.scale == pytest.approx(max(used, abs(r.certificate.lower)), rel=1e-9)
    return r.certificate.scale


def error_bound(instance, r):
    """Bound of ||P - P*||: the problem is reg-strongly convex, and the gap small."""
    found, slack = gap(instance, r), round_off(instance, r)
    assert found <= TOL * value_scale(instance, r) + slack, "a wrong plan bounds nothing"
    return np.sqrt(2 * (max(found, 0.0) + slack) / instance.reg)


def assert_same_plan(instance, left, right):
    """Two answers to one strictly convex problem."""
    distance = np.linalg.norm(left.plan.to_dense() - right.plan.to_dense())
    assert distance <= error_bound(instance, left) + error_bound(instance, right)


def assert_well_formed(instance, r):
    """Shapes, dtypes, order, finiteness, exact marginals."""
    plan = r.plan
    n, m = instance.shape
    assert plan.shape == (n, m)
    assert (r.f.shape, r.g.shape) == ((n,), (m,))
    assert plan.rows.dtype == plan.cols.dtype == np.int32
    assert plan.values.dtype == r.f.dtype == r.g.dtype == np.float64
    assert np.isfinite(plan.values).all()
    assert np.isfinite(r.f).all()
    assert np.isfinite(r.g).all()
    assert np.isfinite([r.lam, r.value, r.cost, r.gap, r.seconds]).all()
    assert (plan.values > 0).all()
    keys = plan.rows.astype(np.int64) * m + plan.cols
    assert (np.diff(keys) > 0).all(), "the support is not sorted, or repeats a pair"
    assert np.isfinite(instance.C[plan.rows, plan.cols]).all(), "mass on a forbidden pair"
    residual = oracle.residual(plan.to_dense(), instance.a, instance.b, instance.moved)
    assert residual <= 1e-14 * max(1.0, instance.total / max(instance.a.max(), instance.b.max()))


def assert_solved(instance, r):
    """The answer is optimal, and everything it says about itself is true."""
    assert r.status.name == "OPTIMAL"
    assert r.converged
    assert_well_formed(instance, r)
    P = r.plan.to_dense()
    slack = round_off(instance, r)
    value = oracle.objective(instance.C, P, instance.reg)
    assert abs(r.value - value) <= slack
    assert abs(r.cost - oracle.objective(instance.C, P, 0.0)) <= slack
    scale = value_scale(instance, r)
    assert r.certificate.lower - slack - priced_residual(instance, r) <= value
    assert value <= r.certificate.upper + slack + TOL * scale
    assert r.certificate.scope == "all"
    Y = r.f[:, None] + r.g + r.lam - instance.C
    if instance.reg > 0:
        assert gap(instance, r) <= TOL * scale + slack
    else:  # the potentials are feasible where mass can flow, and their value is the optimum
        live = np.ix_(instance.a > 0, instance.b > 0)
        magnitude = np.abs(r.f).max() + np.abs(r.g).max() + abs(r.lam)
        price = scale / instance.total if instance.total else 0.0
        assert (Y[live] <= TOL * price + 32 * EPS * magnitude).all()
        dual = r.f @ instance.a + r.g @ instance.b + r.lam * instance.total
        assert value - dual <= TOL * scale + slack
    if instance.balanced:
        assert r.lam == 0.0
    else:
        spread = np.abs(r.f).max() + np.abs(r.g).max() + abs(r.lam)
        assert max(r.f.max(), r.g.max()) <= TOL * spread


def assert_same_certificate(found, whole, C):
    """Of all pairs, and the same as that of another way over them up to round-off."""
    for field in FIELDS:
        np.testing.assert_allclose(
            getattr(found, field), getattr(whole, field), rtol=1e-12, atol=4 * whole.round_off
        )
    assert (found.scope, found.pairs) == ("all", C.size)
