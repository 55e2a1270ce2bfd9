"""The first call: what it says while it compiles, and that the second process compiles nothing."""

import os
import subprocess
import sys

import pytest

# One kernel that calls others, and nothing else: two seconds or less.
ONE_KERNEL = """
import numpy as np, time
import quot.api
from quot import compiling
from quot.kernels import flow

compiling._AFTER = {after}
ends, one = np.zeros(1, np.int32), np.ones(1)
flow.gain(one, one, ends, ends, one, one, one, ends > 0, one)
flow.tension(one, ends, ends)
time.sleep({sleep})
"""
# What is compiled on the way to a first answer of each kind.
THREE = """
from numba.core.event import install_recorder

with install_recorder("numba:compile") as recorder:
    import numpy as np
    import quot

    rng = np.random.default_rng(0)
    C, X, Y = rng.random((12, 9)), rng.random((100, 2)), rng.random((90, 2))
    grid = quot.graphs.grid((4, 4))
    ends = np.eye(16)[[0, 15]]
    for reg in (0.0, 0.1):
        assert quot.solve(C, reg=reg, mass=0.7).converged
        assert quot.solve_points(X, Y, reg=reg).converged
        assert quot.solve_graph(grid, *ends, reg=reg).converged
for _, compiled in recorder.buffer:
    print(compiled.data["dispatcher"].py_func)
"""


def run(code, **environment):
    kept = {name: value for name, value in os.environ.items() if name != "QUOT_QUIET"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=kept | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def test_a_first_call_says_once_that_it_compiles(tmp_path):
    code = ONE_KERNEL.format(after=0.05, sleep=0.1)
    cold = run(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert cold.stderr.count("\n") == 1
    assert cold.stderr.startswith("quot: compiling for a first problem of its kind")
    assert "once on this machine" in cold.stderr
    assert not cold.stdout
    warm = run(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert not warm.stderr
    assert not warm.stdout


@pytest.mark.parametrize("quiet", ["1", "yes"])
def test_nothing_is_said_where_silence_is_asked_for(tmp_path, quiet):
    code = ONE_KERNEL.format(after=0.05, sleep=0.1)
    done = run(code, NUMBA_CACHE_DIR=str(tmp_path), QUOT_QUIET=quiet)
    assert not done.stderr


def test_nothing_is_said_of_a_kernel_that_is_compiled_at_once(tmp_path):
    done = run(ONE_KERNEL.format(after=1e3, sleep=0.0), NUMBA_CACHE_DIR=str(tmp_path))
    assert not done.stderr


OTHERS = """
import numba
import quot.api

made = {}
exec("def add(x, y): return x + y", made)  # of no module
assert numba.njit(made["add"])(1, 2) == 3


@numba.jit(forceobj=True, looplift=True)
def lifted(x):
    total = 0
    for k in range(x):
        total += k
    return object(), total


assert lifted(4)[1] == 6
"""


def test_functions_of_others_are_compiled_whatever_they_are():
    assert not run(OTHERS).stderr


def test_a_second_process_compiles_nothing():
    """The suite's own cache is filled by the first run, if by nobody before."""
    run(THREE)
    done = run(THREE)
    assert not done.stdout
    assert not done.stderr


def test_garbage_is_not_collected_while_a_kernel_is_compiled(tmp_path):
    code = """
import gc, numpy as np
from numba.core.event import Listener, register
import quot.api
from quot.kernels import flow

class Look(Listener):
    def __init__(self): self.seen = set()
    def on_start(self, event): pass
    def on_end(self, event): self.seen.add(gc.isenabled())

look, ends, one = Look(), np.zeros(1, np.int32), np.ones(1)
register("numba:compile", look)
for is_on in (True, False):
    (gc.enable if is_on else gc.disable)()
    look.seen.clear()
    flow.tension(one, ends, ends) if is_on else flow.tension(one, ends, ends.astype(np.int64))
    assert False in look.seen, look.seen  # inner functions are over while the kernel is not
    assert gc.isenabled() is is_on
"""
    run(code, NUMBA_CACHE_DIR=str(tmp_path))


def test_who_compiles_computes_the_same(tmp_path):
    """A function that is compiled for itself, too, may add up in another order."""
    code = """
import numpy as np, quot
C = np.random.default_rng(0).random((30, 33))
for r in (quot.solve_entropic(C, eps=0.01, mass=0.7), quot.solve_adaptive(C, perplexity=3)):
    print(*(x.hex() for x in np.append(r.f, r.g)))
"""
    cold, warm = (run(code, NUMBA_CACHE_DIR=str(tmp_path), QUOT_QUIET="1") for _ in range(2))
    assert cold.stdout == warm.stdout
    assert cold.stdout.count("0x") == 2 * 63
