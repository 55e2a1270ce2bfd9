r"""Transport between a million points in the plane and a million others, from files to a file.

Writes two files of points, chooses `reg` for about eight entries in a row of the plan, says what
the solve will take, moves 70 % of the mass, and writes the plan as a sparse matrix. Then it reads
the plan with SciPy alone and draws where the points go. Try it with ``--points 5000`` first.

The same on the command line, with the files and the `reg` that this script prints::

    quot solve --points demo-output/points-x.npy demo-output/points-y.npy \
        --reg 76 --mass 0.7 --tol 1e-6 -o demo-output/points-plan.npz
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from scipy import sparse

import quot

OUTPUT = Path("demo-output")
X_FILE, Y_FILE = OUTPUT / "points-x.npy", OUTPUT / "points-y.npy"
PLAN_FILE, PICTURE = OUTPUT / "points-plan.npz", OUTPUT / "points.png"
MASS, NEIGHBOURS, TOL = 0.7, 8, 1e-6
DRAWN = 1500


def write_points(n: int) -> None:
    rng = np.random.default_rng(0)
    np.save(X_FILE, rng.normal(size=(n, 2)))
    np.save(Y_FILE, 0.7 * rng.normal(size=(n, 2)) + 1.0)


def solve() -> quot.Result:
    X, Y = np.load(X_FILE, mmap_mode="r"), np.load(Y_FILE, mmap_mode="r")
    cost = quot.PointCost(X, Y)
    reg = quot.suggest_reg(quot.Problem(cost, mass=MASS), neighbours=NEIGHBOURS)
    print(f"reg {reg:.6g} suggested for {NEIGHBOURS} entries a row", flush=True)
    return quot.solve(cost, reg=reg, mass=MASS, tol=TOL, verbose=True)


def report(result: quot.Result) -> None:
    print(result.status.advice)
    print(result.certificate)
    print(f"{result.seconds:.1f} s; the plan is in {PLAN_FILE}")


def read_plan() -> sparse.csr_array:
    plan = sparse.csr_array(sparse.load_npz(PLAN_FILE))
    each = np.diff(plan.indptr)
    sends = each > 0
    print(f"read again: {plan.shape[0]:,} x {plan.shape[1]:,}, {plan.nnz:,} entries")
    print(f"  mass        {plan.sum():.12g}")
    print(f"  rows        {sends.sum():,} send, {each[sends].mean():.2f} entries each in the mean")
    print(f"  on disk     {PLAN_FILE.stat().st_size / 1e6:.1f} MB")
    return plan


def draw(plan: sparse.csr_array) -> None:
    """A line from each of some points to the mean of where its mass goes."""
    X, Y = np.load(X_FILE, mmap_mode="r"), np.load(Y_FILE, mmap_mode="r")
    rows = np.arange(0, X.shape[0], -(-X.shape[0] // DRAWN))
    some, starts = plan[rows], X[rows]
    sent = some.sum(axis=1)
    moves = sent > 0.5 / X.shape[0]
    ends = (some @ Y)[moves] / sent[moves, None]
    figure = Figure(figsize=(7.0, 7.0), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.91))
    axes.scatter(*starts[~moves].T, s=4.0, color="#b9bcc0", linewidth=0)
    lines = np.stack((starts[moves], ends), axis=1)
    axes.add_collection(LineCollection(list(lines), colors="#0072b2", linewidths=0.6, alpha=0.55))
    axes.scatter(*ends.T, s=6.0, color="#d55e00", linewidth=0, zorder=3)
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(
        f"{rows.size:,} of {X.shape[0]:,} points: orange where they go, grey if they stay",
        loc="left",
        fontsize=12,
    )
    figure.savefig(PICTURE, dpi=130)
    print(f"  picture     {PICTURE}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=1_000_000, metavar="N", help="on each side")
    args = parser.parse_args()
    OUTPUT.mkdir(exist_ok=True)
    write_points(args.points)
    result = solve()
    sparse.save_npz(PLAN_FILE, result.plan.to_csr(), compressed=False)
    report(result)
    draw(read_plan())


if __name__ == "__main__":
    main()
