"""Three-block Sinkhorn: rows, columns and the total are exact in turn."""

from __future__ import annotations

from dataclasses import dataclass

from quot.entropic.first_order import Prices
from quot.entropic.normalised import At, NormalisedDual


@dataclass(frozen=True)
class _State:
    point: At
    steps: int


class ThreeBlock:
    """The method that the accelerated ones are compared with; one pass a step."""

    def __init__(self, dual: NormalisedDual) -> None:
        self.dual = dual

    def init(self) -> _State:
        """All prices 0."""
        return _State(self.dual.start(), 0)

    def step(self, state: _State) -> _State:
        """Make the next block exact."""
        which = state.steps % len(self.dual.blocks)
        return _State(self.dual.with_block(state.point, which), state.steps + 1)

    def residual(self, state: _State) -> float:
        """See `Stepper`."""
        return state.point.residual

    def prices(self, state: _State) -> Prices:
        """See `Stepper`."""
        return self.dual.prices(state.point.z)
