"""Photographs, digits and clouds of points: from the folder of `--data`, or what stands in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from quot.applications.clouds import read_cloud
from quot.applications.images import read_image
from quot.io.files import UNREADABLE, unreadable

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]


class Source(NamedTuple):
    """A data set: its files in the folder, what they are, and what is used without them."""

    files: tuple[str, ...]
    what: str
    stand_in: str


SETS = {
    "photos": Source(
        ("photos/ocean_day.jpg", "photos/ocean_sunset.jpg"),
        "two photographs of the sea, by day and at sunset",
        "two photographs of scikit-learn, a palace and a flower",
    ),
    "cifar10": Source(
        ("cifar10-test/ship-0000.jpg", "cifar10-test/horse-0000.jpg"),
        "two pictures of CIFAR-10, 32 x 32 pixels",
        "two cuts of photographs of scikit-learn, 32 x 32 pixels",
    ),
    "digits": Source(
        ("digits/MNIST_vs_USPS.mat",),
        "digits of MNIST and USPS, 16 x 16 pixels",
        "digits of scikit-learn, 8 x 8 pixels, half of them written askew",
    ),
    "meshes": Source(
        ("meshes/stanford-bunny.obj", "meshes/spot.obj"),
        "the vertices of two meshes, Bunny and Spot",
        "two surfaces with bumps, made by a formula",
    ),
}


class Labelled(NamedTuple):
    """Samples (n, d) with labels (n,)."""

    X: Floats
    y: NDArray[np.int64]


@dataclass(frozen=True)
class Data:
    """Where data comes from.

    Parameters
    ----------
    folder : path, optional
        As `--data` names it; None for stand-ins alone.
    """

    folder: Path | None = None

    def paths(self, name: str) -> tuple[Path, ...] | None:
        """Return the files of a set, None if they are not all there."""
        if self.folder is None:
            return None
        found = tuple(self.folder / file for file in SETS[name].files)
        return found if all(path.is_file() for path in found) else None

    def missing(self, name: str) -> tuple[str, ...]:
        """Return which files of a set are not in the folder."""
        if self.folder is None:
            return SETS[name].files
        return tuple(file for file in SETS[name].files if not (self.folder / file).is_file())

    def fingerprint(self, name: str) -> str:
        """Return a digest of the files of a set, or "stand-in"."""
        paths = self.paths(name)
        if paths is None:
            return "stand-in"
        return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:16]

    def photographs(self, size: int) -> tuple[Bytes, Bytes]:
        """Return two photographs (size, size, 3), cut to a square and made smaller."""
        paths = self.paths("photos")
        one, two = _samples() if paths is None else (_rgb(path) for path in paths)
        return _square(one, size), _square(two, size)

    def small_pictures(self) -> tuple[Bytes, Bytes]:
        """Return two pictures of CIFAR-10 (32, 32, 3), or what stands in."""
        paths = self.paths("cifar10")
        if paths is not None:
            one, two = (_rgb(path) for path in paths)
            return one, two
        palace, flower = _samples()
        return _square(palace, 32), _square(flower, 32)

    def digits(self) -> tuple[Labelled, Labelled]:
        """Return MNIST and USPS, or scikit-learn's digits as they are and askew."""
        paths = self.paths("digits")
        return _digits_askew() if paths is None else _read_digits(paths[0])

    def clouds(self) -> tuple[Floats, Floats]:
        """Return the points (n, 3) of two surfaces, of their own size and order."""
        paths = self.paths("meshes")
        if paths is None:
            return _bumpy(20_000, 0), _bumpy(3000, 1)
        one, two = (read_cloud(path) for path in paths)
        return one, two


def _rgb(path: Path) -> Bytes:
    return read_image(path)[..., :3]


def _samples() -> tuple[Bytes, Bytes]:
    from sklearn.datasets import load_sample_images

    one, two = load_sample_images().images
    return one, two


def _square(image: Bytes, size: int) -> Bytes:
    from PIL import Image

    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    cut = Image.fromarray(image[top : top + side, left : left + side])
    return np.asarray(cut.resize((size, size), Image.Resampling.BOX))


def _read_digits(path: Path) -> tuple[Labelled, Labelled]:
    import h5py

    def labelled(X: Floats, y: Floats) -> Labelled:
        if X.ndim != 2 or y.size != len(X):
            raise ValueError(f"samples of shape {X.shape} have {y.size} labels")
        return Labelled(X, y.ravel().astype(np.int64) % 10)

    try:
        with h5py.File(path) as file:
            Xs, ys, Xt, yt = (np.asarray(file[key], float) for key in ("Xs", "Ys", "Xt", "Yt"))
        return labelled(Xs, ys), labelled(Xt, yt)
    except UNREADABLE as error:
        raise unreadable(path, "Xs, Ys, Xt and Yt as MATLAB 7.3 keeps them", error) from error


def _digits_askew() -> tuple[Labelled, Labelled]:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X = X / 16.0
    half = len(X) // 2
    shear = np.array([[1.0, 0.25], [0.1, 0.95]])
    shift = 3.5 - shear @ np.array([3.5, 3.5])
    askew = [
        ndimage.gaussian_filter(ndimage.affine_transform(x.reshape(8, 8), shear, shift), 0.6)
        for x in X[half:]
    ]
    return Labelled(X[:half], y[:half]), Labelled(np.reshape(askew, (-1, 64)), y[half:])


def _bumpy(count: int, key: int) -> Floats:
    """Points on a ball with hills that no turn maps upon themselves."""
    rng = np.random.default_rng(key)
    X = rng.normal(size=(count, 3))
    X /= np.linalg.norm(X, axis=1, keepdims=True)
    hills = rng.normal(size=(6, 3))
    hills /= np.linalg.norm(hills, axis=1, keepdims=True)
    heights = rng.uniform(0.15, 0.5, 6)
    widths = rng.uniform(0.05, 0.2, 6)
    lifted = 1.0 + (heights * np.exp((X @ hills.T - 1.0) / widths)).sum(axis=1)
    points: Floats = X * lifted[:, None] * np.array([1.0, 0.8, 0.65])
    return points
