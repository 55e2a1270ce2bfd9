"""What one would write for adaptive transport with SciPy: its dual, and a general optimiser.

No package solves this problem. The dual is concave and smooth in the prices f, g and in the
multipliers of rows and columns, all at once, and L-BFGS-B takes bounds.
"""

from __future__ import annotations

import time
from typing import Any

from benchmarks.cases import Instance
from benchmarks.peers.base import Answer

# Multipliers begin at so much of the range of costs, and are no less than so much: at 0 the dual is
# not smooth. With much less an entropic line search fails at once.
START, LEAST = 0.1, 3e-5
# Exponents are no larger, on the way: a line search may go anywhere.
HIGHEST = 50.0
# Pairs of steps and gradients that are kept.
KEPT = 50


def joint_lbfgsb(case: Instance, settings: dict[str, Any]):
    """`scipy.optimize.minimize` on (f, g, eps, delta); it ends after so many `seconds`."""
    import numpy as np
    from scipy.optimize import minimize

    C, a, b, *_ = case.dense()
    n, m = C.shape
    is_entropic = case.regularizer == "entropic"
    cost = float(np.ptp(C))
    sides = [(a, case.source), (b, case.target)]
    bounds = [_most(mass, xi, is_entropic) for mass, xi in sides]
    # Of squares a multiplier is a cost per mass.
    units = [np.ones(mass.size) if is_entropic else 1.0 / mass for mass, _ in sides]
    scale = cost * np.concatenate((np.ones(n + m), *units))
    multipliers = np.concatenate([np.full(mass.size, xi is not None) for mass, xi in sides])
    first = np.concatenate((np.zeros(n + m), np.where(multipliers, START, 0.0)))
    if is_entropic:
        # So that entries are of the size of the mean, costs apart.
        first[:n] = START * multipliers[[0, -1]].sum() * np.log(a.sum() / (n * m))
    least = np.concatenate((np.full(n + m, -np.inf), np.where(multipliers, LEAST, 0.0)))
    most = np.concatenate((np.full(n + m, np.inf), np.where(multipliers, np.inf, 0.0)))

    def parts(v):
        return np.split(scale * v, [n, n + m, 2 * n + m])

    def negative_dual(v):
        f, g, eps, delta = parts(v)
        E = eps[:, None] + delta
        P, paid, spread = _respond((f[:, None] + g - C) / E, is_entropic)
        rooms = [bound - spread.sum(axis=1 - k) for k, bound in enumerate(bounds)]
        value = np.vdot(E, paid) + eps @ bounds[0] + delta @ bounds[1] - f @ a - g @ b
        sums = P.sum(axis=1) - a, P.sum(axis=0) - b
        rooms = np.where(multipliers, np.concatenate(rooms), 0.0)
        return value / cost, np.concatenate((*sums, rooms)) * scale / cost

    def call():
        end = time.perf_counter() + settings["seconds"]

        def stop(_):
            if time.perf_counter() > end:
                raise StopIteration

        # It is never told that it is done: what it has after all that time counts. Where a line
        # search fails it begins anew, as long as that helps.
        options = {"maxiter": 10**9, "maxfun": 10**9, "maxcor": KEPT, "ftol": 0.0, "gtol": 0.0}
        how = {"jac": True, "method": "L-BFGS-B", "callback": stop, "options": options}
        at, value, steps = first, np.inf, 0
        while True:
            done = minimize(negative_dual, at, bounds=list(zip(least, most, strict=True)), **how)
            steps += done.nit
            if done.fun >= value or time.perf_counter() > end:
                return done.x, steps
            at, value = done.x, done.fun

    def read(found):
        v, steps = found
        f, g, eps, delta = parts(v)
        P, *_ = _respond((f[:, None] + g - C) / (eps[:, None] + delta), is_entropic)
        return Answer(P, f, g, note=f"{steps} iterations", multipliers=(eps, delta))

    return call, read


def _most(mass: Any, xi: float | None, is_entropic: bool) -> Any:
    """What the sum of h over a row of a mass may be with a perplexity of xi; 0 without one."""
    import numpy as np

    if xi is None:
        return np.zeros(mass.size)
    if is_entropic:
        return mass * (np.log(mass / xi) - 1.0)
    return mass**2 / (2.0 * xi)


def _respond(y: Any, is_entropic: bool) -> tuple[Any, Any, Any]:
    """The entries, h*(y), and h of the entries."""
    import numpy as np

    if is_entropic:
        P = np.exp(np.minimum(y, HIGHEST))
        paid = P * (1.0 + np.maximum(y - HIGHEST, 0.0))
        return P, paid, y * P - paid
    P = np.maximum(y, 0.0)
    paid = 0.5 * P * P
    return P, paid, paid
