"""Tables of numbers: which lines of a .csv, and which columns of any table, are data.

`np.loadtxt` reads the numbers: it is compiled, takes no more for a number than one is (1_000 and
0x10 are none), and needs no package besides NumPy. What it does not know is here: separators,
headers, indices, and which cell is no number.
"""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.io.files import UNREADABLE, PathLike, check_first_line, check_quotes, unreadable
from quot.labels import Labels, of_file

Floats = NDArray[np.float64]

_EXPECTED = "rows of numbers separated by comma, semicolon, tab or blanks"
_SEPARATORS = ";\t,"
_SKIPPED, INDEX = "header skipped", "index left out"
# First columns of these names, of those written without one, are left out whatever they hold ...
_NAMELESS = ("", "unnamed: 0")
# ... and those of these names if they count the rows.
_COUNTS = ("index", "id")
# A name has a letter and does not begin as a number does; these stand for a number that is missing.
_NAME = re.compile(r"(?![\d+.\-−]).*[^\W\d].*")
_MISSING = ("na", "n/a", "#n/a", "nan", "null", "none")
_ERROR = re.compile(r"#(N/A|N/D|NV|[A-Z][A-Z/0]*[!?])(?=\s*([;,\t\"]|$))")
_WHOLE = re.compile(r"\d+")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_QUOTED = re.compile(r'"[^"]*"')


class Matrix(NamedTuple):
    """The numbers of a table, and what was taken for them.

    Parameters
    ----------
    values : array of shape (n, d)
    names : tuple of str
        Of the columns; empty if they have none.
    note : str
        What was taken, as "columns p, q; header skipped".
    rows : Labels
        Names of the rows, from an index that was left out.
    """

    values: Floats
    names: tuple[str, ...]
    note: str
    rows: Labels = None


def taken(values: Floats, names: Sequence[str], path: PathLike, *how: str) -> Matrix:
    """Return the columns of a table without a first one that only counts the rows.

    Parameters
    ----------
    values : array of shape (n, d)
    names : sequence of str
    path : str or path
        For messages.
    *how : str
        What else there is to say of them.
    """
    called = names[0].lower() if len(names) > 1 else None
    if called in _NAMELESS + _COUNTS:
        if called in _COUNTS and not _counts(values[:, 0]):
            raise InvalidProblemError(
                f"the column `{names[0]}` of `{path}` is called as an index is, and does not count "
                "the rows; leave it out of the file, or give it another name if it is data."
            )
        how = (*how, f"index `{names[0]}` left out" if names[0] else INDEX)
        values, names = np.ascontiguousarray(values[:, 1:]), names[1:]
    return Matrix(values, _all_named(names, path), noted(names, *how))


def _all_named(names: Sequence[str], path: PathLike) -> tuple[str, ...]:
    """Names of columns, below which nobody knows what is data if one has none."""
    if "" in names:
        raise InvalidProblemError(
            f"a column of `{path}` besides the first has no name, and may be data or an index, as "
            "pandas writes one of several levels; give it a name if it is data, else leave it out."
        )
    return tuple(names)


def noted(names: Sequence[str], *how: str) -> str:
    """Return what to say of columns that were taken."""
    shown = [*names[:3], "...", names[-1]] if len(names) > 5 else names
    return "; ".join([f"column{'s' * (len(names) != 1)} {', '.join(shown)}", *how])


def _counts(column: Floats) -> bool:
    """Whether it counts from 0, or from 1."""
    start = column[0] if column.size and column[0] in (0.0, 1.0) else 0.0
    return bool((column == np.arange(column.size) + start).all())


# --- .csv --------------------------------------------------------------------------------------


class _Form(NamedTuple):
    """How the lines of a file are made.

    Parameters
    ----------
    separator : str or None
        None are blanks.
    skip : int
        Lines above the data.
    names : tuple of str
        From the header; empty without one.
    may_count : bool
        Whether the first column may be an index: whole numbers beside decimals, without a header.
    """

    separator: str | None
    skip: int
    names: tuple[str, ...]
    may_count: bool = False

    @property
    def is_labelled(self) -> bool:
        """Whether the first column has no name, and may hold anything."""
        return len(self.names) > 1 and self.names[0].lower() in _NAMELESS


def read_csv(path: PathLike, *, is_data: bool = False) -> Matrix:
    """Read a .csv file of numbers, with or without a header.

    Separators are those of the first line: semicolons, else tabs, else commas, else blanks. Blank
    lines, and what follows a ``#``, do not count. A first line without a number is a header; one of
    numbers is data. A first column without a name, as pandas and R write it, is left out, and so is
    one named ``index`` or ``id`` that counts the rows.

    Parameters
    ----------
    path : str or path
    is_data : bool, default=False
        Take a first line of numbers for data even where it may be a header.

    Returns
    -------
    Matrix
        Of no rows if the file is nothing but a header.

    Raises
    ------
    InvalidProblemError
        If the file is missing, empty, damaged or too large; if a cell is no number; or if it cannot
        be told whether the first line or the first column is data.
    """
    with _text(path) as stream:
        form = _form(path, stream, is_data=is_data)
        stream.seek(0)
        _refuse_errors(path, stream)
        stream.seek(0)
        try:
            values = _load(stream, form)
        except UnicodeDecodeError:
            raise
        except ValueError as error:
            stream.seek(0)
            _explain(path, stream, form)
            raise unreadable(path, _EXPECTED, error) from error
        if form.is_labelled:
            stream.seek(0)
            names, rows = _all_named(form.names[1:], path), _row_names(stream, form)
            rows = rows if len(rows) == len(values) else []  # one may hold the end of a line
            return Matrix(values, names, noted(names, _SKIPPED, INDEX), of_file(rows))
    if form.may_count and _counts(values[:, 0]):
        raise InvalidProblemError(
            f"the first column of `{path}` counts the rows, and may be an index, as pandas writes "
            "it, or data. Leave it out if it is an index (`to_csv(..., index=False)`), or write a "
            "line of names, such as x,y, at the top if it is data."
        )
    if not form.names:
        return Matrix(values, (), "no header")
    return taken(values, form.names, path, _SKIPPED)


def _refuse_errors(path: PathLike, stream: IO[str]) -> None:
    """Refuse what Excel writes where there is no number: it would be a comment."""
    for number, line in enumerate(stream, 1):
        found = _ERROR.search(line) if "#" in line else None
        if found:
            raise InvalidProblemError(
                f"line {number} of `{path}` has {found[0]!r}, which Excel writes where there is no "
                "number, and what follows a # is a comment; fill it, or leave the line out."
            )


def _row_names(stream: IO[str], form: _Form) -> list[str]:
    """The first cells of the lines below the header."""
    lines = (line for k, line in enumerate(stream) if k >= form.skip and _content(line))
    return [_first(line, form.separator) for line in lines]


def _first(line: str, separator: str | None) -> str:
    if '"' in line:
        return _cells(line, separator)[0]
    return (_content(line).split(separator, 1) or [""])[0].strip()


def _load(stream: IO[str], form: _Form) -> Floats:
    """Read the numbers, (n, d); a ValueError means that there is something else."""
    width = len(form.names) - form.is_labelled
    dtype: Any = np.float64
    if form.is_labelled:
        dtype = np.dtype([("name", "U1"), ("numbers", np.float64, (width,))])
    for _ in range(form.skip):
        stream.readline()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # no rows; for the caller to judge
        table: NDArray[Any] = np.loadtxt(
            stream,
            dtype,
            delimiter=form.separator,
            quotechar='"',
            ndmin=1 if form.is_labelled else 2,
        )
    if form.is_labelled:
        return np.ascontiguousarray(table["numbers"])
    if not form.names:
        return table
    if table.size and table.shape[1] != width:
        raise ValueError(f"its lines have {table.shape[1]} cells")
    return table.reshape(-1, width)


@contextmanager
def _text(path: PathLike) -> Iterator[IO[str]]:
    """Open a file of text, with or without a byte order mark, to be read more than once."""
    try:
        with Path(path).open(encoding="utf-8-sig") as stream:
            yield stream if stream.seekable() else io.StringIO(stream.read())
    except InvalidProblemError:
        raise
    except (*UNREADABLE, csv.Error) as error:
        raise unreadable(path, _EXPECTED, error) from error


def _form(path: PathLike, stream: IO[str], *, is_data: bool) -> _Form:
    """Look at the first two lines that are not blank."""
    found = ((k, line) for k, line in enumerate(stream, 1) if _content(line))
    number, first = next(found, (0, ""))
    if not number:
        raise InvalidProblemError(f"`{path}` is empty; pass {_EXPECTED}.")
    second = next(found, (0, ""))[1]
    check_first_line(path, first)
    separator = _separator(first, second)
    cells = _cells(first, separator)
    below = _cells(second, separator)
    if _is_header(path, cells, (first, second), below, is_data=is_data):
        check_quotes(path, first, separator)
        return _Form(separator, number, tuple(cells))
    return _Form(separator, 0, (), may_count=not is_data and _may_count(cells, below))


def _is_header(
    path: PathLike,
    cells: list[str],
    lines: tuple[str, str],
    below: list[str],
    *,
    is_data: bool,
) -> bool:
    """Whether the cells of the first line name the columns; `below` are those of the second."""
    if any(cells) and all(_is_name(cell) or not cell for cell in cells):
        return True
    if all(map(_is_number, cells)):
        if '"' in lines[0] and lines[1] and '"' not in lines[1]:
            return True
        if below and not is_data and _may_be_names(cells, below):
            raise InvalidProblemError(
                f"the first line of `{path}`, `{_content(lines[0])[:60]}`, may be the names of "
                "columns, as pandas writes them, or data. Delete it if it is names "
                "(`to_csv(..., header=False)`), or write a line of names above it, such as x,y, "
                "if it is data."
            )
        return False
    # What pandas writes by default: an index without a name, and columns that are numbered.
    is_index = len(cells) > 1 and cells[0].lower() in _NAMELESS + _COUNTS
    if is_index and cells[1:] == _numbered(len(cells) - 1):
        return True
    raise InvalidProblemError(
        f"the first line of `{path}`, `{_content(lines[0])[:60]}`, is neither names of columns nor "
        "numbers alone; write a name for each column there, or numbers only."
    )


def _is_name(cell: str) -> bool:
    return bool(_NAME.fullmatch(cell)) and not _is_number(cell) and cell.lower() not in _MISSING


def _may_be_names(cells: list[str], below: list[str]) -> bool:
    """Whether numbers are as pandas writes names: 0, 1, 2, or whole and rising above decimals."""
    if cells == _numbered(len(cells)):
        return True
    if len(cells) < 2 or not all(map(_WHOLE.fullmatch, cells)):
        return False
    whole = [int(cell) for cell in cells]
    return whole == sorted(set(whole)) and not any(map(_WHOLE.fullmatch, below))


def _may_count(cells: list[str], below: list[str]) -> bool:
    """Whether the first column begins as an index does, and the others are decimals."""
    is_whole = [_WHOLE.fullmatch(cell) is not None for cell in (*cells, *below)]
    return len(cells) > 1 and is_whole == ([True] + [False] * (len(cells) - 1)) * 2


def _numbered(count: int) -> list[str]:
    return [str(k) for k in range(count)]


def _separator(first: str, second: str) -> str | None:
    """The separator of the first line, outside of quotes; blanks if both lines have them."""
    bare = _QUOTED.sub("q", first)
    for mark in _SEPARATORS:
        if mark in bare:
            return mark
    is_blank = len(_content(bare).split()) > 1 and (not second or len(second.split()) > 1)
    return None if is_blank else ","


def _content(line: str) -> str:
    """A line without its comment and the blanks around it."""
    return line.partition("#")[0].strip()


def _cells(line: str, separator: str | None) -> list[str]:
    """The cells of a line, without quotes and the blanks around them."""
    line = line.partition("#")[0].rstrip("\r\n")
    if separator is None:
        line = " ".join(line.split())
    row = next(csv.reader([line], delimiter=separator or " ", skipinitialspace=True), [])
    return [cell.strip() for cell in row]


def _is_number(text: str) -> bool:
    """Whether `np.loadtxt` reads it as one."""
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and "_" not in text


# --- messages ----------------------------------------------------------------------------------


def _explain(path: PathLike, stream: IO[str], form: _Form) -> None:
    """Raise on the first line that is not one of numbers, or of as many as there should be."""
    width = len(form.names)
    for number, line in enumerate(stream, 1):
        if number <= form.skip or not line.partition("#")[0].rstrip("\r\n"):
            continue
        cells = _cells(line, form.separator)
        width = width or len(cells)
        where = f"line {number} of `{path}`"
        if len(cells) == 1 < width and not cells[0]:
            raise InvalidProblemError(f"{where} holds blanks alone; delete it.")
        if len(cells) != width:
            of_r = " Without `row.names = FALSE`, R writes names of rows that have no header."
            is_of_r = form.names and len(cells) == width + 1 and cells[-1]
            raise InvalidProblemError(
                f"{where} has {len(cells)} cell{'s' * (len(cells) != 1)}, and there are {width} in "
                f"{'the header' if form.names else 'the first'}; each line needs as many."
                f"{of_r if is_of_r else ''}"
            )
        for k, cell in enumerate(cells):
            if not _is_number(cell) and not (k == 0 and form.is_labelled):
                called = form.names[k] if form.names else ""
                name = f"`{called}`" if called else f"column {k + 1}"
                raise InvalidProblemError(f"{name} in {where} {_fault(cell)}")


def _fault(cell: str) -> str:
    """What is wrong with a cell that is no number, and what to do."""
    if not cell:
        return "is empty; fill it, or leave the line or the column out."
    if _DECIMAL_COMMA.fullmatch(cell):
        return f"is {cell!r}, with a decimal comma; write numbers with a decimal point."
    return f"is {cell[:40]!r}, which is no number; leave the line or the column out."
