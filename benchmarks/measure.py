"""Measure one solver on one case: in a fresh process of its own, or in this one.

Import time, first call and further calls are three numbers, the peak of memory is a fourth. The
answer comes back as a file, and the caller judges it with `quot.certify`, whoever made it. As a
script this is the fresh process: ``python -m benchmarks.measure spec.json``.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import textwrap
import time
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.cases import Instance, rebuild
from benchmarks.natural import natural_residual
from benchmarks.peers import SOLVERS, Answer

ROOT = Path(__file__).resolve().parents[1]
# A peer slower than this is not run again: nothing of a first call would show in it.
LONG = 5.0
# Peers that always have a process of their own: their HiGHS and that of cvxpy exclude each other.
ALONE = {"ortools"}
# What the multipliers of an answer are called on disk.
MULTIPLIERS = "row multipliers", "col multipliers"
THREADS = 2
GIB = 2**30
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "QUOT_NUM_THREADS",
)


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
    seconds: float | None = None  # median of the runs
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


def measure(
    solver: str,
    case: Instance,
    settings: dict[str, Any],
    *,
    runs: int = 3,
    time_limit: float = 600.0,
    isolated: bool = True,
    cache: str | None = None,
    memory: float | None = None,
    threads: int = THREADS,
) -> tuple[Measurement, Any]:
    """Return the measurement and the answer (None if there is none), not yet judged.

    `memory`, in GiB, is for solvers that need the cost as a matrix: without room for it they are
    not started, and the process may take no more. `threads` are what a process of its own gets.
    """
    if importlib.util.find_spec(SOLVERS[solver][1]) is None:
        missing = f"package {SOLVERS[solver][1]} is not installed"
        return Measurement(solver, case.as_dict(), settings, "missing", missing), None
    matrix = case.matrix / GIB
    if memory is not None and matrix > memory:
        message = f"not started: its matrix alone takes {matrix:.3g} of {memory:g} GiB"
        return Measurement(solver, case.as_dict(), settings, "memory limit", message), None
    spec = {"solver": solver, "case": case.as_dict(), "settings": settings, "runs": runs}
    with tempfile.TemporaryDirectory() as folder:
        spec["out"] = str(Path(folder) / "out")
        if not isolated and solver not in ALONE:
            _work(spec)
            return _collect(spec)
        spec["memory"] = memory
        path = Path(folder) / "spec.json"
        path.write_text(json.dumps(spec))
        command = [sys.executable, "-m", "benchmarks.measure", str(path)]
        before = _busy()
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=environment(cache, threads),
                timeout=time_limit,
                check=False,
                capture_output=True,
                text=True,
            )
        except subprocess.TimeoutExpired:
            message = f"not done after {time_limit:g} s"
            return Measurement(solver, case.as_dict(), settings, "time limit", message), None
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            message = f"the process ended with code {done.returncode}: {_plain(last)}"
            outcome = "memory limit" if "bad_alloc" in last else "failed"
            return Measurement(solver, case.as_dict(), settings, outcome, message), None
        after = _busy()
        measurement, answer = _collect(spec)
        if before is not None and after is not None:
            measurement.others = max(0.0, (after[1] - before[1]) / (after[0] - before[0]))
        return measurement, answer


def _busy() -> tuple[float, float] | None:
    """Time now, and seconds of processor that others than us have used; None if unknown."""
    try:
        first = Path("/proc/stat").read_text().splitlines()[0].split()
        user, nice, system, _, _, irq, softirq = (int(k) for k in first[1:8])
        tick = os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return None
    ours = os.times()
    own = ours.user + ours.system + ours.children_user + ours.children_system
    return time.perf_counter(), (user + nice + system + irq + softirq) / tick - own


def judge(measurement: Measurement, answer: Any, ours: Any) -> None:
    """Certify the answer; without potentials of its own the lower bound takes those of `ours`."""
    from quot.certificate import certify
    from quot.flow import Flow
    from quot.problem import EntropicProblem, GraphProblem

    if answer is None:
        return
    lender = answer if answer.f is not None else ours
    measurement.bound = "its own" if answer.f is not None else "ours"
    if lender is None or lender.f is None:
        measurement.bound = "none"
        return
    problem = rebuild(measurement.case).problem()
    plan = answer.plan
    if isinstance(problem, GraphProblem):
        plan = Flow(problem.graph, plan, problem.source, problem.wanted)
    how = {"multipliers": lender.multipliers}
    certificate = certify(problem, plan, lender.f, lender.g, lender.lam, **how)
    measurement.residual = certificate.primal_residual
    measurement.value = certificate.upper
    measurement.lower = certificate.lower
    measurement.gap = certificate.relative_gap
    if isinstance(problem, EntropicProblem):
        off = natural_residual(problem, plan, ours or answer)
        measurement.work["L1 residual"] = off + certificate.relative_gap


def source_digest() -> str:
    """Return a digest of quot's text: what was measured."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src" / "quot").rglob("*.py")):
        digest.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def environment(cache: str | None = None, threads: int = THREADS) -> dict[str, str]:
    """Return the environment of a fresh process: equal threads, kernels cached where we say."""
    variables = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    return variables | {"NUMBA_CACHE_DIR": cache or kernel_cache()}


def kernel_cache() -> str:
    """Return a directory named by the kernels' text: an edit is never answered by an old binary."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "src" / "quot" / "kernels").glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return str(Path(tempfile.gettempdir()) / f"quot-bench-{digest.hexdigest()[:16]}")


def _work(spec: dict[str, Any]) -> None:
    """Import, run, time; leave a JSON file and an NPZ file."""
    _, package, adapter = SOLVERS[spec["solver"]]
    case = rebuild(spec["case"])
    _limit_memory(spec.get("memory"))
    measurement = Measurement(spec["solver"], spec["case"], spec["settings"])
    start = time.perf_counter()
    importlib.import_module(package)
    measurement.import_time = time.perf_counter() - start
    measurement.work["before GiB"] = peak_memory()
    answer = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call, read = adapter(case, spec["settings"])
            raw = _time(call, measurement, spec["runs"])
            measurement.work["peak GiB"] = peak_memory()
            answer = read(raw)
            measurement.work |= answer.work
        except MemoryError as error:
            measurement.outcome = "memory limit"
            measurement.message = _plain(str(error) or "out of memory")
        except FloatingPointError as error:
            measurement.outcome, measurement.message = "NaN", _plain(str(error))
        except Exception as error:  # whatever a peer raises is its result
            measurement.outcome = "failed"
            measurement.message = _plain(f"{type(error).__name__}: {error}")
    notes = [answer.note] if answer is not None and answer.note else []
    notes += [str(w.message).splitlines()[0] for w in caught if issubclass(w.category, UserWarning)]
    measurement.message = "; ".join(dict.fromkeys([*notes, measurement.message])).strip("; ")
    if answer is not None:
        measurement.detail = answer.detail
        if answer.plan is not None:
            _save(spec["out"] + ".npz", answer)
    Path(spec["out"] + ".json").write_text(json.dumps(asdict(measurement)))


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


def _limit_memory(gib: float | None) -> None:
    """Let allocations of this process fail beyond so much."""
    if gib is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (int(gib * GIB),) * 2)


def _plain(message: str) -> str:
    """Return one line without the paths of this machine."""
    for folder in (ROOT, Path(sys.prefix), Path.home()):
        message = message.replace(str(folder), "...")
    return textwrap.shorten(message, 300, placeholder=" ...")


def _time(call: Any, measurement: Measurement, runs: int) -> Any:
    """Call once, then more often for the median: `runs` times if that was short.

    A long first call of a peer counts itself; one of ours may have compiled, so it does only with
    ``runs=0``.
    """

    def once() -> tuple[float, Any]:
        start = time.perf_counter()
        raw = call()
        return time.perf_counter() - start, raw

    measurement.first, raw = once()
    measurement.runs = [measurement.first]
    again = runs if measurement.first < LONG else min(runs, int(measurement.solver == "quot"))
    if again:
        measurement.runs = [once()[0] for _ in range(again)]
    measurement.seconds = median(measurement.runs)
    return raw


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


def _collect(spec: dict[str, Any]) -> tuple[Measurement, Any]:
    """Read what `_work` left."""
    import numpy as np

    from quot.gibbs_plan import GibbsPlan
    from quot.plan import Plan

    measurement = Measurement(**json.loads(Path(spec["out"] + ".json").read_text()))
    if not Path(spec["out"] + ".npz").exists():
        return measurement, None
    with np.load(spec["out"] + ".npz") as data:
        if "flow" in data:
            answer = Answer(data["flow"])
        else:
            answer = Answer(_priced(data, spec["case"]) if "u" in data else _plan(data))
        if "f" in data:
            answer.f, answer.g, answer.lam = data["f"], data["g"], float(data["lam"])
        if MULTIPLIERS[0] in data:
            answer.multipliers = data[MULTIPLIERS[0]], data[MULTIPLIERS[1]]
    if isinstance(answer.plan, Plan):
        sending = np.count_nonzero(np.bincount(answer.plan.rows))
        measurement.work["degree"] = answer.plan.nnz / max(int(sending), 1)
    elif not isinstance(answer.plan, GibbsPlan):
        measurement.work["edges used"] = np.count_nonzero(answer.plan) / max(answer.plan.size, 1)
    return measurement, answer


def _plan(data: Any) -> Any:
    import scipy.sparse as sp

    from quot.plan import Plan

    entries = data["data"], (data["row"], data["col"])
    return Plan.from_sparse(sp.coo_array(entries, shape=tuple(data["shape"])))


def _prices(plan: Any) -> dict[str, Any]:
    """A plan of quot in which all pairs carry mass, by what it is kept by."""
    extra = {"row": plan.extra.rows, "col": plan.extra.cols, "data": plan.extra.values}
    return extra | {"row price": plan.f, "col price": plan.g, "u": plan.u, "w": plan.w}


def _priced(data: Any, case: dict[str, Any]) -> Any:
    from quot.gibbs_plan import GibbsPlan
    from quot.plan import Plan

    problem = rebuild(case).problem()
    extra = Plan(problem.shape, data["row"], data["col"], data["data"])
    prices = data["row price"], data["col price"], data["u"], data["w"]
    return GibbsPlan(problem.cost, problem.eps, *prices, extra)


if __name__ == "__main__":
    _work(json.loads(Path(sys.argv[1]).read_text()))
