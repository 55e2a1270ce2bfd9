"""Cells of a table as numbers, as bools and as numbers of named nodes."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Text, numbers, bools, dates; None, NaN or "" where there is nothing.
Cells: TypeAlias = Sequence[Any] | NDArray[Any]
# Makes an array of cells, or raises `BadCellError`.
Reader: TypeAlias = Callable[[Cells], NDArray[Any]]

# More digits than this may not fit into an integer of a file; such names stay text.
_DIGITS = 18
_TRUE, _FALSE = {"1", "true", "yes"}, {"0", "false", "no", ""}


class BadCellError(ValueError):
    """The cell at `index` is not what a column should hold; `text` says what it is."""

    def __init__(self, index: int, text: str) -> None:
        super().__init__(text)
        self.index, self.text = index, text


def numbers(cells: Cells) -> Floats:
    """Return cells as numbers; NaN where there is nothing."""
    try:
        return np.array(cells, dtype=np.float64)
    except (ValueError, TypeError):
        pass
    found = np.empty(len(cells))
    for k, cell in enumerate(cells):
        try:
            found[k] = np.nan if _is_missing(cell) else float(cell)
        except (ValueError, TypeError):
            raise BadCellError(
                k, f"is {_shown(cell)}, which is no number; write it with a decimal point."
            ) from None
    return found


def given_numbers(cells: Cells) -> Floats:
    """Return cells as numbers; there must be one in each."""
    found = numbers(cells)
    missing = np.isnan(found)
    if missing.any():
        raise BadCellError(int(np.argmax(missing)), "is missing; every row needs a number there.")
    return found


def flags(cells: Cells) -> NDArray[np.bool_]:
    """Return cells of 0 or 1, true or false, yes or no as bools; nothing is no."""
    found = np.empty(len(cells), np.bool_)
    for k, cell in enumerate(cells):
        word = "" if _is_missing(cell) else str(cell).strip().lower().removesuffix(".0")
        if word not in _TRUE | _FALSE:
            text = f"is {_shown(cell)}; it should be 0 or 1, true or false, yes or no."
            raise BadCellError(k, text)
        found[k] = word in _TRUE
    return found


class Names:
    """Numbers nodes in the order in which their names first come up."""

    def __init__(self) -> None:
        self._number: defaultdict[str, int] = defaultdict()
        self._number.default_factory = self._number.__len__
        self._is_text = False

    def __len__(self) -> int:
        return len(self._number)

    def codes(self, cells: Cells) -> NDArray[np.int32]:
        """Return the number of each name."""
        words = self._words(cells)
        found = np.array([self._number[word] for word in words], np.int32)
        if "" in self._number:
            raise BadCellError(words.index(""), "is missing; every row needs the name of a node.")
        return found

    def labels(self) -> list[int] | list[str]:
        """Return the names by their numbers: integers, if all of them are."""
        words = list(self._number)
        if not self._is_text and all(map(_is_integer, words)):
            return [int(word) for word in words]
        return words

    def _words(self, cells: Cells) -> list[str]:
        if isinstance(cells, np.ndarray) and cells.dtype.kind == "f":
            _refuse_odd(cells, (np.floor(cells) == cells) & (np.abs(cells) < 2.0**63))
            cells = cells.astype(np.int64)
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "iu":
            return [str(cell) for cell in cells.tolist()]
        if isinstance(cells, np.ndarray):  # a column of text, even if each is an integer
            self._is_text, cells = True, cells.tolist()
        try:
            return [cell.strip() for cell in cells]
        except AttributeError:  # not text
            _refuse_odd(cells, np.array([isinstance(cell, str) for cell in cells]))
            raise


def _refuse_odd(cells: Cells, good: NDArray[np.bool_]) -> None:
    if not good.all():
        row = int(np.argmin(good))
        cell = cells[row]
        text = "is missing" if _is_missing(cell) else f"is {_shown(cell)}, which names no node"
        raise BadCellError(row, f"{text}; nodes have integers or text for names.")


def _shown(cell: Any) -> str:
    return repr(cell.item() if isinstance(cell, np.generic) else cell)


def _is_missing(cell: Any) -> bool:
    if isinstance(cell, str):
        return not cell.strip()
    return cell is None or (isinstance(cell, float) and math.isnan(cell))


def _is_integer(word: str) -> bool:
    """Whether an integer is written as Python writes it, and fits."""
    digits = word.removeprefix("-")
    plain = digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS
    return plain and (digits[0] != "0" or word == "0")
