"""O1: who shares with how many, under a constraint for all together and for each point."""

from __future__ import annotations

from typing import Any

import numpy as np

from quot.reproduce import drawing
from quot.reproduce.experiment import Case, Document, Experiment
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

# Points far from the crowds, the last ones of a side.
FAR = (
    np.array([[-0.4, 2.3], [-1.4, -1.7], [0.6, -2.4]]),
    np.array([[2.6, 2.4], [4.6, 1.7], [3.7, -2.3]]),
)


def run(case: Case) -> Outcome:
    """Solve on many sets of points; compare perplexities of outliers and of the crowd."""
    asked, count = case["perplexity"], len(FAR[0])
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in SIDES}
    for seed in range(case["sets"]):
        X, Y = _crowds(case, seed)
        for name, P in plans(squared_distances(X, Y), asked).items():
            rows, cols = perplexity(P), perplexity(P.T)
            average = float(np.exp(np.log(rows).mean()))
            found[name].append(
                (rows[-count:].mean(), rows[:-count].mean(), rows.min(),
                 cols[-count:].mean(), cols.min(), average)
            )  # fmt: skip
    means: Any = {name: np.mean(rows, axis=0) for name, rows in found.items()}
    outliers = np.array(found["global"])[:, 0]
    one, by_row, by_col = (means[name] for name in SIDES)
    averages = np.array([rows[-1] for name in SIDES for rows in found[name]])
    return Outcome(
        claims=(
            judged(
                "Under a constraint for all together outliers get a low perplexity",
                number=f"asked: {asked:g}",
                ours=f"{one[0]:.2f} on average, {outliers.max():.2f} at most in {case['sets']} "
                f"sets; points of the crowd {one[1]:.2f}",
                holds=outliers.max() < 0.5 * asked,
                why="Not all of them.",
            ),
            judged(
                "With a constraint of each row every source point has the perplexity",
                ours=f"the least is {by_row[2]:.4f}; of outliers of the target {by_row[3]:.2f}, "
                "which nothing protects",
                holds=by_row[2] >= asked - 1e-3,
            ),
            judged(
                "With a constraint of each column every target point has it",
                ours=f"the least is {by_col[4]:.4f}; of outliers of the source {by_col[0]:.2f}",
                holds=by_col[4] >= asked - 1e-3,
            ),
            judged(
                "The three plans have the same entropy in all",
                ours=f"as a perplexity {averages.min():.3f} to {averages.max():.3f}",
                holds=np.ptp(averages) <= 0.02 * asked,
                why="Points that share with more anyway are left alone.",
            ),
        ),
        pictures=(_plans(case),),
        tables=(
            Table(
                "perplexities",
                "Perplexities, means over sets",
                ("constraint", "outliers", "crowd", "least", "target's outliers", "target's least",
                 "average"),
                [(name, *row) for name, row in means.items()],
            ),
        ),
    )  # fmt: skip


def _crowds(case: Case, seed: int) -> tuple[Floats, Floats]:
    """Return a crowd a side, and a few points far from it."""
    rng, n = case.rng(seed), case["n"] - len(FAR[0])
    X, Y = 0.55 * rng.normal(size=(n, 2)), 0.55 * rng.normal(size=(n, 2)) + (3.3, 0.0)
    return np.concatenate((X, FAR[0])), np.concatenate((Y, FAR[1]))


def _plans(case: Case) -> Picture:
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgb

    X, Y = _crowds(case, 0)
    figure, axes = drawing.panels(3, width=4.0, height=3.4)
    colors: Any = shades(case["perplexity"], 20.0)
    for ax, (name, P) in zip(
        axes, plans(squared_distances(X, Y), case["perplexity"]).items(), strict=True
    ):
        q = P / P.sum(axis=1, keepdims=True)
        rows, cols = np.nonzero(q > 0.01)
        part = q[rows, cols]
        lines = np.stack((X[rows], Y[cols]), axis=1)
        shown = [(*to_rgb(drawing.FAINT), 0.08 + 0.92 * each) for each in part]
        ax.add_collection(LineCollection(list(lines), colors=shown, linewidths=0.5 + 2.2 * part))
        for Z, shape, parts in ((X, "o", P), (Y, "s", P.T)):
            marks = ax.scatter(
                *Z.T, c=np.log(perplexity(parts)), marker=shape, s=48.0,
                edgecolors=drawing.INK, linewidths=0.8, zorder=3, **colors,
            )  # fmt: skip
        ax.set(xlim=(-1.8, 5.1), ylim=(-2.8, 2.8), aspect="equal", title=name)
        ax.set_axis_off()
    add_scale(figure, axes, marks, (1, 2, 5, 10, 20))
    return drawing.picture(
        figure,
        "Figure 1, who shares with how many",
        caption="Circles are the source, squares the target; a line is as strong as the part of "
        "its mass that a source point sends there.",
        alt="Three plans between two crowds with outliers: with one strength for all the outliers "
        "are orange, with few partners, and the crowd is blue; with -s all circles are pale, with "
        "-t all squares.",
    )


EXPERIMENT = Experiment(
    id="O1",
    document=Document.OTARI,
    title="Outliers under three constraints",
    shows="Figure 1",
    setup="Two crowds in the plane with three outliers each; entropic plans whose perplexity is "
    "prescribed on average (global), of each source point (-s), and of each target point (-t).",
    run=run,
    full={"perplexity": 5.0, "n": 27, "sets": 50},
    quick={"sets": 12},
    lost=(LOST,),
)
