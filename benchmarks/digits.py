"""Digits of one data set named by those of another: the table of the source of adaptive transport.

``python benchmarks/digits.py --data DIR`` reads DIR/digits/MNIST_vs_USPS.mat, the set that is
customary in domain adaptation (MATLAB 7.3; needs h5py). Points of the source are mapped to where
the plan sends them on average in nine tenths of the target, and with their labels name the other
tenth, each digit by its nearest. Squared Euclidean cost of pixels, equal masses.

EOT and QOT have one strength for all, at which the points of the source have the perplexity on
average; EOTARI and QOTARI one for each point of the source (-s), of the target (-t), or both (-d).
Each plan leaves a small file, so that a run goes on where the last one ended. Ten splits take some
25 minutes on two threads.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks.measure import source_digest  # noqa: E402

Floats = NDArray[np.float64]

RESULTS = ROOT / "benchmarks" / "results" / "digits"
FILE = Path("digits", "MNIST_vs_USPS.mat")
# Part of the target that is held out, and the tolerance of plans.
HELD_OUT, TOL = 0.1, 1e-6
QUICK_POINTS, QUICK_SPLITS = 150, 2
PERPLEXITIES = (30, 300)
ADAPTIVE = {"-s": "source", "-t": "target", "-d": "both"}
GLOBAL = {"EOT": "entropic", "QOT": "quadratic"}
COLUMNS = (
    "OT",
    *(f"{way}{side}" for way in GLOBAL for side in ("", *(f"ARI{s}" for s in ADAPTIVE))),
)
# Accuracy and its standard deviation over ten trials, as printed; OT has no perplexity.
PRINTED = {
    ("M to U", 30): "53.1(5.4) 64.2(2.8) 65.0(5.3) 66.4(3.5) 67.4(2.9) "
    "68.3(3.9) 68.3(3.6) 69.3(4.7) 68.1(4.6)",
    ("M to U", 300): "53.1(5.4) 68.8(3.1) 70.8(4.2) 70.2(3.4) 72.6(5.1) "
    "60.7(1.5) 67.0(2.4) 65.5(2.3) 65.8(2.5)",
    ("U to M", 30): "59.1(4.9) 60.8(5.4) 61.6(4.4) 62.6(3.0) 61.0(4.7) "
    "60.4(3.5) 62.8(3.7) 59.6(2.7) 61.6(3.1)",
    ("U to M", 300): "59.1(4.9) 59.8(1.6) 61.0(2.3) 61.6(3.0) 58.8(2.3) "
    "59.2(3.4) 60.1(3.0) 62.0(3.7) 61.5(3.8)",
}
WAYS = ("M to U", "U to M")


@dataclass(frozen=True, eq=False)
class Digits:
    """Pictures, (n, 256), and what they show, (n,)."""

    X: Floats
    labels: Floats

    def taken(self, index: Any) -> Digits:
        return Digits(self.X[index], self.labels[index])


@dataclass(frozen=True)
class Entry:
    """One plan of the table: which way, of which perplexity and column, and of which split."""

    way: str
    perplexity: int
    column: str
    split: int

    @property
    def name(self) -> str:
        asked = "" if self.column == "OT" else f"-{self.perplexity}"
        return f"{self.way.replace(' ', '-')}{asked}-{self.column}-{self.split}.json"


def load(folder: Path) -> tuple[Digits, Digits]:
    """Return MNIST and USPS."""
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
    return Digits(X, x.ravel()), Digits(Y, y.ravel())


def accuracy(entry: Entry, source: Digits, target: Digits) -> dict[str, Any]:
    """Return which part of the digits held out is named right, and what the plan was like."""
    test, train = _parts(target, entry.split)
    C = _squared_distances(source.X, train.X)
    found = plan_of(entry, C / C.max())
    mapped = Digits(found.plan.barycentric(train.X), source.labels)
    return {
        "accuracy": _named_right(mapped, test),
        "seconds": found.seconds,
        "converged": bool(found.converged),
        "gap": float(found.gap),
    }


def unmapped(source: Digits, target: Digits, splits: int) -> Floats:
    """Return which part is named right in each split by the source as it is, without a plan."""
    tests = (_parts(target, split)[0] for split in range(splits))
    return np.array([_named_right(source, test) for test in tests])


def _parts(target: Digits, split: int) -> tuple[Digits, Digits]:
    """The part that is held out, and the rest."""
    order = np.random.default_rng(split).permutation(target.labels.size)
    count = round(HELD_OUT * order.size)
    return target.taken(order[:count]), target.taken(order[count:])


def _named_right(known: Digits, test: Digits) -> float:
    """The part of the digits that have the label of the nearest one known."""
    nearest = _squared_distances(test.X, known.X).argmin(axis=1)
    return float((known.labels[nearest] == test.labels).mean())


def plan_of(entry: Entry, C: Floats) -> Any:
    """Solve for the plan of a column, at a perplexity."""
    import quot

    if entry.column == "OT":
        return quot.solve(C, reg=0.0, on_failure="ignore")
    return quot.solve_adaptive(
        C,
        perplexity=float(entry.perplexity),
        on=ADAPTIVE.get(entry.column[-2:], "average"),
        regularizer=GLOBAL[entry.column[:3]],
        tol=TOL,
        on_failure="ignore",
    )


def _squared_distances(X: Floats, Y: Floats) -> Floats:
    squares = np.square(X).sum(axis=1)[:, None] + np.square(Y).sum(axis=1) - 2.0 * X @ Y.T
    return np.maximum(squares, 0.0)


def measured(entries: list[Entry], sides: dict[str, Any], folder: Path) -> list[dict[str, Any]]:
    """Return what the plans are worth; those that have left a file are not made again."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for entry in entries:
        path = folder / entry.name
        if not path.exists():
            print(f"  {path.stem}", file=sys.stderr, flush=True)
            path.write_text(json.dumps(accuracy(entry, *sides[entry.way])) + "\n")
        found.append(asdict(entry) | json.loads(path.read_text()))
    return found


class Table:
    """Accuracies in per cent, of each way, perplexity and column over all splits."""

    def __init__(self, found: list[dict[str, Any]]) -> None:
        self.found: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
        for one in found:
            key = one["way"], one["perplexity"], one["column"]
            self.found.setdefault(key, []).append(one)
        self.blocks = list(dict.fromkeys(key[:2] for key in self.found))

    def of(self, way: str, perplexity: int, column: str) -> Floats:
        return 100.0 * np.array([one["accuracy"] for one in self.found[way, perplexity, column]])

    def rows(self) -> list[dict[str, Any]]:
        """One for each entry of the table, with what is printed, and the gain over one strength.

        The gain is that over the column of the same regulariser with one strength, split by split.
        """
        rows = []
        for way, perplexity, column in self.found:
            ours = self.of(way, perplexity, column)
            mean, deviation = (
                PRINTED[way, perplexity].split()[COLUMNS.index(column)][:-1].split("(")
            )
            row = {"way": way, "perplexity": perplexity, "column": column}
            row |= {"printed": float(mean), "printed deviation": float(deviation)}
            row |= {"ours": ours.mean(), "deviation": ours.std(ddof=1), "error": _error(ours)}
            row["seconds"] = np.mean(
                [one["seconds"] for one in self.found[way, perplexity, column]]
            )
            row["not converged"] = sum(
                not one["converged"] for one in self.found[way, perplexity, column]
            )
            if column[-2:] in ADAPTIVE:
                gain = ours - self.of(way, perplexity, column[:3])
                beside = PRINTED[way, perplexity].split()[COLUMNS.index(column[:3])].split("(")[0]
                row |= {"printed gain": float(mean) - float(beside)}
                row |= {"gain": gain.mean(), "error of gain": _error(gain)}
            rows.append(row)
        return rows

    def markdown(self) -> str:
        """Return the table with what is printed in brackets, and that of gains."""
        rows = {(row["way"], row["perplexity"], row["column"]): row for row in self.rows()}
        heads = [f"{way}, {perplexity}" for way, perplexity in self.blocks]
        parts = [[["", *heads]], [["gain", *heads]]]
        for column in COLUMNS:
            cells, gains = [column], [column]
            for block in self.blocks:
                row = rows[(*block, column)]
                cells.append("{ours:.1f} ± {error:.1f} ({printed:.1f})".format_map(row))
                if "gain" in row:
                    text = "{gain:+.1f} ± {error of gain:.1f} ({printed gain:+.1f})"
                    gains.append(text.format_map(row) + _verdict(row))
            parts[0].append(cells)
            if len(gains) > 1:
                parts[1].append(gains)
        return "\n".join("\n".join(map(_line, _ruled(part))) + "\n" for part in parts)


def _error(values: Floats) -> float:
    """Standard error of the mean over splits."""
    return float(values.std(ddof=1) / math.sqrt(values.size))


def _verdict(row: dict[str, Any]) -> str:
    """Whether a gain is more than its standard error."""
    if abs(row["gain"]) <= row["error of gain"]:
        return " ="
    return " +" if row["gain"] > 0.0 else " -"


def _ruled(lines: list[list[str]]) -> list[list[str]]:
    return [lines[0], ["---"] * len(lines[0]), *lines[1:]]


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main(argv: list[str] | None = None) -> int:
    options = _arguments(argv)
    mnist, usps = (_sample(side, options.samples) for side in load(options.data))
    sides = dict(zip(WAYS, ((mnist, usps), (usps, mnist)), strict=True))
    entries = [
        Entry(way, perplexity, column, split)
        for split in range(options.splits)
        for way in WAYS
        for perplexity in options.perplexities
        for column in COLUMNS
    ]
    table = Table(measured(entries, sides, options.keep))
    print(f"accuracy in per cent, {options.splits} splits: mean ± standard error (printed)")
    print("gain over one strength for all, split by split: + or - beyond its standard error\n")
    print(table.markdown())
    for way, pair in sides.items():
        right = 100.0 * unmapped(*pair, options.splits)
        print(f"{way}, by the source as it is: {right.mean():.1f} ± {_error(right):.1f}")
    if options.csv is not None:
        rows = table.rows()
        with options.csv.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
            writer.writeheader()
            writer.writerows(rows)
    return 0


def _sample(side: Digits, count: int | None) -> Digits:
    """So many pictures, at random, or all."""
    if count is None or count >= side.labels.size:
        return side
    return side.taken(np.random.default_rng(0).permutation(side.labels.size)[:count])


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="where digits/ is")
    parser.add_argument("--splits", type=int, default=10, help="at least 2; default 10")
    parser.add_argument("--samples", type=int, metavar="N", help="pictures a side; default all")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write all numbers")
    parser.add_argument("--quick", action="store_true", help="few pictures: does it run at all?")
    parser.add_argument(
        "--keep",
        type=Path,
        metavar="DIR",
        help="where plans leave their files; default beside "
        "other results, in a folder named by the source of quot",
    )
    options = parser.parse_args(argv)
    options.perplexities = PERPLEXITIES
    if options.quick:
        options.samples, options.splits = QUICK_POINTS, QUICK_SPLITS
        options.perplexities = PERPLEXITIES[:1]
    if options.splits < 2:
        parser.error("--splits must be at least 2: there is no standard error of one")
    size = options.samples or "all"
    options.keep = options.keep or RESULTS / source_digest() / str(size)
    return options


if __name__ == "__main__":
    raise SystemExit(main())
