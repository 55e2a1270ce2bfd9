"""Samples: points with features, and labels of some of them, from tables and archives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.io.arrays import Arrays, listed, pick, read_arrays
from quot.io.cells import Names, given_numbers
from quot.io.files import PathLike, write_atomically
from quot.io.matrices import taken
from quot.io.tables import TABLE_SUFFIXES, open_table, write_table
from quot.labels import matched
from quot.validation import as_array

Floats = NDArray[np.float64]

LABEL_SUFFIXES = (*TABLE_SUFFIXES, ".npz")
# How a column of labels is usually called.
_USUAL = ("label", "class")


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of a file.

    Parameters
    ----------
    path : str or path
    X : array of shape (n, d)
    names : tuple of str
        Of the features; empty if they have none.
    labels : int or str array of shape (n,), optional
    label : str, optional
        The column of these.
    note : str
        What was taken, as "columns p, q; labels `digit`".
    """

    path: PathLike
    X: Floats
    names: tuple[str, ...]
    labels: NDArray[Any] | None
    label: str | None
    note: str

    def ordered_as(self, other: Samples) -> Floats:
        """Return the features in the order of those of other samples, by name if both have some.

        Raises
        ------
        InvalidProblemError
            If they are not the same, or not as many.
        """
        files = str(other.path), str(self.path)
        order = matched(other.names or None, self.names or None, files)
        if self.X.shape[1] != other.X.shape[1]:
            raise InvalidProblemError(
                f"`{other.path}` has {other.X.shape[1]} features and `{self.path}` has "
                f"{self.X.shape[1]}; source and target need the same ones."
            )
        return self.X if order is None else self.X[:, order]


def read_samples(path: PathLike, label: str | None = None, *, has_labels: bool) -> Samples:
    """Read samples and, if they have some, their labels.

    Of a .csv (with a header) or .parquet every column is a feature but that of labels, and an index
    that counts the rows. An .npz has an array `X` and, if there are labels, an array `y`; a .npy
    has no labels.

    Parameters
    ----------
    path : str or path
    label : str, optional
        The column, or array, of labels; by default "label" or "class", or the array "y".
    has_labels : bool
        Whether labels are needed; else a column of that name is left out, if there is one.

    Raises
    ------
    InvalidProblemError
        If the file is missing, damaged or of another kind, or a cell is not what it should be.
    MissingDependencyError
        If the file is .parquet, and pyarrow is not installed.
    """
    if Path(path).suffix.lower() in TABLE_SUFFIXES:
        return _of_table(path, label, has_labels=has_labels)
    arrays = read_arrays(path)
    X = pick(arrays, "X", path)
    if sp.issparse(X):
        raise InvalidProblemError(
            f"`X` in `{path}` is a sparse matrix of shape {X.shape}; pass a plain array."
        )
    features = as_array(X, "X", 2)
    if not features.size:
        raise InvalidProblemError(f"`{path}` has no samples; `X` has shape {features.shape}.")
    labels = _of_arrays(arrays, label or "y", path, len(features)) if has_labels else None
    return Samples(path, features, (), labels, None, "")


def _of_table(path: PathLike, label: str | None, *, has_labels: bool) -> Samples:
    table = open_table(path)
    if has_labels:
        label = table.find("labels", label, _USUAL)
    if has_labels and label is None:
        raise InvalidProblemError(
            f"`{path}` has no column `label` for the labels; it has {table.listed()}. Name one of "
            "these (`--label COL`)."
        )
    names = [name for name in table.columns if name != label and name not in table.index]
    if not names:
        raise InvalidProblemError(
            f"`{path}` has no column of features; it has {table.listed()}, without numbers to "
            "compare samples by."
        )
    wanted: dict[str, Any] = {f"feature {name}": (name, given_numbers) for name in names}
    book = Names("class", "classes")
    if has_labels and label is not None:
        wanted["labels"] = (label, book.codes)
    columns = table.read(wanted)
    values = np.column_stack([columns[f"feature {name}"] for name in names])
    how = [] if label is None or label not in table.columns else [
        f"labels `{label}`" + ("" if has_labels else " left out")
    ]  # fmt: skip
    matrix = taken(values, names, path, *how)
    labels = np.array(book.labels())[columns["labels"]] if "labels" in columns else None
    features = as_array(matrix.values, "features", 2)
    return Samples(path, features, matrix.names, labels, label, matrix.note)


def _of_arrays(arrays: Arrays, name: str, path: PathLike, size: int) -> NDArray[Any]:
    """The labels in an archive."""
    if name not in arrays:
        got = "one array" if "" in arrays else listed(arrays)
        raise InvalidProblemError(
            f"`{path}` has no array `{name}` of labels; got {got}. Save the samples as `X` and "
            f"their labels as `{name}`."
        )
    labels: NDArray[Any] = arrays[name]
    if labels.dtype.kind not in "iuU" or labels.shape != (size,):
        raise InvalidProblemError(
            f"`{name}` in `{path}` is {labels.dtype} of shape {labels.shape}; labels are integers "
            f"or text, of shape ({size},), one a sample."
        )
    return labels


def write_labels(
    labels: NDArray[Any], shares: Floats, classes: NDArray[Any], path: PathLike
) -> None:
    """Write labels of samples, and what share of its mass each gets from the class it is named by.

    Parameters
    ----------
    labels : array of shape (m,)
        What no class is, where a sample has none; a .csv or .parquet has nothing there.
    shares : array of shape (m, n_classes)
        Of all classes; all of them in an .npz, with `classes`.
    classes : array of shape (n_classes,)
    path : str or path
    """
    if Path(path).suffix.lower() == ".npz":
        with write_atomically(path) as stream:
            np.savez(stream, label=labels, shares=shares, classes=classes)
        return
    has_one = np.asarray(shares.any(axis=1)).tolist()
    named = [label if some else None for label, some in zip(labels.tolist(), has_one, strict=True)]
    write_table({"label": named, "share": shares.max(axis=1)}, path)
