"""Q0: what the solvers of the document, at their tolerances, can say of zeros."""

from __future__ import annotations

import numpy as np

from quot.optional import need
from quot.reproduce import drawing
from quot.reproduce.experiment import Case, Document, Experiment, Lost
from quot.reproduce.outcome import Claim, Outcome, Picture, Table, judged
from quot.reproduce.qpot.histograms import LOST, SETUP, problem_of
from quot.reproduce.qpot.plans import KINDS, SOLVERS, THRESHOLD, Solved, as_published, exactly
from quot.reproduce.qpot.sweeps import Problem

# Readings of one plan that agree so far say the same.
AGREE = 0.01


def run(case: Case) -> Outcome:
    """Solve one problem at all tolerances, and exactly."""
    problem = problem_of(case, *case["names"])
    C, a, b = problem
    mass = case["share"] * min(a.sum(), b.sum())
    rows, by_kind = [], {}
    for kind in KINDS:
        exact = exactly(kind, C, a, b, eps=case["eps"], mass=mass)
        readings = []
        for tol in case[f"{SOLVERS[kind].lower()} tolerances"]:
            case.check()
            found = as_published(
                kind, C, a, b, eps=case["eps"], mass=mass, tol=tol, steps=case["steps"]
            )
            readings.append((tol, found))
            rows.append((kind, SOLVERS[kind], tol, found.sparsity, found.violation))
        rows.append((kind, "quot", None, exact.sparsity, exact.violation))
        by_kind[kind] = exact, readings
    quadratic, entropic = (
        [found.sparsity for _, found in readings] for _, readings in by_kind.values()
    )
    off = max(
        abs(found.sparsity - exact.sparsity)
        for exact, readings in by_kind.values()
        for _, found in readings
    )
    return Outcome(
        claims=(
            judged(
                "Entries up to 1e-10 in the answers of CLARABEL and SCS are the plan's zeros",
                number="1e-10",
                ours=f"sparsity {by_kind['QPOT'][0].sparsity:.4f} (QPOT) and "
                f"{by_kind['EPOT'][0].sparsity:.4f} (EPOT) exactly; read off CLARABEL "
                f"{min(quadratic):.3f} to {max(quadratic):.3f}, off SCS {min(entropic):.3f} to "
                f"{max(entropic):.3f}, by tolerance",
                holds=off <= AGREE,
                why="The threshold lies far below the accuracy asked for, so that it counts how a "
                "solver happened to stop.",
            ),
            _claim_on_sign(problem, case["eps"], mass),
        ),
        pictures=(_values(by_kind),),
        tables=(
            Table(
                "accuracy",
                "Sparsity read off each answer, and by how much its marginals are missed",
                ("kind", "solver", "tolerance", "sparsity", "violation"),
                rows,
            ),
        ),
        know=(
            f"A threshold of 1e-10 on the answers of CLARABEL and SCS measures these solvers: one "
            f"plan of sparsity {by_kind['QPOT'][0].sparsity:.3f} reads {min(quadratic):.2f} to "
            f"{max(quadratic):.2f}, by tolerance.",
        )
        if off > AGREE
        else (),
    )


def _claim_on_sign(problem: Problem, eps: float, mass: float) -> Claim:
    printed, turned = (_is_convex(problem, eps, mass, sign) for sign in (-1.0, 1.0))
    return judged(
        "EPOT as printed, with - ε/2 H and H = Σ X log X - X, is a convex problem",
        ours=f"cvxpy finds it {'convex' if printed else 'not convex'}; with the sign of H "
        f"turned, {'convex' if turned else 'not convex'}",
        holds=printed,
        why="The entropy is printed with the wrong sign. We solve the problem that is "
        "meant; its temperature is ε/2.",
    )


def _is_convex(problem: Problem, eps: float, mass: float, sign: float) -> bool:
    """Whether cvxpy takes the problem with ``sign (eps/2) sum X (log X - 1)`` for convex."""
    cp = need("cvxpy", "reproductions", "reproduce")
    C, a, b = problem
    X = cp.Variable(C.shape, nonneg=True)
    goal = cp.sum(cp.multiply(C, X)) + sign * eps / 2 * cp.sum(-cp.entr(X) - X)
    limits = [cp.sum(X, axis=1) <= a, cp.sum(X, axis=0) <= b, cp.sum(X) == mass]
    return bool(cp.Problem(cp.Minimize(goal), limits).is_dcp())


def _values(by_kind: dict[str, tuple[Solved, list[tuple[float, Solved]]]]) -> Picture:
    figure, axes = drawing.panels(2, width=4.8, height=3.4, sharey=True)
    for ax, (kind, (exact, readings)) in zip(axes, by_kind.items(), strict=True):
        lines = [
            *((f"{SOLVERS[kind]}, {tol:g}", found, "--") for tol, found in readings),
            ("quot", exact, "-"),
        ]
        for k, (label, found, line) in enumerate(lines):
            entries = np.sort(found.plan, axis=None)
            shown = np.maximum(entries, 1e-17)
            part = np.linspace(0.0, 1.0, entries.size)
            color = drawing.INK if line == "-" else drawing.COLORS[k]
            ax.plot(part, shown, line, color=color, label=label)
        ax.axhline(THRESHOLD, color=drawing.FAINT, linewidth=1.0, linestyle=":")
        ax.set(yscale="log", title=kind, xlabel="share of the entries", ylim=(3e-18, 1.0))
        ax.legend(loc="upper left")
    axes[0].set_ylabel("entry of the plan")
    return drawing.picture(
        figure,
        "Entries of one plan, in order, by solver and tolerance",
        caption="The dotted line is the threshold 1e-10; entries below 1e-17 are drawn there.",
        alt="Sorted entries of the plan: exact ones drop at once to zero, those of the solvers "
        "cross the threshold on their way down, at a place that depends on the tolerance.",
        is_dense=True,
    )


EXPERIMENT = Experiment(
    id="Q0",
    document=Document.QPOT,
    title="The solvers and the threshold",
    shows="Setup",
    setup=f"{SETUP} One problem, solved with CLARABEL (QPOT) and SCS (EPOT) at several tolerances, "
    "and exactly.",
    run=run,
    full={
        "names": ("P", "Be"),
        "bins": 100,
        "samples": 100_000,
        "smoothing": 1e-6,
        "eps": 1e-3,
        "share": 0.7,
        "clarabel tolerances": (1e-6, 1e-8, 1e-10),
        "scs tolerances": (1e-3, 1e-4),
        "steps": 2000,
    },
    quick={"bins": 40, "steps": 1000},
    lost=(Lost("tolerances", "CLARABEL 1e-6 to 1e-10, SCS 1e-3 and 1e-4"), *LOST),
)
