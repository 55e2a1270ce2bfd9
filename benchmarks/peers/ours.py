"""Ours, through its public face."""

from __future__ import annotations

import warnings
from typing import Any

from benchmarks.cases import Instance
from benchmarks.peers.base import Answer

# Entries of a block that fits a cache, as a pass takes them.
BLOCK = 1 << 18
# What may be wrong with an answer.
FAULTS = ("not converged", "NaN", "above tolerance", "exceptions")


def quot_solve(case: Instance, settings: dict[str, Any]):
    """`quot.solve`, `quot.solve_graph`, `quot.solve_entropic` or `quot.solve_adaptive`."""
    import quot

    solve = getattr(quot, case.entry)
    C, a, b, reg, _ = case.data()
    settings = settings | case.options(reg)

    def call():
        return solve(C, a, b, on_failure="ignore", **settings)

    def read(r):
        note = r.status.name.lower().replace("_", " ")
        work = {"rounds": len(r.history), "steps": sum(iterate.inner for iterate in r.history)}
        if case.entry == "solve_entropic":
            work["passes"] = r.history[-1].passes
            plan = r.plan
        else:
            plan = r.flow if isinstance(r, quot.GraphResult) else r.plan.to_csr()
        answer = Answer(plan, r.f, r.g, r.lam, note, work=work)
        if isinstance(r, quot.AdaptiveResult):
            answer.multipliers = r.row_multipliers, r.col_multipliers
        return answer

    return call, read


def one_pass(case: Instance, settings: dict[str, Any]):
    """All pairs once, as a Sinkhorn step looks at them: costs, exponentials and both sums."""
    import numpy as np

    from quot.entropic.passes import Passes
    from quot.entropic.rows import GibbsRows

    problem = case.problem()
    rows = GibbsRows(problem, Passes(problem.cost, lambda: None), problem.eps)
    v = np.zeros(problem.shape[1])
    near, _, _ = rows.respond(v, rows.first(v))

    def call():
        return rows.respond(v, near)

    return call, lambda raw: Answer(None)


def exponentials(case: Instance, settings: dict[str, Any]):
    """As many exponentials as there are pairs, of a block of costs that is at hand."""
    import numpy as np

    from quot.kernels import gibbs

    n, (_, _, _, eps, _) = case.n, case.data()
    r = max(1, BLOCK // n)
    C, f, v, X = np.random.default_rng(0).random((r, n)), np.zeros(r), np.zeros(n), np.empty((r, n))
    gibbs.exponentials(C, f, v, eps, X)

    def call():
        for _ in range(0, n, r):
            gibbs.exponentials(C, f, v, eps, X)

    return call, lambda raw: Answer(None)


def stress(case: Instance, settings: dict[str, Any]):
    """Solve random problems one by one, and count what is not as it should be."""
    import numpy as np

    import quot

    tolerance = quot.Tolerance.of(settings["tol"])
    formulation = None if case.formulation == "balanced" else case.formulation

    def outcome(seed: int) -> str:
        """Of one problem; its plan is judged again as a list of entries."""
        C, a, b, eps, mass = case.draw(seed)
        how = {"eps": eps, "mass": mass, "formulation": formulation, "on_failure": "ignore"}
        try:
            r = quot.solve_entropic(C, a, b, **how, **settings)
            P = r.plan.to_dense()
            if not all(np.isfinite(x).all() for x in (P, r.value, r.f[a > 0], r.g[b > 0], r.lam)):
                return "NaN"
            if not r.converged:
                return "not converged"
            listed = quot.Plan.from_sparse(P)
            again = quot.certify(r.problem, listed, r.f, r.g, r.lam)
        except Exception:  # it is counted, and its seed told
            return "exceptions"
        return "" if again.holds(tolerance) else "above tolerance"

    def call():
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # each is an exception
            return {seed: outcome(seed) for seed in range(case.first, case.first + case.count)}

    def read(found):
        work = dict.fromkeys(FAULTS, 0.0) | {"instances": len(found)}
        for fault in filter(None, found.values()):
            work[fault] += 1
        bad = [f"{seed} ({fault})" for seed, fault in found.items() if fault]
        return Answer(None, note=f"seeds {', '.join(bad)}" if bad else "", work=work)

    return call, read
