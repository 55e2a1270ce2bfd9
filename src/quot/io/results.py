"""Results to and from .npz, never pickled; a loaded one is certified anew.

What is special about results on graphs is in `graph_results`.
"""

from __future__ import annotations

import warnings
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.certificate import certify
from quot.convergence import Iterate, Status, Tolerance
from quot.costs import Cost, DenseCost, PointCost, SparseCost
from quot.exceptions import InvalidProblemError, NumericalWarning, QuotWarning
from quot.gibbs_plan import AnyPlan, GibbsPlan
from quot.interrupts import interruptible
from quot.io import graph_results
from quot.io.arrays import (
    Arrays,
    kinds,
    labels_of,
    labels_to_array,
    listed,
    read_npz,
    vector_of,
)
from quot.io.files import (
    UNREADABLE,
    PathLike,
    check_path,
    check_writable,
    too_large,
    write_atomically,
)
from quot.plan import Plan
from quot.problem import AdaptiveProblem, EntropicProblem, Problem, Transport, with_origin
from quot.result import AdaptiveResult, GraphResult, Result
from quot.validation import Rescaled, as_array

Floats = NDArray[np.float64]

FORMAT = "quot-result"
SUFFIXES = (".npz",)
# One more with every change of what is in a file.
VERSION = 2
# The classes of problems a file can hold.
_KINDS: dict[str, type[Transport]] = {
    "quadratic": Problem,
    "entropic": EntropicProblem,
    "adaptive": AdaptiveProblem,
}
# What an adaptive problem, and its result, have one of for each row, and for each column.
_PERPLEXITIES = ("row_perplexity", "col_perplexity")
_MULTIPLIERS = ("row_multipliers", "col_multipliers")
# Arrays of a plan that is kept by its prices; their names in a file begin with `plan_`.
_PRICES = ("f", "g", "u", "w")
_LABELS = ("row_labels", "col_labels")


def save(result: Result[Any] | GraphResult, path: PathLike) -> None:
    """Write a result to a single .npz file, from which `load` makes it again, bit for bit.

    The file holds the problem, the plan, the potentials and how the solve went; a plan in which all
    pairs carry mass by its prices. It is an uncompressed NumPy archive without pickled objects, and
    replaces an older file in one step: a reader sees the old file or the new one, never half of
    one.

    Parameters
    ----------
    result : Result, AdaptiveResult or GraphResult
        What to save; its cost is an array, a scipy.sparse array or a `PointCost`, its graph has
        integers or text for labels, if it has any. Labels of rows and columns that are neither
        are left out, with a warning.
    path : str or path
        Where to; the name is taken as it is, and ends in .npz or has no suffix.

    Raises
    ------
    InvalidProblemError
        If the cost is of a class of your own, or the prices of the plan are for another, or the
        labels of a graph are of another kind, or the file cannot be written or is to be of another
        format.

    Warns
    -----
    QuotWarning
        If labels of rows or columns are left out.

    Examples
    --------
    >>> import os, tempfile, quot
    >>> r = quot.solve([[0.0, 2.0], [2.0, 1.0]], mass=0.7)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "r.npz")
    ...     quot.save(r, path)
    ...     quot.load(path).value == r.value
    True
    """
    kinds, given = (Result, GraphResult), (result, path)
    is_one = [isinstance(each, kinds) for each in given]
    if not is_one[0]:
        first = " It comes first: `quot.save(result, path)`." if is_one[1] else ""
        raise InvalidProblemError(
            f"`result` must be what a solver returns, as from `quot.solve`; got a "
            f"{type(result).__name__}.{first}"
        )
    check_path(path)
    check_writable(path, SUFFIXES if Path(path).suffix else ())
    tolerance = result.tolerance
    arrays: Arrays = {
        "format": FORMAT,
        "version": VERSION,
        **_solved_to_arrays(result),
        **_labels_to_arrays(result.problem),
        **_origin_to_arrays(result.problem),
        "f": result.f,
        "g": result.g,
        "lam": result.lam,
        "status": result.status.name,
        "tolerance": np.array([tolerance.primal, tolerance.dual, tolerance.gap]),
        "method": result.method,
        "seconds": result.seconds,
    }
    for name, kind in _history_types().items():
        arrays[f"history_{name}"] = np.array([getattr(k, name) for k in result.history], kind)
    with write_atomically(path) as stream:
        np.savez(stream, allow_pickle=False, **arrays)


@interruptible
def load(path: PathLike) -> Result[Any] | GraphResult:
    """Read a result written by `save` and certify it anew.

    Nothing the file says about its quality is believed: the problem passes the same door as any
    other, and the certificate is computed from problem, plan and potentials, over all pairs, or
    over all edges of a graph.

    Parameters
    ----------
    path : str or path
        A file written by `save`.

    Returns
    -------
    Result, AdaptiveResult or GraphResult

    Raises
    ------
    InvalidProblemError
        If the file is missing, damaged, too large, of another kind or of another version.

    Warns
    -----
    NumericalWarning
        If the file claims an optimal plan and the certificate does not hold.
    """
    check_path(path)
    arrays = read_npz(path, expected="a result that `quot.save` wrote,")
    if not is_result(arrays):
        raise InvalidProblemError(
            f"`{path}` is not a result of quot; got an archive of {listed(arrays)}. "
            "Pass a file written by `quot.save`."
        )
    try:
        version = int(arrays["version"])
    except UNREADABLE as error:
        raise _damaged(path, "no version number") from error
    if version != VERSION:
        age, advice = (
            ("a later", "read it with a later quot")
            if version > VERSION
            else ("an older", "solve again, or read it with the quot that wrote it")
        )
        raise InvalidProblemError(
            f"`{path}` is of {age} quot: it has format version {version}, and this one reads "
            f"version {VERSION}; {advice}."
        )
    for name, array in arrays.items():
        if array.dtype.kind not in "fiubU":
            raise _damaged(path, f"`{name}` is {array.dtype}")
    try:
        result = _assemble(arrays)
    except MemoryError as error:
        raise too_large(path, error) from error
    except UNREADABLE as error:
        reason = f"no array {error}" if isinstance(error, KeyError) else str(error)
        raise _damaged(path, reason) from error
    if result.status is Status.OPTIMAL and not result.converged:
        warnings.warn(
            f"`{path}` claims an optimal plan, but its certificate does not hold (relative gap "
            f"{result.certificate.relative_gap:.1e}, residual "
            f"{result.certificate.primal_residual:.1e}); solve again.",
            NumericalWarning,
            stacklevel=2,
        )
    return result


def _assemble(arrays: Arrays) -> Result[Any] | GraphResult:
    """Build the result the arrays describe; any error means that they describe none."""
    if graph_results.is_graph(arrays):
        graph_problem = graph_results.problem_from_arrays(arrays)
        n = m = graph_problem.graph.n_nodes
        flow = graph_results.flow_from_arrays(arrays, graph_problem.graph)
        return GraphResult(**_how_it_went(arrays, graph_problem, flow, (n, m)))
    problem = _problem_from_arrays(arrays)
    plan, (n, m) = _plan_from_arrays(arrays, problem), problem.shape
    if not isinstance(problem, AdaptiveProblem):
        return Result(**_how_it_went(arrays, problem, plan, (n, m)))
    eps, delta = (
        vector_of(arrays[name], size, name) for name, size in zip(_MULTIPLIERS, (n, m), strict=True)
    )
    fields_of = _how_it_went(arrays, problem, plan, (n, m), multipliers=(eps, delta))
    return AdaptiveResult(**fields_of, row_multipliers=eps, col_multipliers=delta)


def _how_it_went(
    arrays: Arrays, problem: Any, plan: Any, shape: tuple[int, int], **judged_by: Any
) -> dict[str, Any]:
    """The fields of a result with this problem and this plan or flow."""
    f, g = (vector_of(arrays[name], size, name) for name, size in zip("fg", shape, strict=True))
    if "round_off" in arrays or "rescaled" in arrays:
        problem = with_origin(problem, *_origin_from_arrays(arrays))
    lam = float(arrays["lam"])
    columns = [
        _column_of(arrays, f"history_{name}", kind) for name, kind in _history_types().items()
    ]
    return {
        "problem": problem,
        "plan": plan,
        "f": f,
        "g": g,
        "lam": lam,
        "certificate": certify(problem, plan, f, g, lam, **judged_by),
        "status": Status[str(arrays["status"])],
        "tolerance": Tolerance(*(float(k) for k in arrays["tolerance"])),
        "history": tuple(Iterate(*row) for row in zip(*columns, strict=True)),
        "seconds": float(arrays["seconds"]),
        "method": str(arrays["method"]),
    }


def _solved_to_arrays(result: Result[Any] | GraphResult) -> Arrays:
    """The problem and its plan."""
    if isinstance(result, GraphResult):
        return graph_results.to_arrays(result)
    of_bounds = _MULTIPLIERS if isinstance(result, AdaptiveResult) else ()
    return {
        **_problem_to_arrays(result.problem),
        **_plan_to_arrays(result.plan, result.problem),
        **{name: getattr(result, name) for name in of_bounds},
    }


def _plan_to_arrays(plan: AnyPlan, problem: Transport) -> Arrays:
    """Entries; of a plan that is kept by its prices these, and the entries that correct it."""
    arrays: Arrays = {}
    if isinstance(plan, GibbsPlan):
        if plan.cost is not problem.cost or plan.eps != getattr(problem, "eps", None):
            raise InvalidProblemError(
                "a plan with prices for another cost or eps than those of its problem cannot be "
                "saved; keep its entries (`result.plan.to_plan(threshold)`)."
            )
        arrays = {f"plan_{name}": getattr(plan, name) for name in _PRICES}
        plan = plan.extra
    return {**arrays, "rows": plan.rows, "cols": plan.cols, "values": plan.values}


def _plan_from_arrays(arrays: Arrays, problem: Transport) -> AnyPlan:
    n, m = problem.shape
    rows, cols = _pairs(arrays["rows"], arrays["cols"], (n, m))
    values = vector_of(arrays["values"], rows.size, "values")
    if np.isinf(values).any():
        raise ValueError("`values` has an infinite mass")
    listed = Plan((n, m), rows, cols, values)
    if not any(f"plan_{name}" in arrays for name in _PRICES):
        return listed
    if not isinstance(problem, EntropicProblem):
        raise ValueError("prices of an entropic plan, but the problem has no entropy")
    sizes = zip(_PRICES, (n, m, n, m), strict=True)
    of = {k: vector_of(arrays[f"plan_{k}"], size, f"plan_{k}") for k, size in sizes}
    for name in ("u", "w"):
        if (of[name] < 0.0).any():  # no certificate looks at all entries for their signs
            raise ValueError(f"`plan_{name}` is negative; what scales a plan is not")
    return GibbsPlan(problem.cost, problem.eps, **of, extra=listed)


def _problem_to_arrays(problem: Transport) -> Arrays:
    for kind, cls in _KINDS.items():
        if type(problem) is cls:
            return {
                "problem": kind,
                **_cost_to_arrays(problem.cost),
                "shape": np.array(problem.shape, np.int64),
                "a": problem.a,
                "b": problem.b,
                "mass": _optional(problem.mass),
                **_kind_to_arrays(problem),
            }
    raise InvalidProblemError(
        f"results of {type(problem).__name__} cannot be saved; keep the plan alone "
        "(`result.plan.to_csr()`)."
    )


def _problem_from_arrays(arrays: Arrays) -> Transport:
    n, m = (int(k) for k in arrays["shape"])
    cls, mass = _KINDS[str(arrays["problem"])], _or_none(arrays["mass"])
    of = {"cost": _cost_from_arrays(arrays, (n, m)), "a": arrays["a"], "b": arrays["b"]}
    of |= {name: labels_of(arrays, name) for name in _LABELS}
    problem: Transport
    if cls is AdaptiveProblem:
        problem = AdaptiveProblem(**of, **_adaptive_from_arrays(arrays))
    elif cls is EntropicProblem:
        problem = EntropicProblem(**of, mass=mass, **_entropic_from_arrays(arrays))
    else:
        problem = Problem(**of, mass=mass, reg=float(arrays["strength"]))
    if problem.shape != (n, m):
        raise ValueError(f"the cost has shape {problem.shape} and not ({n}, {m})")
    return problem


def _labels_to_arrays(problem: Any) -> Arrays:
    """Names of rows and columns, as far as an array can have them; numbers need none."""
    arrays: Arrays = {}
    for name in _LABELS:
        labels = getattr(problem, name, None)
        if labels is None or isinstance(labels, range):
            continue
        array = labels_to_array(labels)
        if array is not None:
            arrays[name] = array
        else:
            warnings.warn(
                f"`{name}` are of type {kinds(labels)}, and only integers of 64 bits, or text "
                "without zeros at its end, can be saved: the file has none. Keep them beside it, "
                "or name rows and columns by text.",
                QuotWarning,
                stacklevel=3,
            )
    return arrays


def _origin_to_arrays(problem: Any) -> Arrays:
    """What was said at the door of the type that the masses came in, if there is anything."""
    changed = problem.rescaled
    return {
        **({"round_off": problem.round_off} if problem.round_off else {}),
        **({} if changed is None else {"rescaled": changed[1:], "rescaled_name": changed.name}),
    }


def _origin_from_arrays(arrays: Arrays) -> tuple[float, Rescaled | None]:
    own = float(arrays.get("round_off", 0.0))
    if not 0.0 <= own < 1.0:
        raise ValueError(f"masses with a round-off of {own:.3g}")
    if "rescaled" not in arrays:
        return own, None
    given, taken = vector_of(arrays["rescaled"], 2, "rescaled").tolist()
    if not 0.0 < taken < given < np.inf:
        raise ValueError(f"masses rescaled from {given:.6g} to {taken:.6g}")
    return own, Rescaled(str(arrays["rescaled_name"]), given, taken)


def _kind_to_arrays(problem: Transport) -> Arrays:
    """What only a problem of its kind has."""
    if isinstance(problem, AdaptiveProblem):
        asked = {name: getattr(problem, name) for name in _PERPLEXITIES}
        return {
            **{name: np.zeros(0) if each is None else each for name, each in asked.items()},
            "regularizer": problem.regularizer,
            "is_average": problem.is_average,
        }
    if isinstance(problem, EntropicProblem):
        return {
            "strength": problem.eps,
            "formulation": problem.formulation,
            "corner": _optional(problem.corner),
        }
    assert isinstance(problem, Problem)
    return {"strength": problem.reg}


def _entropic_from_arrays(arrays: Arrays) -> dict[str, Any]:
    return {
        "eps": float(arrays["strength"]),
        "formulation": str(arrays["formulation"]),
        "corner": _or_none(arrays["corner"]),
    }


def _adaptive_from_arrays(arrays: Arrays) -> dict[str, Any]:
    return {
        **{name: arrays[name] if arrays[name].size else None for name in _PERPLEXITIES},
        "regularizer": str(arrays["regularizer"]),
        "is_average": bool(arrays["is_average"]),
    }


def _optional(number: float | None) -> Floats:
    """A number, or none, as an array."""
    return np.zeros(0) if number is None else np.array([number])


def _or_none(array: NDArray[Any]) -> float | None:
    return float(array[0]) if array.size else None


def _cost_to_arrays(cost: Cost) -> Arrays:
    if isinstance(cost, DenseCost):
        return {"cost": "dense", "C": cost.C}
    if isinstance(cost, SparseCost):
        return {
            "cost": "sparse",
            "C_rows": cost.rows,
            "C_cols": cost.cols,
            "C_values": cost.values,
        }
    if isinstance(cost, PointCost):
        return {"cost": "points", "X": cost.X, "Y": cost.Y, "metric": cost.metric}
    raise InvalidProblemError(
        f"a cost of type {type(cost).__name__} cannot be saved; solve with an array, a "
        "scipy.sparse array or a `PointCost`, or keep the plan alone (`result.plan.to_csr()`)."
    )


def _cost_from_arrays(arrays: Arrays, shape: tuple[int, int]) -> Any:
    kind = str(arrays["cost"])
    if kind == "dense":
        return arrays["C"]
    if kind == "points":
        return PointCost(arrays["X"], arrays["Y"], metric=str(arrays["metric"]))
    if kind == "sparse":
        rows, cols = _pairs(arrays["C_rows"], arrays["C_cols"], shape)
        values = vector_of(arrays["C_values"], rows.size, "C_values")
        return SparseCost(shape, rows, cols, as_array(values, "C", 1))
    raise ValueError(f"cost of unknown kind {kind!r}")


def _pairs(
    rows: NDArray[Any], cols: NDArray[Any], shape: tuple[int, int]
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return pairs that are inside the shape, sorted and without repetition."""
    if rows.ndim != 1 or rows.shape != cols.shape or rows.dtype.kind + cols.dtype.kind != "ii":
        raise ValueError("rows and columns of pairs are not two lists of integers")
    if rows.size:
        if min(rows.min(), cols.min()) < 0 or rows.max() >= shape[0] or cols.max() >= shape[1]:
            raise ValueError(f"pairs outside the shape {shape}")
        if (np.diff(rows.astype(np.int64) * shape[1] + cols) <= 0).any():
            raise ValueError("pairs out of order")
    return rows.astype(np.int32, copy=False), cols.astype(np.int32, copy=False)


def _column_of(arrays: Arrays, name: str, kind: type) -> list[Any]:
    """The numbers of a column of the history."""
    array = arrays[name]
    if array.dtype != kind or array.ndim != 1:
        raise ValueError(f"`{name}` is {array.dtype} of shape {array.shape}")
    numbers: list[Any] = array.tolist()
    return numbers


def _history_types() -> dict[str, type]:
    return {k.name: np.float64 if k.type in ("float", float) else np.int64 for k in fields(Iterate)}


def is_result(arrays: Arrays) -> bool:
    """Whether these arrays are from a file written by `save`."""
    return "format" in arrays and str(arrays["format"]) == FORMAT


def holds_result(path: PathLike) -> bool:
    """Whether this .npz archive was written by `save`; nothing else in it is read."""
    return is_result(read_npz(path, {"format"}))


def _damaged(path: PathLike, reason: str) -> InvalidProblemError:
    return InvalidProblemError(
        f"`{path}` is damaged: {reason}. Save the result again, or solve again."
    )
