"""Redistribute shared bikes over night, street by street.

A town is built: a bent grid of streets, some of them missing, some one-way, and a river with few
bridges, over each of which only so many bikes go in a night. Stations near the offices have too
many bikes, those further out too few. Vans move all of them, or the 60 % that are cheapest to move;
on the shortest ways (reg = 0), or spread over more streets (reg > 0).
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

import quot
from quot import plot

OUTPUT = Path("demo-output")
SEED, SIZE, SMALL = 4, 40, 20  # crossings a side
BLOCK = 0.12  # kilometres
MISSING, BRIDGES, PER_BRIDGE = 0.12, 5, 45.0  # part of the streets; bridges; bikes over each
STATIONS, BIKES = 60, 400
PART, REG = 0.6, 0.02  # of the bikes; kilometres per bike
WIDEST = 5.0  # points
INK, FAINT, WATER = "#1f1f24", "#6b6b76", "#cfe3f3"
FLOW, SENT, RECEIVED = "#0072b2", "#d55e00", "#009e73"

Floats = NDArray[np.float64]


class Town(NamedTuple):
    streets: quot.Graph
    river: Floats  # its middle, (k, 2)


def build_town(size: int, rng: np.random.Generator) -> Town:
    """Build a town of about size x size crossings, each of which a van can reach and leave."""
    grid = quot.graphs.grid((size, size))
    column, row = grid.positions.T
    tail, head = grid.edges.T
    northward = column[tail] == column[head]
    line = np.where(northward, column[tail], row[tail]).astype(int)
    # No street goes through the water, but for those on bridges.
    away = row - river(column, size)
    columns = (np.linspace(0.1, 0.9, BRIDGES) * (size - 1)).round()
    is_wet = (np.abs(away) < 0.75) & ~np.isin(column, columns)
    is_over = np.sign(away[tail]) != np.sign(away[head])
    is_bridge = is_over & northward & np.isin(line, columns)
    is_there = rng.random(grid.n_edges) > MISSING
    kept = is_bridge | (is_there & ~is_over & ~is_wet[tail] & ~is_wet[head])
    # Every fourth street is one-way, there and back in turn.
    one_way = (line % 4 == 2) & ~is_bridge
    turned = one_way & (line % 8 == 2)
    edges = np.where(turned[:, None], grid.edges[:, ::-1], grid.edges)[kept]
    one_way, is_bridge = one_way[kept], is_bridge[kept]
    # What a van can reach and leave.
    ways = np.concatenate((edges, edges[~one_way, ::-1]))
    matrix = csr_array((np.ones(len(ways)), ways.T), shape=(size * size, size * size))
    part = connected_components(matrix, connection="strong")[1]
    is_in = part == np.bincount(part).argmax()
    inside = is_in[edges].all(axis=1)
    place = bent(grid.positions + rng.uniform(-0.2, 0.2, (size * size, 2)), size)
    streets = quot.Graph(
        int(is_in.sum()),
        (np.cumsum(is_in) - 1)[edges[inside]],
        np.linalg.norm(np.diff(place[edges[inside]], axis=1)[:, 0], axis=1),
        directed=one_way[inside],
        capacity=np.where(is_bridge[inside], PER_BRIDGE, np.inf),
        positions=place[is_in],
    )
    x = np.linspace(-1.0, size, 200)
    return Town(streets, bent(np.stack((x, river(x, size)), axis=1), size))


def river(x: Floats, size: int) -> Floats:
    """Return how many blocks north the river is, so many blocks east."""
    return size * (0.52 + 0.1 * np.sin(2.0 * np.pi * x / size)) + 0.01


def bent(blocks: Floats, size: int) -> Floats:
    """Return places in kilometres; the streets are not quite straight."""
    x, y = blocks.T / size
    off = np.stack((np.sin(5.0 * y + 1.0), np.sin(5.0 * x)), axis=1)
    return BLOCK * (blocks + 0.03 * size * off)


def put_bikes(streets: quot.Graph, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Return the bikes too many, and too few, at each crossing; only stations have any."""
    n, place = streets.n_nodes, streets.positions
    low, high = place.min(axis=0), place.max(axis=0)
    offices = low + (0.45, 0.38) * (high - low)
    stations = rng.choice(n, min(STATIONS, n // 2), replace=False)
    away = np.linalg.norm(place[stations] - offices, axis=1)
    is_near = away < np.quantile(away, 0.45)
    bikes = np.zeros((2, n))
    for kind, chosen in zip(bikes, (stations[is_near], stations[~is_near]), strict=True):
        kind[chosen] = rng.multinomial(BIKES, rng.dirichlet(np.full(chosen.size, 3.0)))
    return bikes[0], bikes[1]


def describe(name: str, r: quot.GraphResult) -> str:
    """Return a line of the table."""
    fullest = np.abs(r.flow).max()
    return (
        f"{name:<18}{r.plan.total:7.0f}{r.cost:9.1f}{r.cost / r.plan.total:11.3f}"
        f"{r.plan.nnz:9d}{fullest:9.1f}{r.certificate.relative_gap:10.1e}{r.seconds:9.3f}"
    )


def draw(town: Town, r: quot.GraphResult, title: str, path: Path) -> None:
    """Draw the town with what goes along its streets."""
    figure = Figure(figsize=(7.6, 8.0), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.0, 0.07, 1.0, 0.89))
    axes.plot(*town.river.T, color=WATER, linewidth=13, zorder=0, solid_capstyle="butt")
    streets = town.streets
    bridges = streets.positions[streets.edges[np.isfinite(streets.capacity)]]
    axes.add_collection(LineCollection(list(bridges), colors=FAINT, linewidths=3.5, zorder=1))
    plot.flow(r, axes, width=WIDEST)
    most = float(np.abs(r.flow).max())
    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=10, color=SENT),
        Line2D([], [], linestyle="", marker="o", markersize=10, color=RECEIVED),
        Line2D([], [], linestyle="", marker="o", markersize=10, color=FAINT, fillstyle="none"),
        Line2D([], [], color=FLOW, linewidth=WIDEST),
        Line2D([], [], color=FLOW, linewidth=max(5.0 * WIDEST / most, 0.4)),
        Line2D([], [], color=FAINT, linewidth=3.5),
    ]
    names = (
        "bikes to spare, taken",
        "bikes wanted, brought",
        "left for another night",
        f"{most:.0f} bikes pass",
        "5 bikes pass",
        f"bridge, at most {PER_BRIDGE:.0f} bikes",
    )
    figure.legend(
        handles, names, loc="lower center", ncols=3, frameon=False, fontsize=11, labelcolor=INK
    )
    figure.text(0.5, 0.965, title, fontsize=13, color=INK, ha="center")
    figure.savefig(path, dpi=110, facecolor="white", metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller town")
    parser.add_argument(
        "--picture",
        type=Path,
        default=OUTPUT / "streets.png",
        help="where to draw it",
    )
    args = parser.parse_args()
    size, picture = SMALL if args.quick else SIZE, args.picture
    rng = np.random.default_rng(SEED)
    town = build_town(size, rng)
    spare, wanted = put_bikes(town.streets, rng)
    one_way, bridges = town.streets.directed.sum(), np.isfinite(town.streets.capacity).sum()
    print(
        f"{town.streets.n_nodes} crossings, {town.streets.n_edges} streets, {one_way} of them "
        f"one-way, {bridges} bridges; {BIKES} bikes to spare and {BIKES} wanted"
    )
    heads = ("bikes", "bike km", "km a bike", "streets", "fullest", "gap", "seconds")
    print("{:<18}{:>7}{:>9}{:>11}{:>9}{:>9}{:>10}{:>9}".format("", *heads))
    found = {}
    for part in (1.0, PART):
        for reg in (0.0, REG):
            r = quot.solve_graph(town.streets, spare, wanted, reg=reg, mass=part * BIKES)
            found[part, reg] = r
            print(describe(f"{100 * part:.0f} %, reg = {reg:g}", r))
    each = {part: found[part, 0.0].cost / found[part, 0.0].plan.total for part in (1.0, PART)}
    print(f"a bike of the {100 * PART:.0f} % goes {each[PART] / each[1.0]:.2f} times as far")
    picture.parent.mkdir(parents=True, exist_ok=True)
    title = (
        f"The {PART * BIKES:.0f} of {BIKES} bikes that are cheapest to move: "
        f"{each[PART]:.2f} km each (all: {each[1.0]:.2f})"
    )
    draw(town, found[PART, 0.0], title, picture)
    print(f"picture: {picture}")


if __name__ == "__main__":
    main()
