"""Qd: what a digest of the document adds to it."""

from __future__ import annotations

import numpy as np

from quot.reproduce import drawing
from quot.reproduce.experiment import Case, Document, Experiment
from quot.reproduce.outcome import Outcome, Picture, unsupported
from quot.reproduce.qpot.histograms import LOST, SETUP, bin_cost, problem_of
from quot.reproduce.qpot.plans import KINDS
from quot.reproduce.qpot.sweeps import EXACT, Problem, Sweep, powers


def run(case: Case) -> Outcome:
    """Sweep far up in eps, sweep the mass, and run the test that the digest suggests."""
    sweep = Sweep(case, problem_of(case, "P", "Be"))
    sweep.solve([(eps, case["share"]) for eps in case["eps"]], ways=(EXACT,))
    masses = Sweep(case, sweep.problem)
    masses.solve([(case["eps mass"], share) for share in case["shares"]], ways=(EXACT,))
    other = Sweep(case, _gaussian_uniform(case))
    other.solve([(case["eps mass"], case["share"])], ways=(EXACT,))
    quadratic, entropic = (sweep.sparsity(kind, EXACT) for kind in KINDS)
    nnz = [p.solved.support or 0 for p in masses.of("QPOT", EXACT)]
    largest, least = max(case["eps"]), min(case["eps"])
    pair = [other.sparsity(kind, EXACT)[0] for kind in KINDS]
    why = "The document does not say so."
    return Outcome(
        claims=(
            unsupported(
                "EPOT's sparsity is typically below 70 %",
                number="< 70 %",
                ours=f"exactly at {(entropic < 0.7).sum()} of {entropic.size} ε",
                why=f"{why} It depends on ε: from {entropic.min():.3f} to {entropic.max():.4f}.",
            ),
            unsupported(
                "Higher ε makes QPOT sparser",
                ours=f"sparsity {quadratic[-1]:.4f} at ε = {least:g}, {quadratic[0]:.4f} at "
                f"{largest:g}",
                why="It is the other way round: as ε grows the plan tends to the one of least "
                "norm, the densest. Zeros come from X ≥ 0, not from the quadratic term.",
            ),
            unsupported(
                "Moving more mass makes QPOT denser",
                ours=f"{nnz[0]} entries carry mass at λ = {case['shares'][0]:g}, {nnz[-1]} at "
                f"{case['shares'][-1]:g}, between {min(nnz)} and {max(nnz)} on the way",
                why=f"{why} Of {sweep.problem.C.size:,} entries the difference is next to nothing.",
            ),
            unsupported(
                "A Gaussian against a uniform distribution shows the gap",
                ours=f"exactly {pair[0]:.4f} (QPOT) and {pair[1]:.4f} (EPOT) at "
                f"ε = {case['eps mass']:g}",
                why="The document has no such test.",
            ),
        ),
        pictures=(_curves(case, sweep),),
        tables=(
            sweep.table("eps", "Sparsity over ε, far up"),
            masses.table("masses", "Sparsity over the mass"),
        ),
        know=(
            "Zeros in QPOT come from X ≥ 0, not from the quadratic term: with ε the exact plan "
            f"gets denser, from {quadratic[-1]:.3f} of zeros at {least:g} to {quadratic[0]:.2f} at "
            f"{largest:g}; a digest has it the wrong way round.",
        )
        if quadratic[0] < quadratic[-1]
        else (),
    )


def _gaussian_uniform(case: Case) -> Problem:
    rng = case.rng(100)
    both = []
    for x in (rng.normal(size=case["samples"]), rng.random(case["samples"])):
        shares = np.histogram(x, bins=case["bins"])[0] / x.size + case["smoothing"]
        both.append(shares / shares.sum())
    return Problem(bin_cost(case["bins"]), *both)


def _curves(case: Case, sweep: Sweep) -> Picture:
    figure, (ax,) = drawing.panels(1, width=6.4, height=3.6)
    sweep.draw(ax, case["share"])
    ax.legend(loc="lower left")
    return drawing.picture(
        figure,
        "Sparsity over ε, far up",
        caption="Exact plans of a Poisson and a Beta distribution.",
        alt="Sparsity over eps: QPOT falls from near 1 to "
        f"{sweep.sparsity('QPOT', EXACT).min():.2f} as eps grows; EPOT falls much sooner.",
    )


EXPERIMENT = Experiment(
    id="Qd",
    document=Document.QPOT,
    title="What a digest adds",
    shows="Digest",
    setup=f"{SETUP} Claims of a digest of the document that the document does not make.",
    run=run,
    full={
        "bins": 100,
        "samples": 100_000,
        "smoothing": 1e-6,
        "eps": powers(4.0, -6.0, 1.0),
        "eps mass": 1e-3,
        "share": 0.7,
        "shares": (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99),
    },
    quick={"bins": 40},
    lost=LOST,
)
