"""The nearest point between colours, beside a dense solver of least squares."""

import numpy as np
import pytest
from scipy.optimize import nnls

from quot.applications.hull import Hull
from quot.applications.palette import directions


def nearest(normals, limits, point):
    """Least distance programming (Lawson and Hanson, 1974, chapter 23)."""
    room = limits - point @ normals
    if (room >= 0).all():
        return point
    rows = np.vstack((-normals, -room))
    aim = np.append(np.zeros(len(point)), 1.0)
    rest = rows @ nnls(rows, aim)[0] - aim
    return point - rest[:-1] / rest[-1]


@pytest.mark.parametrize("axes", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", ["cloud", "few", "line", "point"])
def test_the_nearest_point(axes, shape, rng):
    count = {"cloud": 30, "few": 3, "line": 20, "point": 1}[shape]
    sent = rng.random((count, axes))
    if shape == "line":
        sent = 0.5 + rng.uniform(-0.3, 0.3, (count, 1)) * rng.normal(size=axes)
    normals = directions(axes)
    lengths = np.sqrt((normals**2).sum(axis=0))
    hull = Hull(normals / lengths, ((sent @ normals).max(axis=0) + 1e-3) / lengths)
    for scale in (0.1, 1.0, 100.0):
        points = 0.5 + scale * rng.normal(size=(60, axes))
        found = hull.nearest(points)
        wanted = [nearest(hull.normals, hull.limits, point) for point in points]
        np.testing.assert_allclose(found, wanted, atol=1e-7 * max(scale, 1.0))
        assert (found @ hull.normals - hull.limits).max() < 1e-8
    np.testing.assert_array_equal(hull.nearest(sent), sent)
