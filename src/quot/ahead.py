"""On the first problem of a kind, a second process compiles a part of what it is going to call.

Numba compiles on one processor. Kernels are kept on disk, each by itself: one that the other
process has made is loaded from there, and one that it is making just then is waited for.
"""

from __future__ import annotations

import atexit
import importlib
import os
import re
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import types
from numba.core.event import Event, Listener, register

from quot.compiling import kernel_of
from quot.parallel import thread_count

# What the other process makes, by what this one compiles first: on small matrices, on others, where
# pairs are listed, and on graphs. It begins with what takes longest, or is called last. Left out is
# what shares sums with kernels of this process (`steps.step` and `sweep` with `see`): which copy is
# called depends on the order in which they are loaded, and with it the last bits.
AHEAD = {
    "small.solve_linear": (
        "climb.climb certify.certify_each small.make_exact small.mend_each"
    ),
    "minima.survey": (
        "certificate.bounds certificate.scan_rows forest.mend rounding.survey semidual.sent"
    ),
    "pricing.row_roots": (
        "nearby.evaluate_near elimination.solve nearby.surroundings sweep.sweep sweep.incidence "
        "flow.search laplacian.cg laplacian.factor laplacian.adjacency flow.system flow.evaluate "
        "cycles.descend cycles.plant certificate.bounds certificate.scan_rows forest.mend"
    ),
    "flow.components": (
        "certificate.flow_error laplacian.factor sweep.sweep sweep.incidence flow.search "
        "laplacian.cg laplacian.adjacency elimination.solve flow.system"
    ),
}  # fmt: skip
# What those are called with: d float64, l int64, i int32, b int8, ? bool; with a digit an array of
# so many axes, C-contiguous; a tuple in parentheses.
TYPES = {
    "certificate.bounds": "d1 d1 d d d1 d1 d d1 d1",
    "certificate.flow_error": "d1 d1 d1 d1 d1 i2 ?1 d1 ?",
    "certificate.scan_rows": "d2 l d1 d1 d (d2 d2 l)",
    "certify.certify_each": "l2 d1 d1 d1 d2 ?1 i1 i1 d1 l1 d1 d2 (d d d) d2 l1",
    "climb.climb": "l2 d1 d1 d1 d2 ?1 l1 (d d d l l l l d) i1 i1 d1 l1 d1 d2 d2 l1",
    "cycles.descend": "i1 i1 d1 d1 d1 ?1 d1 b1 i1 i1 d d d d",
    "cycles.plant": "l1 l1 i1 i1 d1 ?1 d1 d1 d",
    "elimination.solve": "i1 i1 d1 d1 l",
    "flow.evaluate": "d1 b1 l1 i1 i1 i1 d1 d1 d1 ?1 d1",
    "flow.search": "d1 b1 d1 d1 l1 i1 i1 i1 d1 d1 d1 ?1 d1 i1 i1 l d l",
    "flow.system": "d1 b1 d1 d1 l1 i1 i1 d1 d1 d1 ?1 d1 d d",
    "forest.mend": "i1 i1 d1 d1 d1 d1 d1 ?1 ?1 d d",
    "laplacian.adjacency": "i1 i1 d1 l",
    "laplacian.cg": "l1 i1 d1 d1 i1 l1 i1 d1 d1 d1 d l",
    "laplacian.factor": "l1 i1 d1 l1 l",
    "nearby.evaluate_near": "?1 l1 b1 d1 d1 d1 d1 b1 l1 i1 i1 i1 d1 d1 d1 ?1",
    "nearby.surroundings": "l1 l l l1 i1 i1 i1 d1 ?1",
    "rounding.survey": "i1 i1 d1 d1 d1",
    "semidual.sent": "l1 i1 d1 d1 d1 d d",
    "small.make_exact": "l2 d1 d1 d1 d2 ?1 i1 i1 d1 l1 d1 d2 l1",
    "small.mend_each": "l2 d1 d1 d1 d2 ?1 i1 i1 d1 l1 d1 d2 l1",
    "sweep.incidence": "i1 i1 d1 d1 ?1 l",
    "sweep.sweep": "d1 b1 l1 b1 i1 i1 i1 d1 d1 d1 ?1 d1 d",
}
_LETTERS = {
    "d": types.float64,
    "l": types.int64,
    "i": types.int32,
    "b": types.int8,
    "?": types.boolean,
}
# Seconds that a kernel is waited for.
_PATIENCE = 60.0
# What the other process runs: the same quot, wherever it is.
_CODE = """
import sys
sys.path.insert(0, {root!r})
from quot.ahead import make
make(sys.argv[1:])
"""


def kernel(name: str) -> Any:
    """The kernel of a name, "module.kernel"."""
    module, attribute = name.split(".")
    return getattr(importlib.import_module(f"quot.kernels.{module}"), attribute)


def types_of(name: str) -> tuple[types.Type, ...]:
    """What a kernel is called with."""
    nested: list[list[types.Type]] = [[]]
    for word in re.findall(r"[()]|[dlib?]\d?", TYPES[name]):
        if word == "(":
            nested.append([])
        elif word == ")":
            inside = tuple(nested.pop())
            nested[-1].append(types.BaseTuple.from_types(inside))
        else:
            letter, axes = _LETTERS[word[0]], word[1:]
            nested[-1].append(types.Array(letter, int(axes), "C") if axes else letter)
    return tuple(nested[0])


def make(names: list[str]) -> None:
    """Compile kernels, and say the name of each that is done."""
    for name in names:
        found = kernel(name)
        found._cache = _Second(found._cache)
        found.compile(types_of(name))
        sys.stdout.write(f"{name}\n")
        sys.stdout.flush()


class _Kept:
    """What is on disk of a kernel, as Numba has it."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain

    def __getattr__(self, name: str) -> Any:
        return getattr(self._plain, name)


class _Second(_Kept):
    """What is on disk of a kernel that this other process makes: what is there already stays.

    The code of a kernel depends, in the order of sums, on what else a process has compiled. Later
    ones shall compute what the one does that was asked to solve, if that made the kernel, too.
    """

    def save_overload(self, signature: tuple[types.Type, ...], made: Any) -> None:
        """Keep a kernel for these types."""
        plain = self._plain
        if plain._cache_file.load(plain._index_key(signature, made.codegen)) is None:
            plain.save_overload(signature, made)


class Helper:
    """The other process.

    Parameters
    ----------
    names : list of str
        The kernels that it makes, in order.

    Attributes
    ----------
    is_over : bool
        Whether it has ended.
    """

    def __init__(self, names: list[str]) -> None:
        self._made, self.is_over, self._news = 0, False, threading.Condition()
        self._pid = os.getpid()  # a fork of this one hears nothing of the other
        code = _CODE.format(root=str(Path(__file__).parents[1]))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", code, *names],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        atexit.register(self.end)
        for k, name in enumerate(names):
            found = kernel(name)
            found._cache = _Awaited(found._cache, types_of(name), self, k)

    def has_made(self, k: int) -> bool:
        """Whether the kernel is made; where it is being made just now, waits for it."""
        if os.getpid() != self._pid:
            return False
        with self._news:
            self._news.wait_for(lambda: self._made != k or self.is_over, _PATIENCE)
            return self._made > k

    def end(self) -> None:
        """Stop it."""
        if os.getpid() == self._pid:
            self._process.terminate()
            self._listener.join()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as lines:
            for _ in lines:
                with self._news:
                    self._made += 1
                    self._news.notify_all()
        self._process.wait()
        with self._news:
            self.is_over = True
            self._news.notify_all()


class _Awaited(_Kept):
    """What is on disk of a kernel that the other process makes: Numba's own, but that it waits."""

    def __init__(
        self, plain: Any, made_for: tuple[types.Type, ...], helper: Helper, k: int
    ) -> None:
        super().__init__(plain)
        self._made_for, self._helper, self._k = made_for, helper, k

    def load_overload(self, signature: tuple[types.Type, ...], context: Any) -> Any:
        """The kernel for these types; None if it is not there."""
        found = self._plain.load_overload(signature, context)
        if found is None and signature == self._made_for and self._helper.has_made(self._k):
            found = self._plain.load_overload(signature, context)
        return found


class _Start(Listener):  # type: ignore[misc]
    """Starts the other process, one at a time, where the first kernel of a kind is compiled."""

    def __init__(self) -> None:
        self._left = dict(AHEAD)
        self._helper: Helper | None = None

    def on_start(self, event: Event) -> None:
        """A function is being compiled."""
        first = kernel_of(event)
        if first not in self._left or (self._helper and not self._helper.is_over):
            return
        names = self._left.pop(first).split()
        if _may_help():
            with suppress(OSError):  # where no process may be started nobody helps
                self._helper = Helper(names)

    def on_end(self, event: Event) -> None:
        """It is compiled."""


def _may_help() -> bool:
    """Whether there is a processor for it, a Python to run, and no more of us than one."""
    from multiprocessing import parent_process  # slow, and not often asked for

    is_python = Path(sys.executable or "").stem.lower().startswith("python")
    is_alone = parent_process() is None
    return thread_count() > 1 and is_python and is_alone and not hasattr(sys, "frozen")


def watch() -> None:
    """Have kernels compiled in two processes on the first problem of a kind."""
    register("numba:compile", _Start())
