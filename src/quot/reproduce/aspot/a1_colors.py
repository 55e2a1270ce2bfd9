"""A1: colour transfer, and how soon each method is near the optimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from quot.reproduce import drawing
from quot.reproduce.aspot import palettes
from quot.reproduce.aspot.axes import logarithmic
from quot.reproduce.aspot.palettes import Bytes, Pair, sharpness
from quot.reproduce.aspot.traces import (
    LOST,
    WAYS,
    Trace,
    least_cost,
    limit,
    spaced,
    temperature,
    trace,
)
from quot.reproduce.experiment import Case, Document, Experiment
from quot.reproduce.outcome import Claim, Outcome, Picture, Table, judged


@dataclass(frozen=True, eq=False)
class Found:
    """What came out.

    Parameters
    ----------
    traces, by_passes : dict
        Of each method, with as many iterations, and with at least as many passes as ASPOT.
    near : float
        How near to the cost it comes to is near, relative.
    end, least : float
        The cost of the exact plan of E2, and of the linear problem.
    """

    traces: dict[str, Trace]
    by_passes: dict[str, Trace]
    near: float
    end: float
    least: float

    @property
    def steps(self) -> dict[str, int | None]:
        """Iterations until a method is near."""
        off = self.near * self.end
        return {name: each.look_within(self.end, off) for name, each in self.traces.items()}

    @property
    def passes(self) -> dict[str, int | None]:
        """Passes until it is."""
        steps = {
            name: each.look_within(self.end, self.near * self.end)
            for name, each in self.by_passes.items()
        }
        return {
            name: None if step is None else int(self.by_passes[name].passes[step])
            for name, step in steps.items()
        }


def run(case: Case) -> Outcome:
    """Run each method for as many steps, and paint with what it has then."""
    pair = Pair.of(case)
    mass = case["share"] * min(pair.a.sum(), pair.b.sum())
    eps = temperature(case["accuracy"], len(pair.a))
    setting: dict[str, Any] = {"eps": eps, "mass": mass}
    looks = spaced(case["steps"], case["looks"])
    traces = {}
    for name, way in WAYS.items():
        with case.clock(name):
            traces[name] = trace(
                way, pair.C, pair.a, pair.b, steps=case["steps"], looks=looks, **setting
            )
    most = int(traces["ASPOT"].passes[-1])
    with case.clock("Sinkhorn, as many passes"):
        longer = trace(
            WAYS["Sinkhorn"], pair.C, pair.a, pair.b, steps=most,
            looks=spaced(most, case["looks"]), **setting,
        )  # fmt: skip
    with case.clock("exact"):
        least = least_cost(pair.C, pair.a, pair.b, mass)
        exact = limit(pair.C, pair.a, pair.b, formulation="E2", **setting)
    found = Found(traces, {**traces, "Sinkhorn": longer}, case["near"], exact.cost, least)
    images = {name: pair.painted(each.plan) for name, each in traces.items()}
    images["exact"] = pair.painted(exact.plan.to_dense())
    steps, passes = found.steps, found.passes
    percent = f"{100 * case['near']:g} %"
    apart = {name: _apart(image, images["exact"]) for name, image in images.items()}
    rows = [
        [name, steps[name], passes[name], each.costs[-1], each.missing[-1], apart[name],
         sharpness(images[name])]
        for name, each in traces.items()
    ]  # fmt: skip
    rows.append(["exact, E2", None, None, exact.cost, 0.0, 0.0, sharpness(images["exact"])])
    return Outcome(
        claims=_claims(found, images, percent),
        pictures=(_curves(found), _images(pair, images)),
        tables=(
            Table(
                "methods",
                f"After {case['steps']:,} iterations; pictures in parts of 255",
                ["method", f"iterations to {percent}", "passes to it", "cost", "E",
                 "off the exact picture", "sharpness"],
                rows,
            ),
            _table_of_costs(traces, least),
        ),
    )  # fmt: skip


def _claims(found: Found, images: dict[str, Bytes], percent: str) -> tuple[Claim, ...]:
    """Who is near first, by either count, and whose picture is sharp."""
    traces, steps, passes = found.traces, found.steps, found.passes
    most = int(traces["ASPOT"].passes[-1])
    others = [name for name in WAYS if name != "ASPOT"]
    ahead = {name: _sooner(steps["ASPOT"], steps[name]) for name in others}
    cheaper = {name: _sooner(passes["ASPOT"], passes[name]) for name in others}
    stall = _stall(traces["APDAGD"], found.end)
    apart = {name: _apart(images[name], images["exact"]) for name in WAYS}
    sharp = {name: sharpness(image) for name, image in images.items()}
    gain = min(sharp["ASPOT"] / sharp[name] for name in others) - 1.0
    return (
        judged(
            "ASPOT is near the optimum after the fewest iterations",
            ours=f"iterations to within {percent} of the cost that it comes to: "
            f"{_counts(steps, traces['ASPOT'].steps, 'iterations')}",
            holds=all(ahead.values()),
            why="An iteration of Sinkhorn's method makes all rows and all columns exact, one "
            "of ASPOT a block of three, twice. "
            + _only("sooner than", [n for n in others if ahead[n]]),
        ),
        judged(
            "ASPOT is near the optimum at the least cost",
            ours=f"passes over all pairs to {percent}: {_counts(passes, most, 'passes')}. "
            f"An iteration of ASPOT takes {_each(traces['ASPOT']):.1f} passes, one of Sinkhorn "
            f"{_each(traces['Sinkhorn']):.1f}, one of APDAGD {_each(traces['APDAGD']):.1f}",
            holds=all(cheaper.values()),
            why="Iterations are not worth the same. Counted in passes "
            + _only("ahead of", [n for n in others if cheaper[n]]),
        ),
        judged(
            "APDAGD stalls, then improves",
            ours=f"from iteration {stall} on it gains less than 5 % of what is left while the "
            "iterations double, and more than half of it later"
            if stall is not None
            else "what is left to its limit falls by 5 % or more whenever iterations double, "
            "or does not halve later",
            holds=stall is not None,
            why="Here its cost falls steadily. The plan of the document is the mean over all "
            "points of the method, and remembers the first ones.",
        ),
        judged(
            "The picture of ASPOT is sharper",
            ours=f"neighbouring pixels differ by {_values(sharp)}; from the picture of the "
            f"exact plan {_values(apart)} of 255 on average",
            holds=gain > 0.01,
            remark="Plans of one problem are the same once they have converged: a picture can "
            "come sooner by momentum, not be sharper in the end.",
            why="Plans of one problem are the same once they have converged, whoever found "
            "them. What differs is how far a method has come in so many iterations.",
        ),
    )  # fmt: skip


def _sooner(one: float | None, other: float | None) -> bool:
    return one is not None and (other is None or one < other)


def _counts(found: dict[str, Any], most: int, unit: str) -> str:
    return ", ".join(
        f"{name} " + (f"not in {most:,} {unit}" if count is None else f"{count:,.0f}")
        for name, count in found.items()
    )


def _values(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in found.items())


def _only(what: str, names: list[str]) -> str:
    return f"ASPOT is {what} {' and '.join(names)} only." if names else f"ASPOT is {what} neither."


def _each(found: Trace) -> float:
    """Passes of an iteration."""
    return float(found.passes[-1] - found.passes[0]) / found.steps


def _stall(found: Trace, end: float) -> int | None:
    """The step from which on little is gained until twice as many, and much later; or None."""
    left = np.abs(found.costs - end)
    for k, step in enumerate(found.looks):
        doubled = int(np.searchsorted(found.looks, 2 * step))
        if doubled < left.size and left[doubled] > 0.95 * left[k] and left[-1] < 0.5 * left[k]:
            return int(step)
    return None


def _apart(one: Bytes, other: Bytes) -> float:
    return float(np.abs(one.astype(float) - other).mean())


def _table_of_costs(traces: dict[str, Trace], least: float) -> Table:
    rows = [
        [name, step, each.passes[step], cost, cost / least - 1.0, each.missing[step]]
        for name, each in traces.items()
        for step, cost in zip(each.looks, each.costs, strict=True)
    ]
    columns = ["method", "iterations", "passes", "cost", "above the linear optimum", "E"]
    return Table("costs", "Costs of rounded plans on the way", columns, rows, is_shown=False)


def _curves(found: Found) -> Picture:
    traces, end, least = found.traces, found.end, found.least
    figure, axes = drawing.panels(2, width=4.9, height=3.7, sharey=True)
    for ax, shown in zip(axes, (traces, found.by_passes), strict=True):
        for place, (name, each) in enumerate(shown.items()):
            x = each.looks if shown is traces else each.passes[each.looks]
            ax.plot(
                x, each.costs / least - 1.0, label=name, color=drawing.COLORS[place],
                marker=drawing.MARKS[place], markevery=4,
            )  # fmt: skip
    for ax in axes:
        ax.axhline(end / least - 1.0, color=drawing.INK, linewidth=1.0, linestyle=":")
        logarithmic(ax)
    axes[0].set(xlabel="iterations", ylabel="cost above the linear optimum, relative")
    axes[1].set(xlabel="passes over all pairs")
    axes[0].legend(loc="upper right")
    return drawing.picture(
        figure,
        "Figure 1, cost of the rounded plan",
        caption="Left over iterations, as in the document; right over passes, of which "
        "Sinkhorn has as many as ASPOT there. Dotted is the exact plan of the entropic problem, to "
        "which all come.",
        alt="Cost above the linear optimum over iterations and over passes: "
        + "; ".join(f"{name} ends at {each.costs[-1] / least - 1:.3g}"
                    for name, each in traces.items())
        + f"; the exact entropic plan is at {end / least - 1:.3g}.",
    )  # fmt: skip


def _images(pair: Pair, images: dict[str, Bytes]) -> Picture:
    shown = {"the picture": pair.image, "gives its colours": pair.other, **images}
    figure, axes = drawing.panels(len(shown), columns=3, width=2.9, height=3.0)
    for ax, (name, image) in zip(axes, shown.items(), strict=True):
        ax.imshow(image)
        ax.set_title(name)
        ax.set_axis_off()
    return drawing.picture(
        figure,
        "Figure 1, the pictures",
        caption=f"With {len(pair.a)} colours each; after the last iteration of each method, and "
        "of the exact entropic plan.",
        alt="A photograph, another, and the first in colours of the second by three methods and "
        "exactly: those four look the same.",
        is_dense=True,
    )


EXPERIMENT = Experiment(
    id="A1",
    document=Document.ASPOT,
    title="Colour transfer",
    shows="Figure 1",
    setup="Colours of two photographs by k-means, with the share of pixels as masses, of which a "
    "part moves; each method runs for as many iterations, Sinkhorn for as many passes, too, and "
    "its plan is rounded on the way. ASPOT and APDAGD solve E2 (what rows and columns keep has an "
    "entropy), Sinkhorn E3 (the same and a corner).",
    run=run,
    full={
        "pixels": 256,
        "colors": 800,
        "share": 0.7,
        "accuracy": 0.02,
        "steps": 1500,
        "looks": 30,
        "near": 0.01,
    },
    quick={"pixels": 128, "colors": 100, "steps": 800, "looks": 20, "near": 0.05},
    lost=(*palettes.LOST, *LOST),
    needs=("photos",),
)
