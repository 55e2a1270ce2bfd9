"""Peers that find plans between rows and columns."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import Instance
from benchmarks.peers.base import Answer


def cvxpy_clarabel(case: Instance, settings: dict[str, Any]):
    """Model the problem in cvxpy as in the first source, and hand it to CLARABEL."""
    import cvxpy as cp

    C, a, b, reg, mass = case.dense()

    def call():
        P = cp.Variable((case.n, case.n), nonneg=True)
        rows, cols = cp.sum(P, axis=1), cp.sum(P, axis=0)
        if mass is None:
            constraints = [rows == a, cols == b]
        else:
            constraints = [rows <= a, cols <= b, cp.sum(P) == mass]
        goal = cp.sum(cp.multiply(C, P)) + 0.5 * reg * cp.sum_squares(P)
        model = cp.Problem(cp.Minimize(goal), constraints)
        model.solve(solver="CLARABEL", **settings)
        return model, P, constraints

    def read(raw):
        model, P, constraints = raw
        duals = [-c.dual_value for c in constraints]
        detail = {
            "compilation": float(model.compilation_time),
            "solver alone": float(model.solver_stats.solve_time),
        }
        lam = float(duals[2]) if mass is not None else 0.0
        return Answer(P.value, duals[0], duals[1], lam, str(model.status), detail)

    return call, read


def regot_grssn(case: Instance, settings: dict[str, Any]):
    """Semismooth Newton of regot (C++); balanced only, objective with reg/2 as ours."""
    import numpy as np
    import regot

    if case.mass is not None:
        raise NotImplementedError("regot solves balanced problems only")
    C, a, b, reg, _ = case.dense()
    C = np.asfortranarray(C)

    def call():
        return regot.qrot_grssn(C, a, b, reg, **settings)

    def read(raw):
        dual = np.asarray(raw.dual).ravel()
        note = f"{int(raw.niter)} iterations"
        if raw.niter >= settings.get("max_iter", 1000):
            note += ", its limit"
        return Answer(np.asarray(raw.plan), dual[: case.n], dual[case.n :], note=note)

    return call, read


def pot_smooth(case: Instance, settings: dict[str, Any]):
    """L-BFGS on the dual, `ot.smooth.smooth_ot_dual` with reg_type "l2"; balanced only."""
    import ot.smooth

    C, a, b, reg, _ = case.dense()

    def call():
        return ot.smooth.smooth_ot_dual(a, b, C, reg, reg_type="l2", log=True, **settings)

    def read(raw):
        plan, log = raw
        return Answer(plan, log["alpha"], log["beta"], note=f"{int(log['res'].nit)} iterations")

    return call, read


def pot_emd(case: Instance, settings: dict[str, Any]):
    """Network simplex, `ot.emd`; balanced and reg = 0 only."""
    import ot

    C, a, b, *_ = case.dense()

    def call():
        return ot.emd(a, b, C, log=True, **settings)

    def read(raw):
        plan, log = raw
        return Answer(plan, log["u"], log["v"], note=str(log.get("warning") or ""))

    return call, read


def pot_partial(case: Instance, settings: dict[str, Any]):
    """Network simplex with dummy points, `ot.partial.partial_wasserstein`; reg = 0 only."""
    import numpy as np
    import ot.partial

    C, a, b, _, mass = case.dense()

    def call():
        return ot.partial.partial_wasserstein(a, b, C, m=mass, log=True, **settings)

    def read(raw):
        # The potentials u, v of the problem with dummy points: a dummy's is minus the largest.
        plan, log = raw
        u, v = np.asarray(log["u"]), np.asarray(log["v"])
        return Answer(plan, u - u.max(), v - v.max(), float(u.max() + v.max()))

    return call, read
