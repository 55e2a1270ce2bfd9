"""The files of a problem: cost or points, and masses; and what there is to say of what was read."""

from __future__ import annotations

import argparse
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.api import adaptive_problem
from quot.cli.common import in_brackets
from quot.cli.transport import AnyProblem, check_kind
from quot.costs import PointCost, SparseCost
from quot.entropic.methods import formulation_of
from quot.exceptions import InvalidProblemError
from quot.io.arrays import Arrays, Noted, as_vector, pick, read_arrays, read_vector
from quot.io.results import is_result
from quot.labels import Labels, matched, of_file
from quot.problem import EntropicProblem, Problem

Floats = NDArray[np.float64]

_METRIC = "sqeuclidean"


def read_problem(args: argparse.Namespace, method: str = "auto") -> tuple[AnyProblem, str]:
    """Read the problem that --cost or COST, --points, --metric, -a, -b, ... describe.

    An entropic one without --formulation is of the first that the method solves.

    Returns
    -------
    problem : Problem, EntropicProblem or AdaptiveProblem
    read : str
        What was read, in one line.
    """
    check_kind(args)
    formulation = "E1"
    if args.eps is not None:
        name = "newton" if method == "auto" else method
        formulation = formulation_of(name, args.formulation, is_balanced=args.mass is None)
    cost, a, b, notes = _read(args)
    problem: AnyProblem
    if args.perplexity is not None:
        problem = adaptive_problem(
            cost,
            a,
            b,
            perplexity=args.perplexity if len(args.perplexity) > 1 else args.perplexity[0],
            on=args.on or "source",
            regularizer=args.regularizer or "quadratic",
        )
    elif args.eps is None:
        problem = Problem(cost, a, b, reg=args.reg or 0.0, mass=args.mass)
    else:
        problem = EntropicProblem(cost, a, b, eps=args.eps, mass=args.mass, formulation=formulation)
    return problem, _said(problem, notes)


def inputs(args: argparse.Namespace) -> list[tuple[str, str | None]]:
    """Return the files that `read_problem` reads, each with what names it."""
    points = [("--points", path) for path in args.points or ()]
    return [("COST", args.cost), *points, ("-a", args.a), ("-b", args.b)]


class _Notes(NamedTuple):
    """What was taken of the files of cost or points, and of those of masses; None without one."""

    rows: str
    columns: str
    a: str | None
    b: str | None


def _said(problem: AnyProblem, notes: _Notes) -> str:
    """Say what was read."""
    (n, m), cost = problem.shape, problem.cost
    first, second = in_brackets(notes.rows), in_brackets(notes.columns)
    if isinstance(cost, PointCost):
        d = cost.X.shape[1]
        of = f"of {d} coordinate{'s' * (d != 1)}"
        what = f"{n:,} x {m:,} points {of}{first}"
        if first != second:
            what = f"{n:,} points{first} x {m:,} points{second} {of}"
    elif isinstance(cost, SparseCost):
        what = f"sparse cost of {n:,} x {m:,}, {n * m - cost.rows.size:,} pairs forbidden"
    else:
        what = f"cost of {n:,} x {m:,}{first}"
    sides = [
        f"{name} uniform"
        if note is None
        else f"{name} of total {mass.sum():.6g}{in_brackets(note)}"
        for name, mass, note in (("a", problem.a, notes.a), ("b", problem.b, notes.b))
    ]
    if notes.a is None and notes.b is None:
        sides = ["masses uniform"]
    return ", ".join([what, *sides])


def _read(args: argparse.Namespace) -> tuple[Any, Any, Any, _Notes]:
    """Cost and masses, and what to say of their files."""
    if args.points is None:
        if args.metric is not None:
            raise InvalidProblemError(
                "`--metric` is for points, and the cost is a file; leave it out, or pass "
                "`--points X Y`."
            )
        rows = columns = _arrays_of_problem(args.cost)
        cost = pick(rows, "C", args.cost)
        files = (args.cost, args.cost)
        labels = rows.rows, rows.columns and of_file(rows.columns)
    else:
        files = (args.points[0], args.points[1])
        rows, columns = (_arrays_of_problem(file) for file in files)
        X, Y = _points(rows, "X", files[0]), _points(columns, "Y", files[1])
        order = matched(rows.columns, columns.columns, files)
        cost = PointCost(X, Y if order is None else Y[:, order], metric=args.metric or _METRIC)
        labels = rows.rows, columns.rows
    a, of_a = _masses("a", args.a, rows, files[0], labels[0])
    b, of_b = _masses("b", args.b, columns, files[1], labels[1])
    return cost, a, b, _Notes(rows.note, columns.note, of_a, of_b)


def _arrays_of_problem(path: str) -> Noted:
    arrays = read_arrays(path)
    if is_result(arrays):
        raise InvalidProblemError(
            f"`{path}` is a saved result, not a cost; check it with `quot check`, or pass the cost."
        )
    return arrays


def _points(arrays: Arrays, name: str, path: str) -> Any:
    points = pick(arrays, name, path)
    if sp.issparse(points):
        raise InvalidProblemError(
            f"`{name}` in `{path}` is a sparse matrix of shape {points.shape}; pass a plain array."
        )
    return points


def _masses(
    name: str, path: str | None, beside: Arrays, beside_path: str, labels: Labels
) -> tuple[Floats | None, str | None]:
    """Masses from their own file, or from an array of that name beside the cost; and a note."""
    if path is not None:
        return read_vector(path, name, labels)
    return (as_vector(beside[name], name, beside_path), "") if name in beside else (None, None)
