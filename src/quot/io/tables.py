"""Tables with named columns, .csv with a header and .parquet; what is wrong is said by the line."""

from __future__ import annotations

import csv
import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.io import parquet
from quot.io.cells import BadCellError, Cells, Reader, number
from quot.io.files import (
    UNREADABLE,
    PathLike,
    check_first_line,
    check_quotes,
    check_writable,
    unreadable,
    write_atomically,
)

# By any name a column and its reader: `numbers`, `flags` or the `codes` of `Names`.
Wanted: TypeAlias = Mapping[str, tuple[str, Reader]]

TABLE_SUFFIXES = (".csv", ".parquet")
_EXPECTED = "a table with a header, its columns separated by comma, semicolon or tab"
_SEPARATORS = ",;\t"
# Lines of a .csv file in memory at a time, besides the arrays made of them.
_CHUNK = 1 << 11


class Table(ABC):
    """A file of named columns.

    Parameters
    ----------
    path : str or path
        For messages.
    columns : sequence of str
        Names of all columns.
    index : sequence of str, optional
        Those of them that pandas or R wrote as names of the rows, which may be a count alone.
    """

    # What a column is called in the format.
    what = "column"

    def __init__(self, path: PathLike, columns: Sequence[str], index: Sequence[str] = ()) -> None:
        self.path, self.columns, self.index = path, tuple(columns), tuple(index)
        named = [name for name in self.columns if name]
        twice = [name for k, name in enumerate(named) if name in named[:k]]
        if twice:
            raise InvalidProblemError(
                f"`{path}` has two {self.what}s `{twice[0]}`; give each a name of its own."
            )

    @abstractmethod
    def pieces(self, columns: Sequence[str]) -> Iterator[Sequence[Cells]]:
        """Give the cells of these columns, piece by piece."""

    @abstractmethod
    def where(self, row: int) -> str:
        """Say where a row is, as "in line 7 of `streets.csv`"; rows count from 0."""

    def find(self, role: str, wanted: str | None, usual: Sequence[str] = ()) -> str | None:
        """Return the column asked for, or the first of the usual ones; None if there is none."""
        if wanted is not None:
            if wanted not in self.columns:
                raise InvalidProblemError(
                    f"`{self.path}` has no {self.what} `{wanted}` for the {role}; it has "
                    f"{self.listed()}. Name one of these."
                )
            return wanted
        for name in usual:
            found = [column for column in self.columns if column.lower() == name]
            if len(found) > 1:
                raise InvalidProblemError(
                    f"`{self.path}` has the {self.what}s `{found[0]}` and `{found[1]}`, which may "
                    f"both be the {role}; say which, or rename one."
                )
            if found:
                return found[0]
        return None

    def listed(self) -> str:
        """Return the names of the columns, for a message."""
        return ", ".join(f"`{name}`" for name in self.columns) or "none"

    def read(self, wanted: Wanted) -> Columns:
        """Read columns, each by its reader.

        Parameters
        ----------
        wanted : mapping
            By any name the column and its reader.

        Returns
        -------
        Columns
            Arrays by the same names.

        Raises
        ------
        InvalidProblemError
            If a cell is not what it should be, or there is no row.
        """
        columns = list(dict.fromkeys(column for column, _ in wanted.values()))
        parts: dict[str, list[NDArray[Any]]] = {name: [] for name in wanted}
        row = 0
        for piece in self.pieces(columns):
            cells = dict(zip(columns, piece, strict=True))
            for name, (column, reader) in wanted.items():
                try:
                    parts[name].append(reader(cells[column]))
                except BadCellError as bad:
                    raise self.error(column, row + bad.index, bad.text) from None
            row += len(piece[0])
        if not row:
            raise InvalidProblemError(f"`{self.path}` has no rows; got only {self.listed()}.")
        arrays = {name: np.concatenate(part) for name, part in parts.items()}
        return Columns(self, {name: column for name, (column, _) in wanted.items()}, arrays)

    def error(self, column: str, row: int, text: str) -> InvalidProblemError:
        """Return the error that a cell `text`: "is 'abc', which is no number"."""
        return InvalidProblemError(f"`{column}` {self.where(row)} {text}")


@dataclass(frozen=True, eq=False)
class Columns:
    """What was read of a table.

    Parameters
    ----------
    table : Table
    names : mapping
        What the columns are called in the table.
    arrays : mapping
        What is in them.
    """

    table: Table
    names: Mapping[str, str]
    arrays: dict[str, NDArray[Any]]

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    def refuse(self, name: str, bad: NDArray[np.bool_], advice: str) -> None:
        """Raise on the first bad row, with the number there."""
        if bad.any():
            row = int(np.argmax(bad))
            text = f"is {self.arrays[name][row]:.6g}; {advice}"
            raise self.table.error(self.names[name], row, text)


def open_table(path: PathLike) -> Table:
    """Open a .csv or .parquet file and read the names of its columns.

    Raises
    ------
    InvalidProblemError
        If the file is missing, damaged or of another kind, or has no header.
    MissingDependencyError
        If the file is .parquet, and pyarrow is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise InvalidProblemError(
            f"`{path}` has the suffix {suffix!r}; pass a table, {' or '.join(TABLE_SUFFIXES)}."
        )
    return CsvTable(path) if suffix == ".csv" else ParquetTable(path)


class CsvTable(Table):
    """A .csv file with a header; the separator is the one that makes most columns of it.

    Python's `csv`, strictly: pandas and pyarrow do not tell the line of a bad cell.
    """

    def __init__(self, path: PathLike) -> None:
        with _text(path) as stream:
            line = stream.readline()
            if "\0" in line:
                raise InvalidProblemError(
                    f"`{path}` has zero bytes in its first line, as UTF-16 has; save it as UTF-8."
                )
            check_first_line(path, line)
            headers = {
                k: next(csv.reader([line], delimiter=k, skipinitialspace=True), [])
                for k in _SEPARATORS
            }
        self._separator = max(_SEPARATORS, key=lambda k: len(headers[k]))
        columns = [name.strip() for name in headers[self._separator]]
        if not any(columns):
            raise InvalidProblemError(f"`{path}` has no first line; it should hold {_EXPECTED}.")
        if len(list(filter(None, columns))) == 1:
            raise InvalidProblemError(
                f"`{path}` begins with the line {line.strip()[:80]!r}, which is one name alone; it "
                f"should hold {_EXPECTED}."
            )
        check_quotes(path, line, self._separator)
        if all(_is_number(name) for name in columns):
            raise InvalidProblemError(
                f"`{path}` has no header: its first line is `{line.strip()}`. Write the names of "
                "the columns there, such as source,target,length."
            )
        index = itertools.takewhile(lambda name: not name, columns)
        super().__init__(path, columns, tuple(index))

    def pieces(self, columns: Sequence[str]) -> Iterator[Sequence[Cells]]:
        """Give the cells of these columns as text."""
        chosen = [self.columns.index(name) for name in columns]
        width, start = {len(self.columns)}, 0
        with self._rows() as rows:
            filled = filter(None, rows)
            while chunk := list(itertools.islice(filled, _CHUNK)):
                if set(map(len, chunk)) != width:
                    self._complain_of_width(chunk, start)
                start += len(chunk)
                yield [[row[k] for row in chunk] for k in chosen]

    def where(self, row: int) -> str:
        """Say the line; blank ones count."""
        with self._rows() as rows:
            for _ in itertools.islice(filter(None, rows), row + 1):
                pass
            return f"in line {rows.line_num + 1} of `{self.path}`"

    @contextmanager
    def _rows(self) -> Iterator[Any]:
        """A reader that stands below the header."""
        with _text(self.path) as stream:
            stream.readline()
            rows = csv.reader(stream, delimiter=self._separator, skipinitialspace=True, strict=True)
            try:
                yield rows
            except csv.Error as error:
                raise InvalidProblemError(
                    f"line {rows.line_num + 1} of `{self.path}` cannot be read ({error}); close "
                    "each quote where its field ends, and double the quotes inside."
                ) from error

    def _complain_of_width(self, chunk: list[list[str]], start: int) -> None:
        width = len(self.columns)
        bad = next(k for k, row in enumerate(chunk) if len(row) != width)
        where = self.where(start + bad).removeprefix("in ")
        advice = "Put text that holds separators in quotes, and write decimal points."
        if {len(row) for row in chunk} == {width + 1}:
            advice = "Without `row.names = FALSE`, R writes names of rows that have no header."
        raise InvalidProblemError(
            f"{where} has {len(chunk[bad])} fields, but the header has {width}: {self.listed()}. "
            f"{advice}"
        )


class ParquetTable(Table):
    """A .parquet file."""

    def __init__(self, path: PathLike) -> None:
        super().__init__(path, *parquet.column_names(path))

    def pieces(self, columns: Sequence[str]) -> Iterator[Sequence[Cells]]:
        """Give the cells of these columns as arrays of numbers or lists of the rest."""
        yield from parquet.read_cells(self.path, columns)

    def where(self, row: int) -> str:
        """Say the row."""
        return f"in row {row} (the first is 0) of `{self.path}`"


def _is_number(word: str) -> bool:
    try:
        number(word)
    except ValueError:
        return False
    return True


# --- writing -----------------------------------------------------------------------------------


def check_table_path(path: PathLike) -> None:
    """Raise early, before any work, if a table cannot be written there."""
    check_writable(path, TABLE_SUFFIXES)
    if Path(path).suffix.lower() == ".parquet":
        parquet.need()


def write_table(columns: Mapping[str, Cells], path: PathLike) -> None:
    """Write columns of equal lengths as .csv, separated by commas, or .parquet.

    Numbers are written with as many digits as give back every bit.
    """
    check_table_path(path)
    with write_atomically(path) as stream:
        if Path(path).suffix.lower() == ".parquet":
            parquet.write_columns(columns, stream)
            return
        lists = [k.tolist() if isinstance(k, np.ndarray) else k for k in columns.values()]
        lines = csv.writer(_Encoded(stream), lineterminator="\n")
        lines.writerow(columns)
        lines.writerows(zip(*lists, strict=True))


class _Encoded:
    """What `csv.writer` needs of a file, for one of bytes."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def write(self, line: str) -> int:
        return int(self._stream.write(line.encode()))


@contextmanager
def _text(path: PathLike) -> Iterator[Any]:
    """Open a file of text, with or without a byte order mark."""
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as stream:
            yield stream
    except InvalidProblemError:
        raise
    except (*UNREADABLE, csv.Error) as error:
        raise unreadable(path, _EXPECTED, error) from error
