"""Pictures; they need matplotlib (extra `images`)."""

from quot.plot.clouds import registration
from quot.plot.flows import flow
from quot.plot.histories import convergence
from quot.plot.paths import path
from quot.plot.plans import lines, plan

__all__ = ["convergence", "flow", "lines", "path", "plan", "registration"]
