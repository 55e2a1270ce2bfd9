"""How strong reg is: the constants of the rows on points, in one place.

Each was found by solving at n = 2000, mass 0.7, for about 8 pairs a row that sends, and checked at
n = 1000 and 4000 (7.4 to 8.2). In d dimensions that number grows like
reg^(d/(d+2)) n^((2-d)/(d+2)), so that reg ~ n^(1-2/d) holds it: constant in the plane, n^(1/3) in
space, 1/n on a line.
"""

from __future__ import annotations

from benchmarks.cases import PointsCase

MASS = 0.7
# n at which the constants hold, reg there by dimension, and its power of n.
_N = 2000
GAUSSIAN = {2: 76.0, 3: 500.0}
POWERS = {1: -1.0, 2: 0.0, 3: 1.0 / 3.0}
# In the plane: reg, and the dimension that the shape has. Copies of a point share its mass, so that
# ten of them send to ten and more whatever reg is; there it is that of the Gaussian.
SHAPES = {
    "gaussian": (GAUSSIAN[2], 2),
    "clustered": (12.1, 2),
    "heavy": (202.0, 2),
    "duplicated": (GAUSSIAN[2], 2),
    "collinear": (0.52, 1),
}
# A spiral with itself: over n. Below 0.02 n, n times the squared length of two noises, all mass
# stays at home; at 0.022 n the degree was 4.9 and 6.0 at n = 1000 and 2000, which extrapolates to
# 13 at n = 25000. With a second draw: reg for degree 8 was 7.6 and 10.8 there, so it grows like
# n^(1/2).
SPIRAL_SAME, SPIRAL_OTHER = 0.022, 10.8
# Pictures: found at 32^2 pixels, balanced (8.0), and the same at 64^2; 7.5 with mass 0.8.
PICTURES = 12.0


def gaussian(n: int, d: int) -> PointsCase:
    """Return two Gaussian clouds in d = 2 or 3 dimensions."""
    return PointsCase(n, d, _scaled(GAUSSIAN[d], n, d), MASS)


def planar(n: int, shape: str) -> PointsCase:
    """Return two clouds of a shape in the plane."""
    reg, d = SHAPES[shape]
    return PointsCase(n, 2, _scaled(reg, n, d), MASS, shape)


def spiral(n: int, d: int, *, same: bool) -> PointsCase:
    """Return a spiral with itself, or with a second draw; balanced."""
    reg = SPIRAL_SAME * n if same else SPIRAL_OTHER * (n / _N) ** 0.5
    return PointsCase(n, d, reg, None, "spiral", same)


def isotropic(n: int, d: int, part: float) -> PointsCase:
    """Return two draws of N(0, I_d), reg at part * n times the mean squared distance, 2 d."""
    return PointsCase(n, d, part * n * 2.0 * d, None, "isotropic")


def _scaled(reg: float, n: int, d: int) -> float:
    return reg * (n / _N) ** POWERS[d]
