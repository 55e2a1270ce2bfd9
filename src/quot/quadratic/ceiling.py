"""A cap of prices while a problem is solved, and how it is found.

Very dear pairs or edges, 1e15 for 'never', would only spoil the precision of prices. Where they
carry nothing although they are taken to be cheaper, the answer is optimal for the prices as they
are, and the potentials fit those. Only prices change, never what can flow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from quot.prices import DEAR

Floats = NDArray[np.float64]

# Prices are capped at DEAR times what mass has to pay, as far as that is known before; where that
# is too low, at as many times the least that was used beyond it. In the end, where they had to be
# higher, they are so many times the dearest that is used.
_ENOUGH = 10.0


@dataclass(frozen=True)
class Ceiling:
    """A cap, and what others have shown.

    Parameters
    ----------
    cap : float
        Above the least price; inf for none.
    low, high : float
        The highest cap that was too low, and the lowest that was not.
    paid : float
        Of what carried something beyond a cap too low, the least price; 0 if there was none.
    """

    cap: float
    low: float = 0.0
    high: float = math.inf
    paid: float = 0.0

    @property
    def was_never_low(self) -> bool:
        """Whether nothing is capped, nor was."""
        return self.cap == math.inf and self.low == 0.0

    def next(self, prices: Floats, used: Floats, *, is_good: bool) -> Ceiling | None:
        """Another one, where that is needed or may be better; None where it is not.

        Higher and higher ones while something beyond them is used, where all prices were one: the
        least of those may have to be paid again. Then, or where the result is not good enough, as
        low as what is used allows: the search may have gone too far.

        Parameters
        ----------
        prices, used : arrays
            Above the least price: all of them, and of what carries something.
        is_good : bool
        """
        longest, beyond = float(prices.max(initial=0.0)), used[used > self.cap]
        if beyond.size:
            paid = float(beyond.min())
            higher = Ceiling(min(DEAR * paid, longest), self.cap, self.high, paid)
            return higher if self.cap < higher.cap < self.high else None
        high = min(self.cap, longest)
        cap = _ENOUGH * float(used.max(initial=0.0))
        if not is_good and cap > high / _ENOUGH:
            cap = math.sqrt(self.low) * math.sqrt(high)
        worth = (self.low > 0.0 or not is_good) and self.low < cap <= high / _ENOUGH
        return replace(self, cap=cap, high=high) if worth else None
