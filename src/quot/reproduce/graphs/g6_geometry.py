"""G6: the geometry behind Football, and a graph of six nodes on which it goes wrong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.api import solve_graph
from quot.flow import Flow
from quot.graph import Graph
from quot.graphs import football
from quot.problem import GraphProblem
from quot.reproduce import drawing
from quot.reproduce.experiment import Case, Document, Experiment, Lost
from quot.reproduce.graphs.problems import Floats, least_norm
from quot.reproduce.outcome import Outcome, Picture, Table, judged

NAMES = ("s", "a", "b", "x", "y", "t")


def run(case: Case) -> Outcome:
    """Check the identity, and compare flows on the counter-example."""
    off = max(_square_off(case, seed) for seed in range(case["flows"]))
    problem = counter_example(case["long"], case["short"])
    best = solve_graph(problem.graph, problem.source, problem.target, reg=1.0).plan
    flows = {
        "least norm": least_norm(problem),
        "Football": football(problem, variant="printed").plan,
        "exact": best,
    }
    edges = [f"{NAMES[u]} to {NAMES[v]}" for u, v in problem.graph.edges]
    least, printed = flows["least norm"].values, flows["Football"].values
    is_turned = least * best.values < -1e-9
    turned = _named(edges, is_turned)
    is_emptied = (printed == 0.0) & (np.abs(best.values) > 1e-9)
    emptied, lost = _named(edges, is_emptied), np.abs(best.values)[is_emptied].max(initial=0.0)
    value = {name: problem.objective(flow) for name, flow in flows.items()}
    return Outcome(
        claims=(
            judged(
                "The objective is a squared distance of w from a point, once its signs are known",
                ours=f"equal to {off:.0e}, relative, at {case['flows']} random flows",
                holds=off <= 1e-12,
            ),
            judged(
                "The signs of the flow of least norm are those of the solution",
                ours=f"{is_turned.sum()} of {len(edges)} edges of the counter-example differ"
                + (
                    f": {turned}, {_texts(least[is_turned])} and {_texts(best.values[is_turned])}"
                    if turned
                    else ""
                ),
                holds=not turned,
                why="Lengths do not enter the flow of least norm. The document grants this.",
            ),
            judged(
                "Edges whose sign changes in the projection are empty in the solution",
                ours=f"{emptied or 'no edge'} of the counter-example is emptied, which "
                f"carries {lost:.2f} in the solution; Football's value is {value['Football']:.2f}, "
                f"the best {value['exact']:.2f}",
                holds=not emptied,
                why="It has the wrong sign from the start. The document grants this.",
            ),
        ),
        pictures=(_geometry(case), _flows(problem, flows)),
        tables=(
            Table(
                "flows",
                "What each edge carries, from s to t",
                ("flow", *edges, "value"),
                [
                    (name, *(flow.values.round(12) + 0.0), value[name])
                    for name, flow in flows.items()
                ],
            ),
        ),
    )


def counter_example(long: float, short: float) -> GraphProblem:
    """Return transport over two ways with a bridge, which least squares cross backwards.

    A few long edges lead to the far end of the bridge, and many short ones to the near end.
    """
    places = np.array([[0.0, 1.0], [1.0, 2.0], [1.0, 0.0], [0.2, 0.1], [1.8, 1.9], [2.0, 1.0]])
    s, a, b, x, y, t = range(len(NAMES))
    pairs = np.array([[s, a], [s, x], [x, b], [a, b], [b, t], [a, y], [y, t]], np.int32)
    lengths = np.array([long, short, short, short, long, short, short])
    graph = Graph(len(NAMES), pairs, lengths, positions=places)
    return GraphProblem(graph, np.eye(len(NAMES))[s], np.eye(len(NAMES))[t], 1.0)


def _square_off(case: Case, seed: int) -> float:
    """Return by how much the square is off, relative, at a random flow."""
    rng = case.rng(seed)
    w, lengths, alpha = rng.normal(size=50), rng.uniform(size=50), 10.0 ** rng.uniform(-2, 2)
    direct = lengths @ np.abs(w) + alpha / 2 * w @ w
    at = np.square(np.abs(w) + lengths / alpha).sum() - np.square(lengths / alpha).sum()
    return float(abs(alpha / 2 * at / direct - 1.0))


def _named(edges: list[str], chosen: NDArray[np.bool_]) -> str:
    return ", ".join(name for name, is_chosen in zip(edges, chosen, strict=True) if is_chosen)


def _texts(values: Floats) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _geometry(case: Case) -> Picture:
    """Two parallel edges: the plane of what they carry, in three steps."""
    lengths = np.array(case["parallel"])
    least, v = np.full(2, 0.5), -lengths
    projected = v + (1.0 - v.sum()) / 2.0
    forced = np.where(projected < 0.0, 0.0, projected)
    forced /= forced.sum()
    figure, (ax,) = drawing.panels(1, width=5.2, height=4.8)
    ax.plot([-0.6, 1.6], [1.6, -0.6], color=drawing.INK, linewidth=1.4)
    ax.text(0.08, 1.05, "feasible flows", fontsize=9)
    angles = np.linspace(0.0, 2.0 * np.pi, 200)
    for radius in np.linalg.norm([projected - v, forced - v], axis=1):
        circle = v + radius * np.stack((np.cos(angles), np.sin(angles)), axis=1)
        ax.plot(*circle.T, color=drawing.SPINE, linewidth=0.9)
    marks = {"least norm": least, "v": v, "projection of v": projected, "Football = exact": forced}
    for at, (name, where) in enumerate(marks.items()):
        ax.plot(*where, drawing.MARKS[at], color=drawing.COLORS[at], markersize=8, label=name)
    ax.annotate("", projected, v, arrowprops={"arrowstyle": "->", "color": drawing.FAINT})
    ax.axhline(0.0, color=drawing.FAINT, linewidth=0.8)
    ax.axvline(0.0, color=drawing.FAINT, linewidth=0.8)
    ax.set(xlim=(-0.7, 1.7), ylim=(-1.7, 1.6), aspect="equal")
    ax.set(xlabel="first edge carries", ylabel="second edge carries")
    ax.legend(loc="lower right")
    return drawing.picture(
        figure,
        "Figure 9, the geometry",
        caption="Two edges between the same nodes, the second one longer. The projection of v "
        "leaves the quarter of the least norm's signs; emptying the second edge ends at the best "
        "flow. Circles are equal values there.",
        alt="The plane of two parallel edges with the line of feasible flows, the flow of least "
        "norm, the point v, its projection below the axis, and the best flow on the axis.",
    )


def _flows(problem: GraphProblem, flows: dict[str, Flow]) -> Picture:
    from quot import plot

    figure, axes = drawing.panels(3, columns=3, width=3.1, height=3.3)
    places: Floats = np.asarray(problem.graph.positions)
    middle = places[problem.graph.edges].mean(axis=1)
    out = middle - places.mean(axis=0)
    far = np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 0.1)
    where = middle + 0.27 * out / far + np.where(far < 0.2, (0.24, 0.0), 0.0)
    for ax, (name, flow) in zip(axes, flows.items(), strict=True):
        plot.flow(flow, ax, width=7.0 * float(np.abs(flow.values).max()), size=110.0)
        ax.set(xlim=(-0.4, 2.4), ylim=(-0.35, 2.35))
        for at, carried in zip(where, np.abs(flow.values), strict=True):
            ax.text(*at, f"{carried:.2f}", ha="center", va="center", fontsize=10)
        ax.set_title(f"{name}: value {problem.objective(flow):.2f}")
    return drawing.picture(
        figure,
        "Figure 10, a counter-example",
        caption="From left to right; the two slanted edges are long, all others short. Least norm "
        "crosses the middle downwards, Football empties it, the best flow crosses it upwards.",
        alt=f"Three flows on six nodes with values "
        f"{', '.join(f'{problem.objective(flow):.2f}' for flow in flows.values())}.",
    )


EXPERIMENT = Experiment(
    id="G6",
    document=Document.GRAPHS,
    title="Geometry and counter-example",
    shows="Figures 9 and 10",
    setup="The square is completed at random flows; two parallel edges show what Football does, "
    "and six nodes where its signs are wrong.",
    run=run,
    full={"flows": 100, "long": 3.0, "short": 0.3, "parallel": (0.2, 1.4)},
    lost=(Lost("The counter-example.", "One of ours, on six nodes."),),
)
