"""O2: where the points of the source are mapped to."""

from __future__ import annotations

from typing import Any

import numpy as np

from quot.plan import Plan
from quot.reproduce import drawing
from quot.reproduce.experiment import Case, Document, Experiment, Lost
from quot.reproduce.otari.plans import (
    LOST,
    SIDES,
    Floats,
    add_scale,
    perplexity,
    plans,
    shades,
    squared_distances,
)  # fmt: skip
from quot.reproduce.outcome import Outcome, Picture, Table, judged

COLUMNS = ("distance, all", "distance, outliers", "density, median", "spread")
# Width of the windows that density is measured with.
WINDOW = 0.35


def run(case: Case) -> Outcome:
    """Map many sets of points; measure how dense the target is where they end."""
    found: dict[str, list[list[float]]] = {name: [] for name in SIDES}
    for seed in range(case["sets"]):
        X, Y = _clusters(case, seed)
        is_far = _is_outlier(X, case["perplexity"])
        for name, P in plans(squared_distances(X, Y), case["perplexity"]).items():
            found[name].append(_measured(Plan.from_dense(P).barycentric(Y), Y, case, is_far))
    values: Any = np.array(list(found.values()))
    means = dict(zip(SIDES, values.mean(axis=1), strict=True))
    gain = values[0] - values[1:]  # (sides, sets, columns)
    error = gain.std(axis=1, ddof=1) / np.sqrt(case["sets"])
    nearer = (gain.mean(axis=1) / error)[:, :2]
    one, by_row, by_col = means.values()
    asked = case["perplexity"]
    return Outcome(
        claims=(
            judged(
                "With a strength for each point maps concentrate where the target is dense",
                ours=f"the way from an image to the {asked:.0f}th nearest target is {one[0]:.3f} "
                f"with one strength, {by_row[0]:.3f} (-s) and {by_col[0]:.3f} (-t); for the "
                f"outlying tenth of the source {one[1]:.2f}, {by_row[1]:.2f} and {by_col[1]:.2f}",
                holds=nearer.min() > 2.0,
                why="Not by more than two standard errors.",
                remark="True of outliers, which no longer go to outliers. The middle of a crowd is "
                f"drawn together less: half of the images are where the density is {one[2]:.3f} or "
                f"more with one strength, {by_row[2]:.3f} (-s) and {by_col[2]:.3f} (-t)."
                if max(by_row[2], by_col[2]) < one[2]
                else "",
            ),
        ),
        pictures=(_maps(case),),
        tables=(
            Table(
                "maps",
                f"Images, means over {case['sets']} sets: way to the {asked:.0f}th nearest target, "
                "density of the target, variance",
                ("constraint", *COLUMNS),
                [(name, *row) for name, row in means.items()],
            ),
        ),
    )


def _clusters(case: Case, seed: int) -> tuple[Floats, Floats]:
    """Return two clusters a side, and stray points around them."""
    rng = case.rng(seed)

    def side(x: float, counts: tuple[int, int, int], width: float) -> Floats:
        upper = width * rng.normal(size=(counts[0], 2)) + (x, 1.1)
        lower = width * rng.normal(size=(counts[1], 2)) + (x, -1.1)
        return np.concatenate((upper, lower, rng.uniform((x - 2, -3), (x + 2, 3), (counts[2], 2))))

    return side(0.0, case["source"], 0.45), side(4.5, case["target"], 0.35)


def _is_outlier(X: Floats, neighbours: float) -> Any:
    """Return which tenth of the points is farthest from its neighbours."""
    far = np.sort(squared_distances(X, X), axis=1)[:, round(neighbours)]
    return far >= np.quantile(far, 0.9)


def _measured(Z: Floats, Y: Floats, case: Case, is_far: Any) -> list[float]:
    squares = squared_distances(Z, Y)
    way = np.sqrt(np.sort(squares, axis=1)[:, round(case["perplexity"]) - 1])
    density = np.exp(-squares / (2.0 * WINDOW**2)).mean(axis=1) / (2.0 * np.pi * WINDOW**2)
    return [
        float(way.mean()), float(way[is_far].mean()), float(np.median(density)),
        float(Z.var(axis=0).sum()),
    ]  # fmt: skip


def _maps(case: Case) -> Picture:
    X, Y = _clusters(case, 0)
    asked = case["perplexity"]
    figure, axes = drawing.panels(4, width=4.0, height=3.2)
    colors: Any = shades(asked, 40.0)
    maps = {"the points": (X, np.full(len(X), asked))}
    for name, P in plans(squared_distances(X, Y), asked).items():
        maps[name] = Plan.from_dense(P).barycentric(Y), perplexity(P)
    for ax, (name, (Z, shared)) in zip(axes, maps.items(), strict=True):
        ax.scatter(*Y.T, s=20.0, marker="s", color=drawing.COLORS[2], alpha=0.4, linewidths=0.0)
        marks = ax.scatter(
            *Z.T, c=np.log(shared), s=16.0 + 1.2 * shared, edgecolors=drawing.INK,
            linewidths=0.6, **colors,
        )  # fmt: skip
        middle = 2.3 if Z is X else 4.5
        ax.set(xlim=(middle - 4.4, middle + 4.4), ylim=(-3.1, 3.1), aspect="equal", title=name)
        ax.set_axis_off()
    add_scale(figure, axes, marks, (1, 3, 10, 20, 40))
    return drawing.picture(
        figure,
        "Figure 2, images of the source",
        caption="Circles are the source and its images, larger and blue with a large perplexity; "
        "squares are the target.",
        alt="Source points and their images under three plans: with one strength for all stray "
        "images lie on stray targets; with -s and -t they lie nearer the clusters.",
        is_dense=True,
    )


EXPERIMENT = Experiment(
    id="O2",
    document=Document.OTARI,
    title="Maps of a toy adaptation",
    shows="Figure 2",
    setup="Two clusters a side with stray points; each point of the source is mapped to where an "
    "entropic plan sends it on average.",
    run=run,
    full={"perplexity": 10.0, "source": (70, 50, 14), "target": (60, 60, 24), "sets": 40},
    quick={"sets": 10},
    lost=(
        LOST,
        Lost(
            "How concentration is measured: the document shows it.",
            "By the way from an image to its 10th nearest target, and by how dense the target is.",
        ),
    ),
)
