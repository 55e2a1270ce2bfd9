"""The pictures of "Entropic methods", as the example draws them, in fewer colours.

Run it from the root of the repository: ``python docs/figures/entropic.py``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from graphs import EXAMPLES, IMAGES, shrink

NAMES = ("entropic-passes.png", "entropic-costs.png")


def draw(folder: Path) -> None:
    """Let the example draw; the tables that it prints are left out."""
    sys.path.insert(0, str(EXAMPLES))
    import entropic_methods

    C = entropic_methods.gaussians()
    entropic_methods.draw_passes(C, folder / NAMES[0], (0.02, 0.001))
    entropic_methods.draw_costs(C, folder / NAMES[1], 0.005)


if __name__ == "__main__":
    draw(IMAGES)
    for name in NAMES:
        shrink(IMAGES / name)
