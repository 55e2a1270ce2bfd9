"""What the long tables come to: ``python -m benchmarks.summary`` writes it where it is shown.

Each line names rows of `docs/benchmark-tables.md`, and its numbers are read off them.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import anchor

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "docs" / "benchmark-tables.md"
SUMMARIES = ("docs/benchmarks.md", "README.md")
OUR_OWN = ("**quot**", "quot")


class Line(NamedTuple):
    """Work, against whom, and the cases of a row in which they met.

    The best of all peers in a case that has a ratio, where there is no `solver`.
    """

    work: str
    against: str
    row: str
    cases: tuple[str, ...]
    solver: str = ""
    settings: str = ""


def _cases(form: str, *values: object) -> tuple[str, ...]:
    return tuple(form.format(value) for value in values)


EMD, PARTIAL = "POT emd", "POT partial_wasserstein"
MANY = "1e7 iterations"
# Problems in a batch, and of those the ones that a slow peer is given, by their size.
BATCHES = (4000, 5), (2000, 20), (1000, 64), (100, 256)
FEW = (1000, 5), (200, 20), (20, 64), (4, 256)
LINES = (
    Line(
        "partial, reg 0.01, n = 300",
        "cvxpy + CLARABEL",
        "S1",
        ("n = 300, reg = 0.01, mass 0.7",),
        "cvxpy + CLARABEL",
        "tolerances 1e-9",
    ),
    Line(
        "balanced, n = 1000, reg 1 / 0.1 / 0.01",
        "regot `qrot_grssn`",
        "S2",
        _cases("n = 1000, reg = {}, balanced", 1, 0.1, 0.01),
        "regot qrot_grssn",
        "tol 1e-9",
    ),
    Line(
        "balanced, reg = 0, n = 300 / 1000 / 4096",
        "POT `emd`",
        "S8",
        _cases("n = {}, reg = 0, balanced", 300, 1000, 4096),
        EMD,
        MANY,
    ),
    Line(
        "partial, reg = 0, n = 300 / 1000 / 4096",
        "POT `partial_wasserstein`",
        "S8",
        _cases("n = {}, reg = 0, mass 0.7", 300, 1000, 4096),
        PARTIAL,
        MANY,
    ),
    Line(
        "histograms of 1000 / 2000 / 4000 bins, balanced, reg = 0",
        "POT `emd`",
        "S10",
        _cases("shuffled, n = {}, reg = 0, balanced", 1000, 2000, 4000),
        EMD,
        MANY,
    ),
    Line(
        "two pictures of 64 x 64 pixels, balanced, reg = 0",
        "POT `emd`",
        "IMG",
        ("64 x 64 pixels, reg = 0, balanced",),
        EMD,
        MANY,
    ),
    Line(
        "entropic, balanced, n = 1000, eps 0.01 / 0.001",
        "the best of four of regot and POT",
        "E-B",
        _cases("n = 1000, eps = {}, balanced", 0.01, 0.001),
    ),
    Line(
        "entropic, partial, n = 300, eps 0.01, mass 0.5 / 0.9",
        "the best of four ways of POT",
        "E-A",
        _cases("n = 300, eps = 0.01, mass {}", 0.5, 0.9),
    ),
    Line(
        "along a graph of 200 / 300 / 500 nodes, reg 1",
        "cvxpy + CLARABEL",
        "G-A",
        _cases("12-NN, left to right, n = {}, reg = 1", 200, 300, 500),
        "cvxpy + CLARABEL",
        "defaults",
    ),
    Line(
        "along a graph of 10,000 nodes, reg = 0, grid / 8 nearest",
        "OR-tools `SimpleMinCostFlow`",
        "G-D",
        _cases("{}, integers, n = 10000, reg = 0", "grid", "8-NN"),
        "OR-tools SimpleMinCostFlow",
        "defaults",
    ),
    Line(
        "the same",
        "networkx `network_simplex`",
        "G-D",
        _cases("{}, integers, n = 10000, reg = 0", "grid", "8-NN"),
        "networkx network_simplex",
        "defaults",
    ),
    Line(
        "strengths of 100,000 points for t-SNE, perplexity 30",
        "scikit-learn's search",
        "O-F",
        ("n = 100000, 5-D, 91 neighbours, entropic, perplexity 30",),
        "scikit-learn t-SNE search",
        "defaults",
    ),
    Line(
        "many in one call, balanced, reg = 0, n = 5 / 20 / 64 / 256",
        "POT `emd` in a loop",
        "S0b",
        tuple(f"{k} of n = {n}, reg = 0, balanced" for k, n in BATCHES),
        "POT emd, in a loop",
        MANY,
    ),
    Line(
        "many in one call, balanced, reg 1, n = 5 / 20 / 64 / 256",
        "regot `qrot_grssn` in a loop",
        "S0b",
        tuple(f"{k} of n = {n}, reg = 1, balanced" for k, n in FEW),
        "regot qrot_grssn, in a loop",
        "tol 1e-9",
    ),
    Line(
        "one small problem, balanced, reg = 0, n = 5 / 20 / 100",
        "POT `emd`",
        "S0",
        _cases("n = {}, reg = 0, balanced", 5, 20, 100),
        EMD,
        MANY,
    ),
    Line(
        "one of integer costs, which tie, reg = 0, n = 20 / 100 / 300",
        "POT `emd`",
        "S0d",
        _cases("integer costs, n = {}, reg = 0, balanced", 20, 100, 300),
        EMD,
        MANY,
    ),
    Line(
        "one with rows without mass, reg = 0, n = 20 / 100 / 300",
        "POT `emd`",
        "S0d",
        _cases("without mass, n = {}, reg = 0, balanced", 20, 100, 300),
        EMD,
        MANY,
    ),
    Line(
        "one small problem, balanced, reg 1, n = 5 / 20 / 100",
        "regot `qrot_grssn`",
        "S0",
        _cases("n = {}, reg = 1, balanced", 5, 20, 100),
        "regot qrot_grssn",
        "tol 1e-9",
    ),
)


# What no peer had the memory or the time for: work, row and cases of ours.
LARGE = (
    (
        "points in the plane, partial, 100,000 / 1,000,000 a side",
        "S7",
        _cases("n = {}, 2-D gaussian, reg = 76, mass 0.7", 100000, 1000000),
    ),
    (
        "points in 250 dimensions, balanced, 25,000 a side: a spiral / no structure",
        "S6",
        (
            "n = 25000, 250-D spiral, X = Y, reg = 550, balanced",
            "n = 25000, 250-D isotropic, reg = 1.25e+06, balanced",
        ),
    ),
    (
        "pictures of 256 x 256 pixels, all / 80 % of the mass",
        "IMG",
        _cases("256 x 256 pixels, reg = 12, {}", "balanced", "mass 0.8"),
    ),
    (
        "the same at reg = 0",
        "IMG",
        _cases("256 x 256 pixels, reg = 0, {}", "balanced", "mass 0.8"),
    ),
    (
        "a perplexity of 10 for each point, 100,000 a side",
        "O-C",
        ("n = 100000, 2-D gaussian, quadratic, source 10",),
    ),
    (
        "along a grid of 1,000,000 nodes, reg 1 / 0.01 / 0",
        "G-C",
        _cases("grid, n = 1000000, reg = {}", 1, 0.01, 0),
    ),
    (
        "along 8 nearest neighbours, 1,000,000 nodes, reg 1 / 0.01 / 0",
        "G-C",
        _cases("8-NN, n = 1000000, reg = {}", 1, 0.01, 0),
    ),
)


def rows(tables: str, key: str, part: str = "Times") -> list[dict[str, str]]:
    """Return the lines of a row as they stand in the tables."""
    start = rf"\({anchor(key)}\)=\n(?:(?!\n\(row-).)*?<summary>{part}</summary>\n\n"
    found = re.search(rf"{start}(.*?)\n</details>", tables, re.DOTALL)
    if found is None:
        raise LookupError(f"no {part.lower()} of row {key} in the tables; measure it first")
    head, _, *lines = ([cell.strip() for cell in text.split("|")] for text in found[1].splitlines())
    return [dict(zip(head, line, strict=True)) for line in lines]


def ratios(line: Line, tables: str) -> list[float]:
    """Return how many times as long the peer takes, in each case."""
    found = []
    for case in line.cases:
        told = [
            float(row["ratio"].removesuffix("x"))
            for row in rows(tables, line.row)
            if row["case"] == case and row["ratio"] != "-" and _is_peer(row, line)
        ]
        if not told:
            raise LookupError(f"row {line.row} has no ratio of {line.against} for {case}")
        found.append(min(told))
    return found


def _is_peer(row: dict[str, str], line: Line) -> bool:
    if not line.solver:
        return not row["solver"].startswith(OUR_OWN)
    return (row["solver"], row["settings"]) == (line.solver, line.settings)


def ours(tables: str, key: str, case: str, part: str, column: str) -> float:
    """Return a number of ours."""
    for row in rows(tables, key, part):
        if (row["case"], row["solver"]) == (case, "**quot**"):
            return float(row[column])
    raise LookupError(f"row {key} has no {column} of ours for {case}")


def compared(tables: str, *, linked: bool) -> str:
    """Return all lines in Markdown; `linked` to the tables behind them."""
    cells = [
        (line.work, _written(ratios(line, tables)), line.against, _link(line.row)) for line in LINES
    ]
    return _table(("work", "times as long", "against", "table"), cells, 4 if linked else 3)


def large(tables: str, *, linked: bool) -> str:
    """Return what the large problems took in Markdown."""
    cells = []
    for work, key, cases in LARGE:
        seconds = [ours(tables, key, case, "Times", "seconds") for case in cases]
        memory = [ours(tables, key, case, "Work", "peak GiB") for case in cases]
        cells.append((work, _written(seconds), _written(memory), _link(key)))
    return _table(("work", "seconds", "GiB", "table"), cells, 4 if linked else 3)


def _link(key: str) -> str:
    return f"[{key}](#{anchor(key)})"


def _table(head: tuple[str, ...], cells: list[tuple[str, ...]], columns: int) -> str:
    lines = [head, ("---",) * len(head), *cells]
    return "".join("| " + " | ".join(line[:columns]) + " |\n" for line in lines)


def _written(values: list[float]) -> str:
    return " / ".join(f"{value:.0f}" if value >= 10.0 else f"{value:.2g}" for value in values)


def renewed(text: str, tables: str, *, linked: bool) -> str:
    """Return a page with the tables that stand between its marks as they are measured."""
    for name, made in (("compared", compared), ("large", large)):
        shown = rf"(?<=<!-- {name} -->\n).*?(?=<!-- end -->)"
        new = f"\n{made(tables, linked=linked)}\n"
        text = re.sub(shown, lambda _, new=new: new, text, count=1, flags=re.DOTALL)
    return text


def main() -> None:
    tables = TABLES.read_text(encoding="utf-8")
    for name in SUMMARIES:
        page = ROOT / name
        text = page.read_text(encoding="utf-8")
        page.write_text(renewed(text, tables, linked=name.startswith("docs/")), encoding="utf-8")


if __name__ == "__main__":
    main()
