"""Arguments that are right but in the wrong place: what to say of them.

Nothing here is asked unless a call has failed.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from difflib import get_close_matches
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

import numpy as np
import scipy.sparse as sp

from quot.exceptions import InvalidProblemError

# What to do where a problem is to be given.
A_PROBLEM = " Make a problem of a cost and masses, `quot.Problem(C, a, b)`."

P = ParamSpec("P")
R = TypeVar("R")


def by_name(example: str, advice: str = "") -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say which arguments a function takes if it is called with more, or with others.

    Parameters
    ----------
    example : str
        An argument that goes by name; empty if there is none.
    advice : str, optional
        What else to say where there are too many.
    """

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        parameters = signature(function).parameters
        names = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]

        @wraps(function)
        def called(*args: P.args, **options: P.kwargs) -> R:
            name = function.__name__
            if len(args) > len(names):
                others = f"; pass the others by name, as in `{example}=...`" if example else ""
                raise TypeError(
                    f"`{name}` takes {len(names)} positional argument{'s' * (len(names) > 1)}, "
                    f"{', '.join(names)}{' in this order' * (len(names) > 1)}, and got "
                    f"{len(args)}, the last a {type(args[-1]).__name__}{others}.{advice}"
                )
            for option in options:
                if option not in parameters:
                    near = get_close_matches(option, parameters, 1)
                    guess = f"did you mean `{near[0]}`? It" if near else "it"
                    raise TypeError(
                        f"{name}() got an unexpected keyword argument {option!r}; {guess} takes "
                        f"{', '.join(parameters)}."
                    )
            return function(*args, **options)

        return called

    return decorated


def explained(reason: Callable[..., str | None]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Say what was mixed up, if `reason` knows, where a function refuses its arguments."""

    def decorated(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def called(*args: P.args, **options: P.kwargs) -> R:
            try:
                return function(*args, **options)
            except InvalidProblemError:
                better = reason(*args)
                if better is None:
                    raise
                raise InvalidProblemError(better) from None

        return called

    return decorated


def of_problem(problem: Any) -> str | None:
    """What is mixed up in a cost and its masses."""
    C, a, b = problem.cost, problem.a, problem.b
    c, p, q = map(_shape, (C, a, b))
    if hasattr(C, "cost"):
        return (
            f"`C` is a {type(C).__name__} and not a cost; pass what is in it, `problem.cost, "
            "problem.a, problem.b` and the rest by name."
        )
    first = "the cost comes first, then the masses: (C, a, b)."
    if c is not None and len(c) == 1 and 2 in (len(p or ()), len(q or ())):
        named = (f"`{name}` of shape {shape}" for name, shape in zip("Cab", (c, p, q), strict=True))
        return f"{first} Got {', '.join(named)}."
    if c is not None and len(c) == 1 and p is not None and len(p) == 1 and q is None:
        return (
            f"`C` must have 2 axes, as (n, m); got shape {c} and masses of shape {p}. "
            f"T{first[1:]} For points on a line call `quot.solve_points(x[:, None], y[:, None])`."
        )
    if c is not None and len(c) == 3:
        return (
            f"`C` must have 2 axes, as (n, m); got shape {c}. For many problems call "
            "`quot.solve_batch`."
        )
    return None if c is None or len(c) != 2 else _of_masses(c, (a, p), (b, q))


def _of_masses(c: tuple[int, ...], one: tuple[Any, Any], other: tuple[Any, Any]) -> str | None:
    """What is mixed up in masses, each with its shape, beside a cost of a shape."""
    for name, (value, shape), side in (("a", one, "row"), ("b", other, "column")):
        if isinstance(value, numbers.Real):
            return (
                f"`{name}` is {value:.6g}, and masses are arrays, one a {side}; what else there is "
                f"goes by name, as in `reg={value:.6g}`."
            )
        if shape == (c[name == "b"], 1):
            call = f"{name}.squeeze()" if hasattr(value, "iloc") else f"{name}.ravel()"
            return f"`{name}` has shape {shape}, and masses have one axis; pass `{call}`."
    p, q = one[1], other[1]
    if p is not None and len(p) == 2 and p[0] > 1 and p[1] == c[1]:
        return (
            f"`C` of shape {c} and `a` of shape {p} look like two sets of points; call "
            "`quot.solve_points(X, Y)`, or pass `quot.PointCost(X, Y)` as the cost."
        )
    if (p, q) == (c[1:], c[:1]) and c[0] != c[1]:
        return (
            f"`a` has {c[1]} entries and `b` has {c[0]}, and the cost is {c[0]} x {c[1]}: `a` is "
            "of the rows, `b` of the columns. Swap them, or transpose the cost."
        )
    return None


def of_points(X: Any, Y: Any, a: Any = None, b: Any = None) -> str | None:
    """What is mixed up in points and their masses: a cost and its masses were given."""
    x, y, p, q = map(_shape, (X, Y, a, b))
    if [len(k) for k in (x, y, p, q) if k is not None] in ([1, 1, 2, 2], [2, 1, 2, 1]):
        named = (f"`{k}` of shape {shape}" for k, shape in zip("XYab", (x, y, p, q), strict=True))
        return f"the points come first, then the masses: (X, Y, a, b). Got {', '.join(named)}."
    if x is None or len(x) != 2 or (y, p) != (x[:1], x[1:]) or b is not None:
        return None
    return (
        f"`X`, `Y` and `a` of shapes {x}, {y} and {p} look like a cost and its masses; call "
        "`quot.solve(C, a, b)`."
    )


def of_graph(problem: Any) -> str | None:
    """What is mixed up in a graph and its masses."""
    given = problem.graph, problem.source, problem.target
    is_graph = [hasattr(x, "edges") or sp.issparse(x) for x in given]
    if is_graph[0] or not any(is_graph):
        return None
    return (
        "the graph comes first, then the masses: (graph, source, target). Got "
        f"{', '.join(type(x).__name__ for x in given)}."
    )


def _shape(value: Any) -> tuple[int, ...] | None:
    """The shape of what may be an array; None where it has none."""
    if value is None:
        return None
    try:
        return tuple(getattr(value, "shape", None) or np.shape(value))
    except (TypeError, ValueError, RuntimeError):
        return None
