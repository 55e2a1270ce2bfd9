"""A7: three entropic problems of one name, and what is in the corner."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.api import solve, solve_entropic
from quot.entropic.rounding import round_dense
from quot.reproduce import drawing
from quot.reproduce.aspot.axes import logarithmic
from quot.reproduce.aspot.clouds import gaussians
from quot.reproduce.aspot.traces import limit
from quot.reproduce.experiment import Case, Document, Experiment, Lost
from quot.reproduce.outcome import Claim, Outcome, Picture, Table, judged

Floats = NDArray[np.float64]
KINDS = ("E1", "E2", "E3")
# Temperatures that the document can have had, of the largest cost.
_COLD = 0.1


class Rounded(NamedTuple):
    """A plan with dummies, rounded to their marginals: what is in the corner, and what it moves."""

    eps: float
    corner: float
    enough: float
    entropic: float  # in the corner before rounding
    rounded: float  # and after it
    beyond: float  # moved beyond the mass
    ours: float  # the same, of the block, rounded to the mass


def run(case: Case) -> Outcome:
    """Solve all three exactly, and round Sinkhorn's plans both ways."""
    C = gaussians(case["n"], case.rng())
    a = np.full(case["n"], 1.0 / case["n"])
    mass = case["mass"]
    with case.clock("problems"):
        least = float(solve(C, a, a, mass=mass).cost)
        rows = [
            _problems(C, a, mass, least, eps=eps, corner=case["corner"])
            for eps in case["temperatures"]
        ]
    with case.clock("corner"):
        rounded = [_rounded(C, a, mass, each) for each in case["roundings"]]
    apart = max(row[4] for row in rows) / mass
    beyond = max(each.beyond for each in rounded)
    return Outcome(
        claims=(
            *_claims_of_problems(rows, case["corner"], mass), *_claims_of_rounding(rounded, mass),
        ),
        pictures=(_curves(rows, rounded, mass),),
        tables=(
            Table(
                "problems",
                "Costs above that of the linear problem, and how far plans are apart",
                ["temperature", "E1 above", "E2 above", "E3 above", "|E1 - E2|", "|E2 - E3|",
                 "full rows E1", "full rows E2"],
                rows,
            ),
            Table(
                "corner",
                "What is in the corner, and how much more than the mass a rounded plan moves",
                ["temperature", "corner costs", "E at most", "in the corner", "rounded",
                 "beyond the mass", "as a partial plan"],
                rounded,
            ),
        ),
        know=(
            f"Rounded Sinkhorn plans move too much mass, by exactly what is in the corner (up to "
            f"{beyond:.2g} of {mass:g} here); E1, E2 and E3 are three problems, whose plans "
            f"differ by up to {apart:.2g} of the mass.",
        ),
    )  # fmt: skip


def _claims_of_problems(rows: list[list[float]], corner: float, mass: float) -> tuple[Claim, ...]:
    apart = np.array([row[4] for row in rows]) / mass
    gap = max(row[2] / row[1] for row in rows)
    cold = max(row[5] for row in rows if row[0] <= _COLD) / mass
    most = max(rows, key=lambda row: row[5])
    return (
        judged(
            "Entropic partial transport is one problem",
            ours=f"the plans of E1 and E2 differ by {apart.min():.2g} to {apart.max():.2g} of "
            f"the mass, and the cost of E2 is up to {gap:.3g} times as far above the linear "
            "optimum as that of E1",
            holds=apart.max() < 1e-3,
            why="They are three: E1 has an entropy of the plan, E2 (ASPOT, APDAGD) also of what is "
            "kept, E3 (Sinkhorn) also of a corner. They agree where the temperature falls to 0, "
            "and no sooner.",
        ),
        judged(
            "ASPOT and Sinkhorn can be compared by the cost they come to",
            ours=f"with a corner that costs {corner:g} the plans of E2 and E3 differ by up to "
            f"{cold:.1g} of the mass at temperatures up to {_COLD:g} of the largest cost",
            holds=cold < 1e-3,
            remark=f"As far as the corner is empty: at a temperature of {most[0]:g} they differ "
            f"by {most[5] / mass:.1g} of the mass.",
            why="The corner of E3 is not empty.",
        ),
    )


def _claims_of_rounding(rounded: list[Rounded], mass: float) -> tuple[Claim, ...]:
    off = max(abs(each.beyond - each.rounded) for each in rounded)
    beyond = [each.beyond for each in rounded]
    ours = max(abs(each.ours) for each in rounded)
    large = [each for each in rounded if each.corner > 2.0]
    return (
        judged(
            "A rounded plan of Sinkhorn's method with dummies moves more than the mass",
            ours=f"by {min(beyond):.2g} to {max(beyond):.2g} of {mass:g}, which is what the "
            f"corner has to {off:.1g}; rounded as a partial plan it moves the mass to "
            f"{ours:.1g}",
            holds=max(beyond) > 1e-4 and off < 1e-12 and ours < 1e-12,
            why="It does not here.",
        ),
        judged(
            "A corner that costs enough makes it feasible",
            ours="it moves too much by "
            + ", ".join(
                f"{each.beyond:.1g} with a corner of {each.corner:g} at E <= {each.enough:g}"
                for each in large
            ),
            holds=max(each.beyond for each in large) < 1e-6,
            why="A larger cost empties the corner of the entropic plan, not of the rounded "
            "one: where rows and columns miss something, rounding puts the product of both "
            "into the corner, whatever that costs. For the linear problem any cost above 0 "
            "is enough.",
        ),
    )  # fmt: skip


def _problems(
    C: Floats, a: Floats, mass: float, least: float, *, eps: float, corner: float
) -> list[float]:
    """Costs above the linear optimum, distances, and rows that send all."""
    plans = [
        limit(C, a, a, eps=eps, mass=mass, formulation=kind).plan.to_dense() for kind in KINDS[:2]
    ]
    plans.append(_extended(C, a, mass, eps=eps, corner=corner)[0][:-1, :-1])
    above = [float((C * P).sum()) - least for P in plans]
    apart = [float(np.abs(plans[k] - plans[k + 1]).sum()) for k in (0, 1)]
    full = [int((P.sum(axis=1) > (1.0 - 1e-6) * a).sum()) for P in plans[:2]]
    return [eps, *above, *apart, *full]


def _extended(
    C: Floats, a: Floats, mass: float, *, eps: float, corner: float, enough: float = 1e-13
) -> tuple[Floats, Floats]:
    """The plan with dummies, until no more than that is missing; and its marginals."""
    n = len(C)
    wide = np.zeros((n + 1, n + 1))
    wide[:n, :n], wide[n, n] = C, corner
    full = np.append(a, a.sum() - mass)
    unit = float(full.max())
    found = solve_entropic(
        wide,
        full,
        full,
        eps=eps,
        method="sinkhorn",
        tol=1e-12,
        max_iter=100_000,
        callback=lambda now: now.residual * unit <= enough,
        on_failure="ignore",
    )
    plan: Floats = np.exp((found.f[:, None] + found.g - wide) / eps)
    return plan, full


def _rounded(C: Floats, a: Floats, mass: float, at: tuple[float, float, float]) -> Rounded:
    eps, corner, enough = at
    plan, full = _extended(C, a, mass, eps=eps, corner=corner, enough=enough)
    naive = round_dense(plan, full, full, float(full.sum()))
    block = round_dense(plan[:-1, :-1], a, a, mass)
    return Rounded(
        eps,
        corner,
        enough,
        float(plan[-1, -1]),
        float(naive[-1, -1]),
        float(naive[:-1, :-1].sum()) - mass,
        float(block.sum()) - mass,
    )


def _curves(rows: list[list[float]], rounded: list[Rounded], mass: float) -> Picture:
    figure, axes = drawing.panels(2, width=4.9, height=3.7)
    eps = [row[0] for row in rows]
    for place, kind in enumerate(KINDS):
        axes[0].plot(
            eps, [row[1 + place] for row in rows], label=kind, color=drawing.COLORS[place],
            marker=drawing.MARKS[place], linestyle="--" if kind == "E3" else "-",
            markersize=8 - 2 * place,
        )  # fmt: skip
    axes[0].set(xlabel="temperature", ylabel="cost above the linear optimum")
    axes[0].legend(loc="upper left")
    most = 2.0 * max(each.beyond for each in rounded)
    least = 0.5 * min(each.beyond for each in rounded)
    axes[1].plot([least, most], [least, most], color=drawing.FAINT, linewidth=1.0)
    axes[1].plot(
        [each.rounded for each in rounded], [each.beyond for each in rounded],
        linestyle="", marker="o", color=drawing.COLORS[1], label="rounded with the dummies",
    )  # fmt: skip
    axes[1].set(xlabel="mass in the corner", ylabel="moved beyond the mass")
    axes[1].legend(loc="upper left")
    for ax in axes:
        logarithmic(ax)
    return drawing.picture(
        figure,
        "Three problems, and the corner of one",
        caption="Left the exact plans of the three problems: E2 and E3 lie upon each other, E1 "
        "costs less. Right plans with dummies, rounded to their marginals: what they move too "
        "much is what is in the corner.",
        alt=f"Costs of E1 below those of E2 and E3, all falling with the temperature; and "
        f"{len(rounded)} points on the diagonal of mass in the corner and mass moved beyond "
        f"{mass:g}.",
    )


EXPERIMENT = Experiment(
    id="A7",
    document=Document.ASPOT,
    title="Three problems of one name, and the corner",
    shows="what Figures 1 to 7 compare",
    setup="Two clouds in the plane, of which part of the mass moves: the exact plans of the "
    "entropic problems that the methods solve, and plans of Sinkhorn's method with dummies, "
    "stopped sooner or later and rounded to their marginals.",
    run=run,
    full={
        "n": 60,
        "mass": 0.7,
        "temperatures": (0.3, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001),
        "corner": 1.1,
        "roundings": (
            (1.0, 1.1, 1e-8), (0.3, 2.0, 1e-8), (0.1, 1.1, 1e-2), (1.0, 10.0, 1e-8),
            (0.1, 10.0, 1e-2), (0.1, 10.0, 1e-3),
        ),
    },
    quick={"n": 40, "temperatures": (0.3, 0.1, 0.02, 0.005)},
    lost=(Lost("masses and costs", "1/n for each point, of which 0.7 moves; squared distances"),),
)  # fmt: skip
