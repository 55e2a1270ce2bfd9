"""Ours, through its public face."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import Instance
from benchmarks.peers.base import Answer


def quot_solve(case: Instance, settings: dict[str, Any]):
    """`quot.solve`, or `quot.solve_graph`."""
    import quot

    solve = getattr(quot, case.entry)
    C, a, b, reg, mass = case.data()

    def call():
        return solve(C, a, b, reg=reg, mass=mass, on_failure="ignore", **settings)

    def read(r):
        note = r.status.name.lower().replace("_", " ")
        work = {"rounds": len(r.history), "steps": sum(iterate.inner for iterate in r.history)}
        plan = r.flow if isinstance(r, quot.GraphResult) else r.plan.to_csr()
        return Answer(plan, r.f, r.g, r.lam, note, work=work)

    return call, read
