"""The first call: what it says, which process helps it, and that later ones compile nothing."""

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


# What is called first by a problem of each kind, and a problem.
FIRST = {
    "small.solve_linear": "quot.solve(C[:20, :20], reg=0.1, mass=0.7)",
    "minima.survey": "quot.solve(C, reg=0.1, mass=0.7)",
    "pricing.row_roots": "quot.solve_points(X, Y, reg=0.1, mass=0.7)",
    "flow.components": "quot.solve_graph(quot.graphs.grid((40, 40)), a, b, reg=1)",
}


@pytest.mark.parametrize("first", FIRST)
def test_what_is_made_ahead_is_what_problems_of_the_kind_call(first):
    code = f"""
import numpy as np, quot
from quot import ahead

rng = np.random.default_rng(0)
X, Y = rng.normal(size=(3000, 2)), 1.0 + 0.7 * rng.normal(size=(3000, 2))
C = ((X[:300, None] - Y[:300]) ** 2).sum(-1)
C, a = C / C.max(), rng.random(1600)
b = a[::-1]
assert {FIRST[first]}.converged
for name in [{first!r}, *ahead.AHEAD[{first!r}].split()]:
    called = ahead.kernel(name).signatures
    assert called, name
    assert name == {first!r} or ahead.types_of(name) in called, (name, called)
"""
    run(code, QUOT_QUIET="1")


HELPED = """
import numpy as np
import quot.api
from numba.core.event import Listener, register
from quot import ahead

class Compiled(Listener):
    names = set()
    def on_start(self, event): self.names.add(ahead.kernel_of(event))
    def on_end(self, event): pass

register("numba:compile", Compiled())
ahead.AHEAD.clear()
ahead.AHEAD["flow.tension"] = "laplacian.adjacency semidual.sent"
ahead.watch()
{before}
ends, one = np.zeros(1, np.int32), np.ones(1)
ahead.kernel("flow.tension")(one, ends, ends)
{between}
for name in ahead.AHEAD["flow.tension"].split():
    ahead.kernel(name).compile(ahead.types_of(name))
print(*sorted(Compiled.names - {{None}}))
ahead.kernel("laplacian.adjacency")(ends, ends, one, 1)
"""
ALL = "flow.tension laplacian.adjacency semidual.sent"


def helped(tmp_path, before="", between="", threads="2"):
    code = HELPED.format(before=before, between=between)
    cache = {"NUMBA_CACHE_DIR": str(tmp_path), "QUOT_NUM_THREADS": threads}
    return run(code, QUOT_QUIET="1", **cache).stdout.strip()


def test_a_kernel_is_not_compiled_twice_where_another_process_is_at_it(tmp_path):
    assert helped(tmp_path) == "flow.tension"


def test_a_kernel_is_compiled_here_where_the_other_process_has_ended(tmp_path):
    end = "import gc; [x.end() for x in gc.get_objects() if isinstance(x, ahead.Helper)]"
    assert helped(tmp_path, between=end) == ALL


def test_the_other_process_leaves_what_is_there(tmp_path):
    """Two that made the same kernel at once would differ in what they add up first."""
    code = """
from pathlib import Path
import quot.api
from quot import ahead

found = ahead.kernel("semidual.sent")
types = ahead.types_of("semidual.sent")
files = lambda: {p: p.stat().st_mtime_ns for p in Path(found._cache.cache_path).glob("*.sent-*")}
plain = ahead._Second(found._cache)
plain.save_overload(types, made := found._compiler.compile(types, None))
before = files()
assert len(before) == 2, before
plain.save_overload(types, made)
assert files() == before
found._cache.save_overload(types, made)
assert files() != before
"""
    run(code, NUMBA_CACHE_DIR=str(tmp_path), QUOT_QUIET="1")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_fork_waits_for_nobody(tmp_path):
    fork = "import os; child = os.fork(); child and (os.waitpid(child, 0), os._exit(0))"
    assert helped(tmp_path, between=fork) == ALL


def test_no_other_process_on_one_thread(tmp_path):
    assert helped(tmp_path, threads="1") == ALL


@pytest.mark.parametrize("executable", ["", "/no/such/python", "/bin/quot"])
def test_no_other_process_without_a_python(tmp_path, executable):
    assert helped(tmp_path, before=f"import sys; sys.executable = {executable!r}") == ALL
