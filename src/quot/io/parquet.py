"""Tables from and to .parquet; the border to pyarrow (extra `parquet`)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError, MissingDependencyError
from quot.io.files import UNREADABLE, PathLike, unreadable
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
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise MissingDependencyError(
            "`pyarrow` is not installed, and .parquet files need it (extra `parquet`); install it "
            "with `pip install 'quot[parquet]'`."
        ) from error
    return pyarrow


def read_matrix(path: PathLike) -> Floats:
    """Read the columns of a table, in order, as an (n, d) array.

    Parameters
    ----------
    path : str or path

    Returns
    -------
    array of shape (n, d)

    Raises
    ------
    InvalidProblemError
        If the file is missing, empty, damaged or too large, or a column is not of numbers or has
        gaps.
    MissingDependencyError
        If pyarrow is not installed.
    """
    with _opened(path) as file:
        _check_numbers(file.schema_arrow, path)
        matrix = np.empty((file.metadata.num_rows, len(file.schema_arrow)))
        for part, columns in _batches(file, path):
            for k, column in enumerate(columns):
                matrix[part, k] = column
    if not matrix.size:
        raise InvalidProblemError(f"`{path}` is empty; pass a table with columns of numbers.")
    return matrix


def holds_pairs(path: PathLike) -> bool:
    """Whether the columns are row, column and mass."""
    with _opened(path) as file:
        return list(file.schema_arrow.names) == PAIRS


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
        Of the types they have in the file: two of integers and one of numbers.

    Raises
    ------
    InvalidProblemError
        As `read_matrix`.
    """
    with _opened(path) as file:
        schema = file.schema_arrow
        _check_numbers(schema, path)
        types = [np.dtype(field.type.to_pandas_dtype()) for field in schema]
        for name, dtype in zip(PAIRS[:2], types[:2], strict=True):
            if dtype.kind not in "iu":
                raise InvalidProblemError(
                    f"the column `{name}` of `{path}` is {dtype}; rows and columns of pairs are "
                    "integers that count from 0."
                )
        noted = (schema.metadata or {}).get(_SHAPE)
        shape = None if noted is None else tuple(int(k) for k in json.loads(noted))
        if shape is not None and len(shape) != 2:
            raise ValueError(f"its shape is {shape}")
        arrays = [np.empty(file.metadata.num_rows, dtype) for dtype in types]
        for part, columns in _batches(file, path):
            for array, column in zip(arrays, columns, strict=True):
                array[part] = column
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
        names = [str(name) for name in schema.names]
        index = (schema.pandas_metadata or {}).get("index_columns", [])
        return names, [name for name in names if name in index]


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


def _batches(file: Any, path: PathLike) -> Iterator[tuple[slice, list[NDArray[Any]]]]:
    """Give the columns piece by piece, with the rows each piece is for."""
    stop = 0
    for batch in file.iter_batches(batch_size=_CHUNK):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if column.null_count:
                raise InvalidProblemError(
                    f"the column `{name}` of `{path}` has entries without a value; fill them or "
                    "leave the rows out."
                )
        start, stop = stop, stop + batch.num_rows
        yield slice(start, stop), [k.to_numpy(zero_copy_only=False) for k in batch.columns]
    if stop != file.metadata.num_rows:
        raise ValueError(f"it says {file.metadata.num_rows} rows and has {stop}")


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


def _check_numbers(schema: Any, path: PathLike) -> None:
    """Refuse columns that are not of integers or floats."""
    types = need().types
    for field in schema:
        if _INDEX.fullmatch(field.name):
            raise InvalidProblemError(
                f"the column `{field.name}` of `{path}` is an index that pandas added; write the "
                "table with `index=False`."
            )
        if not (types.is_integer(field.type) or types.is_floating(field.type)):
            raise InvalidProblemError(
                f"the column `{field.name}` of `{path}` is {field.type}, which is not numbers; "
                "leave it out, or convert it to float64."
            )
