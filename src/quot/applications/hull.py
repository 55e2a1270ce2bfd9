"""All that is between some colours, and the nearest of it to any other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Coordinates this close are equal, and corners of three planes this close to parallel are none.
_SAME, _PARALLEL = 1e-9, 1e-6
# With more axes than these it is a box.
_CUBED = 3


@dataclass(frozen=True, eq=False)
class Hull:
    """The points x of d axes with ``normals.T @ x <= limits``, a polytope with points inside.

    Parameters
    ----------
    normals : array of shape (d, r)
        Unit vectors as columns. Beyond three axes they are the axes, and then their opposites.
    limits : array of shape (r,)
        How far it reaches in the direction of each.
    """

    normals: Floats
    limits: Floats

    def nearest(self, points: Floats) -> Floats:
        """Return the nearest point of it to each of the points, (n, d).

        No two are further from each other than they were. On a face it is straight below; else it
        is on an edge.
        """
        axes = len(self.normals)
        if axes > _CUBED:
            return np.clip(points, -self.limits[axes:], self.limits[:axes])
        found, beyond = points.copy(), points @ self.normals - self.limits
        out = np.flatnonzero((beyond > 0.0).any(axis=1))
        given, beyond = points[out], beyond[out]
        found[out] = self._on_edges(given)
        for normal, over in zip(self.normals.T, beyond.T, strict=True):
            below = beyond - np.outer(over, normal @ self.normals)
            on = np.flatnonzero((over > 0.0) & (below <= _SAME).all(axis=1))
            found[out[on]] = given[on] - np.outer(over[on], normal)
        return found

    def _on_edges(self, points: Floats) -> Floats:
        """The nearest point of an edge."""
        start, way = self._edges
        squared = (way**2).sum(axis=1)
        ahead = points @ way.T - (start * way).sum(axis=1)
        part = np.clip(ahead / squared, 0.0, 1.0)
        apart = part * (part * squared - 2.0 * ahead) + (start**2).sum(axis=1)
        edge = (apart - 2.0 * points @ start.T).argmin(axis=1)
        along = np.take_along_axis(part, edge[:, None], axis=1)
        nearest: Floats = start[edge] + along * way[edge]
        return nearest

    @cached_property
    def _edges(self) -> tuple[Floats, Floats]:
        """Starts of all edges and the ways to their ends: corners that share all planes but one."""
        axes = len(self.normals)
        planes = np.array(list(combinations(range(self.limits.size), axes)))
        matrices = self.normals.T[planes]
        meet = abs(np.linalg.det(matrices)) > _PARALLEL
        corners = np.linalg.solve(matrices[meet], self.limits[planes[meet]][:, :, None])[:, :, 0]
        corners = corners[(corners @ self.normals <= self.limits + _SAME).all(axis=1)]
        corners = np.unique(np.round(corners / _SAME), axis=0) * _SAME
        on = (corners @ self.normals >= self.limits - 10.0 * _SAME).astype(np.int64)
        first, last = np.nonzero(np.triu(on @ on.T >= axes - 1, 1))
        return corners[first], corners[last] - corners[first]
