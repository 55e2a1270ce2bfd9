"""O3: level sets of both regularisers on the triangle of rows with three parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.optimize import brentq

from quot.adaptive import project_rows
from quot.reproduce import drawing
from quot.reproduce.experiment import Case, Document, Experiment, Lost
from quot.reproduce.otari.plans import Floats, perplexity
from quot.reproduce.outcome import Outcome, Picture, Table, judged

KINDS = {"quadratic": "psi_2", "entropic": "psi_KL"}
CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, math.sqrt(0.75)]])


def run(case: Case) -> Outcome:
    """Look at which levels meet the edges, at what angle, and where the cheapest rows are."""
    edge = np.linspace(1e-6, 1.0 - 1e-6, 1001)
    on_edge = np.stack((edge, 1.0 - edge, np.zeros_like(edge)), axis=1)
    met = {kind: _shared(on_edge, kind) for kind in KINDS}
    met_levels = {
        kind: [level for level in case["levels"] if values.min() <= level <= values.max()]
        for kind, values in met.items()
    }
    asked, heights = case["asked"], case["heights"]
    angles = {kind: [_angle(asked, height, kind) for height in heights] for kind in KINDS}
    best = {kind: _cheapest(case, kind) for kind in KINDS}
    zeros = {kind: int((rows.min(axis=1) == 0.0).sum()) for kind, rows in best.items()}
    return Outcome(
        claims=(
            judged(
                "Only the level sets of psi_2 meet the boundary of the simplex",
                ours=f"of the levels {_list(case['levels'])} those of psi_2 that do are "
                f"{_list(met_levels['quadratic'])}, of psi_KL {_list(met_levels['entropic'])}; at "
                f"a height of {heights[0]:g} and {heights[-1]:g} over the edge psi_2 crosses at "
                f"{angles['quadratic'][0]:.0f} and {angles['quadratic'][-1]:.0f} degrees, psi_KL "
                f"at {angles['entropic'][0]:.0f} and {angles['entropic'][-1]:.0f}",
                holds=not met_levels["entropic"],
                why="On an edge both have all perplexities from 1 to 2. But a level of psi_KL "
                "meets it along the edge, and one of psi_2 across.",
            ),
            judged(
                "So psi_2 gives rows with zeros, and psi_KL none",
                ours=f"of the cheapest rows for {case['costs']} costs, {zeros['quadratic']} have a "
                f"zero with psi_2 and {zeros['entropic'] or 'none'} with psi_KL",
                holds=zeros["quadratic"] > 0 and zeros["entropic"] == 0,
            ),
        ),
        pictures=(_triangles(case, best, zeros),),
        tables=(
            Table(
                "angles",
                f"Angle between the level {asked:g} and an edge, in degrees, at a height over it",
                ("height", *KINDS.values()),
                list(zip(heights, *angles.values(), strict=True)),
            ),
        ),
    )


def _shared(rows: Floats, kind: str) -> Floats:
    """Return the perplexity of rows, in either sense."""
    if kind == "entropic":
        return perplexity(rows)
    shared: Floats = np.square(rows.sum(axis=1)) / np.square(rows).sum(axis=1)
    return shared


def _angle(level: float, third: float, kind: str) -> float:
    """Return the angle of the line from where a level meets an edge to where it is above."""

    def at(first: float, third: float) -> Floats:
        return np.array([[first, 1.0 - third - first, third]])

    ends = [
        brentq(lambda first, t=t: float(_shared(at(first, t), kind)[0]) - level, 0.5, 1.0 - 2.0 * t)
        for t in (0.0, third)
    ]
    low, high = (at(first, t)[0] @ CORNERS for first, t in zip(ends, (0.0, third), strict=True))
    return math.degrees(math.atan2(high[1] - low[1], abs(high[0] - low[0])))


def _height(level: float, kind: str) -> float:
    """Return where a level crosses the line from the middle to the top."""

    def at(third: float) -> float:
        half = 0.5 * (1.0 - third)
        return float(_shared(np.array([[half, half, third]]), kind)[0]) - level

    return float(brentq(at, 1.0 / 3.0, 1.0)) * float(CORNERS[2, 1])


def _cheapest(case: Case, kind: str) -> Floats:
    """Return the cheapest row of the perplexity for costs in all directions."""
    turns = 2.0 * np.pi * (np.arange(case["costs"]) + 0.5) / case["costs"]
    costs = np.stack((np.cos(turns), np.sin(turns)), axis=1) @ CORNERS.T
    costs -= costs.min(axis=1, keepdims=True)
    # Of a row that is far against the costs the projection is the cheapest one.
    against = -1e6 * costs if kind == "quadratic" else np.exp(-300.0 * costs)
    return project_rows(against, np.ones(len(costs)), case["asked"], regularizer=kind)


def _list(levels: Any) -> str:
    return ", ".join(f"{level:g}" for level in levels) or "none"


def _triangles(case: Case, best: dict[str, Floats], zeros: dict[str, int]) -> Picture:
    figure, axes = drawing.panels(2, width=4.2, height=4.0)
    x, y = np.meshgrid(np.linspace(0.0, 1.0, 401), np.linspace(0.0, CORNERS[2, 1], 401))
    third = y / CORNERS[2, 1]
    parts = np.stack((1.0 - x - 0.5 * third, x - 0.5 * third, third), axis=-1)
    for ax, (kind, name) in zip(axes, KINDS.items(), strict=True):
        ax.set(xlim=(-0.06, 1.06), ylim=(-0.06, 0.93), aspect="equal")
        values = _shared(np.maximum(parts, 0.0).reshape(-1, 3), kind).reshape(x.shape)
        values[parts.min(axis=-1) < -2e-3] = np.nan
        lines = ax.contour(
            x, y, values, levels=case["levels"], colors=[drawing.COLORS[0]], linewidths=1.2
        )
        labelled = [level for level in case["levels"] if level > case["asked"]]
        places = [(0.5, _height(level, kind)) for level in labelled]
        ax.clabel(lines, labelled, fmt="%g", fontsize=8, colors=[drawing.INK], manual=places)
        ax.fill(*CORNERS.T, facecolor="none", edgecolor=drawing.INK, linewidth=1.3)
        at, counts = np.unique((best[kind] @ CORNERS).round(6), axis=0, return_counts=True)
        ax.scatter(
            *at.T, s=18.0 * counts, color=drawing.COLORS[1], edgecolors="white", linewidths=0.7,
            zorder=3, clip_on=False,
        )  # fmt: skip
        ax.set_title(f"{name}: {zeros[kind] or 'none'} of {case['costs']} have a zero")
        ax.set_axis_off()
    return drawing.picture(
        figure,
        "Level sets on the simplex",
        caption=f"Lines have the perplexity {_list(case['levels'])}; dots are the cheapest rows of "
        f"{case['asked']:g}, larger where they are those of several costs.",
        alt="Two triangles of rows with three parts: level sets of psi_2 are circles cut by the "
        "edges, with dots on the edges; those of psi_KL bend along the edges, with no dot on them.",
    )


EXPERIMENT = Experiment(
    id="O3",
    document=Document.OTARI,
    title="Level sets of the regularisers",
    shows="Figure of the appendix",
    setup="Rows with three parts as points of a triangle: lines of the same perplexity, by squares "
    "and by entropy, and the cheapest rows of one.",
    run=run,
    full={
        "levels": (1.2, 1.5, 1.8, 2.2, 2.6, 2.9),
        "asked": 1.5,
        "costs": 60,
        "heights": (1e-2, 1e-4, 1e-6, 1e-8),
    },
    lost=(Lost("Which levels are drawn.", "See the parameters."),),
)
