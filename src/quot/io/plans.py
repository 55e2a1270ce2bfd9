"""Plans to and from .npz, .csv and .parquet, by their nonzero entries; never through dense."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.io import parquet
from quot.io.arrays import of_table, pick, read_arrays
from quot.io.files import PathLike, check_writable, write_atomically
from quot.io.matrices import read_csv
from quot.plan import Plan
from quot.validation import as_array

PLAN_SUFFIXES = (".npz", ".csv", ".parquet")
_HEADER = ",".join(parquet.PAIRS)
_LINE = b"%d,%d,%.17g\n"
# Lines of a .csv file made at a time.
_CHUNK = 4096


def check_plan_path(path: PathLike) -> None:
    """Raise early, before any work, if a plan cannot be written there.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    InvalidProblemError
        If the suffix names no format, or the place is not one for a file.
    MissingDependencyError
        If the suffix is .parquet, and pyarrow is not installed.
    """
    check_writable(path, PLAN_SUFFIXES)
    if Path(path).suffix.lower() == ".parquet":
        parquet.need()


def write_plan(plan: Plan, path: PathLike) -> None:
    """Write a plan by its nonzero entries, in the format the suffix says.

    .npz is for `scipy.sparse.load_npz`; .csv has a first line ``row,column,mass`` and a line a
    pair; .parquet has columns of these names, and the shape in its metadata. Each gives back every
    bit of the masses. Rows and columns count from 0.

    Parameters
    ----------
    plan : Plan
        Of a `GibbsPlan`, in which all pairs carry mass, ``plan.to_plan(threshold)``.
    path : str or path
        Replaced in one step, if it is there.

    Raises
    ------
    TypeError
        If it is no Plan.
    InvalidProblemError
        If the file cannot be written.
    MissingDependencyError
        If the suffix is .parquet, and pyarrow is not installed.
    """
    given: Any = plan
    if not isinstance(given, Plan):
        raise TypeError(
            f"`plan` must be a Plan, which lists its entries; got {type(given).__name__}. Pass "
            "`plan.to_plan(threshold)` of a GibbsPlan."
        )
    check_plan_path(path)
    suffix = Path(path).suffix.lower()
    with write_atomically(path) as stream:
        if suffix == ".npz":
            # Compressing takes over 30 times as long, for a file of half the size.
            sp.save_npz(stream, plan.to_csr(), compressed=False)
        elif suffix == ".parquet":
            parquet.write_pairs(plan, stream)
        else:
            _write_csv(plan, stream)


def read_plan(path: PathLike, shape: tuple[int, int]) -> Plan:
    """Read a plan of the given shape, ours or a peer's.

    A .csv or .parquet with the columns ``row``, ``column`` and ``mass`` lists pairs; any other, and
    .npy, is an (n, m) array; .npz is a scipy.sparse matrix or one array. Masses may have either
    sign, for the certificate judges them, but must be finite.

    Parameters
    ----------
    path : str or path
    shape : (n, m)
        That of the cost the plan belongs to.

    Returns
    -------
    Plan
        Pairs listed twice are added, and zeros are left out.

    Raises
    ------
    InvalidProblemError
        If the file is missing, damaged or too large, or holds no plan of that shape.
    MissingDependencyError
        If the file is .parquet, and pyarrow is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        table = read_csv(path, is_data=True)
        if list(table.names) == parquet.PAIRS:
            rows, cols, mass = table.values.T
            return _from_pairs([_whole(rows, path), _whole(cols, path), mass], path, shape)
        arrays = of_table(table, path)
    elif suffix == ".parquet" and parquet.holds_pairs(path):
        noted, columns = parquet.read_pairs(path)
        _check_shape(noted or shape, path, shape)
        return _from_pairs(columns, path, shape)
    else:
        arrays = read_arrays(path)
    array = pick(arrays, "P", path)
    _check_shape(array.shape, path, shape)
    if sp.issparse(array):
        return _from_csr(array)
    return Plan.from_dense(as_array(array, "plan", 2))


def _write_csv(plan: Plan, stream: IO[bytes]) -> None:
    """Format many lines at once: several times the speed of `np.savetxt`, and the same bytes."""
    stream.write(f"{_HEADER}\n".encode())
    columns: list[NDArray[Any]] = [plan.rows, plan.cols, plan.values]
    for start in range(0, plan.nnz, _CHUNK):
        size = min(_CHUNK, plan.nnz - start)
        numbers: list[Any] = [None] * (3 * size)
        for k, column in enumerate(columns):
            numbers[k::3] = column[start : start + size].tolist()
        stream.write(_LINE * size % tuple(numbers))


def _whole(numbers: NDArray[np.float64], path: PathLike) -> NDArray[np.int64]:
    """Numbers of rows or columns as integers."""
    with np.errstate(invalid="ignore"):
        whole = numbers.astype(np.int64)
    if (whole != numbers).any():
        at = int(np.argmax(whole != numbers))
        raise InvalidProblemError(
            f"`{path}` has a pair in row or column {numbers[at]:.6g}; rows and columns of pairs "
            "are integers that count from 0."
        )
    return whole


def _from_pairs(columns: list[NDArray[Any]], path: PathLike, shape: tuple[int, int]) -> Plan:
    """Return the plan with these rows, columns and masses."""
    rows, cols, mass = columns
    if rows.size and (
        min(rows.min(), cols.min()) < 0 or rows.max() >= shape[0] or cols.max() >= shape[1]
    ):
        raise InvalidProblemError(
            f"`{path}` has pairs outside the {shape[0]} x {shape[1]} cost; rows and columns "
            "count from 0."
        )
    mass = as_array(mass, "plan", 1)
    rows, cols = rows.astype(np.int32, copy=False), cols.astype(np.int32, copy=False)
    ordered = (rows[1:] > rows[:-1]) | ((rows[1:] == rows[:-1]) & (cols[1:] > cols[:-1]))
    if ordered.all() and mass.all():
        return Plan(shape, rows, cols, mass)
    return Plan.from_sparse(sp.coo_array((mass, (rows, cols)), shape=shape))


def _from_csr(matrix: sp.csr_array) -> Plan:
    """Return the plan with the entries of a matrix, without a copy where they are in order."""
    mass = as_array(matrix.data, "plan", 1)
    if not (matrix.has_canonical_format and mass.all()):
        return Plan.from_sparse(matrix)
    rows = np.repeat(np.arange(matrix.shape[0], dtype=np.int32), np.diff(matrix.indptr))
    return Plan(matrix.shape, rows, matrix.indices.astype(np.int32, copy=False), mass)


def _check_shape(found: tuple[int, ...], path: PathLike, shape: tuple[int, int]) -> None:
    if found != shape:
        raise InvalidProblemError(
            f"`{path}` holds a plan of shape {found}, but the cost has shape {shape}; pass "
            "the cost that belongs to it."
        )
