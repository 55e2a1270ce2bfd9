"""Labels: the names of rows and columns that came with the input, and what is given by name.

Known by what they can do, pandas is never imported: a Series or DataFrame has `iloc` and `index`,
what xarray makes turns into one, and polars has columns with names but no index.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.optional import need
from quot.validation import numbers_of, received

# A tuple of names; range(n), the numbers that a table has if nobody names its rows; or None.
Labels = Sequence[Hashable] | None

# How many names a message lists.
_MOST = 4


def as_frame(value: Any) -> Any:
    """Return a Series or DataFrame that is one, or is behind a DataArray; else None."""
    if value is None or isinstance(value, np.ndarray):
        return None
    if hasattr(value, "to_pandas") and hasattr(value, "coords") and value.ndim in (1, 2):
        value = value.to_pandas()
    return value if hasattr(value, "iloc") and hasattr(value, "index") else None


def row_labels(value: Any) -> Labels:
    """Return what the rows of an array or table are called."""
    frame = as_frame(value)
    return None if frame is None else _listed(frame.index)


def column_labels(value: Any) -> Labels:
    """Return what the columns of an array or table are called, with an index or without."""
    if isinstance(value, np.ndarray) or hasattr(value, "collect"):  # a query of polars has no rows
        return None
    frame = as_frame(value)
    if frame is None:  # `columns` of pyarrow are arrays
        names = getattr(value, "column_names", getattr(value, "columns", None))
    else:
        names = getattr(frame, "columns", None)
    if isinstance(names, str) or not isinstance(names, Iterable):
        return None
    listed: Labels = _listed(names)
    assert listed is not None
    unnamed = tuple(f"column_{k}" for k in range(len(listed)))  # as polars has it
    return range(len(listed)) if listed == unnamed else listed


def of_file(names: Sequence[Any]) -> Labels:
    """Return the names that a file has, as text or numbers; range(n) where they only count.

    None where there are none.
    """
    words = tuple(map(str, names))
    if not any(words):
        return None
    if not all(word.isdecimal() and word.isascii() for word in words):
        return words
    whole = tuple(map(int, words))
    counts = whole[0] in (0, 1) and whole == tuple(range(whole[0], whole[0] + len(whole)))
    return range(len(whole)) if counts else whole


def of_cost(cost: Any) -> tuple[Labels, Labels]:
    """Return what rows and columns of a cost are called."""
    frame = as_frame(cost)
    if frame is not None:
        return row_labels(frame), column_labels(frame)
    if hasattr(cost, "row_labels"):
        return cost.row_labels, cost.col_labels
    return None, column_labels(cost)


def named(given: Any, found: Labels, name: str, size: int) -> Labels:
    """Return the labels given by name, if any, else those found; these must not say otherwise."""
    if given is None:
        return found
    labels = as_names(given, name, _of(name)[:-1])
    if len(labels) != size:
        raise InvalidProblemError(
            f"`{name}` has {len(labels)} names, but there are {size} {_of(name)}; pass one a "
            f"{_of(name)[:-1]}."
        )
    if isinstance(found, tuple) and found != labels:
        raise InvalidProblemError(
            f"`{name}` are not those that the cost came with; leave them out, or name the cost "
            "anew."
        )
    return labels


def as_names(given: Any, name: str, one: str) -> Sequence[Hashable]:
    """Return the names that are given in an order, one for each `one`.

    Raises
    ------
    InvalidProblemError
        If they have no order, or are no names.
    """
    try:
        listed: Sequence[Hashable] = _listed(given if hasattr(given, "__len__") else tuple(given))
        is_right = not isinstance(given, (set, frozenset, dict)) and len(set(listed)) >= 0
    except TypeError:  # no sequence, or none of what can be a name
        is_right = False
    if not is_right:
        raise InvalidProblemError(
            f"`{name}` must be a list of names, text or numbers, one a {one}; got "
            f"{received(given)}."
        )
    return listed


def distinct(labels: Labels) -> tuple[Hashable, ...] | None:
    """Return the labels if they are names that tell rows apart, else None."""
    return labels if isinstance(labels, tuple) and len(set(labels)) == len(labels) else None


def aligned(value: Any, labels: Labels, name: str, of: str) -> tuple[Any, Labels]:
    """Return what is given for each of the rows, say, in their order; and their labels then.

    Parameters
    ----------
    value : object
        By name (a Series, a DataFrame, a mapping), or anything else, which stays as it is.
    labels : Labels
        Of the rows.
    name, of : str
        What `value` is called, and what it is for: "rows", "columns", "nodes", ...

    Raises
    ------
    InvalidProblemError
        If names are missing, unknown or repeated, or nobody knows whether they are names.
    """
    frame = as_frame(value)
    if frame is None:
        is_mapping = not isinstance(value, np.ndarray) and isinstance(value, Mapping)
        return (_by_name(value, labels, name, of) if is_mapping else value), labels
    return in_order(numbers_of(frame), _listed(frame.index), labels, name, of)


def in_order(values: Any, keys: Labels, labels: Labels, name: str, of: str) -> tuple[Any, Labels]:
    """Return values that have names in the order of the labels; and their labels; see `aligned`."""
    if labels is None:
        _check_clear(keys, name, of)
        return values, keys
    if keys == labels or _is_by_place(keys, labels):
        return values, labels if isinstance(keys, range) else keys
    return values[matching(keys, labels, name, of)], labels


def _by_name(value: Mapping[Any, Any], labels: Labels, name: str, of: str) -> list[Any]:
    """The values of a mapping, in the order of labels."""
    if labels is None:
        raise InvalidProblemError(
            f"`{name}` is a mapping of names, but the {of} have none; pass an array, or name them "
            "(by a DataFrame, or by `row_labels` and `col_labels` of the problem)."
        )
    matching(tuple(value), labels, name, of)
    return [value[label] for label in labels]


def _check_clear(keys: Labels, name: str, of: str) -> None:
    """Refuse an index of 0, 1, 2, ... in another order: nobody knows if it numbers or names."""
    if isinstance(keys, range) or not _are_whole(keys):
        return
    assert keys is not None
    if set(keys) == set(range(len(keys))):
        raise InvalidProblemError(
            f"the index of `{name}` is 0 to {len(keys) - 1} in another order, and the {of} have no "
            f"names: pass `{name}.sort_index()` if it numbers them, or `{name}.to_numpy()` if it "
            "is in their order."
        )


def matching(keys: Labels, labels: Labels, name: str, of: str) -> list[int]:
    """Return where each label is among the keys, which are the same names in any order."""
    assert keys is not None
    assert labels is not None
    one = of.removesuffix("s")
    advice = f"or pass its values without names if they are in the order of the {of}"
    for names, whose in ((keys, f"`{name}` has"), (labels, f"the {of} have")):
        if len(set(names)) < len(names):
            raise InvalidProblemError(
                f"{whose} the name {repeated(names)!r} more than once, so `{name}` cannot be "
                f"matched with the {of}; name each once, {advice}."
            )
    place = {key: k for k, key in enumerate(keys)}
    missing = [label for label in labels if label not in place]
    if missing:
        raise InvalidProblemError(
            f"`{name}` has no entry for the {one} {missing[0]!r} ({len(missing)} such)"
            f"{lookalike(missing[0], keys)}; give each of the {of} one, {advice}."
        )
    if len(keys) > len(labels):
        known = set(labels)
        extra = [key for key in keys if key not in known]
        raise InvalidProblemError(
            f"`{name}` has an entry for {extra[0]!r} ({len(extra)} such), which is none of the "
            f"{of}; leave it out, {advice}."
        )
    return [place[label] for label in labels]


def lookalike(name: Hashable, names: Iterable[Hashable]) -> str:
    """Return what to say where one of the names looks the same and is not; mostly nothing."""
    for other in names:
        if str(name) == str(other):
            kinds = type(other).__name__, type(name).__name__
            return " (there is {!r} of type {}, and this is of type {})".format(other, *kinds)
        if _normal(name) == _normal(other):
            return f" (there is {other!a}, and this is {name!a} in Unicode)"
    return ""


def _normal(name: Hashable) -> Hashable:
    is_plain = not isinstance(name, str) or name.isascii()
    return name if is_plain else unicodedata.normalize("NFC", str(name))


def is_whole(label: Any) -> bool:
    """Whether a name is a whole number, of any type."""
    if isinstance(label, bool) or not isinstance(label, (int, float, np.integer, np.floating)):
        return False
    return bool(label % 1 == 0)


def check_same(labels: Labels, wanted: Labels, of: str) -> None:
    """Refuse a plan whose rows, say, have other names than those of its problem, or another order.

    Raises
    ------
    InvalidProblemError
        If both have names, and they differ.
    """
    if not isinstance(labels, tuple) or not isinstance(wanted, tuple) or labels == wanted:
        return
    raise InvalidProblemError(
        f"the {of} of `plan` are {_some(labels)} and those of the problem {_some(wanted)}; bring "
        "the plan in the same order, or take its names away (`plan.labelled()`)."
    )


def repeated(names: Sequence[Hashable]) -> Hashable:
    """Return the first name that has been there before."""
    seen: set[Hashable] = set()
    for name in names:
        if name in seen:
            break
        seen.add(name)
    return name


def same_columns(X: Any, Y: Any, names: tuple[str, str] = ("X", "Y")) -> Any:
    """Return Y with its columns in the order of those of X, if both have names; see `matched`."""
    order = matched(column_labels(X), column_labels(Y), names)
    return Y if order is None else np.asarray(Y)[:, order]


def matched(one: Labels, other: Labels, names: tuple[str, str]) -> list[int] | None:
    """Return where the columns of one table are among those of another one.

    None if they are in this order, or not all have names. `names` are those of the tables.

    Raises
    ------
    InvalidProblemError
        If the columns are not the same.
    """
    if one is None or other is None or one == other or _is_by_place(one, other):
        return None
    if set(one) != set(other) or len(set(one)) < max(len(one), len(other)):
        raise InvalidProblemError(
            f"`{names[0]}` has the columns {_some(one)} and `{names[1]}` has {_some(other)}"
            f"{_odd(one, other)}; they must be the same, in any order. Rename them, or pass both "
            "without names if they are in order."
        )
    place = {key: k for k, key in enumerate(other)}
    return [place[key] for key in one]


def _odd(one: Sequence[Hashable], other: Sequence[Hashable]) -> str:
    """What one of two has alone, where that is more than meets the eye."""
    alone = [k for k in one if k not in set(other)] + [k for k in other if k not in set(one)]
    is_plain = max(len(one), len(other)) <= _MOST
    return "" if is_plain or not alone else f", of which only one has {alone[0]!r}"


def square(table: Any, name: str) -> Any:
    """Return a DataFrame with its columns in the order of its rows; anything else as it is.

    Raises
    ------
    InvalidProblemError
        If they are not called the same.
    """
    rows, cols = of_cost(as_frame(table))
    if rows is None or cols is None or rows == cols or _is_by_place(rows, cols):
        return table
    frame = as_frame(table)
    return frame.iloc[:, matching(cols, rows, f"{name}.columns", "rows")]


def by_pairs(
    value: Any,
    name: str,
    edges: NDArray[np.integer[Any]],
    labels: Labels,
    directed: NDArray[np.bool_] | None = None,
) -> Any:
    """Return what is given for each edge, in the order of the edges.

    Parameters
    ----------
    value : object
        By the names of two nodes (a Series with two levels of names, a mapping of pairs), or
        anything else, which is taken as it comes.
    name : str
    edges : int array of shape (E, 2)
    labels : Labels
        Of the nodes; None if these are their numbers.
    directed : bool array of shape (E,), optional
        Whether the other order of two names means another edge; all by default.

    Raises
    ------
    InvalidProblemError
        If pairs are missing, unknown or repeated.
    """
    frame = as_frame(value)
    if frame is None and (isinstance(value, np.ndarray) or not isinstance(value, Mapping)):
        return value
    keys = tuple(value) if frame is None else _listed(frame.index)
    if frame is not None and not all(isinstance(key, tuple) for key in keys):
        return aligned(value, None, name, "edges")[0]
    ends = [(u, v) if labels is None else (labels[u], labels[v]) for u, v in edges.tolist()]
    known = {pair: pair for pair in ends}
    if directed is not None:
        for (u, v), is_one_way in zip(ends, directed, strict=True):
            if not is_one_way:
                known.setdefault((v, u), (u, v))
    found = tuple(known.get(key, key) for key in keys)
    values = list(value.values()) if frame is None else numbers_of(frame)
    if found == tuple(ends):
        return values
    return [values[k] for k in matching(found, ends, name, "edges")]


def as_column(labels: Labels, index: NDArray[np.integer[Any]]) -> Any:
    """Return the labels at an index for a table; the index itself where there are none."""
    if labels is None or isinstance(labels, range):
        return index
    return need_pandas().Series(list(labels)).take(index).array


def need_pandas() -> Any:
    """Import pandas.

    Raises
    ------
    MissingDependencyError
        If it is not installed; the message has the command that installs it.
    """
    return need("pandas", "data frames", "pandas")


def _listed(names: Any) -> Any:
    """The names of an index: a tuple, or a range where they are 0, 1, 2, ... in order."""
    size = len(names)
    if getattr(names, "start", None) == 0 and getattr(names, "step", None) == 1:
        return range(size)
    is_time = getattr(getattr(names, "dtype", None), "kind", "") in "mM"  # numbers in a list
    listed = tuple(names.tolist() if hasattr(names, "tolist") and not is_time else names)
    return range(size) if _are_whole(listed) and listed == tuple(range(size)) else listed


def _are_whole(labels: Labels) -> bool:
    """Whether names are whole numbers, at least one."""
    if labels is None or isinstance(labels, range):
        return labels is not None
    return len(labels) > 0 and all(is_whole(label) for label in labels)


def _is_by_place(one: Labels, other: Labels) -> bool:
    """Whether one of them only counts, and the other one has names that are no numbers."""
    counts = isinstance(one, range), isinstance(other, range)
    return any(counts) and not (_are_whole(one) and _are_whole(other))


def _of(name: str) -> str:
    return "rows" if name.startswith("row") else "columns"


def _some(names: Sequence[Hashable], most: int = _MOST) -> str:
    listed = ", ".join(map(repr, names[:most]))
    return listed if len(names) <= most else f"{listed}, ... ({len(names)})"
