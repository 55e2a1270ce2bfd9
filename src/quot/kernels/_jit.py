"""The ways a kernel of this package is compiled, and what such a function may use."""

import numpy as np
from numba import njit, types
from numba.core.registry import CPUDispatcher
from numba.extending import intrinsic

from quot.kernels._callee import IS_TRIED, Callee, Kernel

# log2(e); a number that rounds what it is added to, to an integer in the last bits; log(2) in two
# parts; and what exp is taken of, at least and at most.
_LOG2E = 1.4426950408889634
_ROUNDER = 6755399441055744.0
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_LEAST, _MOST = -700.0, 700.0
# 1/k! for the Taylor series on [-log(2)/2, log(2)/2]: its next term is 6e-15 of the first.
_C2, _C3, _C4, _C5, _C6 = 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720
_C7, _C8, _C9, _C10, _C11 = 1 / 5040, 1 / 40320, 1 / 362880, 1 / 3628800, 1 / 39916800

# `nnan` and `ninf` are left out on purpose: with them `isnan(nan)` is False.
_SAFE_FASTMATH = {"reassoc", "contract", "nsz", "arcp"}

# Nobody calls kernels from C: a way in for those who do would only be compiled.
_WAYS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}

# Of each file of kernels when it was written, and the same of those whose kernels it calls.
_stamps = {}


def _way(**options):
    """A way to compile a kernel, and again wherever it, or one of another file it calls, changes.

    By itself Numba looks at the file of the kernel alone.
    """
    options.update(_WAYS)
    compiled = njit(cache=True, pipeline_class=Kernel if IS_TRIED else None, **options)
    called = njit(pipeline_class=Callee, **options)

    def decorate(function):
        found = compiled(function)
        if isinstance(found, CPUDispatcher):  # not where Numba is told to compile nothing
            index = found._cache._cache_file
            index._source_stamp = _stamp(function, index._source_stamp)
            if IS_TRIED:  # where a kernel calls it, Numba asks for these two
                callee = called(function)
                found.get_call_template = callee.get_call_template
                found.get_overload = callee.get_overload
        return found

    return decorate


def _stamp(function, own):
    """What a kernel has to have been compiled from; all imports of its file have been done."""
    name = function.__module__
    if name not in _stamps:
        called = (x for x in function.__globals__.values() if isinstance(x, CPUDispatcher))
        others = {x.py_func.__module__ for x in called} - {name}
        _stamps[name] = (own, *(_stamps[other] for other in sorted(others)))
    return _stamps[name]


kernel = _way(fastmath=_SAFE_FASTMATH)
# For what a kernel calls and sums: compiled into it. Sums have another order in a function that is
# compiled for itself, and which of both is called depends on what else the process has compiled.
inlined = _way(fastmath=_SAFE_FASTMATH, forceinline=True)
# For what one kernel alone calls, and is too long for it: a part of that, compiled in its way.
part = _way(inline="always")
# As `kernel`, where sums must be taken in the order written.
exact_kernel = _way(fastmath={"contract", "nsz"})


def _bitcast(source, result):
    """A function that reads the bits of one type as another."""

    @intrinsic
    def cast(typingctx, x):
        def generate(context, builder, signature, args):
            return builder.bitcast(args[0], context.get_value_type(result))

        return result(source), generate

    return cast


as_bits = _bitcast(types.float64, types.int64)
from_bits = _bitcast(types.int64, types.float64)


@exact_kernel
def exp(y):
    """exp(y) for -700 <= y <= 700, and the nearest end beyond; without branches, for vectors.

    y = k log(2) + r: 2^k goes to the exponent, exp(r) is a polynomial by Estrin's scheme.
    """
    y = min(max(y, _LEAST), _MOST)
    t = y * _LOG2E + _ROUNDER
    k = t - _ROUNDER
    r = (y - k * _LN2_HIGH) - k * _LN2_LOW
    r2 = r * r
    r4 = r2 * r2
    low = ((1.0 + r) + (_C2 + r * _C3) * r2) + ((_C4 + r * _C5) + (_C6 + r * _C7) * r2) * r4
    p = low + ((_C8 + r * _C9) + (_C10 + r * _C11) * r2) * (r4 * r4)
    return from_bits(as_bits(p) + (as_bits(t) << np.int64(52)))
