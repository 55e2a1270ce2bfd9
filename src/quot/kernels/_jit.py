"""The two ways a kernel of this package is compiled, and what such a function may use."""

from numba import njit, types
from numba.extending import intrinsic

# `nnan` and `ninf` are left out on purpose: with them `isnan(nan)` is False.
_SAFE_FASTMATH = {"reassoc", "contract", "nsz", "arcp"}

kernel = njit(cache=True, nogil=True, error_model="numpy", fastmath=_SAFE_FASTMATH)
# The same where sums must be taken in the order written.
exact_kernel = njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})


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
