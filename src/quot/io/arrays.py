"""Arrays from .npy, .npz, .csv and .parquet, mapped into memory where the format allows it.

`np.load` maps no member of an .npz, and believes the header of what it does not map; so .npy and
.npz are read here, with NumPy's own functions for headers and data. Nothing is ever unpickled. A
mapped array is private: what is written to it stays in memory, and a new file of the same name, put
in place by `write_atomically`, leaves it as it was.
"""

from __future__ import annotations

import math
import os
import struct
import zipfile
import zlib
from collections.abc import Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot import memory
from quot.exceptions import InvalidProblemError
from quot.io import parquet
from quot.io.files import UNREADABLE, PathLike, unreadable
from quot.io.matrices import Matrix, read_csv
from quot.labels import Labels, in_order, of_file
from quot.validation import as_array

Floats = NDArray[np.float64]
Arrays = dict[str, Any]

SUFFIXES = (".npy", ".npz", ".csv", ".parquet")
# The arrays of every file that `scipy.sparse.save_npz` writes.
_SPARSE = {"format", "shape", "data"}
# What these and the others may hold.
_SPARSE_KINDS = {
    **dict.fromkeys(("indices", "indptr", "row", "col", "offsets", "coords", "shape"), "iu"),
    "data": "biufc",
}

# The formats of .npy whose headers NumPy reads in public; the third one is for named fields.
_HEADERS = {
    np.lib.format.magic(1, 0): np.lib.format.read_array_header_1_0,
    np.lib.format.magic(2, 0): np.lib.format.read_array_header_2_0,
}


class Noted(Arrays):
    """The arrays of a file, and what was taken for them, as "columns p, q; header skipped".

    If that is a table, its rows and columns may have names.
    """

    def __init__(
        self, arrays: Arrays, note: str = "", rows: Labels = None, columns: Labels = None
    ) -> None:
        super().__init__(arrays)
        self.note, self.rows, self.columns = note, rows, columns


class Header(NamedTuple):
    """What a .npy file says of its array, and how many bytes it takes to say so."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    length: int


def read_arrays(path: PathLike, *, is_data: bool = False) -> Noted:
    """Read what a .npy, .npz, .csv or .parquet file holds, without pickle.

    A .npy file and the members of an uncompressed .npz archive are mapped: they take memory only
    where they are read. The rest is read into memory.

    Parameters
    ----------
    path : str or path
        The suffix says the format.
    is_data : bool, default=False
        Take a first line of numbers in a .csv for data even where it may be a header.

    Returns
    -------
    Noted
        A dict. A single array, or a scipy.sparse array saved by `scipy.sparse.save_npz`, under the
        empty name; several arrays under their own names.

    Raises
    ------
    InvalidProblemError
        If the file is missing, empty, damaged, too large or of another kind.
    MissingDependencyError
        If the file is .parquet, and pyarrow is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidProblemError(
            f"`{path}` has the suffix {suffix!r}; pass a file ending in {', '.join(SUFFIXES)}."
        )
    if suffix == ".csv":
        return of_table(read_csv(path, is_data=is_data), path)
    if suffix == ".parquet":
        return of_table(parquet.read_matrix(path), path)
    if suffix == ".npy":
        return Noted({"": _read_npy(path)})
    headers = _headers(path)
    if headers.keys() >= _SPARSE:
        return Noted({"": _read_sparse(path, headers)})
    arrays = read_npz(path, mapped=True)
    return Noted({"": next(iter(arrays.values()))} if len(arrays) == 1 else arrays)


def of_table(matrix: Matrix, path: PathLike) -> Noted:
    """Return the numbers of a table as its only array; there must be some."""
    if not matrix.values.size:
        raise InvalidProblemError(f"`{path}` is empty; pass a table with columns of numbers.")
    return Noted({"": matrix.values}, matrix.note, matrix.rows, matrix.names or None)


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


def read_vector(path: PathLike, name: str, labels: Labels = None) -> tuple[NDArray[Any], str]:
    """Return a vector, of its type, from a file of one row or column, or the array of that name.

    By the labels of what it is for, if both have names; and what was taken for it. As there is one
    entry a row of something else, a header that was taken for an entry would be found out: a first
    line of numbers is data.
    """
    arrays = read_arrays(path, is_data=True)
    array = pick(arrays, name, path)
    vector = as_vector(array, name, path)
    keys = arrays.rows if array.shape[-1] == 1 else of_file(arrays.columns or ())
    if keys is None:
        return vector, arrays.note
    of = "rows" if name == "a" else "columns"
    return in_order(vector, keys, labels, name, of)[0], arrays.note


def as_vector(array: Any, name: str, path: PathLike) -> NDArray[Any]:
    """Return an array that was read as a vector, of its type; one row or one column will do."""
    if sp.issparse(array):
        raise InvalidProblemError(
            f"`{name}` in `{path}` is a sparse matrix of shape {array.shape}; pass a plain array."
        )
    if array.ndim == 2 and 1 in array.shape:
        array = array.ravel()
    as_array(array, name, 1)
    vector: NDArray[Any] = array
    return vector


def vector_of(array: NDArray[Any], size: int, name: str) -> Floats:
    """Return an array of floats of that size; NaN may pass, the certificate judges it."""
    if array.dtype.kind != "f" or array.shape != (size,):
        raise ValueError(f"`{name}` is {array.dtype} of shape {array.shape}, not ({size},)")
    floats = array.astype(np.float64, copy=False)
    # One that signals would be a warning wherever it is used.
    return np.where(np.isnan(floats), np.nan, floats)


def labels_to_array(labels: Sequence[Hashable]) -> NDArray[Any] | None:
    """Return labels as an array that gives them back, of integers or text; None if none does."""
    array = np.array(0)
    if all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) for k in labels) or all(
        isinstance(k, str) for k in labels
    ):
        array = np.array(labels)
    return array if array.dtype.kind in "iU" and array.tolist() == list(labels) else None


def labels_of(arrays: Arrays, name: str) -> tuple[Hashable, ...] | None:
    """Return labels from the array of that name, if there is one."""
    array = arrays.get(name)
    if array is None:
        return None
    if array.dtype.kind not in "iU":
        raise ValueError(f"`{name}` is {array.dtype}")
    return tuple(array.tolist())


def kinds(labels: Sequence[Hashable]) -> str:
    """Return of which types labels are, for a message."""
    return ", ".join(sorted({type(label).__name__ for label in labels}))


def listed(arrays: Arrays) -> str:
    """Return the names of the arrays, for a message."""
    return ", ".join(f"`{k}`" for k in arrays) or "nothing"


# --- .npy and .npz -----------------------------------------------------------------------------


def _read_npy(path: PathLike) -> NDArray[Any]:
    try:
        with Path(path).open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            header = _read_header(stream, size)
            array = _map(stream, 0, size, header)
            if array is None:
                stream.seek(0)
                array = np.lib.format.read_array(stream, allow_pickle=False)
            return array
    except UNREADABLE as error:
        raise unreadable(path, "an array in NumPy's .npy format", error) from error


def read_npz(
    path: PathLike,
    only: Collection[str] = (),
    *,
    mapped: bool = False,
    expected: str = "an archive",
) -> Arrays:
    """Return the arrays of an .npz archive by name.

    Parameters
    ----------
    path : str or path
    only : names, optional
        The arrays to read, as far as the archive has them; all by default.
    mapped : bool, default=False
        Map the arrays that are not compressed instead of reading them. Their check sums are
        compared all the same.
    expected : str, default="an archive"
        What the file should hold, for messages.

    Returns
    -------
    dict

    Raises
    ------
    InvalidProblemError
        If the file is missing, damaged, too large or of another kind.
    """
    with _opened(path, expected) as (stream, archive):
        return {
            name: _read_member(stream, archive, member, mapped=mapped)
            for name, member in _members(archive).items()
            if not only or name in only
        }


@contextmanager
def _opened(
    path: PathLike, expected: str = "an archive"
) -> Iterator[tuple[IO[bytes], zipfile.ZipFile]]:
    """Open an archive and compare the header of each array in it with its size."""
    try:
        with Path(path).open("rb") as stream, zipfile.ZipFile(stream) as archive:
            size = os.fstat(stream.fileno()).st_size
            packed = [k for k in archive.infolist() if k.compress_type != zipfile.ZIP_STORED]
            memory.check_bytes(sum(k.file_size for k in packed))
            for member in archive.infolist():
                stored = member.compress_type == zipfile.ZIP_STORED
                with archive.open(member) as content:
                    _read_header(content, min(member.file_size, size if stored else math.inf))
            yield stream, archive
    except UNREADABLE as error:
        raise unreadable(path, f"{expected} in NumPy's .npz format", error) from error


def _headers(path: PathLike) -> dict[str, Header | None]:
    with _opened(path) as (_, archive):
        found = {}
        for name, member in _members(archive).items():
            with archive.open(member) as content:
                found[name] = _read_header(content, math.inf)
        return found


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    return {member.filename.removesuffix(".npy"): member for member in archive.infolist()}


def _read_member(
    stream: IO[bytes], archive: zipfile.ZipFile, member: zipfile.ZipInfo, *, mapped: bool
) -> NDArray[Any]:
    with archive.open(member) as content:
        magic = content.read(np.lib.format.MAGIC_LEN)
        if not magic.startswith(np.lib.format.MAGIC_PREFIX):
            raise ValueError(f"`{member.filename}` in it is no array")
    if mapped and member.compress_type == zipfile.ZIP_STORED:
        array = _map_member(stream, archive, member)
        if array is not None:
            return array
    with archive.open(member) as content:
        array = np.lib.format.read_array(content, allow_pickle=False)
    return array


def _map_member(
    stream: IO[bytes], archive: zipfile.ZipFile, member: zipfile.ZipInfo
) -> NDArray[Any] | None:
    """Map an array where it lies in the archive: behind its local header, name and extra field."""
    with archive.open(member) as content:
        header = _read_header(content, member.file_size)
    stream.seek(member.header_offset + 26)
    name, extra = struct.unpack("<HH", stream.read(4))
    offset = member.header_offset + 30 + name + extra
    return _map(stream, offset, member.file_size, header, checksum=member.CRC)


def _map(
    stream: IO[bytes],
    offset: int,
    size: int,
    header: Header | None,
    *,
    checksum: int | None = None,
) -> NDArray[Any] | None:
    """Map an array and its header, together `size` bytes at `offset`; None if it must be read.

    That is so for objects, and on file systems that map nothing.
    """
    if header is None or header.dtype.hasobject:
        return None
    try:
        content: NDArray[np.uint8] = np.memmap(stream, np.uint8, "c", offset, (size,))
    except OSError:
        return None
    if checksum is not None and zlib.crc32(content.data) != checksum:
        raise zipfile.BadZipFile("the check sum of an array in it is wrong")
    order: Literal["F", "C"] = "F" if header.fortran else "C"
    return np.ndarray(header.shape, header.dtype, content.data, header.length, order=order)


def _read_header(stream: IO[bytes], size: float) -> Header | None:
    """Read what a file of `size` bytes says of its array; None if that is for the reader to say.

    An array of more bytes than the file holds is refused here, before it takes memory.
    """
    magic = stream.read(np.lib.format.MAGIC_LEN)
    if magic not in _HEADERS:
        return None
    shape, fortran, dtype = _HEADERS[magic](stream)
    needed, there = math.prod(shape) * dtype.itemsize, size - stream.tell()
    if needed > there and not dtype.hasobject:
        raise ValueError(
            f"its header says {dtype} of shape {shape}, which is {needed} bytes, but there are "
            f"only {there}"
        )
    if not all(0 <= k < 1 << 63 for k in shape):
        raise ValueError(f"its header says shape {shape}")
    return Header(shape, fortran, dtype, stream.tell())


def _read_sparse(path: PathLike, headers: dict[str, Header | None]) -> Any:
    try:
        for name, kinds in _SPARSE_KINDS.items():
            header = headers.get(name)
            if header is None:
                continue
            # SciPy casts what is of another kind, and has no sparse arrays of half precision.
            if header.dtype.kind not in kinds or header.dtype == np.float16:
                raise ValueError(f"its `{name}` is {header.dtype}")
        matrix = sp.load_npz(path)
        if (np.diff(getattr(matrix, "indptr", ())) < 0).any():  # `check_format` may miss it
            raise ValueError("its `indptr` goes down")
        if hasattr(matrix, "check_format"):  # indices out of range crash the compiled conversions
            matrix.check_format(full_check=True)
        return sp.csr_array(matrix)
    except UNREADABLE as error:
        raise unreadable(path, "a scipy.sparse matrix", error) from error
