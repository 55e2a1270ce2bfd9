"""The one way a kernel of this package is compiled."""

from numba import njit

# `nnan` and `ninf` are left out on purpose: with them `isnan(nan)` is False.
_SAFE_FASTMATH = {"reassoc", "contract", "nsz", "arcp"}

kernel = njit(cache=True, nogil=True, error_model="numpy", fastmath=_SAFE_FASTMATH)
