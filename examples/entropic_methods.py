"""The methods for entropic partial transport, measured: what the page "Entropic methods" says.

Counts passes over all pairs, which are the same on every machine, and draws two pictures. Without
more said there are 60 points of two Gaussian clouds in the plane on each side, with masses 1/60, of
which 0.7 in all moves, at squared distances divided by the largest. E is what rows, columns and the
total miss or have too much, in all.
"""

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import NDArray

import quot
from quot import plot

OUTPUT = Path("demo-output")
N, MASS, ENOUGH = 60, 0.7, 1e-6
TEMPERATURES = (0.02, 0.005, 0.001)
MASSES = (0.7, 0.3, 0.1, 0.03, 0.01)
INK, FAINT, GRID = "#1f1f24", "#6b6b76", "#d9dce1"

# Method, formulation, options; "-" in a table is more passes than these.
METHODS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Newton, E1": ("newton", "E1", {}),
    "Newton, E2 = E3": ("newton", "E2", {}),
    "Sinkhorn, E2 = E3": ("sinkhorn", "E3", {}),
    "Sinkhorn, E1": ("sinkhorn", "E1", {}),
    "three blocks, E2": ("three-block", "E2", {}),
    "ASPOT, step 1/L": ("aspot", "E2", {"step": "fixed"}),
    "ASPOT, backtracked": ("aspot", "E2", {}),
    "AAM": ("aam", "E2", {}),
    "APDAGD": ("apdagd", "E2", {}),
}
MOST = 20_000

Floats = NDArray[np.float64]


# --- problems and solves ---------------------------------------------------------------------


def gaussians(n: int = N, seed: int = 0) -> Floats:
    """Squared distances between two clouds in the plane, the largest 1."""
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, 2)), 0.7 * rng.normal(size=(n, 2)) + 1.0
    C = ((X[:, None] - Y) ** 2).sum(axis=2)
    return C / C.max()


def on_a_line(n: int = N, seed: int = 0) -> Floats:
    """The same of points on a line, where neighbours are hard to tell apart."""
    rng = np.random.default_rng(seed)
    C = (np.sort(rng.normal(size=n))[:, None] - np.sort(rng.normal(size=n) + 1.0)) ** 2
    return C / C.max()


def at_random(n: int = N, seed: int = 0) -> Floats:
    """Costs without a pattern."""
    return np.random.default_rng(seed).random((n, n))


def solved(name: str, C: Floats, eps: float, **options: Any) -> Any:
    """The result of one of the methods."""
    method, formulation, own = METHODS[name]
    given = {"eps": eps, "mass": MASS, "method": method, "formulation": formulation, **options}
    return quot.solve_entropic(C, solver_options=own or None, on_failure="ignore", **given)


def passes_to(enough: float, name: str, C: Floats, eps: float, mass: float = MASS) -> float | None:
    """Passes until E is at most so much, if that takes no more than `MOST`."""
    unit = min(1.0 / len(C), mass)
    found: list[float] = []

    def is_done(k: quot.Iterate) -> bool:
        if k.reg == eps and k.residual * unit <= enough:
            found.append(k.passes)
        return bool(found) or k.passes > MOST

    # Newton's method tells only what is left at the end of each temperature.
    tol = 100.0 * enough / mass if name.startswith("Newton") else 1e-9
    solved(name, C, eps, mass=mass, tol=tol, callback=is_done, max_iter=MOST)
    return found[0] if found and found[0] <= MOST else None


def extended(C: Floats, corner: float) -> tuple[Floats, Floats, Floats]:
    """The balanced problem with a dummy row and column, for masses 1/n and 1/m."""
    n, m = C.shape
    a, b = np.append(np.full(n, 1.0 / n), 1.0 - MASS), np.append(np.full(m, 1.0 / m), 1.0 - MASS)
    return np.block([[C, np.zeros((n, 1))], [np.zeros((1, m)), np.full((1, 1), corner)]]), a, b


def rounded(P: Floats, a: Floats, b: Floats) -> Floats:
    """A plan with these marginals, as Altschuler et al. make it."""
    P = P * np.minimum(a / P.sum(axis=1), 1.0)[:, None]
    P = P * np.minimum(b / P.sum(axis=0), 1.0)
    row, col = a - P.sum(axis=1), b - P.sum(axis=0)
    return P + np.outer(row, col) / row.sum() if row.sum() > 0.0 else P


# --- tables ----------------------------------------------------------------------------------


def table(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[Any]]]) -> None:
    """Print numbers under a title."""
    widths = [max(len(column), 9) + 2 for column in columns]
    print(f"\n{title}\n")
    for name, cells in [("", columns), *rows]:
        texts = (
            "-" if cell is None else cell if isinstance(cell, str) else f"{cell:.3g}"
            for cell in cells
        )
        padded = (text.rjust(width) for text, width in zip(texts, widths, strict=True))
        print("  " + name.ljust(25) + "".join(padded))


def count_passes(kinds: dict[str, Floats], temperatures: Sequence[float]) -> None:
    """How many passes each method takes."""
    for kind, C in kinds.items():
        rows = []
        for name in METHODS:
            counts = [passes_to(ENOUGH, name, C, eps) for eps in temperatures]
            rows.append((name, [None if k is None else f"{k:.0f}" for k in counts]))
        table(
            f"Passes to E <= {ENOUGH:g}, {kind}; - is more than {MOST:,}",
            [f"eps {eps:g}" for eps in temperatures],
            rows,
        )


def vary_mass(C: Floats, eps: float, masses: Sequence[float]) -> None:
    """How many passes each method takes until E is a part of what moves."""
    part = ENOUGH / MASS
    rows = []
    for name in METHODS:
        counts = [passes_to(part * mass, name, C, eps, mass) for mass in masses]
        rows.append((name, [None if k is None else f"{k:.0f}" for k in counts]))
    columns = [f"mass {mass:g}" for mass in masses]
    table(f"Passes to E <= {part:.3g} of the mass, at eps {eps:g}", columns, rows)


def compare_formulations(C: Floats, temperatures: Sequence[float]) -> None:
    """How far E1 and E2 are from the linear problem and from one another."""
    least = quot.solve(C, mass=MASS).cost
    rows = []
    for eps in temperatures:
        one, two = solved("Newton, E1", C, eps), solved("Newton, E2 = E3", C, eps)
        apart = np.abs(one.plan.to_dense() - two.plan.to_dense()).sum()
        full = [int((r.plan.row_sums() > (1.0 - 1e-6) / N).sum()) for r in (one, two)]
        rows.append((f"eps {eps:g}", [one.cost - least, two.cost - least, apart, *map(str, full)]))
    columns = ("E1 above", "E2 above", "|E1 - E2|", "full rows E1", "full rows E2")
    table(
        f"Cost above that of the linear problem, {least:.5f}; how far the plans are apart",
        columns,
        rows,
    )


def vary_corner(C: Floats, temperatures: Sequence[float]) -> None:
    """What is in the corner of E3, and how far its plan is from that of E2."""
    rows = []
    for eps in temperatures:
        two = solved("Newton, E2 = E3", C, eps).plan.to_dense()
        for corner in (0.5, 1.1, 2.0, 4.0):
            P = quot.solve_entropic(*extended(C, corner), eps=eps).plan.to_dense()
            apart = np.abs(P[:-1, :-1] - two).sum()
            rows.append((f"eps {eps:g}, corner {corner:g}", [P[-1, -1], apart]))
    table(
        "E3: mass in the corner, and how far its plan is from that of E2", ["corner", "apart"], rows
    )


def round_naively(C: Floats) -> None:
    """How much more than `mass` a rounded plan of E3 moves."""
    rows = []
    cases = (1.0, 1.1, 1e-8), (1.0, 10.0, 1e-8), (0.1, 1.1, 1e-2), (0.1, 10.0, 1e-2)
    for eps, corner, enough in cases:
        full, a, b = extended(C, corner)
        unit = float(min(a.max(), b.max()))
        r = quot.solve_entropic(
            full,
            a,
            b,
            eps=eps,
            method="sinkhorn",
            callback=lambda k, unit=unit, enough=enough: k.residual * unit <= enough,
            on_failure="ignore",
        )
        P = rounded(np.exp((r.f[:, None] + r.g - full) / eps), a, b)
        ours = solved("Sinkhorn, E2 = E3", C, eps, tol=1.0)
        beyond = P[:-1, :-1].sum() - MASS
        name = f"eps {eps:g}, corner {corner:g}"
        rows.append((name, [f"{enough:g}", beyond, P[-1, -1], ours.plan.total - MASS]))
    columns = ["E <=", "beyond", "corner", "beyond, of quot"]
    table("Rounding with the dummies: how much more than the mass the plan moves", columns, rows)


def tuned(C: Floats, accuracies: Sequence[float], powers: Sequence[float]) -> None:
    """Passes of tuned Sinkhorn, and the error it was to keep below an accuracy."""
    least = quot.solve(C, mass=MASS).cost
    rows = []
    for accuracy in accuracies:
        eps = accuracy / (4.0 * math.log(N + 1))
        count, r = until(accuracy / 16.0, C, eps)
        rows.append((f"accuracy {accuracy:g}, default", [eps, count, (r.cost - least) / accuracy]))
        for p in powers:
            r = solve_tuned(C, accuracy, p)
            error = (r.cost - least) / accuracy
            rows.append((f"  p = {p:g}", [r.problem.eps, f"{r.history[-1].passes:.0f}", error]))
    columns = ["eps", "passes", "error/accuracy"]
    table("Tuned Sinkhorn; the error is the cost above that of the linear problem", columns, rows)


def until(enough: float, C: Floats, eps: float) -> tuple[str, Any]:
    """Feasible Sinkhorn until E is at most so much: passes, and the result."""
    unit = min(1.0 / len(C), MASS)
    r = solved(
        "Sinkhorn, E2 = E3",
        C,
        eps,
        max_iter=MOST,
        callback=lambda k: k.residual * unit <= enough,
    )
    last = r.history[-1]
    return ("-" if last.residual * unit > enough else f"{last.passes:.0f}"), r


def solve_tuned(C: Floats, accuracy: float, p: float) -> Any:
    """Tuned Sinkhorn for an accuracy, in parts of the largest cost."""
    _, a, b = extended(C, 1.0)
    entropy = min(float(-(x * np.log(x)).sum()) for x in (k / k.sum() for k in (a, b)))
    eps = (accuracy / (8.0 * entropy)) ** (1.0 / p)
    options = {"method": "tuned-sinkhorn", "solver_options": {"p": p}}
    return quot.solve_entropic(C, eps=eps, mass=MASS, **options)


# --- pictures --------------------------------------------------------------------------------


# Lines of the pictures: in each a method has the same colour, that of its place here.
DRAWN = [name for name in METHODS if name != "ASPOT, step 1/L"]
# Gradient methods swing to the end; what comes after so many steps is more of the same.
STEPS = {"APDAGD": 4000}
COLORS = (
    "#0072b2", "#d55e00", "#009e73", "#b3007a", "#e69f00", "#56b4e9", "#1f1f24", "#8a8f98",
)  # fmt: skip


def draw_passes(C: Floats, path: Path, temperatures: Sequence[float]) -> None:
    """E against passes, a panel for each temperature."""
    figure = Figure(figsize=(11.0, 4.7), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    panels = list(figure.subplots(1, len(temperatures), sharey=True, squeeze=False)[0])
    for axes, eps in zip(panels, temperatures, strict=True):
        results = {
            name: solved(name, C, eps, tol=1e-6, max_iter=STEPS.get(name, MOST)) for name in DRAWN
        }
        plot.convergence(results, axes, of="mass", legend=axes is panels[-1])
        axes.set_title(f"eps = {eps:g}", loc="left", fontsize=11, color=INK)
        axes.set_ylim(1e-13, 3.0)
        axes.set_xlim(0.8, 1e5)
        if axes is not panels[0]:
            axes.set_ylabel("")
    keep(figure, path)


def draw_costs(C: Floats, path: Path, eps: float) -> None:
    """What plans cost above the linear optimum, against passes: all stopped early, and repaired."""
    least = quot.solve(C, mass=MASS).cost
    figure = Figure(figsize=(9.4, 5.0), facecolor="white", layout="constrained")
    FigureCanvasAgg(figure)
    axes, levels = figure.subplots(), {}
    for place, name in enumerate(DRAWN):
        ends = stopped_early(name, C, eps)
        x, y = zip(*((r.history[-1].passes, r.cost - least) for r in ends), strict=True)
        line = {"color": COLORS[place], "linewidth": 1.7, "zorder": 3.0 - 0.1 * place}
        axes.plot(x, y, label=name, marker="o", markevery=[-1], markersize=6, **line)
        levels[METHODS[name][1].replace("E2", "E2 = E3")] = x[-1], y[-1]
    for p in (1.5, 2.0, 4.0):
        r = solve_tuned(C, 16.0 * eps, p)
        x, y = r.history[-1].passes, r.cost - least
        axes.plot(x, y, marker="D", markersize=6, color=INK)
        axes.annotate(
            f"tuned, p = {p:g}: eps = {r.problem.eps:.2g}",
            (x, y),
            (9, 0),
            textcoords="offset points",
            color=INK,
            fontsize=10,
            va="center",
        )
    axes.set(xscale="log", yscale="log", xlim=(1.5, 5e4))
    axes.set_xlabel("passes over all pairs", fontsize=10, color=INK)
    for text, end in levels.items():
        if text != "E3":
            axes.annotate(text, end, (8, 0), textcoords="offset points", va="center", color=INK)
    title = f"cost of repaired plans above that of the linear problem; eps = {eps:g}"
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    style(axes)
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        fontsize=10,
        labelcolor=INK,
        handlelength=1.4,
    )
    keep(figure, path)


def style(axes: Any) -> None:
    """A quiet grid, and numbers written out."""
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=FAINT, labelsize=10, length=0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color("#c8cbd0")


def stopped_early(name: str, C: Floats, eps: float) -> list[Any]:
    """Results after more and more steps; of Newton's method, to smaller and smaller tolerances."""
    if name.startswith("Newton"):
        return [solved(name, C, eps, tol=10.0**-k) for k in range(7)]
    most = STEPS.get(name, 3000)
    steps = sorted({round(k) for k in np.geomspace(1.0, most, 28)})
    return [solved(name, C, eps, tol=1e-6, max_iter=k) for k in steps]


def keep(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130, facecolor="white", metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer problems, no small eps")
    parser.add_argument("--pictures", type=Path, default=OUTPUT, help="where to draw")
    args = parser.parse_args()
    C = gaussians()
    kinds = {"Gaussians": C}
    temperatures = TEMPERATURES[:1] if args.quick else TEMPERATURES
    if not args.quick:
        kinds |= {"on a line": on_a_line(), "costs at random": at_random()}
        kinds |= {"Gaussians, 200 points": gaussians(200)}
    count_passes(kinds, temperatures)
    vary_mass(C, TEMPERATURES[0], MASSES[::4] if args.quick else MASSES)
    compare_formulations(C, (0.1, *temperatures))
    vary_corner(C, (0.3, 0.1))
    round_naively(C)
    tuned(C, (0.1,) if args.quick else (0.1, 0.02, 0.005), (1.0, 1.5, 2.0, 4.0))
    draw_passes(C, args.pictures / "entropic-passes.png", temperatures[::2])
    draw_costs(C, args.pictures / "entropic-costs.png", 0.02 if args.quick else 0.005)
    print(f"\npictures: entropic-passes.png, entropic-costs.png in {args.pictures}")


if __name__ == "__main__":
    main()
