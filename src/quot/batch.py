"""Batch: the results of many problems, each put together when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Protocol, overload

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.exceptions import InvalidProblemError
from quot.plan import Plan
from quot.result import Result
from quot.results import Results
from quot.shown import ends

Floats = NDArray[np.float64]


class Late(Protocol):
    """What is known of a result before it is put together; names as of `Result`."""

    @property
    def value(self) -> float:
        """The objective, but for the rounding of the sum."""

    @property
    def converged(self) -> bool:
        """Whether it is within its tolerance."""

    @property
    def plan(self) -> Plan:
        """The plan, but for names of rows and columns."""

    def result(self) -> Result[Plan]:
        """All of it."""


class Batch(Results):
    """Results of many problems, as `solve_batch` returns them: a sequence of `Result`.

    Arrays of all of them, as `values` and `to_dense`, are there at once. A result by itself is put
    together when it is first asked for: it, its plan and its certificate take some 20 microseconds
    then, longer than to solve a problem of five points.

    Parameters
    ----------
    results : iterable of Result, or of what one is put together from
        In the order asked for.
    """

    def __init__(self, results: Iterable[Result[Plan] | Late]) -> None:
        self._results = list(results)

    def __len__(self) -> int:
        return len(self._results)

    @overload
    def __getitem__(self, key: int) -> Result[Plan]: ...

    @overload
    def __getitem__(self, key: slice) -> Batch: ...

    def __getitem__(self, key: int | slice) -> Any:
        if isinstance(key, slice):
            return Batch(self._results[key])
        found = self._results[key]
        if not isinstance(found, Result):
            found = self._results[key] = found.result()
        return found

    @cached_property
    def values(self) -> Floats:
        """The objective of each result, (k,): its `value`, but for the rounding of the sum."""
        return np.array([r.value for r in self._results])

    @property
    def converged(self) -> bool:
        """Whether every result is within its tolerance."""
        return all(r.converged for r in self._results)

    def to_dense(self) -> Floats:
        """Return all plans as an array (k, n, m).

        Raises
        ------
        InvalidProblemError
            If the plans have different shapes.
        ProblemTooLargeError
            If the machine has not so much memory.
        """
        plans = [r.plan for r in self._results]
        shapes = dict.fromkeys(plan.shape for plan in plans)
        if len(shapes) != 1:
            raise InvalidProblemError(
                f"only plans of one shape are one array; these {len(plans)} have the shapes "
                f"{', '.join(map(str, shapes)) or '(none)'}. Take `r.plan.to_dense()` of each."
            )
        shape = len(plans), *plans[0].shape
        memory.check_array(shape)
        P = np.zeros(shape)
        for k, plan in enumerate(plans):
            P[k, plan.rows, plan.cols] = plan.values
        return P

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"results": len(self), "converged": self._converged}
        return facts | ({"value": ends(self.values)} if self._results else {})

    @property
    def _converged(self) -> int:
        """How many are within their tolerance."""
        return sum(r.converged for r in self._results)

    def __repr__(self) -> str:
        values = f", value {ends(self.values)}" if self._results else ""
        return f"Batch({len(self)} results{values}, {self._converged} converged)"

    def __reduce__(self) -> tuple[type[Batch], tuple[list[Result[Plan]]]]:
        return Batch, (list(self),)
