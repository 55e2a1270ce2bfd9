"""``quot graph``: transport along the edges of a graph, from files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import quot
from quot.cli import common
from quot.convergence import Iterate
from quot.exceptions import InvalidProblemError
from quot.io.cells import number
from quot.io.files import check_apart, check_writable, write_atomically
from quot.io.flows import write_balance, write_flow
from quot.io.graphs import GraphData, read_graph
from quot.io.results import SUFFIXES
from quot.io.roles import Roles
from quot.io.tables import check_table_path
from quot.optional import need
from quot.result import GraphResult
from quot.validation import TOTALS_ROUND_OFF, as_number, round_off

PICTURES = (".png", ".pdf", ".svg")
_DPI = 150


def add_parser(subparsers: common.Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "graph",
        help="transport along the edges of a graph",
        description=(
            "Minimise sum l |w| + R/2 w^2 over flows w along the edges of a graph that bring the "
            "masses of the source to the target, or S of them, and print the value with its "
            "certificate. Edges and nodes are tables: .csv with a header, separated by comma, "
            "semicolon or tab, or .parquet (extra `parquet`). A .graphml has both."
        ),
        epilog=common.EXIT_CODES,
    )
    parser.add_argument("file", metavar="FILE", help="edges, .csv or .parquet; or a .graphml")
    parser.add_argument("--nodes", metavar="NODES", help="nodes, .csv or .parquet")
    _add_columns(parser)
    _add_problem(parser)
    parser.add_argument(
        "-o", dest="output", metavar="FLOWS", help="write the edges that carry something there, "
        "and what, .csv or .parquet",
    )  # fmt: skip
    parser.add_argument(
        "--balance", metavar="FILE", help="write what each node sends and receives there, .csv or "
        ".parquet",
    )  # fmt: skip
    parser.add_argument(
        "--picture", metavar="FILE", help=f"draw the flow there, {', '.join(PICTURES)} (extra "
        "`images`); nodes need places",
    )  # fmt: skip
    parser.add_argument("--save", metavar="RESULT", help="write all of the result there, .npz")
    common.add_json_argument(parser)


def _add_columns(parser: argparse.ArgumentParser) -> None:
    nodes = parser.add_argument_group("columns of the nodes, or attributes in a .graphml")
    nodes.add_argument("--source", metavar="COL", required=True, help="mass that is there")
    nodes.add_argument("--target", metavar="COL", required=True, help="mass that is wanted there")
    nodes.add_argument(
        "--node", metavar="COL", help="name (default: `node`, `id`, or the first column)"
    )
    nodes.add_argument(
        "--xy", nargs=2, metavar="COL", help="where it is (default: `x`, `y`, if there are such)"
    )
    edges = parser.add_argument_group("columns of the edges, or attributes in a .graphml")
    edges.add_argument(
        "--ends", nargs=2, metavar="COL", help="the two nodes (default: `source`, `target`, or "
        "`from`, `to`, or `tail`, `head`, or `u`, `v`, or the first two columns besides an index)",
    )  # fmt: skip
    edges.add_argument(
        "--length", metavar="COL", help="cost of a unit (default: `length`, `weight` or `cost`)"
    )
    edges.add_argument(
        "--capacity", metavar="COL", help="the most it carries; no limit where the field is empty "
        "(default: `capacity`, if there is such)",
    )  # fmt: skip
    edges.add_argument(
        "--one-way", metavar="COL", help="1, true or yes where it leads from its first node to its "
        "second only, else 0, false, no or nothing (default: `directed`, if there is such)",
    )  # fmt: skip
    edges.add_argument(
        "--directed", action="store_true", help="all lead from the first node to the second only"
    )


def _add_problem(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--reg", metavar="R", help="strength of the quadratic term, a number or a column of the "
        "edges (default: 0)",
    )  # fmt: skip
    mass = parser.add_mutually_exclusive_group()
    mass.add_argument(
        "--mass", type=number, metavar="S", help="mass to move (default: all, and equal totals)"
    )
    mass.add_argument(
        "--mass-fraction", type=number, metavar="F", help="the same, as a part of the smaller total"
    )
    common.add_solver_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Read, solve, write, print; return the exit code."""
    _check_outputs(args)
    reg, column = _strength(args.reg)
    if args.node is not None and args.nodes is None:
        raise InvalidProblemError("`--node` is a column of `--nodes`, which is missing; add it.")
    data = read_graph(args.file, _roles(args, column), nodes=args.nodes, directed=args.directed)
    if args.picture is not None:
        _check_places(data, args)
    read = _said(data, args)
    common.say_read(args, read)
    with common.progress("solving", describe=describe) as callback:
        result = quot.solve_graph(
            data.graph,
            data.source,
            data.target,
            reg=reg if data.reg is None else data.reg,
            mass=_mass(args, data),
            callback=callback,
            on_failure="ignore",
            **common.solver_options(args),
        )
    if args.output is not None:
        write_flow(result.plan, args.output, data.ends)
    if args.balance is not None:
        write_balance(result, args.balance, data.node)
    if args.picture is not None:
        _draw(result, args.picture)
    if args.save is not None:
        quot.save(result, args.save)
    written = {"flows": args.output, "balance": args.balance, "picture": args.picture}
    written["result"] = args.save
    if args.json:
        columns = dict(zip(("edges", "nodes"), data.columns, strict=True))
        facts = {"read": read, "columns": columns, **result_facts(result)}
        common.print_json({**facts, **written})
    else:
        named = [(name, path) for name, path in written.items() if path is not None]
        common.print_table([*result_rows(result), *named])
    return common.CERTIFIED if result.converged else common.NOT_CERTIFIED


def _said(data: GraphData, args: argparse.Namespace) -> str:
    """Say what was read, by which columns."""
    graph, columns = data.graph, (", ".join(names) for names in data.columns)
    edges, nodes = columns
    masses = ((args.source, data.source), (args.target, data.target))
    totals = ", ".join(f"{name} of total {mass.sum(dtype=float):.12g}" for name, mass in masses)
    return f"{graph.n_nodes:,} nodes ({nodes}), {graph.n_edges:,} edges ({edges}), {totals}"


def describe(k: Iterate) -> str:
    """Return what a line of progress says."""
    return (
        f"reg {k.reg:.3g}, {k.support:,} of {k.candidates:,} edges carry mass, {k.inner} steps, "
        f"residual {k.residual:.1e}, {k.seconds:.1f} s"
    )


# --- what there is to say ------------------------------------------------------------------------


def result_facts(result: GraphResult) -> dict[str, Any]:
    """Return what there is to say about a result, for JSON."""
    problem, flow, graph = result.problem, result.plan, result.problem.graph
    certificate = common.certificate_facts(result.certificate)
    carried = np.abs(flow.values)
    return {
        "nodes": graph.n_nodes,
        "edges": graph.n_edges,
        "one_way": int(graph.directed.sum()),
        "limited": int(np.isfinite(graph.capacity).sum()),
        "components": graph.n_components,
        "reg": [float(problem.weights.min(initial=np.inf)), float(problem.weights.max(initial=0))]
        if np.ndim(problem.reg)
        else problem.reg,
        "mass": problem.mass,
        "source": float(problem.source.sum()),
        "target": float(problem.target.sum()),
        "value": result.value,
        "cost": result.cost,
        "mass_moved": flow.total,
        "mass_in_place": float(np.minimum(flow.sent, flow.received).sum()),
        "edges_used": flow.nnz,
        "flow": float(carried.sum()),
        "largest_flow": float(carried.max(initial=0.0)),
        "full": int(np.count_nonzero(carried >= graph.capacity)),
        **{name: value for name, value in certificate.items() if name != "pairs"},
        "rescaled": common.rescaled_facts(result),
        "status": result.status.name,
        "converged": result.converged,
        "method": result.method,
        "iterations": len(result.history),
        "seconds": result.seconds,
    }


def result_rows(result: GraphResult) -> list[tuple[str, str]]:
    """Return what there is to say about a result, for a table."""
    facts = result_facts(result)
    reg = facts["reg"]
    edges = f"{facts['edges']:,}"
    for count, what in ((facts["one_way"], "one way"), (facts["limited"], "with a capacity")):
        edges += f", {count:,} {what}" if count else ""
    moved = (
        f"{facts['mass_moved']:.12g}, of {facts['source']:.12g} there and "
        f"{facts['target']:.12g} wanted"
    )
    used = f"{facts['edges_used']:,}"
    used += f", {facts['full']:,} of them full" if facts["full"] else ""
    return [
        ("nodes", f"{facts['nodes']:,}"),
        ("edges", edges),
        ("components", f"{facts['components']:,}"),
        ("reg", f"{reg:g}" if isinstance(reg, float) else f"{reg[0]:g} to {reg[1]:g}"),
        ("value", f"{facts['value']:.12g}"),
        ("cost", f"{facts['cost']:.12g}"),
        ("mass moved", moved),
        *common.rescaled_rows(result),
        ("stays in place", f"{facts['mass_in_place']:.12g} of it, wanted where it is"),
        ("edges used", used),
        ("flow", f"{facts['flow']:.12g} over all edges, at most {facts['largest_flow']:.12g}"),
        *common.certificate_rows(result.certificate),
        ("status", f"{result.status.name}, {result.status.advice}"),
        ("seconds", f"{result.seconds:.3g}"),
    ]


# --- the problem ---------------------------------------------------------------------------------


def _roles(args: argparse.Namespace, reg: str | None) -> Roles:
    return Roles(
        source=args.source,
        target=args.target,
        node=args.node,
        xy=args.xy and tuple(args.xy),
        ends=args.ends and tuple(args.ends),
        length=args.length,
        capacity=args.capacity,
        one_way=args.one_way,
        reg=reg,
    )


def _strength(text: str | None) -> tuple[float, str | None]:
    """Return reg as a number, or the column it is in."""
    try:
        return number(text or "0"), None
    except ValueError:
        return 0.0, text


def _mass(args: argparse.Namespace, data: GraphData) -> float | None:
    """Return the mass to move; None for all, which needs equal totals."""
    have, want = (float(masses.sum(dtype=float)) for masses in (data.source, data.target))
    least = min(have, want)
    if args.mass_fraction is not None:
        part = as_number(args.mass_fraction, "mass-fraction")
        if not 0.0 <= part <= 1.0:
            raise InvalidProblemError(
                f"`--mass-fraction` must be from 0 to 1; got {part:g}. `--mass` is in the units of "
                "the masses."
            )
        return part * least
    excused = max(TOTALS_ROUND_OFF, round_off(data.source), round_off(data.target))
    if args.mass is None and abs(have - want) > excused * max(have, want):
        raise InvalidProblemError(
            f"`{args.source}` sums to {have:.12g} and `{args.target}` to {want:.12g}: moving all "
            f"mass needs equal totals. Pass `--mass {least:.12g}` to move as much as can be, or "
            "less, or rescale one of them."
        )
    mass: float | None = args.mass
    return mass


# --- outputs -------------------------------------------------------------------------------------


def _check_outputs(args: argparse.Namespace) -> None:
    """Refuse, before any work, files that cannot be written."""
    for path in (args.output, args.balance):
        if path is not None:
            check_table_path(path)
    if args.picture is not None:
        check_writable(args.picture, PICTURES)
        need("matplotlib", "pictures", "images")
    if args.save is not None:
        check_writable(args.save, SUFFIXES)
    outputs = [("-o", args.output), ("--balance", args.balance), ("--picture", args.picture)]
    inputs = [("FILE", args.file), ("--nodes", args.nodes)]
    check_apart([*outputs, ("--save", args.save)], inputs)


def _check_places(data: GraphData, args: argparse.Namespace) -> None:
    if data.unplaced:
        raise InvalidProblemError(
            f"`--picture` needs a place for each node, and {len(data.unplaced)} of "
            f"{data.graph.n_nodes} have none, the first {data.unplaced[0]!r}; give the nodes of "
            f"`{args.nodes or args.file}` numbers `x` and `y`, or name their columns "
            "(`--xy COL COL`)."
        )


def _draw(result: GraphResult, path: str) -> None:
    from quot import plot

    figure = plot.flow(result).figure  # square, and most graphs are not
    with write_atomically(path) as stream:
        kind = Path(path).suffix[1:].lower()
        figure.savefig(stream, format=kind, dpi=_DPI, bbox_inches="tight")
