"""Arrays and plans from and to .npy, .npz and .csv; every file is written whole or not at all.

Nothing here is ever unpickled.
"""

from __future__ import annotations

import math
import os
import secrets
import shutil
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.plan import Plan
from quot.validation import as_array

Floats = NDArray[np.float64]
Arrays = dict[str, Any]
PathLike = str | os.PathLike[str]

SUFFIXES = (".npy", ".npz", ".csv")
PLAN_SUFFIXES = (".npz", ".csv")
_PLAN_HEADER = "row,column,mass"
_PLAN_TYPES = np.dtype([("row", np.int64), ("column", np.int64), ("mass", np.float64)])

# The formats of .npy whose headers NumPy reads in public; the third one is for named fields.
_HEADERS = {
    np.lib.format.magic(1, 0): np.lib.format.read_array_header_1_0,
    np.lib.format.magic(2, 0): np.lib.format.read_array_header_2_0,
}

# What NumPy, SciPy and zipfile raise on files that are not what they claim to be.
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    SyntaxError,
    IndexError,
    OverflowError,
    MemoryError,
    RuntimeError,
    struct.error,
    zlib.error,
    zipfile.BadZipFile,
)


@contextmanager
def write_atomically(path: PathLike) -> Iterator[IO[bytes]]:
    """Open a file beside `path` for writing and put it in its place when all went well.

    A device or a pipe is written directly. A failure leaves the older file untouched.
    """
    target = Path(os.path.realpath(path))
    check_writable(path)
    part = target.with_name(f".quot-{secrets.token_hex(6)}.part")
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as stream:
                yield stream
            return
        with part.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except OSError as error:
        raise InvalidProblemError(
            f"`{path}` cannot be written ({error.strerror or error}); choose another place."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def check_writable(path: PathLike, suffixes: tuple[str, ...] = ()) -> None:
    """Raise early, before any work, if a file cannot go there; `suffixes` are those allowed."""
    target = Path(path)
    if suffixes and target.suffix.lower() not in suffixes:
        raise InvalidProblemError(
            f"`{path}` has the suffix {target.suffix!r}, which names no format to write; use "
            f"{' or '.join(suffixes)}."
        )
    if target.is_dir():
        raise InvalidProblemError(f"`{path}` is a directory; name a file in it.")
    if not target.absolute().parent.is_dir():
        raise InvalidProblemError(
            f"`{path}` cannot be written: there is no directory `{target.parent}`; make it first."
        )


def read_arrays(path: PathLike) -> Arrays:
    """Read what a .npy, .npz or .csv file holds, without pickle.

    Returns
    -------
    dict
        A single array, or a scipy.sparse array saved by `scipy.sparse.save_npz`, under the empty
        name; several arrays under their own names.

    Raises
    ------
    InvalidProblemError
        If the file is missing, empty, damaged, too large or of another kind.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidProblemError(
            f"`{path}` has the suffix {suffix!r}; pass a file ending in {', '.join(SUFFIXES)}."
        )
    if suffix == ".csv":
        return {"": _read_csv(path)}
    if suffix == ".npy":
        return {"": _read_npy(path)}
    arrays = read_npz(path)
    if {"format", "shape", "data"} <= set(arrays):
        return {"": _read_sparse(path)}
    return {"": next(iter(arrays.values()))} if len(arrays) == 1 else arrays


def pick(arrays: Arrays, name: str, path: PathLike) -> Any:
    """Return the array of that name, or the only one there is."""
    if name in arrays:
        return arrays[name]
    if "" not in arrays:
        raise InvalidProblemError(
            f"`{path}` has no array `{name}`; got {listed(arrays)}. Name one of them `{name}`, or "
            "save it alone."
        )
    return arrays[""]


def read_vector(path: PathLike, name: str) -> Floats:
    """Return a vector, from a file of one row or one column or with an array of that name."""
    return as_vector(pick(read_arrays(path), name, path), name, path)


def as_vector(array: Any, name: str, path: PathLike) -> Floats:
    """Return an array that was read as a vector; one row or one column will do."""
    if sp.issparse(array):
        raise InvalidProblemError(
            f"`{name}` in `{path}` is a sparse matrix of shape {array.shape}; pass a plain array."
        )
    if array.ndim == 2 and 1 in array.shape:
        array = array.ravel()
    return as_array(array, name, 1)


def write_plan(plan: Plan, path: PathLike) -> None:
    """Write a plan: .npz for `scipy.sparse.load_npz`, .csv with a line `row,column,mass` a pair.

    Both give back every bit of the masses. Rows and columns count from 0.
    """
    check_writable(path, PLAN_SUFFIXES)
    with write_atomically(path) as stream:
        if Path(path).suffix.lower() == ".npz":
            sp.save_npz(stream, plan.to_csr())
            return
        stream.write(f"{_PLAN_HEADER}\n".encode())
        table = np.empty(plan.nnz, _PLAN_TYPES)
        table["row"], table["column"], table["mass"] = plan.rows, plan.cols, plan.values
        np.savetxt(stream, table, fmt="%d,%d,%.17g")


def read_plan(path: PathLike, shape: tuple[int, int]) -> Plan:
    """Read a plan of the given shape, ours or a peer's.

    A .csv that begins with ``row,column,mass`` lists pairs; any other .csv, and .npy, is an
    (n, m) array; .npz is a scipy.sparse matrix or one array. Masses may have either sign, for
    the certificate judges them, but must be finite.
    """
    if Path(path).suffix.lower() == ".csv" and _first_line(path) == _PLAN_HEADER:
        table = _read_csv(path, dtype=_PLAN_TYPES, skiprows=1)
        rows, cols, mass = table["row"], table["column"], table["mass"]
        if rows.size and (
            min(rows.min(), cols.min()) < 0 or rows.max() >= shape[0] or cols.max() >= shape[1]
        ):
            raise InvalidProblemError(
                f"`{path}` has pairs outside the {shape[0]} x {shape[1]} cost; rows and columns "
                "count from 0."
            )
        array: Any = sp.coo_array((mass, (rows, cols)), shape=shape)
    else:
        array = pick(read_arrays(path), "P", path)
    if array.shape != shape:
        raise InvalidProblemError(
            f"`{path}` holds a plan of shape {array.shape}, but the cost has shape {shape}; pass "
            "the cost that belongs to it."
        )
    if sp.issparse(array):
        as_array(array.tocoo().data, "plan", 1)
        return Plan.from_sparse(array)
    return Plan.from_dense(as_array(array, "plan", 2))


def _read_npy(path: PathLike) -> NDArray[Any]:
    try:
        with Path(path).open("rb") as stream:
            _check_size(stream, os.fstat(stream.fileno()).st_size)
            stream.seek(0)
            array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
            return array
    except UNREADABLE as error:
        raise _unreadable(path, "an array in NumPy's .npy format", error) from error


def read_npz(path: PathLike) -> Arrays:
    """Return all arrays of an .npz archive by name."""
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile) or archive.zip is None:
                raise ValueError("it holds a single array")
            _check_members(archive.zip, os.fstat(stream.fileno()).st_size)
            arrays = {name: archive[name] for name in archive.files}
        for name, array in arrays.items():
            if not isinstance(array, np.ndarray):
                raise ValueError(f"`{name}` in it is no array")
        return arrays
    except UNREADABLE as error:
        raise _unreadable(path, "an archive in NumPy's .npz format", error) from error


def _check_members(archive: zipfile.ZipFile, size: int) -> None:
    """Compare each array of an archive of `size` bytes with its header."""
    for member in archive.infolist():
        stored = member.compress_type == zipfile.ZIP_STORED
        with archive.open(member) as stream:
            _check_size(stream, min(member.file_size, size) if stored else member.file_size)


def _check_size(stream: IO[bytes], size: int) -> None:
    """Refuse an array of more bytes than its file of `size` bytes holds, before taking memory."""
    magic = stream.read(np.lib.format.MAGIC_LEN)
    if magic not in _HEADERS:
        return  # not an array: that is for the reader to say
    shape, _, dtype = _HEADERS[magic](stream)
    needed, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if needed > there and not dtype.hasobject:
        raise ValueError(
            f"its header says {dtype} of shape {shape}, which is {needed} bytes, but there are "
            f"only {there}"
        )


def _read_sparse(path: PathLike) -> Any:
    try:
        matrix = sp.load_npz(path)
        if hasattr(matrix, "check_format"):  # indices out of range crash the compiled conversions
            matrix.check_format(full_check=True)
        return sp.csr_array(matrix)
    except UNREADABLE as error:
        raise _unreadable(path, "a scipy.sparse matrix", error) from error


def _read_csv(path: PathLike, dtype: Any = np.float64, skiprows: int = 0) -> NDArray[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an empty file; reported below
            table = np.loadtxt(
                path,
                dtype,
                delimiter=",",
                skiprows=skiprows,
                ndmin=2 if dtype is np.float64 else 1,
                encoding="utf-8-sig",
            )
    except UNREADABLE as error:
        raise _unreadable(path, "rows of numbers separated by commas", error) from error
    if not table.size and not skiprows:
        raise InvalidProblemError(
            f"`{path}` is empty; pass rows of numbers separated by commas, without a header."
        )
    return table


def _first_line(path: PathLike) -> str:
    try:
        with Path(path).open(encoding="utf-8-sig") as stream:
            return stream.readline(200).strip().replace(" ", "")
    except UNREADABLE as error:
        raise _unreadable(path, "rows of numbers separated by commas", error) from error


def _unreadable(path: PathLike, expected: str, error: Exception) -> InvalidProblemError:
    if isinstance(error, FileNotFoundError):
        return InvalidProblemError(f"`{path}` does not exist; check the name and the directory.")
    if isinstance(error, IsADirectoryError):
        return InvalidProblemError(f"`{path}` is a directory; name a file in it.")
    if isinstance(error, PermissionError):
        return InvalidProblemError(f"`{path}` may not be read; change its permissions.")
    if isinstance(error, MemoryError):
        return too_large(path, error)
    reason = str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__
    return InvalidProblemError(
        f"`{path}` cannot be read ({reason}); it should hold {expected}. Write it again."
    )


def too_large(path: PathLike, error: MemoryError) -> InvalidProblemError:
    """Return the error for a file that is in order but for its size."""
    reason = str(error).strip().rstrip(".") or "no memory is left"
    return InvalidProblemError(
        f"`{path}` does not fit into memory ({reason}); read it on a larger machine, or pass "
        "points or a sparse cost, which need much less than a full matrix."
    )


def listed(arrays: Arrays) -> str:
    """Return the names of the arrays, for a message."""
    return ", ".join(f"`{k}`" for k in arrays) or "nothing"
