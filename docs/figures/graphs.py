"""The pictures of "Transport on graphs", as the examples draw them, in fewer colours.

Run it from the root of the repository: ``python docs/figures/graphs.py``.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
IMAGES, EXAMPLES = ROOT / "docs" / "images", ROOT / "examples"
COLOURS = 128


def draw() -> None:
    """Let the examples draw; the tables that they print are left out."""
    sys.path.insert(0, str(EXAMPLES))
    import graphs_report

    graphs_report.draw_graphs(IMAGES / "graphs.png")
    graphs_report.draw_flows(IMAGES / "graph-flows.png")
    graphs_report.draw_counter_example(IMAGES / "football.png")
    script = [sys.executable, str(EXAMPLES / "streets.py"), "--picture"]
    subprocess.run([*script, str(IMAGES / "streets.png")], check=True, stdout=subprocess.DEVNULL)


def shrink(path: Path) -> None:
    """Keep so many colours only."""
    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=0)
    few.save(path, optimize=True)


if __name__ == "__main__":
    draw()
    for name in ("graphs", "graph-flows", "football", "streets"):
        shrink(IMAGES / f"{name}.png")
