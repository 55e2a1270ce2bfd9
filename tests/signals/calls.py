"""Calls of Python: Ctrl-C at any moment, in this process."""

import os
import signal
import threading
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
from tests.signals.commands import Outcome

import quot
from quot import interrupts
from quot.applications.color import recolor
from quot.applications.registration import register
from quot.estimators import TransportLabelPropagation, TransportMapper


def calls(*, short=False):
    """Functions that take a while, by name."""
    n = 60 if short else 1000
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(2, n, 2))
    C = rng.random((n, n))
    points, cost = quot.PointCost(X, Y), quot.Problem(C, mass=0.5)
    problem = quot.Problem(quot.PointCost(np.tile(X, (4, 1)), np.tile(Y, (4, 1)) + 1e-3), reg=1e-2)
    r = quot.solve(points, reg=1e-2, on_failure="ignore")
    side = 20 if short else 150
    graph, masses = quot.graphs.grid((side, side)), rng.integers(0, 9, side * side).astype(float)
    many, quiet = rng.random((n, 30, 30)), {"on_failure": "ignore"}
    grid = quot.graphs.grid((side // 4, side // 4))
    ends = masses[: grid.n_nodes], masses[grid.n_nodes - 1 :: -1]
    pictures = rng.integers(0, 256, (2, n // 10, n // 10, 3), np.uint8)
    mapper = TransportMapper(reg=1e-2).fit_domains(X, Y)
    flows = quot.GraphProblem(grid, *ends, reg=0.1)
    gibbs = quot.solve_entropic(points, eps=0.1, **quiet).plan
    return {
        "solve": lambda: quot.solve(C, reg=1e-3, **quiet),
        "linear": lambda: quot.solve(C, **quiet),
        "points": lambda: quot.solve(problem.cost, reg=1e-2, **quiet),
        "graph": lambda: quot.solve_graph(graph, masses, masses[::-1], **quiet),
        "batch": lambda: quot.solve_batch(many, reg=0.01, **quiet),
        "reg_path": lambda: quot.reg_path(cost, np.geomspace(1e-4, 1, 12), **quiet),
        "mass_path": lambda: quot.mass_path(cost, count=8, **quiet),
        "entropic": lambda: quot.solve_entropic(points, eps=1e-2, **quiet),
        "approximate": lambda: quot.approximate_partial(C, accuracy=1e-2, mass=0.5, **quiet),
        "adaptive": lambda: quot.solve_adaptive(points, perplexity=10, **quiet),
        "affinities": lambda: quot.affinities(X, kind="doubly_stochastic", **quiet),
        "suggest_reg": lambda: quot.suggest_reg(quot.Problem(points), neighbours=8),
        "estimate": lambda: quot.estimate(problem),
        "certify": lambda: quot.certify(r.problem, r.plan, r.f, r.g, r.lam),
        "rescaling": lambda: quot.graphs.reg_rescaling(grid, grid, *ends),
        "football": lambda: quot.graphs.football(flows),
        "share_rows": lambda: quot.adaptive.share_rows(C, 10.0),
        "project_rows": lambda: quot.adaptive.project_rows(C, np.ones(n), 10.0),
        "recolor": lambda: recolor(*pictures, colors=n // 8),
        "register": lambda: register(X, Y[: n // 2] + 3.0, n_starts=10),
        "mapper": lambda: TransportMapper(reg=1e-2, mass="knee").fit_domains(X, Y),
        "labels": lambda: TransportLabelPropagation(perplexity=9.0).fit_domains(X, Y, X[:, 0] > 0),
        "transform": lambda: mapper.transform(X + 1.0),
        "push": lambda: gibbs.push(X),
        "to_plan": gibbs.to_plan,
        "Plan": lambda: quot.Plan.from_dense(C),
        "block": lambda: points.block(0, n),
    }


PACKAGE = Path(interrupts.__file__).parent
# What has something to return from the start; others may have nothing before a plan is begun.
STOPPABLE = {"solve", "linear", "points", "graph", "batch", "reg_path", "mass_path", "entropic"}
STOPPABLE |= {"approximate", "adaptive"}
NAMES = tuple(calls(short=True))


def attempts(name, call, *, count, seed):
    """(kind, outcome) of Ctrl-C at random moments."""
    call()
    start = time.monotonic()
    whole = _value(call())
    most = time.monotonic() - start
    rng = np.random.default_rng(seed)
    for k in range(count):
        yield "INT", _attempt(name, call, (k + rng.uniform()) / count * most, whole)


def _attempt(name, call, delay, whole):
    """Press after some seconds; what ends by itself has the value that it has undisturbed."""
    interrupts._now.last = -np.inf  # else it counts as the second after that of the attempt before
    sent, found, error = [], None, None

    def press():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(delay, press)
    try:
        timer.start()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", quot.NotConvergedWarning)
            found = call()
        ended = time.monotonic()
        timer.join()
        time.sleep(0.01)  # what comes too late is raised by then
    except BaseException as raised:
        error = raised
    if found is None and _is_outside(error):
        ended, what, fault = time.monotonic(), "outside", ""
    elif found is None:
        ended = time.monotonic()
        what, fault = type(error).__name__, str(error) or "there is no result"
        if what == "KeyboardInterrupt" and name not in STOPPABLE:
            fault = ""
    else:
        what, fault = _status(found), ""
        is_close = name == "approximate"  # to its accuracy
        if what != "STOPPED" and not is_close and not np.allclose(_value(found), whole, rtol=0.02):
            fault = "another answer"
    timer.join()
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        fault = f"{signal.getsignal(signal.SIGINT)} is left in place"
    return Outcome(what, fault, max(ended - sent[0], 0.0), delay)


def _is_outside(error):
    """Whether a signal came before the call began, or when it was over."""
    frames = [(frame.filename, frame.name) for frame in traceback.extract_tb(error.__traceback__)]
    inner = [name for path, name in frames if str(PACKAGE) in path]
    edge = {"heeding", "__enter__", "__exit__"}
    return isinstance(error, KeyboardInterrupt) and (not inner or inner[-1] in edge)


def _status(found):
    if isinstance(found, list):
        return "done" if all(r.converged for r in found) else "STOPPED"
    return getattr(getattr(_result(found), "status", None), "name", "done")


def _value(found):
    if isinstance(found, list):
        return [r.value for r in found]
    found = getattr(_result(found), "value", found)
    return found if isinstance(found, (float, np.ndarray)) else 0.0


def _result(found):
    """That of what is made of one."""
    return getattr(found, "result", getattr(found, "result_", found))
