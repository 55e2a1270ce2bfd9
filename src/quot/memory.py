"""Memory that a solve needs, and that the machine has."""

from __future__ import annotations

import math
import os
from pathlib import Path

from quot.exceptions import ProblemTooLargeError

# Bytes at the peak: of the interpreter with compiled kernels, and for each candidate pair
# (measured, 2-D, n = 1e4 to 1e6).
_BASE, _A_CANDIDATE = 250_000_000, 250
# So few pairs take less than the interpreter does: it takes longer to ask.
_FEW = 20_000
# So many bytes are written before the machine has said what it has.
_AT_ONCE = 10_000_000
# What is stored to save time takes no more than this part of what is there.
_SMALL_PART = 0.4
# What to do about a plan that is too large.
SPARSER = "Lower `reg`, which makes the plan sparser, or join points that coincide into one."
ANY = 'Ask for any cheapest plan, `ties="any"`: there are so many that cost the same.'


def needed(candidates: float) -> int:
    """Return the bytes that a solve on so many candidate pairs takes at its peak."""
    return int(_BASE + _A_CANDIDATE * candidates)


def available() -> int | None:
    """Return the bytes that the machine could give now; None where that cannot be told."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        free = {line.split(":")[0]: int(line.split()[1]) for line in lines}["MemAvailable"] * 1024
        group = Path("/sys/fs/cgroup/memory.max")
        limit = group.read_text(encoding="ascii").strip() if group.exists() else "max"
        return free if limit == "max" else min(free, int(limit))
    except (OSError, KeyError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None


def fits(pairs: float) -> bool:
    """Whether the machine can hold a solve on so many pairs, as far as that can be told."""
    room = available()
    return room is None or needed(pairs) <= room


def check(pairs: float, *, advice: str = SPARSER) -> None:
    """Raise ProblemTooLargeError if the machine cannot hold a solve on so many pairs."""
    if pairs < _FEW:
        return
    room = available()
    if room is not None and needed(pairs) > room:
        raise ProblemTooLargeError(
            f"the plan needs about {pairs:.1e} pairs, hence {gigabytes(needed(pairs))} of memory; "
            f"this machine has {gigabytes(room)} left. {advice}"
        )


def check_array(shape: tuple[int, ...]) -> None:
    """Raise ProblemTooLargeError if the machine cannot hold an array of the entries of a plan."""
    size = 8.0 * math.prod(shape)
    if size < _AT_ONCE:
        return
    room = available()
    if room is not None and size > room:
        raise ProblemTooLargeError(
            f"an array of all {' x '.join(map(str, shape))} entries takes {gigabytes(size)}, and "
            f"this machine has {gigabytes(room)} left. Use `to_csr()`, products such as "
            "`plan @ y`, or a row at a time, `plan[i]`."
        )


def check_bytes(size: float) -> None:
    """Raise MemoryError, before any is taken, if the machine cannot give so many bytes."""
    room = available() if size >= _AT_ONCE else None
    if room is not None and size > room:
        raise MemoryError(
            f"it takes {gigabytes(size)}, and this machine has {gigabytes(room)} left"
        )


def has_room(size: float) -> bool:
    """Whether so many bytes are a small part of what the machine can give, as far as it says."""
    room = available()
    return room is None or size <= _SMALL_PART * room


def gigabytes(size: float) -> str:
    """Return a number of bytes for people."""
    return f"{size / 1e9:.3g} GB"
