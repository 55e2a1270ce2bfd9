"""Measure one solver on one case: in a fresh process of its own, or in this one.

Import time, first call and further calls are three numbers, the peak of memory is a fourth. The
answer comes back as a file, and the caller judges it with `quot.certify`, whoever made it. As a
script this is the fresh process: ``python -m benchmarks.measure spec.json``.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.cases import Instance, rebuild
from benchmarks.natural import natural_residual
from benchmarks.peers import SOLVERS, Answer
from benchmarks.worker import GIB, MULTIPLIERS, ROOT, Measurement, Worker, limit_memory, plain

# Peers that always have a process of their own: their HiGHS and that of cvxpy exclude each other.
ALONE = {"ortools"}
THREADS = 2
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
    "QUOT_NUM_THREADS",
)


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
    missing = absent(solver, case, settings)
    if missing is not None:
        return missing, None
    matrix = case.matrix / GIB
    if memory is not None and matrix > memory:
        message = f"not started: its matrix alone takes {matrix:.3g} of {memory:g} GiB"
        return Measurement(solver, case.as_dict(), settings, "memory limit", message), None
    spec = {"solver": solver, "case": case.as_dict(), "settings": settings, "runs": runs}
    with tempfile.TemporaryDirectory() as folder:
        spec["out"] = str(Path(folder) / "out")
        if not isolated and solver not in ALONE:
            _work(spec)
            return collect(spec["out"])
        spec["memory"] = memory
        how = {"time_limit": time_limit, "cache": cache, "threads": threads}
        outcome, message, others = launch("benchmarks.measure", spec, folder, **how)
        if outcome != "ok":
            return Measurement(solver, case.as_dict(), settings, outcome, message), None
        measurement, answer = collect(spec["out"])
        measurement.others = others
        return measurement, answer


def absent(solver: str, case: Instance, settings: dict[str, Any]) -> Measurement | None:
    """Return what is to be said of a solver that is not installed; None if it is."""
    package = SOLVERS[solver][1]
    if importlib.util.find_spec(package) is not None:
        return None
    message = f"package {package} is not installed"
    return Measurement(solver, case.as_dict(), settings, "missing", message)


def launch(
    module: str,
    spec: dict[str, Any],
    folder: str,
    *,
    time_limit: float,
    cache: str | None = None,
    threads: int = THREADS,
) -> tuple[str, str, float | None]:
    """Run a module in a fresh process; return the outcome, why, and the cores others used."""
    path = Path(folder) / "spec.json"
    path.write_text(json.dumps(spec))
    before = _busy()
    try:
        done = subprocess.run(
            [sys.executable, "-m", module, str(path)],
            cwd=ROOT,
            env=environment(cache, threads),
            timeout=time_limit,
            check=False,
            capture_output=True,
            text=True,
        )
    except subprocess.TimeoutExpired:
        return "time limit", f"not done after {time_limit:g} s", None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        message = f"the process ended with code {done.returncode}: {plain(last)}"
        return "memory limit" if "bad_alloc" in last else "failed", message, None
    after, others = _busy(), None
    if before is not None and after is not None:
        others = max(0.0, (after[1] - before[1]) / (after[0] - before[0]))
    return "ok", "", others


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
    limit_memory(spec.get("memory"))
    worker = Worker(spec["solver"], spec["case"], spec["settings"])
    worker.attempt(worker.begin)
    worker.attempt(lambda: worker.repeat(spec["runs"]))
    worker.leave(spec["out"])


def collect(out: str) -> tuple[Measurement, Any]:
    """Read what a worker left."""
    import numpy as np

    from quot.gibbs_plan import GibbsPlan
    from quot.plan import Plan

    measurement = Measurement(**json.loads(Path(out + ".json").read_text()))
    if not Path(out + ".npz").exists():
        return measurement, None
    with np.load(out + ".npz") as data:
        if "flow" in data:
            answer = Answer(data["flow"])
        else:
            answer = Answer(_priced(data, measurement.case) if "u" in data else _plan(data))
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


def _priced(data: Any, case: dict[str, Any]) -> Any:
    from quot.gibbs_plan import GibbsPlan
    from quot.plan import Plan

    problem = rebuild(case).problem()
    extra = Plan(problem.shape, data["row"], data["col"], data["data"])
    prices = data["row price"], data["col price"], data["u"], data["w"]
    return GibbsPlan(problem.cost, problem.eps, *prices, extra)


if __name__ == "__main__":
    _work(json.loads(Path(sys.argv[1]).read_text()))
