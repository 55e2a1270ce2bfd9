"""One solver at work on one case in this process: what it took, and its answer on disk."""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.cases import rebuild
from benchmarks.peers import SOLVERS, Answer

ROOT = Path(__file__).resolve().parents[1]
# A peer slower than this is not run again: nothing of a first call would show in it.
LONG = 5.0
# What the multipliers of an answer are called on disk.
MULTIPLIERS = "row multipliers", "col multipliers"
GIB = 2**30


@dataclass
class Measurement:
    """What one solver did on one case. Times in seconds."""

    solver: str
    case: dict[str, Any]
    settings: dict[str, Any]
    outcome: str = "ok"  # or missing, failed, NaN, time limit, memory limit
    message: str = ""
    import_time: float | None = None
    first: float | None = None
    seconds: float | None = None  # median of the runs; the least of calls in turns
    runs: list[float] = field(default_factory=list)
    detail: dict[str, float] = field(default_factory=dict)
    work: dict[str, float] = field(default_factory=dict)  # peak GiB, degree, rounds, steps, passes
    others: float | None = None  # cores that other processes used meanwhile
    residual: float | None = None
    value: float | None = None
    lower: float | None = None  # what the certificate proves no plan to be below
    gap: float | None = None
    bound: str = ""

    def is_certified(self, tolerance: float) -> bool:
        """Whether residual and gap are known and within the tolerance."""
        numbers = (self.residual, self.gap)
        return all(number is not None and number <= tolerance for number in numbers)


class Worker:
    """One solver on one case in this process; whatever it raises or warns of is its result."""

    def __init__(self, solver: str, case: dict[str, Any], settings: dict[str, Any]) -> None:
        self.measurement = Measurement(solver, case, settings)
        self._said: list[str] = []
        self._call: Any = None
        self._read: Any = None
        self._raw: Any = None

    def begin(self) -> None:
        """Import, and do what does not belong on the clock."""
        m = self.measurement
        _, package, adapter = SOLVERS[m.solver]
        start = time.perf_counter()
        importlib.import_module(package)
        m.import_time = time.perf_counter() - start
        m.work["before GiB"] = peak_memory()
        self._call, self._read = adapter(rebuild(m.case), m.settings)

    def first(self) -> None:
        """Call once, and keep what comes back."""
        self.measurement.first, self._raw = self._once()
        self.measurement.work["peak GiB"] = peak_memory()

    def again(self) -> None:
        """Call once more, and keep the time."""
        self.measurement.runs.append(self._once()[0])

    def repeat(self, runs: int) -> None:
        """Call once, then more often for the median: `runs` times if that was short.

        A long first call of a peer counts itself; one of ours may have compiled, so it does only
        with ``runs=0``.
        """
        self.first()
        m = self.measurement
        for _ in range(runs if m.first < LONG else min(runs, int(m.solver == "quot"))):
            self.again()
        m.runs = m.runs or [m.first]
        m.seconds = median(m.runs)
        m.work["peak GiB"] = peak_memory()

    def attempt(self, step: Callable[[], None]) -> None:
        """Do that, unless something has failed before."""
        m = self.measurement
        if m.outcome != "ok":
            return
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                step()
            except MemoryError as error:
                m.outcome, m.message = "memory limit", plain(str(error) or "out of memory")
            except FloatingPointError as error:
                m.outcome, m.message = "NaN", plain(str(error))
            except Exception as error:  # whatever a peer raises is its result
                m.outcome, m.message = "failed", plain(f"{type(error).__name__}: {error}")
        told = [w for w in caught if issubclass(w.category, UserWarning)]
        self._said += [str(w.message).splitlines()[0] for w in told]

    def leave(self, out: str) -> None:
        """Write what there is to two files."""
        m, answer = self.measurement, None

        def read() -> None:
            nonlocal answer
            answer = self._read(self._raw)
            m.work |= answer.work

        self.attempt(read)
        notes = [answer.note] if answer is not None and answer.note else []
        m.message = "; ".join(dict.fromkeys([*notes, *self._said, m.message])).strip("; ")
        if answer is not None:
            m.detail = answer.detail
            if answer.plan is not None:
                _save(out + ".npz", answer)
        Path(out + ".json").write_text(json.dumps(asdict(m)))

    def _once(self) -> tuple[float, Any]:
        start = time.perf_counter()
        raw = self._call()
        return time.perf_counter() - start, raw


def peak_memory() -> float:
    """Return the largest resident memory of this process so far, in GiB.

    Where there is /proc, from there: `ru_maxrss` is handed down by the process that started us, so
    that a small one shows its parent's peak.
    """
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / GIB
    except OSError:
        pass
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


def limit_memory(gib: float | None) -> None:
    """Let allocations of this process fail beyond so much."""
    if gib is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(gib * GIB),) * 2)


def plain(message: str) -> str:
    """Return one line without the paths of this machine."""
    for folder in (ROOT, Path(sys.prefix), Path.home()):
        message = message.replace(str(folder), "...")
    return textwrap.shorten(message, 300, placeholder=" ...")


def _save(path: str, answer: Answer) -> None:
    import numpy as np
    import scipy.sparse as sp

    if hasattr(answer.plan, "extra"):
        arrays = _prices(answer.plan)
    elif np.ndim(answer.plan) == 1:
        arrays = {"flow": answer.plan}
    else:
        coo = sp.coo_array(answer.plan)
        arrays = {"row": coo.row, "col": coo.col, "data": coo.data, "shape": np.array(coo.shape)}
    if answer.f is not None:
        arrays |= {"f": np.asarray(answer.f), "g": np.asarray(answer.g), "lam": answer.lam}
    if answer.multipliers is not None:
        arrays |= dict(zip(MULTIPLIERS, answer.multipliers, strict=True))
    np.savez(path, **arrays)


def _prices(plan: Any) -> dict[str, Any]:
    """A plan of quot in which all pairs carry mass, by what it is kept by."""
    extra = {"row": plan.extra.rows, "col": plan.extra.cols, "data": plan.extra.values}
    return extra | {"row price": plan.f, "col price": plan.g, "u": plan.u, "w": plan.w}
