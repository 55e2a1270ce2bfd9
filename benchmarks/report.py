"""Results as files, tables and the page of the documentation."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.cases import rebuild
from benchmarks.measure import THREADS
from benchmarks.peers import NAMES
from benchmarks.peers.clocked import PARTS
from benchmarks.rows import ROWS, Line
from benchmarks.worker import LONG

RESULTS = Path(__file__).resolve().parent / "results"
PACKAGES = (
    "quot",
    "numpy",
    "scipy",
    "numba",
    "cvxpy",
    "clarabel",
    "osqp",
    "regot",
    "POT",
    "scikit-learn",
    "networkx",
    "ortools",
)
# Cores used by other processes, above which a time is called disturbed.
BUSY = 0.1
LABELS = ("case", "solver", "settings")
TIMES = ("seconds", "runs", "ratio", "first call", "import")
AIMS = ("aim", "met")
QUALITIES = ("residual", "value after repair", "relative gap", "bound by")
# Columns that only some rows have, and how their numbers are written.
EXTRAS = {
    "peak GiB": ".2f",
    "degree": ".1f",
    "edges used": ".3f",
    "rounds": ".0f",
    "steps": ".0f",
    "slope": ".2f",
    "of Gaussian": ".3g",
    "lower bound": ".15g",
    "difference": ".1e",
    "solver alone": ".3g",
    "its ratio": ".3g",
    "published": ".3g",
    "cost ratio": ".4g",
    "after repair": ".4g",
    "L1 residual": ".1e",
    "passes": ".0f",
    "missing": ".1e",
    "linear error": ".1e",
    "of C": ".2f",
    "ns a pair": ".2f",
    "of exp": ".2f",
    "instances": ".0f",
    "not converged": ".0f",
    "NaN": ".0f",
    "above tolerance": ".0f",
    "exceptions": ".0f",
    "off": ".1e",
    "problem gap": ".1e",
    "neglected": ".1e",
    "least ms": ".3g",
    "median ms": ".3g",
    "ms each": ".3g",
    "breakpoints": ".0f",
    "pivots": ".0f",
    "results": ".0f",
    "call": ".3g",
    **dict.fromkeys(PARTS, ".3g"),
}

INTRODUCTION = """\
# Benchmark tables

Every call that was measured, in all its numbers; what they come to is in {{doc}}`benchmarks`.

**Data**, unless a row says otherwise. Two clouds of n points in the plane, X ~ N(0, I) and
Y ~ 0.7 N(0, I) + 1, cost C the squared distance over its maximum, masses 1/n. Every solver gets the
same dense C. The objective is ⟨C, P⟩ + reg/2 ‖P‖² throughout.

**Time**, unless a row says otherwise. Every solver runs in a fresh process of its own, with
{threads} threads at most for each library that uses them (the environment variables of OpenMP,
OpenBLAS, MKL, Rayon, Numba and quot, and the `numThreads` of POT). *import* is the import of its
package, *first call* the first solve, *seconds* the median of the *runs* that follow. A peer's
first call above {long:g} s is not repeated and counts itself. Kernels of quot are on disk before
the rows begin.
cvxpy builds and compiles its model in every run, as its users do; the solver's own share is stated.

**Quality.** The same code, `quot.certify`, judges every plan. *residual* is the largest violation
of a marginal, of the total or of P ≥ 0 by the plan as the solver returned it, in units of the
largest mass, and on a graph that of the balance of a node; *value after repair* is the objective
once these are exact; *relative gap* relates it to a lower bound from potentials: the solver's own,
or ours where it has none.

**Work**, in rows that report it. *peak GiB* is the largest resident memory of the process until the
answer stands: Python, packages and data included. *degree* is the number of pairs that carry mass,
for each row that sends any, *edges used* the fraction of the edges of a graph that carry mass;
*rounds* and *steps* count the outer iterations of quot and the Newton steps (or pivots and pushes
that count as so many) in them.

**Ratio** is the peer's seconds over ours, whatever the quality of its answer: read both. Failures
and losing rows are shown as they are.

**Machine.** Below each row stands where and when it was measured; seconds of different rows may be
those of different machines, while all solvers of a row ran on one.
"""

ENDING = """\
This page is written by `make bench ARGS="--write docs/benchmark-tables.md"`, and the summaries that
rest on it by `python -m benchmarks.summary`.
"""


def machine() -> dict[str, Any]:
    """Describe processor, software and date; nothing that names the machine."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "absent"
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "processor": _processor(),
        "cores": usable,
        "memory": _memory(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions,
        "date": datetime.now(UTC).date().isoformat(),
    }


def save(key: str, lines: list[Line], *, quick: bool) -> Path:
    """Write the JSON file of a row."""
    folder = RESULTS / "quick" if quick else RESULTS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{key}.json"
    content = {"row": key, "machine": machine(), "lines": [line.as_dict() for line in lines]}
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def tables(lines: list[dict[str, Any]]) -> str:
    """Return the times, with our aims, the qualities and the notes of a row, in Markdown."""
    return "\n".join(_parts(lines, aims=True).values())


def folded(parts: dict[str, str]) -> str:
    """Return parts of a row that open when they are asked for."""
    return "\n".join(
        f"<details><summary>{name}</summary>\n\n{text}\n</details>\n"
        for name, text in parts.items()
    )


def _parts(lines: list[dict[str, Any]], *, aims: bool) -> dict[str, str]:
    """Return what there is to show of a row, by what it is called."""
    names = [_names(line) for line in lines]
    told = [_times(line) + (_aims(line) if aims else []) for line in lines]
    times = [name + cells for name, cells in zip(names, told, strict=True)]
    qualities = [name + _qualities(line) for name, line in zip(names, lines, strict=True)]
    parts = {
        "Times": _table(LABELS + TIMES + (AIMS if aims else ()), times),
        "Quality of the answers": _table(LABELS + QUALITIES, qualities),
        "Work": _extras(lines),
        "What they said": _notes(lines),
    }
    return {name: text for name, text in parts.items() if text}


def _extras(lines: list[dict[str, Any]]) -> str:
    """Return the table of the columns that only this row has, if any."""
    present = {name for line in lines for name in line.get("extra", {})}
    heads = tuple(name for name in EXTRAS if name in present)
    if not heads:
        return ""
    cells = [
        _names(line) + [_number(line["extra"].get(name), EXTRAS[name]) for name in heads]
        for line in lines
    ]
    return _table(LABELS + heads, cells)


def _table(head: tuple[str, ...], cells: list[list[str]]) -> str:
    """Return a Markdown table, columns aligned for reading as text too."""
    rows = [list(head), *cells]
    widths = [max(len(row[k]) for row in rows) for k in range(len(head))]
    rows.insert(1, ["-" * width for width in widths])
    return "".join("| " + " | ".join(map(str.ljust, row, widths)) + " |\n" for row in rows)


def page(before: str = "", *, quick: bool = False) -> str:
    """Return the page from the JSON files of rows measured here; others as they stood before."""
    folder = RESULTS / "quick" if quick else RESULTS
    kept = _sections(before)
    for key in ROWS:
        if (path := folder / f"{key}.json").exists():
            kept[anchor(key)] = _section(json.loads(path.read_text()))
    if not kept:
        raise SystemExit("nothing is measured yet; run the benchmark without --render first")
    known = [kept[anchor(key)] for key in ROWS if anchor(key) in kept]
    return "\n".join([INTRODUCTION.format(threads=THREADS, long=LONG), *known, ENDING])


def _sections(text: str) -> dict[str, str]:
    """The rows of a page, by their anchors."""
    found = re.split(r"(?m)^\((row-[a-z0-9-]+)\)=$", text.removesuffix(ENDING))[1:]
    texts = zip(found[::2], found[1::2], strict=True)
    return {name: f"({name})={text.rstrip()}\n" for name, text in texts}


def _section(row: dict[str, Any]) -> str:
    """A row of the page."""
    title, _, about = ROWS[row["row"]]
    parts = [f"({anchor(row['row'])})=\n## {row['row']}: {title}\n"]
    if about:
        parts.append(about + "\n")
    parts.append(folded(_parts(row["lines"], aims=False)))
    parts.append(_measured(row["machine"]))
    return "\n".join(parts)


def anchor(key: str) -> str:
    """Return what links to a row lead to."""
    return f"row-{key.lower()}"


def _names(line: dict[str, Any]) -> list[str]:
    m = line["measurement"]
    name = NAMES[m["solver"]]
    return [
        str(rebuild(m["case"])),
        f"**{name}**" if m["solver"] == "quot" else name,
        line["label"],
    ]


def _times(line: dict[str, Any]) -> list[str]:
    m = line["measurement"]
    return [
        _number(m["seconds"], ".3g") if m["outcome"] == "ok" else m["outcome"],
        str(len(m["runs"]) or "-"),
        _number(line["ratio"], ".3g", "x"),
        _number(m["first"], ".3g"),
        _number(m["import_time"], ".2g"),
    ]


def _aims(line: dict[str, Any]) -> list[str]:
    return [line["aim"] or "-", {None: "-", True: "yes", False: "no"}[line["met"]]]


def _qualities(line: dict[str, Any]) -> list[str]:
    m = line["measurement"]
    return [
        _number(m["residual"], ".1e"),
        _number(m["value"], ".12g"),
        _number(m["gap"], ".1e"),
        m["bound"] or "-",
    ]


def _notes(lines: list[dict[str, Any]]) -> str:
    """List what solvers said, why they failed, and where their time went."""
    notes = []
    for line in lines:
        m = line["measurement"]
        said = [m["message"]] if m["message"] else []
        said += [f"{what} {seconds:.3g} s" for what, seconds in m["detail"].items()]
        if (m["others"] or 0.0) > BUSY:
            said.append(f"**disturbed**: other processes used {m['others']:.1f} cores meanwhile")
        if said:
            name = NAMES[m["solver"]]
            notes.append(f"* {name}, {line['label']}, {rebuild(m['case'])}: {'; '.join(said)}")
    return "\n".join(dict.fromkeys(notes)) + "\n" if notes else ""


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "-" if value is None else f"{value:{form}}{unit}"


def _measured(about: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    return (
        f"Measured on {about['date']}: {about['processor']}, {about['cores']} cores, "
        f"{about['memory']} of memory, {about['system']}, Python {about['python']}; {versions}.\n"
    )


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> str:
    try:
        size = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "unknown size"
    return f"{size / 2**30:.0f} GiB"
