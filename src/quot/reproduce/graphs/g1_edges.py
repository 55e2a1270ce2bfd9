"""G1: edges and components of four graphs on random points."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from quot.graph import Graph
from quot.graphs import knn, near, partition
from quot.reproduce import drawing
from quot.reproduce.experiment import Case, Document, Experiment, Lost
from quot.reproduce.graphs.problems import SEEDS, points
from quot.reproduce.outcome import Claim, Outcome, Picture, Table, judged

# What the report prints, on 500 points.
OURS = "Partition 4 of 12"
PRINTED = {"12 nearest": 3480.0, OURS: 1662.0}
# The other two readings of Partition.
OWN, OTHERS = "Partition, own part", "Partition, itself not counted"

# Points, k, K, the share that is connected, and the share of points in the largest component.
NearSize = tuple[int, int, int, float, float]


def run(case: Case) -> Outcome:
    """Build all graphs on many sets of points; count edges and components."""
    found: dict[str, list[Graph]] = {}
    for seed in range(case["sets"]):
        case.check()
        for name, graph in _built(case, seed).items():
            found.setdefault(name, []).append(graph)
    edges = {name: np.array([g.n_edges for g in graphs]) for name, graphs in found.items()}
    whole = {name: np.mean([g.n_components == 1 for g in graphs]) for name, graphs in found.items()}
    sizes = _near_sizes(case)
    return Outcome(
        claims=_claims(case, edges, whole, sizes),
        pictures=(_graphs(found), _counts(case, edges)),
        tables=(
            Table(
                "edges",
                f"Graphs on {case['n']} points",
                ("graph", "document", "edges", "fewest", "most", "share connected", "components"),
                [
                    (name, PRINTED.get(name), e.mean(), e.min(), e.max(), whole[name],
                     np.mean([g.n_components for g in found[name]]))
                    for name, e in edges.items()
                ],
            ),
            Table(
                "near",
                "kNEAR as its theorem has it: k = log log n of K = log n",
                ("points", "k", "K", "share connected", "share of points in the largest"),
                sizes,
            ),
        ),
    )  # fmt: skip


def _claims(
    case: Case, edges: dict[str, Any], whole: dict[str, Any], sizes: list[NearSize]
) -> tuple[Claim, ...]:
    n = case["n"]
    off = {name: edges[name].mean() / (n / 500 * told) - 1.0 for name, told in PRINTED.items()}
    mean = {name: each.mean() for name, each in edges.items()}
    apart = 1.0 - whole["4 nearest"]
    least = min(share for *_, share in sizes)
    return (
        judged(
            "The graph of 12 neighbours has 3480 edges",
            number="3480",
            ours=_range(edges["12 nearest"]),
            holds=abs(off["12 nearest"]) <= 0.03,
            remark=_small(n),
        ),
        judged(
            "Partition, 4 of 12, has 1662 edges",
            number="1662",
            ours=_range(edges[OURS]),
            holds=abs(off[OURS]) <= 0.06,
            remark=f"The text can be read in three ways: {mean[OWN]:.0f} edges if each point "
            f"takes the part that it is in, {mean[OTHERS]:.0f} if a random one and itself does "
            f"not count, {mean[OURS]:.0f} if it does, which we take." + _small(n),
        ),
        judged(
            "Partition is connected",
            ours=f"{whole[OURS]:.0%} of {case['sets']} graphs; if each point takes its own "
            f"part, {whole[OWN]:.0%}",
            holds=whole[OURS] >= 0.95,
            why="Not always: neither of the readings promises it.",
        ),
        judged(
            "The graph of 4 neighbours is often not connected",
            ours=f"{apart:.0%} of {case['sets']} graphs are not",
            holds=apart >= 0.25,
            why="It is connected more often than not.",
        ),
        judged(
            "kNEAR is connected with high probability",
            ours=f"with k = log log n and K = log n {_shares(sizes)} are connected; the "
            f"largest component has at least {least:.1%} of the points on average",
            holds=all(share >= 0.95 for _, _, _, share, _ in sizes),
            why=("More of them are as n grows. " if sizes[-1][3] > sizes[0][3] else "")
            + "The theorem promises a component of nearly all points, as the report says itself "
            "further on. Join the others, or leave them out.",
        ),
    )


def _built(case: Case, seed: int) -> dict[str, Graph]:
    rng = case.rng(0, seed)
    X = points(rng, case["n"])
    return {
        "12 nearest": knn(X, 12),
        "4 nearest": knn(X, 4),
        "kNEAR 4 of 12": near(X, 4, 12, random_state=rng),
        OURS: partition(X, 4, 12, random_state=rng),
        OWN: partition(X, 4, 12, own=True, count_self=False, random_state=rng),
        OTHERS: partition(X, 4, 12, count_self=False, random_state=rng),
    }


def _near_sizes(case: Case) -> list[NearSize]:
    rows = []
    for n in case["near sizes"]:
        K = round(math.log(n))
        k = max(1, round(math.log(math.log(n))))
        built = []
        for seed in range(case["sets"]):
            case.check()
            rng = case.rng(1, n, seed)
            built.append(near(points(rng, n), k, K, random_state=rng))
        whole = float(np.mean([g.n_components == 1 for g in built]))
        rows.append((n, k, K, whole, float(np.mean([g.component_sizes.max() / n for g in built]))))
    return rows


def _shares(sizes: list[NearSize]) -> str:
    parts = [f"{share:.0%} of {n:,} points" for n, _, _, share, _ in sizes]
    return ", ".join(parts)


def _range(counts: Any) -> str:
    return f"{counts.mean():.0f} on average, {counts.min()} to {counts.max()}"


def _small(n: int) -> str:
    return "" if n == 500 else f" On {n} points here; the document's number is scaled with them."


def _graphs(found: dict[str, list[Graph]]) -> Picture:
    """Four graphs on the first points that 4 nearest neighbours leave apart, if there are any."""
    from matplotlib.collections import LineCollection

    at = next((at for at, graph in enumerate(found["4 nearest"]) if graph.n_components > 1), 0)
    built = {name: graphs[at] for name, graphs in found.items() if name not in (OWN, OTHERS)}
    figure, axes = drawing.panels(4, width=3.9, height=3.9)
    for ax, (name, graph) in zip(axes, built.items(), strict=True):
        X: Any = graph.positions
        largest = graph.largest_component()
        inside = np.isin(graph.tail, largest)
        for is_inside, color in ((True, drawing.COLORS[0]), (False, drawing.COLORS[1])):
            lines = X[graph.edges[inside == is_inside]]
            ax.add_collection(LineCollection(list(lines), colors=color, linewidths=0.6))
        ax.scatter(*X.T, s=3.0, color=drawing.INK, linewidths=0.0, zorder=3)
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        ax.set_axis_off()
        count = graph.n_components
        ax.set_title(f"{name}: {graph.n_edges} edges, {count} component{'s' * (count > 1)}")
    return drawing.picture(
        figure,
        "Figure 2, four graphs on the same points",
        caption="Of the sets drawn, the first that falls apart with 4 neighbours, if one does: "
        "orange is what does not hang together with the largest component.",
        alt="Points in a square joined in four ways: "
        + ", ".join(f"{name} by {graph.n_edges} edges" for name, graph in built.items()),
        is_dense=True,
    )


def _counts(case: Case, edges: dict[str, Any]) -> Picture:
    figure, (ax,) = drawing.panels(1, width=6.4, height=3.2)
    names = list(edges)
    for at, name in enumerate(names):
        height = np.linspace(-0.22, 0.22, len(edges[name]))
        ax.plot(edges[name], at + height, "o", color=drawing.COLORS[0], markersize=3, alpha=0.6)
    for name, told in PRINTED.items():
        at, mark = told * case["n"] / 500, drawing.COLORS[1]
        ax.plot(at, names.index(name), "|", color=mark, markersize=22, markeredgewidth=2.2)
        ax.text(1.02 * at, names.index(name), "document", color=mark, va="center", fontsize=9)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set(xlabel="edges", xlim=(0, 8.5 * case["n"]))
    return drawing.picture(
        figure,
        "Numbers of edges",
        caption="A dot for each set of points.",
        alt="Numbers of edges of each graph over all sets of points, with those of the document.",
    )


EXPERIMENT = Experiment(
    id="G1",
    document=Document.GRAPHS,
    title="Edges and components",
    shows="Figure 2",
    setup="Uniform points in the unit square, joined to all of their nearest neighbours, to random "
    "ones of these (kNEAR), and to the nearest in a random part of all points (Partition).",
    run=run,
    full={"n": 500, "sets": 40, "near sizes": (500, 2000, 8000, 32000)},
    quick={"sets": 12, "near sizes": (500, 2000)},
    lost=(
        SEEDS,
        Lost(
            "Which part a point takes in Partition, and whether it counts itself.",
            "A random one, and it does; all three readings are counted.",
        ),
        Lost("k and K of kNEAR over n.", "k = log log n and K = log n, rounded."),
    ),
)
