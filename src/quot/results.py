"""Results: several of them in a row, and what they are as arrays and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from quot.labels import need_pandas
from quot.plan import Plan
from quot.problem import Problem
from quot.result import Result
from quot.shown import Shown

Floats = NDArray[np.float64]


class Results(Sequence[Result[Plan]], Shown):
    """Results of several problems, in the order asked for; see `Batch` and `Path`."""

    @cached_property
    def masses(self) -> Floats:
        """Mass that each result moves, (k,)."""
        return np.array([r.problem.total for r in self])

    @cached_property
    def regs(self) -> Floats:
        """The reg of each result, (k,)."""
        return np.array([cast(Problem, r.problem).reg for r in self])

    @cached_property
    def costs(self) -> Floats:
        """<C, P> of each result, (k,)."""
        return np.array([r.cost for r in self])

    @cached_property
    def values(self) -> Floats:
        """The objective of each result, (k,)."""
        return np.array([r.value for r in self])

    @cached_property
    def lams(self) -> Floats:
        """The price of the last unit of mass of each result, (k,); 0 in a balanced problem.

        At a breakpoint of a path in mass that is any price between the slopes on both sides.
        """
        return np.array([r.lam for r in self])

    @cached_property
    def sparsities(self) -> Floats:
        """Fraction of pairs that carry nothing, of each result, (k,)."""
        return np.array([r.plan.sparsity for r in self])

    @property
    def converged(self) -> bool:
        """Whether every result is within its tolerance."""
        return all(r.converged for r in self)

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a line for each result, in the order asked for.

        Its mass, reg, cost, value and lam, the fraction of pairs that carry nothing, the number of
        those that do, and whether it is within its tolerance.
        """
        columns = {
            "mass": self.masses,
            "reg": self.regs,
            "cost": self.costs,
            "value": self.values,
            "lam": self.lams,
            "sparsity": self.sparsities,
            "nnz": [r.plan.nnz for r in self],
            "converged": [r.converged for r in self],
        }
        return need_pandas().DataFrame(columns)
