"""Calls of Python: Ctrl-C at any moment, in this process."""

import os
import signal
import threading
import time
import traceback
from pathlib import Path

import numpy as np
from tests.signals.commands import Outcome

import quot
from quot import interrupts


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
    quiet = {"on_failure": "ignore"}
    return {
        "solve": lambda: quot.solve(C, reg=1e-3, **quiet),
        "linear": lambda: quot.solve(C, **quiet),
        "points": lambda: quot.solve(problem.cost, reg=1e-2, **quiet),
        "graph": lambda: quot.solve_graph(graph, masses, masses[::-1], **quiet),
        "batch": lambda: quot.solve_batch(rng.random((n, 30, 30)), reg=0.01, **quiet),
        "reg_path": lambda: quot.reg_path(cost, np.geomspace(1e-4, 1, 12), **quiet),
        "mass_path": lambda: quot.mass_path(cost, count=8, **quiet),
        "entropic": lambda: quot.solve_entropic(points, eps=1e-2, **quiet),
        "approximate": lambda: quot.approximate_partial(C, accuracy=1e-2, mass=0.5, **quiet),
        "adaptive": lambda: quot.solve_adaptive(points, perplexity=10, **quiet),
        "affinities": lambda: quot.affinities(X, kind="doubly_stochastic", **quiet),
        "suggest_reg": lambda: quot.suggest_reg(problem, neighbours=8),
        "estimate": lambda: quot.estimate(problem),
        "certify": lambda: quot.certify(r.problem, r.plan, r.f, r.g, r.lam),
    }


PACKAGE = Path(interrupts.__file__).parent
# What has nothing to return before it is done.
BARE = {"affinities", "suggest_reg", "estimate", "certify"}
NAMES = tuple(calls(short=True))


def attempts(name, call, *, count, seed):
    """(kind, outcome) of Ctrl-C at random moments."""
    call()
    start = time.monotonic()
    call()
    most = time.monotonic() - start
    rng = np.random.default_rng(seed)
    for k in range(count):
        yield "INT", _attempt(name, call, (k + rng.uniform()) / count * most)


def _attempt(name, call, delay):
    interrupts._now.last = -np.inf  # else it counts as the second after that of the attempt before
    sent, found, error = [], None, None

    def press():
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(delay, press)
    try:
        timer.start()
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
        if what == "KeyboardInterrupt" and name in BARE:
            fault = ""
    else:
        what, fault = _status(found), ""
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
    return getattr(getattr(found, "status", None), "name", "done")
