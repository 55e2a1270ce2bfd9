"""Passes over all pairs that the methods for entropic problems take: counts, not seconds."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from benchmarks.cases import EntropicCase
from benchmarks.measure import Measurement
from benchmarks.rows.lines import Line, Options, Say

N, MASS, TEMPERATURES = 60, 0.7, (0.02, 0.005, 0.001)
# Mass that may be missing in all: rows, columns and the total.
ENOUGH = 1e-6
# Passes after which a method is stopped; those of three blocks are cheap.
CAP, CAP_THREE = 6_000, 20_000
# What is asked for so that less is missing at the end than that, whatever is kept.
_TOL = 7e-5
# And where the method is to find its own end.
_NEVER = 1e-300


class Way(NamedTuple):
    """A method, what it solves and how."""

    method: str
    formulation: str
    options: tuple[tuple[str, Any], ...] = ()
    cap: int = CAP

    def __str__(self) -> str:
        said = [value if key == "step" else f"{key} = {value:g}" for key, value in self.options]
        return ", ".join([f"{self.method} ({self.formulation})", *said])


WAYS = (
    *(Way(method, k) for method in ("newton", "sinkhorn") for k in ("E1", "E2", "E3")),
    *(Way("tuned-sinkhorn", "E3", (("p", p),)) for p in (1.0, 1.5, 2.0, 4.0)),
    Way("three-block", "E2", cap=CAP_THREE),
    Way("apdagd", "E2"),
    *(Way("aspot", "E2", (("step", step),)) for step in ("fixed", "backtracked")),
    Way("aam", "E2"),
)


def passes(options: Options, say: Say) -> list[Line]:
    """Every method on both shapes at each temperature; in this process, as nothing is timed."""
    import quot

    n, temperatures = (12, (0.1,)) if options.quick else (N, TEMPERATURES)
    lines = []
    for shape in ("gaussian", "palette"):
        for eps in temperatures:
            case = EntropicCase(n, eps, MASS, shape)
            C, a, b, *_ = case.data()
            linear = quot.solve(C, a, b, mass=MASS).value
            for way in WAYS:
                say(f"{case}: {way}")
                lines.append(_counted(case, way, linear))
    return lines


def _counted(case: EntropicCase, way: Way, linear: float) -> Line:
    """Solve until little enough is missing, and say after how many passes that was."""
    import quot

    C, a, b, eps, mass = case.data()
    is_tuned = way.method == "tuned-sinkhorn"
    unit = _unit(case, way)

    def missing(iterate: Any) -> float:
        return iterate.residual * unit if iterate.reg == eps else math.inf

    def stop(iterate: Any) -> bool:
        return iterate.passes >= way.cap or (not is_tuned and missing(iterate) <= ENOUGH)

    r = quot.solve_entropic(
        C,
        a,
        b,
        eps=eps,
        mass=mass,
        method=way.method,
        formulation=way.formulation,
        tol=_NEVER if is_tuned else _TOL,
        max_iter=10 * way.cap,
        callback=stop,
        on_failure="ignore",
        solver_options=dict(way.options) or None,
    )
    settings = {"method": way.method, "formulation": way.formulation} | dict(way.options)
    found = Measurement("quot", case.as_dict(), settings)
    certificate = r.certificate
    found.residual, found.value = certificate.primal_residual, certificate.upper
    found.lower, found.gap, found.bound = certificate.lower, certificate.relative_gap, "its own"
    left = min(missing(iterate) for iterate in r.history)
    is_done = left <= ENOUGH or (is_tuned and r.status is quot.Status.APPROXIMATE)
    line = Line(str(way), found, extra={"missing": left, "linear error": r.cost - linear})
    if is_done:
        line.extra["passes"] = r.history[-1].passes
    return line


def _unit(case: EntropicCase, way: Way) -> float:
    """What residuals of the history are in: of the problem with dummies, where that is solved."""
    import quot
    from quot.entropic.methods import METHODS

    C, a, b, eps, mass = case.data()
    problem = quot.EntropicProblem(C, a, b, eps=eps, mass=mass, formulation=way.formulation)
    is_extended = problem.has_slack and METHODS[way.method].is_extended
    return problem.extended.unit if is_extended else problem.unit
