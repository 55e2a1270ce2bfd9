"""Two pictures as distributions on the pixels of a square."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from benchmarks.cases.base import Positions


@dataclass(frozen=True)
class ImageCase(Positions):
    """Grey levels of two pictures of scikit-image, camera and astronaut, each with total 1.

    The middle square of a picture is resized to side x side pixels; the cost is the squared
    distance between pixels in the unit square.
    """

    kind: ClassVar[str] = "image"

    side: int
    reg: float
    mass: float | None = None

    @property
    def n(self) -> int:
        """Number of pixels."""
        return self.side**2

    def __str__(self) -> str:
        return f"{self.side} x {self.side} pixels, reg = {self.reg:g}, {self._amount()}"

    def positions(self) -> tuple[Any, Any, Any, Any, float]:
        import numpy as np

        middle = (np.arange(self.side) + 0.5) / self.side
        pixels = np.stack(np.meshgrid(middle, middle, indexing="ij"), axis=-1).reshape(-1, 2)
        a, b = self._grey("camera"), self._grey("astronaut")
        return pixels, pixels, a, b, self.reg

    def _grey(self, name: str) -> Any:
        import numpy as np
        from PIL import Image
        from skimage import data

        picture = Image.fromarray(getattr(data, name)()).convert("L")
        size = min(picture.size)
        left, top = (picture.width - size) // 2, (picture.height - size) // 2
        picture = picture.resize(
            (self.side, self.side), Image.Resampling.BOX, (left, top, left + size, top + size)
        )
        levels = np.asarray(picture, dtype=np.float64).ravel()
        return levels / levels.sum()
