"""The experiments of the report on quadratically regularised transport on graphs, measured again.

Prints a table for each, with the numbers of the report (``theirs``) beside those of quot (``ours``:
mean, and the range over the random seeds), and draws three pictures. Graphs are on random points in
the unit square; without more said ``n`` is 300, ``reg`` (alpha in the report) 1, the graphs are the
12 nearest neighbours and Partition 4 of 12, and mass goes from the left half to the right.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from numpy.typing import NDArray

import quot
from quot import graphs, plot

OUTPUT = Path("demo-output")
FAR = 10.0  # per cent
LARGEST_PROGRAM = 500  # nodes that the quadratic program is asked to solve
INK, BLUE = "#1f1f24", "#0072b2"

Floats = NDArray[np.float64]
Masses = tuple[Floats, Floats]


# --- points and masses -----------------------------------------------------------------------


def points(rng: np.random.Generator, n: int = 300, kind: str = "uniform") -> Floats:
    """Return n points in the unit square."""
    return rng.uniform(size=(n, 2)) if kind == "uniform" else rng.beta(2.0, 5.0, size=(n, 2))


def masses(X: Floats, rng: np.random.Generator, kind: str = "disjoint") -> Masses:
    """Return where mass is and where it is wanted, 1 in all.

    "disjoint": left half and right half; "sloping": more to the left, and more to the right, of all
    points; "random": any masses at all points.
    """
    x = X[:, 0]
    if kind == "disjoint":
        source = (x < np.median(x)).astype(float)
        target = 1.0 - source
    elif kind == "sloping":
        source, target = x.max() - x, x - x.min()
    else:
        source, target = rng.random((2, len(x)))
    return source / source.sum(), target / target.sum()


def both(X: Floats, rng: np.random.Generator, k: int = 4, K: int = 12) -> tuple[Any, Any]:
    """Return the graph of K neighbours and the Partition graph, connected if they are not."""
    return graphs.knn(X, K, connect=True), graphs.partition(X, k, K, random_state=rng, connect=True)


# --- tables ----------------------------------------------------------------------------------


class Table:
    """A table on standard output, written row by row, and what in it is far from the report."""

    differs: ClassVar[list[str]] = []

    def __init__(self, title: str, first: str, *columns: str) -> None:
        self.title, self.widths = title, [max(len(name), 7) + 2 for name in columns]
        print(f"\n{title}\n")
        self.row(first, *columns)

    def row(self, name: str, *cells: Any) -> None:
        texts = [cell if isinstance(cell, str) else f"{cell:.3g}" for cell in cells]
        padded = (text.rjust(width) for text, width in zip(texts, self.widths, strict=True))
        print("  " + name.ljust(29) + "".join(padded))

    def off(self, name: str, ours: Sequence[float], theirs: float | None) -> str:
        """Return by how much the mean of ours differs from theirs; remember it if by much."""
        if theirs is None:
            return "-"
        percent = 100.0 * (float(np.mean(ours)) / theirs - 1.0)
        text = f"{percent:+.0f} %"
        if abs(percent) > FAR:
            self.differs.append(f"{self.title[:2]}, {name}: {text}")
        return text


def over(values: Sequence[float], digits: int = 2) -> str:
    """Return the range of some numbers."""
    return f"{min(values):.{digits}f}..{max(values):.{digits}f}"


def or_none(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


# --- the experiments -------------------------------------------------------------------------


def edges(seeds: int) -> None:
    """G1: numbers of edges of the graphs on 500 points."""
    title = "G1  edges on 500 points; theirs: Partition connected, 4 nearest often not"
    table = Table(title, "graph", "theirs", "ours", "range    ", "off", "connected")
    builders: list[tuple[str, float | None, Callable[[Floats, int], quot.Graph]]] = [
        ("12 nearest", 3480, lambda X, _: graphs.knn(X, 12)),
        ("4 nearest", None, lambda X, _: graphs.knn(X, 4)),
        ("Partition 4 of 12", 1662, lambda X, seed: graphs.partition(X, 4, 12, random_state=seed)),
        ("kNEAR 4 of 12", 1710, lambda X, seed: graphs.near(X, 4, 12, random_state=seed)),
    ]
    for name, theirs, build in builders:
        built = [build(points(np.random.default_rng(seed), 500), seed) for seed in range(seeds)]
        counts = [float(graph.n_edges) for graph in built]
        connected = sum(graph.n_components == 1 for graph in built)
        table.row(
            name,
            or_none(theirs),
            f"{np.mean(counts):.0f}",
            over(counts, 0),
            table.off(name, counts, theirs),
            f"{connected} of {seeds}",
        )


def overestimate(seeds: int) -> None:
    """G2: what transport costs on the Partition graph, relative to that on all neighbours."""
    regs = (1e-2, 1e-1, 1.0, 1e1, 1e2)
    title = "G2  value on the Partition graph / on the 12 nearest; theirs: 1.2, whatever the masses"
    columns = (*(f"reg = {reg:g}" for reg in regs), "off, reg = 1")
    table = Table(title, "points, masses", *columns)
    for kind in ("uniform", "skewed"):
        for where in ("disjoint", "sloping", "random"):
            ratios = np.zeros((seeds, len(regs)))
            for seed in range(seeds):
                rng = np.random.default_rng(seed)
                X = points(rng, kind=kind)
                wanted, (dense, thin) = masses(X, rng, where), both(X, rng)
                for at, reg in enumerate(regs):
                    paid = [quot.solve_graph(g, *wanted, reg=reg).value for g in (thin, dense)]
                    ratios[seed, at] = paid[0] / paid[1]
            means = [f"{mean:.2f}" for mean in ratios.mean(axis=0)]
            name = f"{kind}, {where}"
            table.row(name, *means, table.off(name, ratios[:, 2].tolist(), 1.2))


def run_time(sizes: Sequence[int]) -> None:
    """G3: seconds of the quadratic program and of quot."""
    told = {200: (1.8, 0.45), 300: (3.23, 0.64), 500: (9.42, 0.89)}
    columns = ("theirs, QP", "     CLARABEL", "quot", "ratio", "values differ", "gap")
    table = Table("G3  seconds, cvxpy + CLARABEL and quot in this run", "graph", *columns)
    for n in sizes:
        rng = np.random.default_rng(0)
        X = points(rng, n)
        wanted = masses(X, rng)
        for at, (name, graph) in enumerate(
            zip(("12 nearest", "Partition 4 of 12"), both(X, rng), strict=True)
        ):
            seconds, best = fastest(lambda g=graph, w=wanted: quot.solve_graph(g, *w, reg=1.0))
            program = quadratic_program(graph, wanted)
            table.row(
                f"n = {n}, {name}",
                told[n][at],
                "not installed" if program is None else program[0],
                f"{seconds:.4f}",
                "-" if program is None else f"{program[0] / seconds:.0f}",
                "-" if program is None else f"{abs(program[1] / best.value - 1):.0e}",
                f"{best.certificate.relative_gap:.0e}",
            )


def concentration(seed: int = 0) -> None:
    """G4: edges that carry something, and the most that one carries."""
    columns = ("carry", "of edges", "most", "norm", "length of ways")
    table = Table("G4  a small reg concentrates, a large one spreads", "reg", *columns)
    rng = np.random.default_rng(seed)
    X = points(rng)
    graph, wanted = graphs.knn(X, 12, connect=True), masses(X, rng)
    for reg in (0.0, 1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2):
        r = quot.solve_graph(graph, *wanted, reg=reg)
        part = f"{100 * r.plan.nnz / graph.n_edges:.0f} %"
        norm, most = float(np.linalg.norm(r.flow)), float(np.abs(r.flow).max())
        table.row(f"{reg:g}", f"{r.plan.nnz}", part, f"{most:.4f}", f"{norm:.3f}", f"{r.cost:.4f}")


def rescaling(seeds: int) -> None:
    """G5: the c by which reg grows on the Partition graph for the same quadratic cost."""
    columns = ("theirs", "ours", "range     ", "off", "ratio, reg", "ratio, c reg")
    title = "G5  c of reg_rescaling; value on Partition / on the K nearest, at reg and at c reg"
    table = Table(title, "what differs", *columns)
    for k, K, theirs in (
        (2, 12, 0.15), (3, 12, None), (4, 12, 0.4), (6, 12, 0.5),
        (2, 8, None), (3, 8, None), (4, 8, 0.5), (6, 8, None),
    ):  # fmt: skip
        only = " (one part)" if K // k == 1 else ""
        rescaled(table, f"Partition {k} of {K}{only}", theirs, seeds, k=k, K=K)
    rescaled(table, "n = 150", 0.4, seeds, n=150)
    for reg in (4.0, 0.2):
        rescaled(table, f"reg = {reg:g}", 0.4, seeds, reg=reg)
    rescaled(table, "skewed points", 0.4, seeds, kind="skewed")
    rescaled(table, "sloping masses", 0.4, seeds, where="sloping")
    rescaled(table, "random masses", 0.4, seeds, where="random")


def rescaled(
    table: Table,
    name: str,
    theirs: float | None,
    seeds: int,
    *,
    k: int = 4,
    K: int = 12,
    n: int = 300,
    reg: float = 1.0,
    kind: str = "uniform",
    where: str = "disjoint",
) -> None:
    """Print a row of G5."""
    factors, plain, scaled = [], [], []
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        X = points(rng, n, kind)
        wanted, (dense, thin) = masses(X, rng, where), both(X, rng, k, K)
        factors.append(graphs.reg_rescaling(dense, thin, *wanted, reg=reg))
        values = [
            quot.solve_graph(graph, *wanted, reg=strength).value
            for graph, strength in ((dense, reg), (thin, reg), (thin, factors[-1] * reg))
        ]
        plain.append(values[1] / values[0])
        scaled.append(values[2] / values[0])
    table.row(
        name,
        or_none(theirs),
        f"{np.mean(factors):.2f}",
        over(factors),
        table.off(name, factors, theirs),
        f"{np.mean(plain):.2f}",
        f"{np.mean(scaled):.2f}",
    )


def counter_example() -> tuple[quot.Graph, Masses]:
    """Return a graph of six nodes on which the flow of least norm crosses the middle backwards.

    From s to t there are two ways with a bridge between them. Few edges lead over a to the far
    end of the bridge, but they are long; many short ones over b.
    """
    places = np.array([[0.0, 1.0], [1.0, 2.0], [1.0, 0.0], [0.2, 0.1], [1.8, 1.9], [2.0, 1.0]])
    s, a, b, x, y, t = range(6)
    pairs = [[s, a], [s, x], [x, b], [a, b], [b, t], [a, y], [y, t]]
    lengths = [3.0, 0.3, 0.3, 0.3, 3.0, 0.3, 0.3]
    return quot.Graph(6, pairs, lengths, positions=places), (np.eye(6)[s], np.eye(6)[t])


def geometry() -> None:
    """G6: signs and zeros of Football on a graph of six nodes."""
    graph, wanted = counter_example()
    problem = quot.GraphProblem(graph, *wanted, 1.0)
    flows = {
        "least norm": least_norm(problem),
        "Football, printed": graphs.football(problem, variant="printed").plan,
        "Football, mended": graphs.football(problem).plan,
        "exact": quot.solve_graph(graph, *wanted, reg=1.0).plan,
    }
    names = ("s", "a", "b", "x", "y", "t")
    columns = [f"{names[u]} -> {names[v]}" for u, v in graph.edges]
    table = Table(
        "G6  a counter-example: what each edge carries, from s to t", "flow", *columns, "missing"
    )
    for name, flow in flows.items():
        missing = np.abs(flow.arriving() - problem.target + problem.source).max()
        table.row(name, *(f"{x + 0.0:.2f}" for x in flow.values.round(3)), f"{missing:.0e}")


def football(regs: Sequence[float], seeds: int) -> None:
    """G7: Football against the exact flow."""
    columns = (
        "least norm",
        "printed",
        "mended",
        "distance",
        "missing mass",
        "signs wrong",
        "zeros wrong",
        "off",
    )
    title = "G7  value / exact value; theirs: 1.2 at reg = 1, weights close"
    table = Table(title, "reg", *columns)
    for reg in regs:
        kept = np.array([football_once(seed, reg) for seed in range(seeds)])
        ratios, mean = kept[:, :3], kept.mean(axis=0)
        table.row(
            f"{reg:g}",
            *(f"{ratio:.3g}" for ratio in ratios.mean(axis=0)),
            f"{mean[3]:.2f}",
            f"{mean[4]:.1e}",
            f"{mean[5]:.0f} of {mean[7]:.0f}",
            f"{mean[6]:.0f} of {mean[7]:.0f}",
            table.off(f"reg = {reg:g}", ratios[:, 1].tolist(), 1.2 if reg == 1.0 else None),
        )


def football_once(seed: int, reg: float) -> tuple[float, ...]:
    """Return three ratios of values, the distance to the best flow, and what else G7 says."""
    rng = np.random.default_rng(seed)
    X = points(rng)
    problem = quot.GraphProblem(graphs.knn(X, 12, connect=True), *masses(X, rng), reg)
    best = quot.solve_graph(problem.graph, problem.source, problem.target, reg=reg)
    printed = graphs.football(problem, variant="printed")
    mended = graphs.football(problem)
    least = least_norm(problem)
    carries = np.abs(best.flow) > 1e-12
    return (
        problem.objective(least) / best.value,
        printed.value / best.value,
        mended.value / best.value,
        float(np.linalg.norm(printed.flow - best.flow) / np.linalg.norm(best.flow)),
        float(np.abs(printed.plan.arriving() - problem.target + problem.source).sum()) / 2.0,
        float((carries & (least.values * best.flow < 0.0)).sum()),
        float((carries & (printed.flow == 0.0)).sum()),
        float(carries.sum()),
    )


def football_time(sizes: Sequence[int]) -> None:
    """G7: seconds of Football and of the exact flow."""
    columns = ("     CLARABEL", "Football", "exact", "QP/Football", "QP/exact", "Football/exact")
    table = Table("G7  seconds; theirs: Football is 43 times faster than the QP", "n", *columns)
    for n in sizes:
        rng = np.random.default_rng(0)
        X = points(rng, n)
        problem = quot.GraphProblem(graphs.knn(X, 12, connect=True), *masses(X, rng), 1.0)
        wanted = (problem.source, problem.target)
        approximate, _ = fastest(lambda p=problem: graphs.football(p, variant="printed"))
        exact, _ = fastest(lambda p=problem, w=wanted: quot.solve_graph(p.graph, *w, reg=1.0))
        is_small = n <= LARGEST_PROGRAM
        program = quadratic_program(problem.graph, wanted) if is_small else None
        table.row(
            f"{n}",
            program[0] if program else "not installed" if is_small else "-",
            f"{approximate:.4f}",
            f"{exact:.4f}",
            "-" if program is None else f"{program[0] / approximate:.0f}",
            "-" if program is None else f"{program[0] / exact:.0f}",
            f"{approximate / exact:.1f}",
        )


# --- shared ----------------------------------------------------------------------------------


def least_norm(problem: quot.GraphProblem) -> quot.Flow:
    """Return the flow of least norm, by dense algebra."""
    graph, at = problem.graph, np.arange(problem.graph.n_edges)
    D = np.zeros((graph.n_nodes, graph.n_edges))
    D[graph.tail, at] -= 1.0
    D[graph.head, at] += 1.0
    p = np.linalg.lstsq(D @ D.T, problem.target - problem.source, rcond=None)[0]
    return quot.Flow(graph, D.T @ p, problem.source, problem.target)


def fastest(solve: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of the fastest of three, and the answer; what is compiled is not timed."""
    seconds, answer = [], solve()
    for _ in range(3):
        began = time.perf_counter()
        answer = solve()
        seconds.append(time.perf_counter() - began)
    return min(seconds), answer


def quadratic_program(graph: quot.Graph, wanted: Masses) -> tuple[float, float] | None:
    """Return seconds and value of cvxpy + CLARABEL; None if they are not there."""
    tiny = quot.Graph(2, [[0, 1]], [1.0])
    try:  # what is imported is not timed
        quot.solve_graph(tiny, [1.0, 0.0], [0.0, 1.0], reg=1.0, method="clarabel")
    except quot.QuotError:
        return None
    began = time.perf_counter()
    r = quot.solve_graph(graph, *wanted, reg=1.0, method="clarabel", on_failure="ignore")
    return time.perf_counter() - began, r.value


# --- pictures --------------------------------------------------------------------------------


def canvas(panels: int, size: float = 4.0) -> tuple[Figure, list[Any]]:
    """Return a figure with square panels side by side, titles above."""
    figure = Figure(figsize=(size * panels, size + 0.45), facecolor="white")
    FigureCanvasAgg(figure)
    top = size / (size + 0.45)
    return figure, [figure.add_axes((at / panels, 0.0, 1 / panels, top)) for at in range(panels)]


def keep(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, facecolor="white", metadata={"Software": None})


def draw_graphs(path: Path) -> None:
    """G1: the same points joined in three ways."""
    X = points(np.random.default_rng(3), 150)
    built = {
        "12 nearest": graphs.knn(X, 12),
        "kNEAR, 4 of 12": graphs.near(X, 4, 12, random_state=0),
        "Partition, 4 of 12": graphs.partition(X, 4, 12, random_state=0),
    }
    figure, panels = canvas(len(built))
    for axes, (name, graph) in zip(panels, built.items(), strict=True):
        lines = list(X[graph.edges])
        axes.add_collection(LineCollection(lines, colors=BLUE, linewidths=0.8, alpha=0.7))
        axes.scatter(*X.T, s=14.0, color=INK, linewidths=0.0, zorder=3)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
        axes.set_axis_off()
        axes.set_title(f"{name}: {graph.n_edges} edges", fontsize=15, color=INK)
    keep(figure, path)


def draw_flows(path: Path) -> None:
    """G4: the flow at a small and at a large reg; widths mean the same in both."""
    rng = np.random.default_rng(3)
    X = points(rng, 200)
    graph = graphs.knn(X, 8, connect=True)
    wanted = masses(X, rng)
    figure, panels = canvas(2, 5.4)
    for axes, reg in zip(panels, (0.01, 10.0), strict=True):
        r = quot.solve_graph(graph, *wanted, reg=reg)
        plot.flow(r, axes, width=60.0 * float(np.abs(r.flow).max()), size=26.0)
        title = f"reg = {reg:g}: {r.plan.nnz} of {graph.n_edges} edges carry mass"
        axes.set_title(title, fontsize=14, color=INK)
    keep(figure, path)


def draw_counter_example(path: Path) -> None:
    """G6: the flow of least norm, Football's and the best, on six nodes."""
    graph, wanted = counter_example()
    problem = quot.GraphProblem(graph, *wanted, 1.0)
    flows = {
        "Least norm": least_norm(problem),
        "Football": graphs.football(problem, variant="printed").plan,
        "Best": quot.solve_graph(graph, *wanted, reg=1.0).plan,
    }
    figure, panels = canvas(len(flows))
    middle = graph.positions[graph.edges].mean(axis=1)
    outwards = middle - graph.positions.mean(axis=0)
    for axes, (name, flow) in zip(panels, flows.items(), strict=True):
        plot.flow(flow, axes, width=9.0 * float(np.abs(flow.values).max()), size=200.0)
        axes.set(xlim=(-0.35, 2.35), ylim=(-0.3, 2.3))
        for at, off, carried in zip(middle, outwards, np.abs(flow.values), strict=True):
            aside = 0.24 * off / max(float(np.linalg.norm(off)), 0.1) + (0.2 * (off @ off < 0.1), 0)
            text = {"fontsize": 13, "color": INK, "ha": "center", "va": "center"}
            axes.text(*(at + aside), f"{carried:.2f}", **text)
        axes.set_title(f"{name}: value {problem.objective(flow):.2f}", fontsize=15, color=INK)
    keep(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller, and fewer seeds")
    parser.add_argument("--pictures", type=Path, default=OUTPUT, help="where to draw")
    args = parser.parse_args()
    seeds = 2 if args.quick else 8
    sizes = (200,) if args.quick else (200, 300, 500)
    edges(5 * seeds)
    overestimate(seeds)
    run_time(sizes)
    concentration()
    rescaling(seeds)
    geometry()
    football((1.0,) if args.quick else (4.0, 1.0, 0.1, 1e-3), seeds)
    football_time(sizes if args.quick else (300, 500, 1000, 3000))
    print(f"\nMore than {FAR:g} % from the report in the mean of {seeds} seeds:\n")
    print("\n".join(f"  {line}" for line in Table.differs) or "  nothing")
    pictures = {
        "graphs.png": draw_graphs,
        "graph-flows.png": draw_flows,
        "football.png": draw_counter_example,
    }
    for name, draw in pictures.items():
        draw(args.pictures / name)
    print(f"\npictures: {', '.join(pictures)} in {args.pictures}")


if __name__ == "__main__":
    main()
