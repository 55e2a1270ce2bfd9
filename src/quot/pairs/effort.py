"""What passes over pairs have looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """Pairs whose cost was computed, and boxes that spared others."""

    pairs: int = 0
    boxes: int = 0

    def __add__(self, other: Effort) -> Effort:
        return Effort(self.pairs + other.pairs, self.boxes + other.boxes)
