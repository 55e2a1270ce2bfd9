"""What an experiment brings: figures, numbers, and claims with a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

Cell = str | int | float | bool | None


class Verdict(StrEnum):
    """What became of a claim."""

    REPRODUCED = "reproduced"
    WITH_REMARK = "reproduced with remark"
    NOT_REPRODUCED = "not reproduced"
    UNSUPPORTED = "unsupported"


@dataclass(frozen=True)
class Claim:
    """What a document says, what came out, and the verdict.

    Parameters
    ----------
    says : str
        The claim, in our words.
    number : str
        The document's number, "" if it gives none.
    ours : str
        Ours, formatted from what was computed.
    verdict : Verdict
    why : str
        The remark, or what is so instead; "" if there is nothing to add.
    """

    says: str
    number: str
    ours: str
    verdict: Verdict
    why: str


def judged(
    says: str, *, ours: str, holds: Any, number: str = "", remark: str = "", why: str = ""
) -> Claim:
    """Return a claim with the verdict that follows from the numbers.

    Parameters
    ----------
    says : str
        The claim, in our words.
    ours : str
        What came out, formatted from the numbers; no seconds.
    holds : bool
        Whether it holds: a rule on the numbers.
    number : str, optional
        The document's number.
    remark : str, optional
        What has to be said where it holds; with a remark the verdict is "with remark". Where only
        some numbers call for it, pass it only then.
    why : str, optional
        What is so instead, where it does not hold.
    """
    if not holds:
        return Claim(says, number, ours, Verdict.NOT_REPRODUCED, why)
    verdict = Verdict.WITH_REMARK if remark else Verdict.REPRODUCED
    return Claim(says, number, ours, verdict, remark)


def unsupported(says: str, *, ours: str, why: str, number: str = "") -> Claim:
    """Return a claim that is made about a document, and which the document does not make."""
    return Claim(says, number, ours, Verdict.UNSUPPORTED, why)


@dataclass(frozen=True)
class Table:
    """Numbers in columns: in the report and, to all digits, as a .csv.

    Parameters
    ----------
    name : str
        Of the file, as "sparsity".
    title : str
    columns : sequence of str
    rows : sequence of rows
        Of numbers, texts and None.
    is_shown : bool, default=True
        Whether the report shows it, or leaves it to the file.
    """

    name: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    is_shown: bool = True

    def __post_init__(self) -> None:
        rows = tuple(tuple(plain(cell) for cell in row) for row in self.rows)
        assert all(len(row) == len(self.columns) for row in rows), self.name
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "rows", rows)


@dataclass(frozen=True)
class Picture:
    """A figure, drawn: see `drawing.picture`."""

    title: str
    caption: str
    alt: str
    kind: str
    data: bytes
    width: int


@dataclass(frozen=True)
class Outcome:
    """All that came out of an experiment.

    Parameters
    ----------
    claims : sequence of Claim
    pictures : sequence of Picture, optional
    tables : sequence of Table, optional
    know : sequence of str, optional
        At most two sentences for the first page, with numbers that were computed: what a reader of
        the document should know.
    """

    claims: Sequence[Claim]
    pictures: Sequence[Picture] = field(default=())
    tables: Sequence[Table] = field(default=())
    know: Sequence[str] = field(default=())


def plain(cell: Any) -> Cell:
    """Return a number of NumPy as one of Python."""
    if isinstance(cell, np.generic):
        cell = cell.item()
    if not (cell is None or isinstance(cell, (str, int, float))):
        raise TypeError(f"a cell is a number or a text, not {type(cell).__name__}")
    return cell


def plain_map(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as JSON has them: numbers, texts, and lists of these."""

    def one(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if isinstance(value, (list, tuple)):
            return [one(item) for item in value]
        return plain(value)

    return {name: one(value) for name, value in values.items()}
