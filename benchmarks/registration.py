"""Registration: error and time on a mesh, and how often it succeeds; beside others if installed.

``python -m benchmarks.registration --data bunny.obj --count 100``; ``--first 40`` goes on from the
40th. Cases: a cloud and a part of it ("part"), or two parts that share so much of each ("both"),
turned at random, with noise of 0.5 % of the diameter. A success is a rotation within 5 degrees of
the truth; of the others it is counted how many came with a warning. `small_gicp` refines a guess:
it has none, or that of `kiss_matcher`.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from quot.applications.clouds import read_cloud
from quot.applications.motion import angles
from quot.applications.registration import register

Floats = NDArray[np.float64]
Found = Callable[[Floats, Floats], Floats]

NOISE, SUCCESS, VOXEL = 0.005, 5.0, 0.03


def case(V: Floats, kind: str, overlap: float, seed: int) -> tuple[Floats, Floats, Floats]:
    """Return two clouds, of diameter about 1, and the rotation between them."""
    rng = np.random.default_rng(seed)
    V = V / np.linalg.norm(np.ptp(V, axis=0))
    along = V @ rng.normal(size=3)
    share = overlap if kind == "part" else 1.0 / (2.0 - overlap)
    X = V if kind == "part" else V[along >= np.quantile(along, 1.0 - share)]
    Y = V[along <= np.quantile(along, share)]
    R = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    R *= np.sign(np.linalg.det(R))
    return X, (Y + NOISE * rng.normal(size=Y.shape)) @ R.T + rng.normal(size=3), R


def ours(X: Floats, Y: Floats) -> Floats:
    """Return the rotation that quot finds."""
    return register(X, Y).rotation


def others() -> dict[str, Found]:
    """Return what else is installed."""
    found: dict[str, Found] = {}
    try:
        import small_gicp  # type: ignore[import-not-found]
    except ImportError:
        return found

    def gicp(X: Floats, Y: Floats, guess: Floats | None = None) -> Floats:
        if guess is None:  # it has to start somewhere: with both around 0
            X, Y, guess = X - X.mean(axis=0), Y - Y.mean(axis=0), np.eye(4)
        options = {"downsampling_resolution": 0.01, "max_correspondence_distance": 0.05}
        return np.array(small_gicp.align(Y, X, guess, **options).T_target_source)[:3, :3]

    found["small-gicp"] = gicp
    try:
        import kiss_matcher  # type: ignore[import-not-found]
    except ImportError:
        return found

    def kiss(X: Floats, Y: Floats) -> Floats:
        matcher = kiss_matcher.KISSMatcher(kiss_matcher.KISSMatcherConfig(VOXEL))
        motion = matcher.estimate(X.astype(np.float32), Y.astype(np.float32))
        guess = np.eye(4)
        guess[:3, :3], guess[:3, 3] = motion.rotation, np.ravel(motion.translation)
        return gicp(X, Y, guess)

    found["kiss-matcher, then small-gicp"] = kiss
    return found


def main() -> None:
    """Print a line for each kind of case and each method."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--data", required=True, help="a mesh: .obj or .ply")
    parser.add_argument("--count", type=int, default=20, help="random rotations of each case")
    parser.add_argument("--first", type=int, default=0, help="number of the first of them")
    parser.add_argument("--only", help="one method")
    args = parser.parse_args()
    V = read_cloud(args.data)
    methods = {"quot": ours, **others()}
    names = ("success", "median error", "largest", "warned", "seconds", "cpu")
    print(f"clouds  overlap  {'method':<29}", *names, sep="  ")
    for kind in ("part", "both"):
        for overlap in (0.3, 0.5, 0.7):
            for name, method in methods.items():
                if args.only not in (None, name):
                    continue
                errors, warned, wall, cpu = [], 0, time.perf_counter(), time.process_time()
                for seed in range(args.first, args.first + args.count):
                    X, Y, R = case(V, kind, overlap, seed)
                    with warnings.catch_warnings(record=True) as told:
                        warnings.simplefilter("always")
                        error = float(np.degrees(angles(R.T @ method(X, Y))))
                    errors.append(error)
                    warned += error > SUCCESS and bool(told)
                wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
                good = [error for error in errors if error <= SUCCESS]
                middle, most = np.median(good or [np.nan]), max(good, default=np.nan)
                print(
                    f"{kind:<6}  {overlap:<7}  {name:<29}  {len(good) / len(errors):7.2f}  "
                    f"{middle:12.3f}  {most:7.3f}  "
                    f"{warned:2} of {len(errors) - len(good):2}  {wall / args.count:7.2f}  "
                    f"{cpu / args.count:.2f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
