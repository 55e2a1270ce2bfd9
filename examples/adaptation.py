"""Name samples of a target by those of a source: two moons, and digits of another hand.

Two moons: of the target, turned by 50 degrees, cluster centres get the labels of the source, and a
classifier learnt from these is asked both for the source and for the target (the protocol of the
first source of partial quadratic transport has the first only). And a picture of moons turned by
less, with strays in the target that belong to nobody.

Digits: ``--data DIR`` has digits/MNIST_vs_USPS.mat, which is customary in domain adaptation (needs
h5py). Without it digits of scikit-learn stand in, half of them written askew. A tenth of the target
is held out.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.distance import cdist
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits, make_moons
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from quot.estimators import TransportLabelPropagation, TransportMapper

OUTPUT = Path("demo-output")
FILE = Path("digits", "MNIST_vs_USPS.mat")
TURN, CENTRES, EPS = 50.0, 300, 1e-4
# Of the picture: degrees, strays, mass.
LESS, STRAYS, MASS = 25.0, 60, 0.8
HELD_OUT, UNKNOWN = 0.1, (8, 9)
INK, FAINT, NOBODY = "#1f1f24", "#6b6b76", "#b4b6bc"
CLASSES = ("#0072b2", "#e69f00")

Floats = NDArray[np.float64]
Rows = list[tuple[str, list[float]]]


class Samples(NamedTuple):
    X: Floats
    y: NDArray[Any]

    def taken(self, index: Any) -> "Samples":
        return Samples(self.X[index], self.y[index])


# --- two moons ---------------------------------------------------------------------------------


def moons(count: int, noise: float, degrees: float, seed: int) -> Samples:
    """Two moons, turned about the point between them."""
    X, y = make_moons(count, noise=noise, random_state=seed)
    angle, middle = np.deg2rad(degrees), np.array([0.5, 0.25])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return Samples((X - middle) @ turn + middle, y)


def moon_rows(noise: float) -> Rows:
    """What each plan makes of the moons of the first source, Euclidean cost."""
    source, target = moons(300, noise, 0.0, 0), moons(400, noise, TURN, 1)
    centres = KMeans(CENTRES, n_init=1, random_state=0).fit(target.X).cluster_centers_
    strength = EPS * float(cdist(source.X, centres).max())  # the source has costs of at most 1
    plain = SVC().fit(source.X, source.y)
    rows: Rows = [("no transport", [plain.score(*source), plain.score(*target), 1.0, np.nan])]
    for name, options in {
        "all mass": {"reg": strength},
        "mass 0.7": {"reg": strength, "mass": 0.7},
        "mass 0.7, entropic": {"regularizer": "entropic", "eps": 100.0 * strength, "mass": 0.7},
        "perplexity 10": {"perplexity": 10.0},
    }.items():
        model = TransportLabelPropagation(metric="euclidean", **options)
        found = model.fit_domains(source.X, centres, source.y).transduction_
        named = found != -1
        learnt = SVC().fit(centres[named], found[named])
        at = model.predict(target.X)
        right = float((at == target.y)[at != -1].mean())
        rows.append((name, [learnt.score(*source), learnt.score(*target), named.mean(), right]))
    return rows


def draw_moons(path: Path) -> dict[str, tuple[int, int]]:
    """Draw the labels that all mass brings, and part of it; count wrong names and strays named."""
    source, target = moons(300, 0.06, 0.0, 0), moons(300, 0.06, LESS, 1)
    strays = np.random.default_rng(2).normal((2.6, 1.5), 0.14, (STRAYS, 2))
    X = np.concatenate((target.X, strays))
    figure = Figure(figsize=(13.2, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, 3, sharex=True, sharey=True)
    dots(panels[0], source.X, source.y, np.zeros(300, bool))
    panels[0].set_title("source, with labels", fontsize=13, color=INK)
    counts = {}
    for axes, name, mass in zip(
        panels[1:], ("all mass", f"{MASS:.0%} of the mass"), (None, MASS), strict=True
    ):
        model = TransportLabelPropagation(mass=mass).fit_domains(source.X, X, source.y)
        found = model.transduction_
        of_moons, of_strays = found[:300], found[300:]
        wrong = (of_moons != -1) & (of_moons != target.y)
        counts[name] = int(wrong.sum()), int((of_strays != -1).sum())
        dots(axes, X, found, np.append(wrong, of_strays != -1))
        axes.set_title(f"target, labels by {name}", fontsize=13, color=INK)
    key(figure)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=110)
    return counts


def dots(axes: Any, X: Floats, labels: NDArray[Any], wrong: NDArray[np.bool_]) -> None:
    colours = np.array([*CLASSES, NOBODY])[labels]
    axes.scatter(*X[~wrong].T, s=20, c=colours[~wrong], linewidths=0)
    axes.scatter(*X[wrong].T, s=30, c=colours[wrong], edgecolors="#c1121f", linewidths=1.3)
    axes.set(aspect="equal", xticks=[], yticks=[])
    axes.spines[:].set_color("#c8cbd0")


def key(figure: Any) -> None:
    marks = [
        {"color": CLASSES[0], "label": "one moon"},
        {"color": CLASSES[1], "label": "the other"},
        {"color": NOBODY, "label": "unlabelled"},
        {"color": "white", "markeredgecolor": "#c1121f", "label": "red edge: wrong"},
    ]
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], marker="o", linestyle="", markersize=7, **mark) for mark in marks]
    figure.legend(
        handles=handles, loc="outside lower center", ncols=4, frameon=False, labelcolor=INK
    )


# --- digits ------------------------------------------------------------------------------------


def read_digits(folder: Path) -> tuple[Samples, Samples]:
    """MNIST and USPS, 16 x 16 pixels."""
    path = folder / FILE
    if not path.exists():
        raise SystemExit(f"there is no {FILE} in {folder}; pass the folder above it with --data")
    try:
        import h5py
    except ImportError as error:
        raise SystemExit(
            "`h5py` is not installed, and this file needs it; `pip install h5py`"
        ) from error
    with h5py.File(path) as file:
        X, Y, x, y = (np.asarray(file[key], dtype=np.float64) for key in ("Xs", "Xt", "Ys", "Yt"))
    return Samples(X, x.ravel().astype(int) % 10), Samples(Y, y.ravel().astype(int) % 10)


def digits_askew() -> tuple[Samples, Samples]:
    """Digits of scikit-learn: half as they are, half sheared, turned and blurred; 8 x 8 pixels."""
    X, y = load_digits(return_X_y=True)
    X = X / 16.0
    half = len(X) // 2
    shear = np.array([[1.0, 0.25], [0.1, 0.95]])
    shift = 3.5 - shear @ np.array([3.5, 3.5])
    askew = [
        ndimage.gaussian_filter(ndimage.affine_transform(x.reshape(8, 8), shear, shift), 0.6)
        for x in X[half:]
    ]
    return Samples(X[:half], y[:half]), Samples(np.reshape(askew, (-1, 64)), y[half:])


WAYS: dict[str, dict[str, Any]] = {
    "linear": {"reg": 0.0},
    "quadratic": {},
    "mass 0.9": {"mass": 0.9},
    "mass 0.7": {"mass": 0.7},
    "perplexity 30": {"perplexity": 30.0},
    "entropic, perplexity 30": {"perplexity": 30.0, "regularizer": "entropic"},
}


def digit_rows(source: Samples, target: Samples) -> Rows:
    """Each way: right among the digits held out, by mapped neighbours and by labels brought."""
    test, train = parts(target)
    rows: Rows = [("no transport", [nearest(source)(test), np.nan, np.nan])]
    for name, options in WAYS.items():
        on = {"on": "source"} if "perplexity" in options else {}
        mapper = TransportMapper(**options, **on, tol=1e-6).fit_domains(source.X, train.X)
        mapped = Samples(mapper.transform(source.X), source.y)
        model = TransportLabelPropagation(**options, tol=1e-6)
        found = model.fit_domains(source.X, train.X, source.y).predict(test.X)
        named = found != -1
        right = float((found == test.y)[named].mean())
        rows.append((name, [nearest(mapped)(test), right, float(named.mean())]))
    return rows


def unknown_rows(source: Samples, target: Samples) -> Rows:
    """The source has no 8 and no 9: which digits of the target stay unlabelled."""
    known = source.taken(~np.isin(source.y, UNKNOWN))
    is_new = np.isin(target.y, UNKNOWN)
    rows: Rows = []
    for name, options in WAYS.items():
        if "perplexity" in name:
            continue
        model = TransportLabelPropagation(**options, tol=1e-6)
        found = model.fit_domains(known.X, target.X, known.y).transduction_
        named = found != -1
        right = float((found == target.y)[named].mean())
        rows.append((name, [right, float(named[~is_new].mean()), float(named[is_new].mean())]))
    return rows


def parts(target: Samples) -> tuple[Samples, Samples]:
    """What is held out, and the rest."""
    order = np.random.default_rng(0).permutation(len(target.y))
    count = round(HELD_OUT * order.size)
    return target.taken(order[:count]), target.taken(order[count:])


def nearest(known: Samples) -> Callable[[Samples], float]:
    return lambda test: float(KNeighborsClassifier(1).fit(*known).score(*test))


# --- all -----------------------------------------------------------------------------------------


def show(title: str, columns: list[str], rows: Rows) -> None:
    print(f"\n{title}\n{'':26s}" + "".join(f"{name:>16s}" for name in columns))
    for name, numbers in rows:
        cells = ("" if np.isnan(x) else f"{100 * x:.1f}" for x in numbers)
        print(f"{name:26s}" + "".join(f"{cell:>16s}" for cell in cells))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, help="folder with digits/MNIST_vs_USPS.mat")
    parser.add_argument("--quick", action="store_true", help="fewer digits")
    args = parser.parse_args()
    for noise in (0.05,) if args.quick else (0.05, 0.1):
        columns = ["SVM on source", "SVM on target", "labelled", "labels right"]
        show(f"moons of noise {noise}, per cent", columns, moon_rows(noise))
    for name, (wrong, strays) in draw_moons(OUTPUT / "moons.png").items():
        print(f"{name}: {wrong} of 300 samples named wrongly, {strays} of {STRAYS} strays named")
    pair = digits_askew() if args.data is None else read_digits(args.data)
    if args.quick:
        pair = pair[0].taken(slice(300)), pair[1].taken(slice(300))
    names = ("digits", "digits askew") if args.data is None else ("MNIST", "USPS")
    for k in (0, 1):
        source, target = pair[k], pair[1 - k]
        way = f"{names[k]} to {names[1 - k]}, per cent"
        show(way, ["mapped, 1-NN", "labels brought", "labelled"], digit_rows(source, target))
        columns = ["labels right", "known labelled", "8, 9 labelled"]
        show(f"{way}, source without 8 and 9", columns, unknown_rows(source, target))
    print(f"\npicture: {OUTPUT / 'moons.png'}")


if __name__ == "__main__":
    main()
