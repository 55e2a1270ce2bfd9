"""Registration without a guess: many starts on grids, the best of them on the points themselves.

That is in the plane and in space. Elsewhere there are a few starts, from the axes of the clouds.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice, product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from quot.applications.features import AROUND, agreeing, describe, matched
from quot.applications.motion import Motion, angles, cover

Floats = NDArray[np.float64]

# Points of each cloud that a start looks at, that the best of them do, and the very best.
_FEW, _MORE, _MANY = 100, 400, 2000
# Cells of a grid along its longest side, by dimension.
_CELLS = {2: 200, 3: 56}
# A grid covers what is between these shares of the coordinates, and so much more.
_TAIL, _MARGIN = 0.02, 0.15
# Scales that starts have, beside the ratio of the spreads; and those that sets of pairs have.
_SCALES = (0.7, 1.0, 1.4)
_FINE_SCALES = np.geomspace(0.6, 1.67, 15)
# Rounds of all starts, by the width of what counts as near, of spread 1; the best share goes on.
_WIDTHS = np.geomspace(0.5, 0.06, 20)
_CUTS = {5: 0.4, 10: 0.3}
# When sets of pairs that look alike join, and how many.
_JOIN, _SETS = 12, 300
# Starts that differ by less than this turn (radians) and this shift are one.
_ALIKE, _NEAR = 0.2, 0.2
# How many are refined, and how many of these to the end, if they score so much of the best.
_REFINED, _LAST, _GOOD = 30, 8, 0.3
_ROUNDS = 30
# The width at which fits are compared.
WIDTH = 0.05
# Beyond so many widths nothing counts.
REACH = 8.0
# Widths of what counts as near, one after the other, where starts are few.
_SHRINKING = (0.5, 0.2)
# Turns and shifts that are none, and shares.
_STILL, _NOTHING = 1e-7, 1e-6


class Found(NamedTuple):
    """A motion, and how well it fits.

    Parameters
    ----------
    motion : Motion
    shares : tuple of float
        Of each cloud, what lies upon the other.
    """

    motion: Motion
    shares: tuple[float, float]

    @property
    def score(self) -> float:
        """What counts: a cloud shrunk to a point lies upon the other, but not the other upon it."""
        return self.shares[0] * self.shares[1]


class Clouds(NamedTuple):
    """Two clouds around 0, of unit spread, with trees; and whether their scales may differ."""

    X: Floats
    Y: Floats
    trees: tuple[cKDTree, cKDTree]
    scale: bool

    @classmethod
    def of(cls, X: Floats, Y: Floats, *, scale: bool) -> Clouds:
        """Plant the trees."""
        return cls(X, Y, (cKDTree(X), cKDTree(Y)), scale)


def search(clouds: Clouds, starts: int, rng: np.random.Generator) -> tuple[list[Found], int]:
    """Return motions of X onto Y that fit well and differ, best first, and how many were tried.

    Parameters
    ----------
    clouds : Clouds
    starts : int
        Rotations to start from.
    rng : Generator
    """
    is_gridded = clouds.X.shape[1] in _CELLS
    motions, tried = (_on_grids if is_gridded else _from_axes)(clouds, starts, rng)
    more = drawn(clouds.X, _MORE, rng), drawn(clouds.Y, _MORE, rng)
    found = _sorted(refine(clouds, motion, more, rounds=8) for motion in motions)
    many = drawn(clouds.X, _MANY, rng), drawn(clouds.Y, _MANY, rng)
    last = [each for each in found if each.score >= _GOOD * found[0].score][:_LAST]
    return _sorted(refine(clouds, each.motion, many) for each in last), tried


def _on_grids(
    clouds: Clouds, starts: int, rng: np.random.Generator
) -> tuple[Iterable[Motion], int]:
    """Motions from rotations all around, and from what looks alike; and how many were tried."""
    X, Y = clouds.X, clouds.Y
    state = _Starts.cover(clouds, starts, rng)
    tried = state.size
    grids = _Grid.of(X), _Grid.of(Y)
    few = drawn(X, _FEW, rng), drawn(Y, _FEW, rng)
    scores = np.zeros(tried)
    for k, width in enumerate(_WIDTHS):
        if k == _JOIN and X.shape[1] == 3:
            alike = _alike(clouds, rng)
            tried += alike.size
            state = state.joined(alike)
        state, scores = state.step(few, grids, float(width), scale=clouds.scale)
        if k in _CUTS:
            state = state.kept(_best(scores, int(np.ceil(_CUTS[k] * scores.size))))
    state = state.kept(_distinct(state, scores))
    return (state.motion(k) for k in range(state.size)), tried


def _from_axes(
    clouds: Clouds, starts: int, rng: np.random.Generator
) -> tuple[Iterable[Motion], int]:
    """Motions from no turn at all, and from axes upon axes, each of them either way; and so on."""
    d = clouds.X.shape[1]
    few = drawn(clouds.X, _FEW, rng), drawn(clouds.Y, _FEW, rng)
    U, V = (np.linalg.eigh(Z.T @ Z)[1] for Z in (clouds.X, clouds.Y))
    rotations = [np.eye(d)]
    for signs in islice(product((1.0, -1.0), repeat=d - 1), starts - 1):
        ends = np.array((*signs, 1.0))
        ends[-1] = np.sign(np.linalg.det(V @ np.diag(ends) @ U.T))
        rotations.append(V @ np.diag(ends) @ U.T)
    motions = [Motion(rotation, np.zeros(d)) for rotation in rotations]
    for width in _SHRINKING:
        motions = [refine(clouds, each, few, rounds=8, width=width).motion for each in motions]
    return motions, len(motions)


def _sorted(found: Iterable[Found]) -> list[Found]:
    return sorted(found, key=lambda each: -each.score)


def _alike(clouds: Clouds, rng: np.random.Generator) -> _Starts:
    """Motions that bring points together that look alike."""
    x, looks_x = describe(drawn(clouds.X, AROUND, rng), rng)
    y, looks_y = describe(drawn(clouds.Y, AROUND, rng), rng)
    i, j = matched(looks_x, looks_y)
    x, y = x[i], y[j]
    scales = _FINE_SCALES if clouds.scale else np.ones(1)
    sets = np.concatenate([agreeing(x, y, s, _SETS // scales.size) for s in scales])
    shape = (len(sets), *x.shape)
    pairs = np.broadcast_to(x, shape), np.broadcast_to(y, shape)
    return _Starts(*_fit(*pairs, sets + 1e-12, scale=clouds.scale))


def refine(
    clouds: Clouds,
    motion: Motion,
    points: tuple[Floats, Floats],
    *,
    rounds: int = _ROUNDS,
    width: float = WIDTH,
) -> Found:
    """Return the motion that fits best near one: nearest points both ways, the far ones ignored."""
    X, Y = points
    on_x, on_y = clouds.trees
    shares = 0.0, 0.0
    for _ in range(rounds):
        to, i = near(on_y, motion.transform(X), REACH * width)
        back, j = near(on_x, motion.inverse.transform(Y), REACH * width / motion.scale)
        w, v = kernel(to, width), kernel(motion.scale * back, width)
        shares = float(w.mean()), float(v.mean())
        if min(shares) < _NOTHING:
            break
        last = motion
        rotations, translations, scales = _fit(
            np.concatenate((X, on_x.data[j]))[None],
            np.concatenate((on_y.data[i], Y))[None],
            np.concatenate((w / w.size, v / v.size))[None],
            scale=clouds.scale,
        )
        motion = Motion(rotations[0], translations[0], float(scales[0]))
        turn = angles(last.rotation.T @ motion.rotation)
        shift = float(np.linalg.norm(last.translation - motion.translation))
        if max(float(turn), shift) < _STILL:
            break
    return Found(motion, shares)


def near(tree: cKDTree, points: Floats, reach: float) -> tuple[Floats, NDArray[np.intp]]:
    """Distances of the nearest points, infinite beyond reach, and which they are; there any."""
    distance, nearest = tree.query(points, distance_upper_bound=reach)
    nearest[nearest == tree.n] = 0
    return distance, nearest


def _fit(X: Floats, Y: Floats, W: Floats, *, scale: bool) -> tuple[Floats, Floats, Floats]:
    """Best motions between points (s, n, d) of weights (s, n).

    Their scales are those of the spreads, which wrong pairs do not shrink.
    """
    W = W / W.sum(axis=1, keepdims=True)
    x, y = np.einsum("sn,snd->sd", W, X), np.einsum("sn,snd->sd", W, Y)
    X, Y = X - x[:, None], Y - y[:, None]
    WX = W[:, :, None] * X
    U, _, Vt = np.linalg.svd(np.matmul(WX.transpose(0, 2, 1), Y))
    U[:, :, -1] *= np.sign(np.linalg.det(U @ Vt))[:, None]
    rotations = (U @ Vt).transpose(0, 2, 1)
    scales = np.ones(len(X))
    if scale:
        spread = np.einsum("snd,snd->s", WX, X)
        scales = np.sqrt(np.einsum("sn,snd,snd->s", W, Y, Y) / np.maximum(spread, 1e-300))
    return rotations, y - scales[:, None] * np.einsum("sij,sj->si", rotations, x), scales


def kernel(distance: Floats, width: float) -> Floats:
    """What a pair counts: 1 at no distance, next to nothing at many widths (Geman, McClure)."""
    weights: Floats = 1.0 / (1.0 + (distance / width) ** 2) ** 2
    return weights


class _Grid(NamedTuple):
    """The point of a cloud that is nearest, about, to any other: looked up in a table."""

    low: Floats
    cell: float
    nearest: Floats

    @classmethod
    def of(cls, points: Floats) -> _Grid:
        low, high = np.quantile(points, (_TAIL, 1.0 - _TAIL), axis=0)
        wide = float((high - low).max())
        low, high = low - _MARGIN * wide, high + _MARGIN * wide
        cell = float((high - low).max()) / _CELLS[points.shape[1]]
        shape = tuple(np.maximum(np.ceil((high - low) / cell).astype(int), 1))
        inside = ((points >= low) & (points < low + cell * np.array(shape))).all(axis=1)
        points = points[inside]
        where = np.ravel_multi_index(tuple(((points - low) // cell).astype(int).T), shape)
        count = np.bincount(where, minlength=int(np.prod(shape)))
        means = (
            np.stack([np.bincount(where, x, minlength=count.size) for x in points.T], axis=1)
            / np.maximum(count, 1)[:, None]
        )
        index = distance_transform_edt(
            (count == 0).reshape(shape), return_distances=False, return_indices=True
        )
        flat = np.ravel_multi_index(tuple(index), shape)
        return cls(low, cell, means[flat.ravel()].reshape(*shape, -1))

    def __call__(self, points: Floats) -> Floats:
        places = ((points - self.low) / self.cell).astype(np.intp)
        shape = self.nearest.shape[:-1]
        flat = np.zeros(places.shape[:-1], np.intp)
        for k, n in enumerate(shape):
            flat = flat * n + np.clip(places[..., k], 0, n - 1)
        return self.nearest.reshape(-1, points.shape[-1])[flat]


class _Starts(NamedTuple):
    """Many motions at once."""

    rotations: Floats
    translations: Floats
    scales: Floats

    @classmethod
    def cover(cls, clouds: Clouds, count: int, rng: np.random.Generator) -> _Starts:
        """Every rotation with every scale, and with every place of one cloud upon another's."""
        X, Y = clouds.X, clouds.Y
        d = X.shape[1]
        pairs = [(np.zeros(d), np.zeros(d))]
        pairs += [(x, np.zeros(d)) for x in _places(X)]
        pairs += [(np.zeros(d), y) for y in _places(Y)]
        scales = np.array(_SCALES) if clouds.scale else np.ones(1)
        R = np.tile(cover(count, d, rng), (scales.size * len(pairs), 1, 1))
        s = np.tile(np.repeat(scales, count), len(pairs))
        x, y = (np.repeat([pair[k] for pair in pairs], count * scales.size, axis=0) for k in (0, 1))
        return cls(R, y - s[:, None] * np.einsum("sij,sj->si", R, x), s)

    @property
    def size(self) -> int:
        return int(self.scales.size)

    def motion(self, k: int) -> Motion:
        return Motion(self.rotations[k], self.translations[k], float(self.scales[k]))

    def joined(self, other: _Starts) -> _Starts:
        return _Starts(*(np.concatenate(each) for each in zip(self, other, strict=True)))

    def kept(self, which: NDArray[np.intp]) -> _Starts:
        return _Starts(self.rotations[which], self.translations[which], self.scales[which])

    def step(
        self, few: tuple[Floats, Floats], grids: tuple[_Grid, _Grid], width: float, *, scale: bool
    ) -> tuple[_Starts, Floats]:
        """One round of nearest points and best motion; and the scores before it."""
        (X, Y), (on_x, on_y) = few, grids
        R, t, s = self
        to = s[:, None, None] * (X @ R.transpose(0, 2, 1)) + t[:, None]
        back = ((Y - t[:, None]) @ R) / s[:, None, None]
        near_to, near_back = on_y(to), on_x(back)
        w = kernel(np.linalg.norm(near_to - to, axis=2), width)
        v = kernel(s[:, None] * np.linalg.norm(near_back - back, axis=2), width)
        scores = w.mean(axis=1) * v.mean(axis=1)
        first = np.concatenate((np.broadcast_to(X, to.shape), near_back), axis=1)
        second = np.concatenate((near_to, np.broadcast_to(Y, back.shape)), axis=1)
        weights = np.concatenate((w / w.shape[1], v / v.shape[1]), axis=1)
        return _Starts(*_fit(first, second, weights + 1e-12, scale=scale)), scores


def _places(X: Floats) -> Floats:
    """Centres of parts of a cloud: half way out, along its axes."""
    axes = np.linalg.eigh(X.T @ X / len(X))[1].T
    reach = np.std(X @ axes.T, axis=0)
    ends = (reach[:, None] * axes)[-2:]
    return np.concatenate((ends, -ends))


def some(X: Floats, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Draw points, by their indices; which, does not depend on the order they come in."""
    if len(X) <= count:
        return np.arange(len(X))
    return np.lexsort(X.T)[rng.choice(len(X), count, replace=False)]


def drawn(X: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Draw points, in an order that does not depend on that they come in."""
    drawn = X[some(X, count, rng)]
    return drawn[np.lexsort(drawn.T)]


def _best(scores: Floats, count: int) -> NDArray[np.intp]:
    return np.argsort(-scores, kind="stable")[:count]


def _distinct(state: _Starts, scores: Floats) -> NDArray[np.intp]:
    """The best starts of which no two are nearly the same."""
    kept: list[int] = []
    for k in _best(scores, scores.size):
        turns = angles(state.rotations[k].T @ state.rotations[kept]) if kept else np.zeros(0)
        shifts = (
            np.linalg.norm(state.translations[k] - state.translations[kept], axis=1)
            if kept
            else turns
        )
        if not ((turns < _ALIKE) & (shifts < _NEAR)).any():
            kept.append(int(k))
        if len(kept) == _REFINED:
            break
    return np.array(kept)
