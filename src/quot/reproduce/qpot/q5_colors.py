"""Q5: colour transfer, its sparsity over eps, and the photographs."""

from __future__ import annotations

import numpy as np

from quot.reproduce import drawing
from quot.reproduce.experiment import Case, Document, Experiment
from quot.reproduce.outcome import Outcome, Picture, judged
from quot.reproduce.qpot.colors import LOST, Colors, colors
from quot.reproduce.qpot.plans import KINDS
from quot.reproduce.qpot.sweeps import EXACT, PUBLISHED, Sweep, powers

# Sparsities this close are the same.
SAME = 1e-3
CLOSE = 0.02


def run(case: Case) -> Outcome:
    """Sweep eps; at the eps of the maps, all masses."""
    pair = colors(case)
    sweep = Sweep(case, pair.problem)
    share = case["share"]
    sweep.solve([(eps, share) for eps in case["eps"]], ways=(EXACT,))
    sweep.solve([(eps, share) for eps in case["published"]], ways=(PUBLISHED,))
    masses = Sweep(case, pair.problem)
    masses.solve([(eps, s) for s in case["shares"] for eps in case["eps"][::5]], ways=(EXACT,))
    spread = {
        kind: max(np.ptp([masses.sparsity(kind, EXACT, s)[k] for s in case["shares"]])
                  for k in range(len(case["eps"][::5])))
        for kind in KINDS
    }  # fmt: skip
    quadratic, entropic = (sweep.sparsity(kind, EXACT, share) for kind in KINDS)
    lead = quadratic - entropic
    told = sweep.sparsity("QPOT", PUBLISHED) - sweep.sparsity("EPOT", PUBLISHED)
    ahead = lead > SAME
    return Outcome(
        claims=(
            judged(
                "Sparsity is the same for all masses",
                ours=f"between λ = {min(case['shares']):g} and {max(case['shares']):g} it differs "
                f"by at most {spread['QPOT']:.4f} for QPOT and {spread['EPOT']:.4f} for EPOT",
                holds=max(spread.values()) < CLOSE,
                remark="Nearly: not to the digits in which plans differ."
                if max(spread.values()) > SAME
                else "",
                why=f"QPOT's is, within {spread['QPOT']:.4f}; EPOT's depends on λ.",
            ),
            judged(
                "QPOT is sparser at every ε",
                ours=f"exactly by {lead.min():.4f} to {lead.max():.3f}, and by more than {SAME:g} "
                f"at {ahead.sum()} of {lead.size} ε; with CLARABEL and SCS by {told.min():.3f} to "
                f"{told.max():.3f}",
                holds=lead.min() > 0,
                remark=f"The lead shrinks with ε: {lead[-1]:.4f} at ε = {case['eps'][-1]:.1g}."
                if lead[-1] < 0.01
                else "",
                why="The exact plans are equally sparse where ε is small.",
            ),
        ),
        pictures=(_curves(case, sweep), _photographs(case, sweep, pair)),
        tables=(
            sweep.table("sparsity", "Sparsity over ε"),
            masses.table("masses", "Sparsity over the mass"),
        ),
    )


def _curves(case: Case, sweep: Sweep) -> Picture:
    figure, (ax,) = drawing.panels(1, width=6.4, height=3.8)
    sweep.draw(ax, case["share"])
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return drawing.picture(
        figure,
        f"Figure 5, sparsity over ε at λ = {case['share']:g}",
        caption="Lines exactly, dashed with CLARABEL and SCS.",
        alt="Sparsity over eps: exact QPOT is near 1 throughout; exact EPOT rises to it from "
        f"{sweep.sparsity('EPOT', EXACT).min():.2f} when eps falls.",
    )


def _photographs(case: Case, sweep: Sweep, pair: Colors) -> Picture:
    figure, axes = drawing.panels(4, columns=4, width=2.6, height=2.8)
    eps = case["shown"]
    shown = [("source", pair.source), ("reference", pair.reference)]
    for kind in KINDS:
        solved = sweep.at(kind, EXACT, eps, case["share"])
        shown.append((f"{kind}, sparsity {solved.sparsity:.3f}", pair.recolored(solved.plan)))
    for ax, (title, image) in zip(axes, shown, strict=True):
        ax.imshow(image)
        ax.set(title=title, xticks=[], yticks=[])
        ax.grid(visible=False)
    return drawing.picture(
        figure,
        f"Figure 6, the source with colours of the reference, ε = {eps:g}, λ = {case['share']:g}",
        caption="Exact plans. What does not move keeps its colour.",
        alt="Four photographs: source, reference, and the source with part of the colours of the "
        "reference, by QPOT and by EPOT.",
        is_dense=True,
    )


EXPERIMENT = Experiment(
    id="Q5",
    document=Document.QPOT,
    title="Colour transfer",
    shows="Figures 5 and 6",
    setup="Two photographs of 256 x 256 pixels; the colours of each, without their brightness, in "
    "bins; the cost is the squared distance of two bins over the largest.",
    run=run,
    full={
        "size": 256,
        "grid": 16,
        "smoothing": 1e-6,
        "eps": powers(-0.2, -6.0, 0.2),
        "published": powers(-0.2, -5.2, 1.0),
        "share": 0.7,
        "shares": (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99),
        "shown": 1e-2,
        "tolerances": (1e-8, 1e-4),
        "steps": 500,
    },
    quick={
        "size": 128,
        "grid": 7,
        "eps": powers(0.0, -6.0, 0.5),
        "published": (1e-2, 1e-5),
        "shares": (0.5, 0.7, 0.99),
    },
    lost=LOST,
    needs=("photos",),
)
