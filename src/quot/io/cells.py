"""Cells of a table as numbers, as bools and as numbers of named nodes."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError

Floats = NDArray[np.float64]

# Text, numbers, bools, dates; None, NaN or "" where there is nothing.
Cells: TypeAlias = Sequence[Any] | NDArray[Any]
# Makes an array of cells, or raises `BadCellError`.
Reader: TypeAlias = Callable[[Cells], NDArray[Any]]

# More digits than this may not fit into an integer of a file; such names stay text.
_DIGITS = 18
_TRUE, _FALSE = {"1", "1.0", "true", "yes"}, {"0", "0.0", "false", "no", ""}
_NUMBER = re.compile(r"[+-]?((\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?|inf)", re.ASCII | re.IGNORECASE)
# What Python makes a number of, of these signs alone, is one by the rule above.
_SIGNS = frozenset("0123456789+-.eE ")
# The largest integers that floats have without gaps.
_WHOLE = 2.0**53
# What Excel and R make of large integers.
_POWER = re.compile(r"-?\d(\.\d+)?[eE]\+\d{2,}", re.ASCII)


class BadCellError(ValueError):
    """The cell at `index` is not what a column should hold; `text` says what it is."""

    def __init__(self, index: int, text: str) -> None:
        super().__init__(text)
        self.index, self.text = index, text


def number(text: str) -> float:
    """Return the number that a text is, such as 1234.5, 1.2e3 or inf; blanks around it are fine.

    Python's `float` takes more: 1_000, nan, infinity, digits of other scripts, and 1e999 for inf.

    Raises
    ------
    ValueError
        If it is none, or too large for a float.
    """
    word = text.strip()
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"{text!r} is no number")
    value = float(word)
    if math.isinf(value) and not word.isalpha() and not word[1:].isalpha():
        raise ValueError(f"{text!r} is too large a number")
    return value


def numbers(cells: Cells) -> Floats:
    """Return cells as numbers, floats of their own type; NaN where there is nothing."""
    if isinstance(cells, np.ndarray) and cells.dtype.kind in "iufb":
        return np.array(cells, dtype=cells.dtype if cells.dtype.kind == "f" else np.float64)
    try:
        if _SIGNS.issuperset("".join(cells)):  # most columns: read all at once
            found = np.array(cells, dtype=np.float64)
            if np.isfinite(found).all():
                return found
    except (ValueError, TypeError):
        pass
    return np.array([_number_in(cells, k) for k in range(len(cells))], dtype=np.float64)


def _number_in(cells: Cells, k: int) -> float:
    cell = cells[k]
    if _is_missing(cell):
        return math.nan
    if isinstance(cell, (int, float)):
        return float(cell)
    try:
        if isinstance(cell, str):
            return number(cell)
    except ValueError:
        pass
    raise BadCellError(
        k,
        f"is {_shown(cell)}, which is no number; write it with a decimal point and nothing else "
        "between the digits, as 1234.5, 1.2e3 or inf, and leave it empty where there is none.",
    )


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
        word = "" if _is_missing(cell) else str(cell).strip().lower()
        if word not in _TRUE | _FALSE:
            text = f"is {_shown(cell)}; it should be 0 or 1, true or false, yes or no."
            raise BadCellError(k, text)
        found[k] = word in _TRUE
    return found


class Names:
    """Numbers nodes, or what else has names, in the order in which these first come up.

    Parameters
    ----------
    one, several : str
        What they are called, for messages.
    """

    def __init__(self, one: str = "node", several: str = "nodes") -> None:
        self._one, self._several = one, several
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
            text = f"is missing; every row needs the name of a {self._one}."
            raise BadCellError(words.index(""), text)
        return found

    def labels(self) -> list[int] | list[str]:
        """Return the names by their numbers: integers, if all of them are.

        Raises
        ------
        InvalidProblemError
            If two names differ only in how Unicode writes them.
        """
        _refuse_twins(self._number, self._several)
        words = list(self._number)
        if not self._is_text and all(map(_is_integer, words)):
            return [int(word) for word in words]
        return words

    def _words(self, cells: Cells) -> list[str]:
        if isinstance(cells, np.ndarray) and cells.dtype.kind == "f":
            cells = cells.astype(np.float64)
            self._refuse_odd(cells, (np.floor(cells) == cells) & (np.abs(cells) <= _WHOLE))
            cells = cells.astype(np.int64)
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "iu":
            return [str(cell) for cell in cells.tolist()]
        if isinstance(cells, np.ndarray):  # a column of text, even if each is an integer
            self._is_text, cells = True, cells.tolist()
        self._refuse_odd(cells, np.array([isinstance(cell, str) for cell in cells], np.bool_))
        words = list(map(str.strip, cells))
        power = next((k for k, word in enumerate(words) if _POWER.fullmatch(word)), None)
        if power is not None:
            raise BadCellError(
                power,
                f"is {words[power]!r}, as Excel and R write large integers, with digits lost; "
                "write them all (Excel: the column as text; R: `options(scipen = 20)`).",
            )
        return words

    def _refuse_odd(self, cells: Cells, good: NDArray[np.bool_]) -> None:
        if not good.all():
            row = int(np.argmin(good))
            cell = cells[row]
            text = f"is {_shown(cell)}, which names no {self._one}"
            if _is_missing(cell):
                text = "is missing"
            text += f"; {self._several} have integers or text for names."
            raise BadCellError(row, text)


def _refuse_twins(words: Collection[str], several: str) -> None:
    """Refuse names that are the same number, or the same text in other code points."""
    first: dict[str, str] = {}
    for word in words:
        whole = word.removesuffix(".0")
        if whole != word and whole in words and _is_integer(whole):
            raise InvalidProblemError(
                f"two names of {several}, {whole!r} and {word!r}, are one number, which pandas "
                "writes with decimals where others are missing; write both in one form."
            )
        if word.isascii():
            continue
        normal = unicodedata.normalize("NFC", word)
        twin = normal if normal in words else first.setdefault(normal, word)
        if twin != word:
            raise InvalidProblemError(
                f"two names of {several} look alike, {twin!r} and {word!r}, but are {twin!a} and "
                f"{word!a} in Unicode; write both in one form (`unicodedata.normalize`), or "
                "give one another name."
            )


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
