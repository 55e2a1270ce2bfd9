"""Tables from and to .parquet; the border to pyarrow (extra `parquet`), which does the reading."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from quot import memory, optional
from quot.exceptions import InvalidProblemError
from quot.io.files import UNREADABLE, PathLike, unreadable
from quot.io.matrices import Matrix, noted, taken
from quot.labels import of_file
from quot.plan import Plan

Floats = NDArray[np.float64]

PAIRS = ["row", "column", "mass"]
_SHAPE = b"quot.shape"
# Rows of a table in memory at a time, besides the arrays they come from or go to.
_CHUNK = 1 << 17
_GROUP = 1 << 20
# A column that pandas adds for an index, unasked.
_INDEX = re.compile(r"__index_level_\d+__")


def need() -> Any:
    """Import pyarrow with its module for Parquet.

    Raises
    ------
    MissingDependencyError
        If it is not installed; the message has the command that installs it.
    """
    optional.need("pyarrow.parquet", ".parquet files", "parquet")
    return optional.need("pyarrow", ".parquet files", "parquet")


def read_matrix(path: PathLike) -> Matrix:
    """Read the columns of a table, in order, as an (n, d) array.

    Columns that pandas noted as an index are left out, and so is a first one that only counts the
    rows. A single column of lists of d numbers each is an array, too.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    Matrix

    Raises
    ------
    InvalidProblemError
        If the file is missing, damaged or too large, or a column is not of numbers or has gaps.
    MissingDependencyError
        If pyarrow is not installed.
    """
    with _opened(path) as file:
        names, index = _data(file.schema_arrow)
        how = [f"index `{name}` left out" for name in index]
        if len(names) == 1 and _is_list(file.schema_arrow.field(names[0]).type):
            parts = [_unlisted(part.column(0), names[0], path) for part in _batches(file, names)]
            if len({part.shape[1] for part in parts}) > 1:
                raise _uneven(names[0], path)
            values = np.concatenate(parts) if parts else np.empty((0, 0))
            return Matrix(values, (), noted(names, *how))
        _check_numbers(file.schema_arrow, names, path)
        memory.check_bytes(8.0 * file.metadata.num_rows * len(names))
        values, stop = np.empty((file.metadata.num_rows, len(names))), 0
        for batch in _batches(file, names):
            start, stop = stop, stop + batch.num_rows
            for k, column in enumerate(_numbers(batch, path)):
                values[start:stop, k] = column
        matrix, schema = taken(values, names, path, *how), file.schema_arrow
        if len(index) == 1:
            cells = (part.column(0) for part in _batches(file, index))
            matrix = matrix._replace(rows=of_file([k for part in cells for k in _cells(part)]))
    if 1 in matrix.values.shape:  # masses are judged by the type they have
        types = [schema.field(name).type.to_pandas_dtype() for name in matrix.names]
        if types and all(np.dtype(kind).kind == "f" for kind in types):
            return matrix._replace(values=matrix.values.astype(np.result_type(*types)))
    return matrix


def holds_pairs(path: PathLike) -> bool:
    """Whether the columns are row, column and mass, besides an index."""
    with _opened(path) as file:
        return _data(file.schema_arrow)[0] == PAIRS


def read_pairs(path: PathLike) -> tuple[tuple[int, int] | None, list[NDArray[Any]]]:
    """Read the columns row, column and mass.

    Parameters
    ----------
    path : str or path
        A file for which `holds_pairs` is true.

    Returns
    -------
    shape : (n, m) or None
        As `write_pairs` noted it; None in files of others.
    columns : three arrays of shape (nnz,)
        Two of integers of the types they have in the file, and one of float64.

    Raises
    ------
    InvalidProblemError
        As `read_matrix`.
    """
    with _opened(path) as file:
        schema = file.schema_arrow
        _check_numbers(schema, PAIRS, path)
        types = [np.dtype(schema.field(name).type.to_pandas_dtype()) for name in PAIRS[:2]]
        for name, dtype in zip(PAIRS[:2], types, strict=True):
            if dtype.kind not in "iu":
                raise InvalidProblemError(
                    f"the column `{name}` of `{path}` is {dtype}; rows and columns of pairs are "
                    "integers that count from 0."
                )
        noted = (schema.metadata or {}).get(_SHAPE)
        shape = None if noted is None else tuple(int(k) for k in json.loads(noted))
        if shape is not None and len(shape) != 2:
            raise ValueError(f"its shape is {shape}")
        types.append(np.dtype(np.float64))
        arrays, stop = [np.empty(file.metadata.num_rows, dtype) for dtype in types], 0
        for batch in _batches(file, PAIRS):
            start, stop = stop, stop + batch.num_rows
            for array, column in zip(arrays, _numbers(batch, path), strict=True):
                array[start:stop] = column
    return shape, arrays


def write_pairs(plan: Plan, stream: IO[bytes]) -> None:
    """Write a plan as a table with the columns row and column, int32, and mass, double.

    The shape is in the metadata of the schema. Pages have check sums, which `read_pairs` compares.
    """
    pa = need()
    types = [pa.int32(), pa.int32(), pa.float64()]
    fields = [pa.field(name, kind, nullable=False) for name, kind in zip(PAIRS, types, strict=True)]
    schema = pa.schema(fields, {_SHAPE: json.dumps([int(k) for k in plan.shape])})
    columns = plan.rows, plan.cols, plan.values
    with pa.parquet.ParquetWriter(
        stream, schema, use_dictionary=False, write_page_checksum=True
    ) as writer:
        for start in range(0, plan.nnz, _GROUP):
            parts = [pa.array(column[start : start + _GROUP]) for column in columns]
            writer.write_batch(pa.record_batch(parts, schema=schema))


def column_names(path: PathLike) -> tuple[list[str], list[str]]:
    """Return the names of the columns, and those of them that pandas says are the index."""
    with _opened(path) as file:
        schema = file.schema_arrow
        return [str(name) for name in schema.names], _data(schema)[1]


def is_named(index: str) -> bool:
    """Whether an index has a name of its own."""
    return bool(index) and not _INDEX.fullmatch(index)


def read_cells(path: PathLike, columns: Sequence[str]) -> Iterator[list[NDArray[Any]]]:
    """Give these columns piece by piece, whatever they hold.

    Numbers are arrays of their own type, NaN where there is nothing; the rest are arrays of
    objects, None where there is nothing.
    """
    with _opened(path) as file:
        for batch in file.iter_batches(batch_size=_CHUNK, columns=list(columns)):
            yield [_cells(batch.column(name)) for name in columns]


def write_columns(columns: Mapping[str, Any], stream: IO[bytes]) -> None:
    """Write arrays, or lists of integers or of text, as the columns of a table."""
    pa = need()
    table = pa.table({name: pa.array(column) for name, column in columns.items()})
    pa.parquet.write_table(table, stream, row_group_size=_GROUP, write_page_checksum=True)


@contextmanager
def _opened(path: PathLike) -> Iterator[Any]:
    """Map a file and read its metadata."""
    pa = need()
    try:
        with Path(path).open("rb"):
            pass  # a file that is not there is reported as those of other formats
        with (
            pa.memory_map(str(path)) as source,
            pa.parquet.ParquetFile(source, page_checksum_verification=True) as file,
        ):
            yield file
    except InvalidProblemError:
        raise
    except (*UNREADABLE, pa.ArrowException) as error:
        raise unreadable(path, "a table of numbers in the Parquet format", error) from error


def _batches(file: Any, names: Sequence[str]) -> Iterator[Any]:
    """Give these columns piece by piece, all rows of them."""
    rows = 0
    for batch in file.iter_batches(batch_size=_CHUNK, columns=list(names)):
        rows += batch.num_rows
        yield batch.select(list(names))
    if rows != file.metadata.num_rows:
        raise ValueError(f"it says {file.metadata.num_rows} rows and has {rows}")


def _numbers(batch: Any, path: PathLike) -> list[NDArray[Any]]:
    """The columns of a piece as arrays, none with a gap."""
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        _check_whole(column, name, path)
    return [_cells(column) for column in batch.columns]


def _check_whole(column: Any, name: str, path: PathLike) -> None:
    if column.null_count:
        raise InvalidProblemError(
            f"the column `{name}` of `{path}` has entries without a value; fill them or leave the "
            "rows out."
        )


def _data(schema: Any) -> tuple[list[str], list[str]]:
    """The names of the columns, and of those that are the index of a frame of pandas."""
    names = [str(name) for name in schema.names]
    frame = schema.pandas_metadata
    said = frame.get("index_columns", []) if isinstance(frame, dict) else []
    index = {k for k in said if isinstance(k, str)} | set(filter(_INDEX.fullmatch, names))
    return [k for k in names if k not in index], [k for k in names if k in index]


def _is_list(kind: Any) -> bool:
    types = need().types
    if not any(
        is_of(kind) for is_of in (types.is_list, types.is_large_list, types.is_fixed_size_list)
    ):
        return False
    return bool(types.is_integer(kind.value_type) or types.is_floating(kind.value_type))


def _unlisted(column: Any, name: str, path: PathLike) -> Floats:
    """A column of lists of numbers, all as long, as an array of rows."""
    _check_whole(column, name, path)
    numbers = column.flatten()
    _check_whole(numbers, name, path)
    width = len(numbers) // max(len(column), 1)
    lengths = column.value_lengths().to_numpy(zero_copy_only=False)
    if (lengths != width).any():
        raise _uneven(name, path)
    return np.asarray(numbers, np.float64).reshape(len(column), width)


def _uneven(name: str, path: PathLike) -> InvalidProblemError:
    return InvalidProblemError(
        f"the column `{name}` of `{path}` has lists of several lengths; points need one number of "
        "coordinates."
    )


def _cells(column: Any) -> NDArray[Any]:
    types, pa = need().types, need()
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if types.is_decimal(column.type):
        column = column.cast(pa.float64())
    array: NDArray[Any] = column.to_numpy(zero_copy_only=False)
    if array.dtype.kind in "mM":  # in nanoseconds these become integers
        array = array.astype(f"{array.dtype.kind}8[us]")
    return array if array.dtype.kind in "iufbO" else array.astype(object)


def _check_numbers(schema: Any, names: Sequence[str], path: PathLike) -> None:
    """Refuse columns that are not of numbers."""
    types = need().types
    for name in names:
        if list(names).count(name) > 1:
            raise InvalidProblemError(
                f"`{path}` has two columns `{name}`; give each a name of its own."
            )
        kind = schema.field(name).type
        if _is_list(kind):
            raise InvalidProblemError(
                f"the column `{name}` of `{path}` holds lists, and there are other columns beside "
                "it; write it alone."
            )
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)):
            raise InvalidProblemError(
                f"the column `{name}` of `{path}` is {kind}, which is not numbers; leave it out, "
                "or convert it to float64."
            )
