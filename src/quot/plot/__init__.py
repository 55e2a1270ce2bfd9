"""Pictures; they need matplotlib (extra `images`)."""

from quot.plot.flows import flow
from quot.plot.histories import convergence

__all__ = ["convergence", "flow"]
