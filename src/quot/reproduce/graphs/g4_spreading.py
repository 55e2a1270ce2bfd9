"""G4: a small alpha concentrates the flow, a large one spreads it."""

from __future__ import annotations

import numpy as np

from quot.api import solve_graph
from quot.graphs import knn
from quot.reproduce import drawing
from quot.reproduce.experiment import Case, Document, Experiment, Lost
from quot.reproduce.graphs.problems import WHERE, masses, points
from quot.reproduce.outcome import Outcome, Picture, Table, judged
from quot.result import GraphResult


def run(case: Case) -> Outcome:
    """Solve on one graph for all strengths."""
    rng = case.rng()
    X = points(rng, case["n"])
    graph, wanted = knn(X, 12, connect=True), masses(X, rng)
    flows = {alpha: solve_graph(graph, *wanted, reg=alpha) for alpha in case["alphas"]}
    rows = [
        (alpha, r.plan.nnz, r.plan.nnz / graph.n_edges, np.abs(r.flow).max(), r.cost, r.value)
        for alpha, r in flows.items()
    ]
    used, most, length = (np.array([row[at] for row in rows]) for at in (2, 3, 4))
    low, high = case["alphas"][0], case["alphas"][-1]
    longer = length[-1] / length[0] - 1.0
    return Outcome(
        claims=(
            judged(
                "A small alpha concentrates the flow on few edges",
                ours=f"at alpha = {low:g} {used[0]:.0%} of the edges carry all, up to "
                f"{most[0]:.3f} each; fewer than at any larger alpha",
                holds=used[0] == used.min() and most[0] == most.max() and used[0] < 0.5 * used[-1],
                why="Not on fewer than a large alpha.",
            ),
            judged(
                "A large alpha spreads it over many",
                ours=f"at alpha = {high:g} {used[-1]:.0%} of the edges carry something, at most "
                f"{most[-1]:.3f}, on ways that are {longer:.0%} longer",
                holds=bool((np.diff(used) >= 0).all() and (np.diff(most) <= 1e-12).all()),
                why="Not at every step.",
            ),
        ),
        pictures=(_flows(case, flows), _curves(case, used, most, length)),
        tables=(
            Table(
                "spreading",
                f"The flow on {graph.n_edges} edges over alpha",
                ("alpha", "edges used", "share", "most on an edge", "length of ways", "value"),
                rows,
            ),
        ),
    )


def _flows(case: Case, flows: dict[float, GraphResult]) -> Picture:
    from quot import plot

    figure, axes = drawing.panels(2, width=4.4, height=4.5)
    shown = case["drawn"]
    unit = 6.0 / max(float(np.abs(flows[alpha].flow).max()) for alpha in shown)
    for ax, alpha in zip(axes, shown, strict=True):
        flow = flows[alpha].flow
        plot.flow(flows[alpha], ax, width=unit * float(np.abs(flow).max()), size=14.0)
        ax.set_title(f"alpha = {alpha:g}: {flows[alpha].plan.nnz} edges")
    return drawing.picture(
        figure,
        "Figure 6, a small and a large alpha",
        caption="Widths mean the same on both sides; orange sends, green receives.",
        alt=f"The same flow at alpha = {shown[0]:g}, a few wide lines, and at {shown[1]:g}, many "
        "thin ones.",
        is_dense=True,
    )


def _curves(case: Case, used: np.ndarray, most: np.ndarray, length: np.ndarray) -> Picture:
    figure, (left, right) = drawing.panels(2, width=4.2, height=3.0)
    left.plot(case["alphas"], used, marker="o", label="share of edges used")
    left.plot(case["alphas"], most / most[0], marker="s", label="most on an edge, relative")
    left.legend(loc="upper center")
    right.plot(case["alphas"], length, marker="^", color=drawing.COLORS[2])
    right.set_ylabel("length of ways")
    for ax in (left, right):
        ax.set(xscale="log", xlabel="alpha")
    left.set_ylim(0.0, 1.3)
    return drawing.picture(
        figure,
        "How the flow spreads",
        caption="What it gains in squares it pays with longer ways.",
        alt="Over alpha the share of edges used grows, the most on an edge falls, ways get longer.",
    )


EXPERIMENT = Experiment(
    id="G4",
    document=Document.GRAPHS,
    title="What alpha does",
    shows="Figure 6",
    setup="The flow on the graph of 12 neighbours of uniform points, for small and large alpha.",
    run=run,
    full={
        "n": 300,
        "alphas": (1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1000.0),
        "drawn": (1e-2, 10.0),
    },
    quick={"n": 150},
    lost=(WHERE, Lost("The low and the high alpha of the figure.", "0.01 and 10.")),
)
