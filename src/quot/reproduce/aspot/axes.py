"""Logarithmic axes with numbers written out."""

from __future__ import annotations

import math
from typing import Any

# An axis over less than this has numbers at 1, 2 and 5, one over more at powers of ten.
_WIDE = 60.0


def logarithmic(ax: Any, which: str = "xy") -> None:
    """Make axes logarithmic, once all is drawn."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    for name in which:
        getattr(ax, f"set_{name}scale")("log")
        low, high = getattr(ax, f"get_{name}lim")()
        low, high = min(low, high), max(low, high)
        decades = math.log10(high / low)
        steps = (1.0, 2.0, 5.0) if high < _WIDE * low else (1.0,)
        axis = getattr(ax, f"{name}axis")
        axis.set_major_locator(LogLocator(subs=steps, numticks=max(4, min(8, round(decades) + 4))))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
