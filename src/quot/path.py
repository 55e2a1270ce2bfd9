"""Path: the results of one problem for several masses, or for several reg."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from quot.convergence import Status
from quot.exceptions import InvalidProblemError
from quot.plan import Plan
from quot.result import Result
from quot.results import Results
from quot.shown import ends

Floats = NDArray[np.float64]

# What a line from end to end may be off by, of its width or height: round-off and tolerances.
_EVEN = 1e-6


@dataclass(frozen=True, eq=False)
class Path(Results):
    """Results of one problem for several masses, or for several `reg`: a sequence of `Result`.

    Parameters
    ----------
    results : tuple of Result
        In the order asked for.
    over : {"mass", "reg"}
        What differs between them.
    status : Status
        OPTIMAL if all results are there, and else what ended the path: TIME_LIMIT or STOPPED. How
        good a result is says its own status.
    breakpoints : array of shape (K + 1,), optional
        Of a path in mass at ``reg=0``: the masses at which the price of a unit rises, from 0 to the
        most that can move, or as far as the path was followed. The least cost is linear between
        two of them. None where only single masses were solved.
    slopes : array of shape (K,), optional
        What a unit of mass costs between two breakpoints; they rise.
    """

    results: tuple[Result[Plan], ...]
    over: str
    status: Status = Status.OPTIMAL
    breakpoints: Floats | None = None
    slopes: Floats | None = None

    def __len__(self) -> int:
        return len(self.results)

    @overload
    def __getitem__(self, key: int) -> Result[Plan]: ...

    @overload
    def __getitem__(self, key: slice) -> tuple[Result[Plan], ...]: ...

    def __getitem__(self, key: int | slice) -> Any:
        return self.results[key]

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {"results": len(self), "status": self.status.name}
        if self.results:
            facts[self.over] = ends(self.masses if self.over == "mass" else self.regs)
            facts |= {"cost": ends(self.costs), "value": ends(self.values)}
        if self.breakpoints is not None:
            facts["breakpoints"] = self.breakpoints.size
        return facts

    def __repr__(self) -> str:
        where = self.masses if self.over == "mass" else self.regs
        ends = f" from {where[0]:.4g} to {where[-1]:.4g}" if where.size else ""
        bends = "" if self.breakpoints is None else f"{self.breakpoints.size} breakpoints, "
        return f"Path({where.size} results, {self.over}{ends}, {bends}{self.status.name})"

    @property
    def converged(self) -> bool:
        """Whether all is there, and every result within its tolerance."""
        return self.status is Status.OPTIMAL and super().converged

    @property
    def price(self) -> tuple[Floats, Floats]:
        """Masses (k,), and what the last unit of each costs, (k,), in order of mass.

        Of the exact curve where there is one: then the ends of its pieces.
        """
        if self.breakpoints is not None and self.slopes is not None:
            return self.breakpoints[1:], self.slopes
        order = np.argsort(self.masses, kind="stable")
        return self.masses[order], self.lams[order]

    def knee(self) -> float:
        """Return the mass up to which the price of a unit rises slowly.

        The price of the last unit, `lam`, is drawn against the mass, and a straight line from where
        the curve begins to where it ends. The knee is where the price is furthest below that line:
        beyond it more mass is dear for what it is. It depends on where the curve ends, so on the
        last outliers, too. A price that rises evenly, or fast at first and slower then, has no
        knee: this is the largest mass if the price is nowhere so far below the line as it is above
        elsewhere, or only in its first step, and that is no wider than another.

        Returns
        -------
        float

        Raises
        ------
        InvalidProblemError
            If the path is one in `reg`, or has no mass in it.
        """
        if self.over != "mass" or not self.price[0].size:
            raise InvalidProblemError(
                f"only a path in mass has a knee; this one is over {self.over!r} and has "
                f"{len(self)} results. Pass one of `quot.mass_path`."
            )
        mass, price = self.price
        steps = np.zeros(1) if self.breakpoints is None else np.diff(self.breakpoints)
        wide, high = float(mass[-1] - mass[0] + steps[0]), float(price[-1] - price[0])
        if wide == 0.0 or high <= 0.0:
            return float(mass[-1])
        below = (mass - mass[0] + steps[0]) / wide - (price - price[0]) / high
        best = int(np.argmax(below))
        least = -float(below.min())
        if best == 0:
            least = max(least, float(steps[1:].max(initial=0.0)) / wide)
        return float(mass[best] if below[best] > least + _EVEN else mass[-1])
