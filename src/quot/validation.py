"""The one door: every check of what a user passes in, and its message."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError

Floats = NDArray[np.float64]

# A mass this much above the smaller total (relative) is round-off and is clipped.
MASS_ROUND_OFF = 1e-12
# Totals that differ by no more than this (relative) count as equal.
TOTALS_ROUND_OFF = 1e-9
# Totals of masses in single or half precision are off by so many roundings of these at most.
_ROUNDINGS = 16
# Negative masses of this part of the largest may be what a subtraction has left.
_NEXT_TO_NOTHING = 1e-5
# Beyond these values floats have fewer digits, or none.
_TINY, _HUGE = 1e-307, 1e307
# Kinds of dtypes that are real numbers, or truth values.
_REAL = "fiub"
# A value is shown in a message if it takes no more characters.
_SHORT = 60
# What tensors of other libraries say when they refuse to become arrays, and what to call.
_REFUSALS = (
    ("requires grad", "requires grad, and its gradient would be lost", ".detach()"),
    ("to_dense()", "is a sparse tensor", ".to_dense()"),
    (".cpu()", "is on another device", ".cpu()"),
    (".get()", "is on another device", ".get()"),
    ("BFloat16", "is of type bfloat16, which NumPy does not have", ".float()"),
)


class Rescaled(NamedTuple):
    """What was made smaller at the door, by no more than the rounding of the type it came in.

    Parameters
    ----------
    name : str
        The masses, of both sides if there are two, or "mass".
    given, taken : float
        Their total as it came, and the smaller one of the problem.
    """

    name: str
    given: float
    taken: float

    @classmethod
    def of_mass(cls, asked: Any, mass: float) -> Rescaled | None:
        """The mass that is moved instead of one asked for, if that is no round-off of float64."""
        given = float(asked)
        return cls("mass", given, mass) if given > mass * (1 + MASS_ROUND_OFF) else None

    def __str__(self) -> str:
        part = 1.0 - self.taken / self.given
        return f"`{self.name}` rescaled by 1 - {part:.1e}, from {self.given:.12g} in all"


def as_array(value: Any, name: str, ndim: int, *, is_finite: bool = True) -> Floats:
    """Return a float64, C-contiguous, writeable array of `ndim` axes, all entries finite if asked.

    A fitting array is passed through without a copy; quot never writes to it.
    """
    raw = as_real(value, name)
    if raw.ndim != ndim:
        raise InvalidProblemError(_wrong_axes(value, raw, name, ndim))
    array = raw
    if raw.dtype != np.float64 or not raw.flags.carray:
        with np.errstate(over="ignore", invalid="ignore"):
            array = np.require(raw, dtype=np.float64, requirements=["C", "A"])
        if not array.flags.writeable:  # kernels are compiled once, for writeable arrays
            array = array.copy()
    if is_finite and array.size:
        _check_finite(array, name)
    return array


def as_real(value: Any, name: str) -> NDArray[Any]:
    """Return an array of real numbers, or truth values, of whatever type and shape it has."""
    if np.ma.isMaskedArray(value):
        raise InvalidProblemError(
            f"`{name}` is a masked array, and a mask would be lost; fill it first "
            f"(`{name}.filled(...)`)."
        )
    raw = as_numpy(value, name)
    if raw.dtype.kind not in _REAL:
        raise InvalidProblemError(_not_real(value, raw, name))
    return raw


def as_plain(value: Any, name: str) -> Any:
    """Return an array of NumPy if it is one of another library, a tensor; else what it is."""
    is_foreign = hasattr(value, "__array__") and not hasattr(value, "__array_ufunc__")
    return as_numpy(value, name) if is_foreign else value


def as_numpy(value: Any, name: str) -> NDArray[Any]:
    """Return an array of whatever type and shape; what refuses to become one is named."""
    try:
        return np.asarray(numbers_of(value) if hasattr(value, "iloc") else value)
    except (ValueError, TypeError, RuntimeError) as error:
        raise InvalidProblemError(_unreadable(name, error)) from error


def numbers_of(frame: Any) -> NDArray[Any]:
    """Return the values of a table of pandas: of its own types of numbers floats, NaN for NA."""
    values: NDArray[Any] = frame.to_numpy()
    dtypes = frame.dtypes if hasattr(frame, "columns") else (frame.dtype,)
    if values.dtype == object and len(dtypes) and all(dtype.kind in _REAL for dtype in dtypes):
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    return values


def axes_of(value: Any, name: str) -> int:
    """Return how many axes something has that may be a number, or an array."""
    found: int = value.ndim if hasattr(value, "ndim") else as_numpy(value, name).ndim
    return found


def as_potentials(value: Any, name: str, size: int) -> Floats:
    """Return potentials (size,); whether they are finite is not asked."""
    raw = as_real(value, name)
    if raw.shape != (size,):
        raise InvalidProblemError(
            f"`{name}` must have shape ({size},), one potential each; got shape {raw.shape}."
        )
    return raw.astype(np.float64, copy=False)


def as_price(value: Any, name: str) -> float:
    """Return a number; whether it is finite is not asked."""
    raw = as_real(value, name)
    if raw.ndim:
        raise InvalidProblemError(f"`{name}` must be a number; got an array of shape {raw.shape}.")
    return float(raw)


def as_csr(value: Any, name: str) -> sp.csr_array:
    """Return a copy of a sparse matrix of two axes, by rows; what is there twice is added up."""
    if value.ndim != 2:
        raise InvalidProblemError(f"`{name}` must have 2 axes, as (n, m); got shape {value.shape}.")
    if value.dtype.kind in "iu":  # sums may be larger than small integers hold
        value = value.astype(np.float64)
    csr = sp.csr_array(value, copy=True)
    csr.sum_duplicates()  # sorts the columns within each row, keeps explicit zeros
    return csr


def _unreadable(name: str, error: Exception) -> str:
    """What to say of something that refuses to become an array, as tensors of other libraries."""
    for sign, what, call in _REFUSALS:
        if sign in str(error) and name == "C" and "sparse" in what:
            return f"`C` {what}; pass a scipy.sparse array, in which pairs left out are forbidden."
        if sign in str(error):
            return f"`{name}` {what}; pass `{name}{call}`."
    return f"`{name}` cannot be read as an array of numbers ({error}); pass numbers in equal rows."


def _not_real(value: Any, raw: NDArray[Any], name: str) -> str:
    """What to say of what is no array, or not of real numbers."""
    if sp.issparse(value):
        size = 8 * math.prod(value.shape) / 1e6
        call = ".toarray()" if 1 not in value.shape else ".toarray().ravel()"
        return (
            f"`{name}` is a sparse {type(value).__name__} of shape {value.shape}, and a plain "
            f"array is needed; pass `{name}{call}` ({max(size, 1.0):,.0f} MB)."
        )
    kind, of = raw.dtype.kind, ""
    if value is None:
        return f"`{name}` is None; pass numbers."
    if raw.ndim == 0 and kind in "US":
        return f"`{name}` is text, {received(value)}; pass numbers, not the name of a file."
    if raw.ndim == 0 and kind == "O":
        what = f"`{name}.collect()`" if hasattr(value, "collect") else "numbers"
        return f"`{name}` is of type {type(value).__name__}, which is no array; pass {what}."
    for column, dtype in zip(*_columns(value), strict=True):
        is_number = hasattr(dtype, "is_numeric") and dtype.is_numeric()  # of polars
        if not is_number and getattr(dtype, "kind", "O") not in _REAL:
            return (
                f"`{name}` has the column {column!r} of {dtype}, which is not real "
                "numbers; leave it out, or make numbers of it."
            )
    advice = f"convert it to float64 (`np.asarray({name}, dtype=float)`)"
    if kind == "O" and raw.size:
        of = f" (the first is of type {type(raw.flat[0]).__name__})"
    if kind == "c":
        advice = f"take the part that is meant, as `{name}.real`"
    if kind in "Mm":
        advice = f"pass numbers of a unit, as `({name} - {name}[0]) / np.timedelta64(1, 's')`"
    if raw.dtype.names:
        advice = f"name a field, as `{name}[{raw.dtype.names[0]!r}]`"
    return f"`{name}` has dtype {raw.dtype}{of}, which is not real numbers; {advice}."


def _columns(table: Any) -> tuple[Any, Any]:
    """What the columns of a DataFrame are called, and of what type they are."""
    if hasattr(table, "collect") or not (hasattr(table, "columns") and hasattr(table, "dtypes")):
        return (), ()
    return table.columns, table.dtypes


def _wrong_axes(value: Any, raw: NDArray[Any], name: str, ndim: int) -> str:
    """What to say of an array that has more or fewer axes than are needed."""
    are_points = name in {"X", "Y", "positions"}
    shape = "(n,)" if ndim == 1 else "(n, d)" if are_points else "(n, m)"
    advice = ""
    if are_points and raw.ndim == 1:
        call = ".to_frame()" if hasattr(value, "to_frame") else "[:, None]"
        advice = f" For points on a line pass `{name}{call}`."
    elif ndim == 1 and raw.ndim == 2 and 1 in raw.shape:
        advice = f" Pass `np.ravel({name})`."
    axes = "1 axis" if ndim == 1 else f"{ndim} axes"
    return f"`{name}` must have {axes}, as {shape}; got shape {raw.shape}.{advice}"


def _check_finite(array: Floats, name: str) -> None:
    """Refuse NaN, inf, and ranges that overflow."""
    low, high = float(array.min()), float(array.max())
    if math.isfinite(4.0 * high - 4.0 * low):
        return
    finite = np.isfinite(array)
    if finite.all():
        raise InvalidProblemError(
            f"`{name}` ranges from {low:.3g} to {high:.3g}, and differences of such numbers "
            "overflow; rescale it."
        )
    where = tuple(int(k) for k in np.argwhere(~finite)[0])
    advice = "Remove or replace them"
    if name == "C":
        advice += "; to forbid pairs leave them out of a scipy.sparse cost"
    raise InvalidProblemError(
        f"`{name}` must be finite; {name}{list(where)} is {array[where]} "
        f"({int((~finite).sum())} such entries). {advice}."
    )


def as_weights(value: Any, name: str, size: int) -> Floats:
    """Return masses (size,) of their own memory; uniform, 1/size each, when None."""
    if value is None:
        return np.full(size, 1.0 / size)
    weights = as_masses(value, name, size, "the cost").copy()
    with np.errstate(over="ignore"):
        total = float(weights.sum())
    if not math.isfinite(total):
        raise InvalidProblemError(
            f"`{name}` sums to infinity; rescale the masses to a moderate total."
        )
    return weights


def as_masses(value: Any, name: str, size: int, of: str) -> Floats:
    """Return masses (size,), those of the rows ("a", "p") or of the columns of something."""
    masses = as_array(value, name, 1)
    if masses.size != size:
        axis = "rows" if name in {"a", "p"} else "columns"
        raise InvalidProblemError(
            f"`{name}` has {masses.size} entries, but {of} has {size} {axis}; pass one mass a "
            f"{axis[:-1]}."
        )
    check_not_negative(masses, name, "Masses are >= 0")
    return masses


def check_not_negative(masses: Floats, name: str, rule: str) -> None:
    """Refuse masses below zero; where they are next to nothing, say how to drop them."""
    if not (masses < 0.0).any():
        return
    at = int(np.argmin(masses))
    low = float(masses[at])
    advice = ""
    if -low <= _NEXT_TO_NOTHING * float(masses.max()):
        advice = f" If such numbers are round-off, pass `np.maximum({name}, 0)`."
    raise InvalidProblemError(
        f"`{name}` must not be negative; {name}[{at}] is {low:.6g}. {rule}.{advice}"
    )


def as_number(value: Any, name: str) -> float:
    """Return a finite float from any real scalar."""
    if not isinstance(value, numbers.Real) and getattr(value, "shape", None) == ():
        value = as_real(value, name).item()
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Real):
        raise InvalidProblemError(f"`{name}` must be a number; got {received(value)}.")
    try:
        number = float(value)
    except OverflowError:  # an integer larger than any float
        number = math.inf
    except TypeError:  # a span of time
        raise InvalidProblemError(f"`{name}` must be a number; got {received(value)}.") from None
    if not math.isfinite(number):
        raise InvalidProblemError(f"`{name}` must be finite; got {number}.")
    return number


def received(value: Any) -> str:
    """Return what was received: its type, and the value if that is short."""
    kind, text = type(value).__name__, repr(value)
    return f"{text} of type {kind}" if len(text) <= _SHORT and "\n" not in text else f"a {kind}"


def as_reg(value: Any) -> float:
    """Return the strength of the quadratic term, >= 0."""
    reg = as_number(value, "reg")
    if reg < 0:
        raise InvalidProblemError(
            f"`reg` must not be negative; got {reg:.6g}. Use reg=0 for the unregularised problem."
        )
    return reg


def as_regs(value: Any, count: int) -> float | Floats:
    """Return the strength of the quadratic term, >= 0, of all edges or of each (count,)."""
    if axes_of(value, "reg") == 0:
        return as_reg(value)
    regs = as_array(value, "reg", 1).copy()
    if regs.size != count:
        raise InvalidProblemError(
            f"`reg` has {regs.size} entries, but the graph has {count} edges; pass one number, or "
            "one an edge."
        )
    as_reg(regs.min(initial=0.0))
    return regs


def round_off(value: Any) -> float:
    """Return how far the total of masses may be off, relative, by the rounding of their own type.

    That is 0 of integers and of float64, where the usual tolerances hold.
    """
    if isinstance(value, Mapping):
        value = tuple(value.values())
    if isinstance(value, (list, tuple)):
        value = value[:1]
    dtype = np.asarray(value).dtype
    if dtype.kind != "f" or dtype.itemsize >= 8:
        return 0.0
    return _ROUNDINGS * float(np.finfo(dtype).eps)


def as_mass(
    value: Any,
    a: Floats,
    b: Floats,
    names: tuple[str, str] = ("a", "b"),
    own: float = 0.0,
) -> float | None:
    """Return the mass to move, clipped of round-off, or None for a balanced problem.

    `own` is the `round_off` that the masses came with.
    """
    total_a, total_b = float(a.sum()), float(b.sum())
    one, other = names
    if value is None:
        if abs(total_a - total_b) > max(TOTALS_ROUND_OFF, own) * max(total_a, total_b):
            raise InvalidProblemError(
                f"`{one}` sums to {total_a:.12g} and `{other}` to {total_b:.12g}: a balanced "
                "problem needs equal totals. Rescale one of them, or pass `mass` to move only "
                f"part, for example `mass=min({one}.sum(), {other}.sum())`."
            )
        return None
    mass = as_number(value, "mass")
    if mass < 0:
        raise InvalidProblemError(f"`mass` must not be negative; got {mass:.6g}.")
    most = min(total_a, total_b)
    if mass > most * (1 + max(MASS_ROUND_OFF, own, round_off(value))):
        raise InvalidProblemError(
            f"`mass={mass:.12g}` exceeds min({one}.sum(), {other}.sum())={most:.12g}; lower `mass` "
            "or rescale the masses."
        )
    return min(mass, most)


def rescale(
    a: Floats,
    b: Floats,
    parts: tuple[NDArray[Any], NDArray[Any]] | None,
    own: float,
    names: tuple[str, str] = ("a", "b"),
) -> tuple[Floats, Floats, Rescaled | None]:
    """Return masses of totals that are equal but for the round-off of float64, and what was done.

    The larger total comes down to the smaller; that of each part, if it says in which one rows and
    columns are, as far as `own` explains it.
    """
    zero = np.zeros(a.size, np.intp), np.zeros(b.size, np.intp)
    rows, cols = zero if parts is None else parts
    count = 1 + int(max(rows.max(), cols.max()))
    have, want = np.bincount(rows, a, count), np.bincount(cols, b, count)
    off, most = np.abs(have - want), np.maximum(have, want)
    is_off = (off > TOTALS_ROUND_OFF * most) & (off <= own * most)
    new = []
    for masses, total, part in ((a, have, rows), (b, want, cols)):
        ratio = np.ones(count)
        np.divide(np.minimum(have, want), total, out=ratio, where=is_off & (total > 0.0))
        new.append(masses if (ratio == 1.0).all() else masses * ratio[part])
    changed = [k for k in (0, 1) if new[k] is not (a, b)[k]]
    if not changed:
        return a, b, None
    given, taken = (max(float(side.sum()) for side in sides) for sides in ((a, b), new))
    return new[0], new[1], Rescaled(", ".join(names[k] for k in changed), given, taken)


def check_range(total: float, least: float, most: float) -> None:
    """Refuse a problem whose value floats do not hold, of a total at prices in this range."""
    is_large = total * least > _HUGE
    if is_large or (total > 0.0 and most > 0.0 and total * most < _TINY):
        price, much = (least, "too large") if is_large else (most, "next to nothing")
        raise InvalidProblemError(
            f"masses of total {total:.3g} at a price of about {price:.3g} have a value that is "
            f"{much} for floating point; rescale the masses, or the costs and the strength."
        )


def check_option(value: Any, name: str, allowed: Sequence[str]) -> str:
    """Return `value` if it is one of the names allowed."""
    if not isinstance(value, str) or value not in allowed:
        given = repr(value) if isinstance(value, str) else received(value)
        raise InvalidProblemError(
            f"`{name}` must be one of {', '.join(repr(k) for k in allowed)}; got {given}."
        )
    return value


def check_positive(value: Any, name: str) -> float:
    """Return a finite number > 0."""
    number = as_number(value, name)
    if number <= 0:
        raise InvalidProblemError(f"`{name}` must be positive; got {number:.6g}.")
    return number


def check_count(value: Any, name: str, least: int = 1) -> int:
    """Return an integer >= least."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, numbers.Integral):
        raise InvalidProblemError(f"`{name}` must be an integer; got {received(value)}.")
    if value < least:
        raise InvalidProblemError(f"`{name}` must be at least {least}; got {int(value)}.")
    return int(value)


def check_callable(value: Any, name: str) -> Any:
    """Return `value` if it is None or can be called."""
    if value is not None and not callable(value):
        raise InvalidProblemError(f"`{name}` must be callable or None; got {received(value)}.")
    return value


def check_mapping(value: Any, name: str) -> None:
    """Refuse what is neither None nor a mapping."""
    if value is not None and not isinstance(value, Mapping):
        raise InvalidProblemError(
            f"`{name}` must be a mapping of names to values, as a dict; got {received(value)}."
        )


def check_flag(value: Any, name: str) -> bool:
    """Return a truth value; numbers are none, but for 0 and 1."""
    is_one = isinstance(value, (bool, np.bool_, numbers.Integral)) and value in (0, 1)
    if not is_one:
        raise InvalidProblemError(f"`{name}` must be True or False; got {received(value)}.")
    return bool(value)


def as_rng(value: Any, name: str) -> np.random.Generator:
    """Return where chance comes from: of a seed, of a generator, or new each time of None."""
    try:
        return np.random.default_rng(value)
    except (TypeError, ValueError) as error:
        raise InvalidProblemError(
            f"`{name}` must be an integer >= 0, a numpy Generator or None; got {received(value)}."
        ) from error
