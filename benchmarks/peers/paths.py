"""Ours for several masses or regs: as a path, and one by one."""

from __future__ import annotations

from typing import Any

from benchmarks.cases import Instance
from benchmarks.peers.base import Answer
from benchmarks.peers.replaced import Change, replaced
from benchmarks.peers.worst import worst


def path(case: Instance, settings: dict[str, Any]):
    """`quot.reg_path` or `quot.mass_path`."""
    import quot

    problem, how = case.problem(), {"on_failure": "ignore"} | settings

    def call():
        if case.over == "reg":
            return quot.reg_path(problem, case.values(), **how)
        if case.over == "mass":
            return quot.mass_path(problem, case.values(), **how)
        return quot.mass_path(problem, count=case.count, **how)

    def read(results):
        work = {"pivots": _pivots(call)}
        if results.breakpoints is not None:
            work["breakpoints"] = results.breakpoints.size
        return _read(results, work)

    return call, read


def solves(case: Instance, settings: dict[str, Any]):
    """`quot.solve` for each value."""
    import quot

    C, a, b, reg, mass = case.data()
    given = {"reg": reg, "mass": mass, "on_failure": "ignore"} | settings
    name = "reg" if case.over == "reg" else "mass"

    def call():
        return [quot.solve(C, a, b, **given | {name: value}) for value in case.values()]

    def read(results):
        return _read(results, {"pivots": _pivots(call)})

    return call, read


def _read(results: Any, work: dict[str, float]) -> Answer:
    """Only work is left of them: how much, and how good the worst is."""
    work["steps"] = sum(iterate.inner for r in results for iterate in r.history)
    answers = [Answer(r.plan, r.f, r.g, r.lam) for r in results]
    return Answer(None, work=work | worst((r.problem for r in results), answers))


def _pivots(call: Any) -> float:
    """Pivots of one more call: those of all its bases."""
    bases = []

    def watch(make: Any) -> Any:
        def made(basis: Any, *given: Any, **named: Any) -> None:
            make(basis, *given, **named)
            bases.append(basis)

        return made

    changes: dict[str, Change] = {"quot.network.basis:Basis.__init__": watch}
    with replaced(changes):
        call()
    return float(sum(basis.pivots for basis in bases))
