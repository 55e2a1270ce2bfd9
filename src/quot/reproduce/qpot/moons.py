"""Two moons and two moons turned, centres of clusters, and what a plan names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from quot.reproduce.experiment import Case
from quot.reproduce.qpot.plans import THRESHOLD
from quot.reproduce.qpot.sweeps import Floats, Problem

Ints = NDArray[np.int64]

UNNAMED = -1


@dataclass(frozen=True, eq=False)
class Moons:
    """Labelled source, target, and centres of clusters of the target.

    Parameters
    ----------
    X, y : arrays of shape (n, 2), (n,)
    Z, z : arrays of shape (m, 2), (m,)
        The target; its labels are for judging alone.
    centres : array of shape (n, 2)
    problem : Problem
    """

    X: Floats
    y: Ints
    Z: Floats
    z: Ints
    centres: Floats
    problem: Problem

    def named(self, plan: Floats) -> Ints:
        """Return for each centre the label from which most of its mass comes, -1 of none."""
        by_label = np.stack([plan[self.y == label].sum(axis=0) for label in (0, 1)])
        is_named = plan.sum(axis=0) > THRESHOLD
        return np.where(is_named, by_label.argmax(axis=0), UNNAMED)

    def learnt(self, labels: Ints) -> Any:
        """Return a classifier learnt from the centres that are named."""
        from sklearn.svm import SVC

        has_one = labels != UNNAMED
        return SVC().fit(self.centres[has_one], labels[has_one])


def moons(case: Case, noise: float, key: int) -> Moons:
    """Draw both, turn the target about the point between its moons, and find centres."""
    from sklearn.cluster import KMeans
    from sklearn.datasets import make_moons

    n, m = case["source"], case["target"]
    seed = case.integer_seed(10 * key)
    X, y = make_moons(n, noise=noise, random_state=seed)
    Z, z = make_moons(m, noise=noise, random_state=seed + 1)
    angle, middle = np.deg2rad(case["degrees"]), np.array([0.5, 0.25])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    Z = (Z - middle) @ turn + middle
    centres = KMeans(n, n_init=1, random_state=seed).fit(Z).cluster_centers_
    C = cdist(X, centres)
    uniform = np.full(n, 1.0 / n)
    return Moons(X, y, Z, z, centres, Problem(C / C.max(), uniform, uniform))
