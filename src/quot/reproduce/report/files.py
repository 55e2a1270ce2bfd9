"""Every number in files: tables, claims, seeds, seconds and the run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from quot.io.files import write_atomically
from quot.reproduce import parts
from quot.reproduce.outcome import Table
from quot.reproduce.parts import Part

CLAIMS = ("id", "document", "claim", "its number", "ours", "verdict", "why")


def write_files(done: Sequence[Part], folder: Path) -> None:
    """Write ``csv/``, ``seeds.csv``, ``seconds.csv`` and ``run.json`` into a folder.

    All but seconds.csv are the same in every run.
    """
    tables = folder / "csv"
    tables.mkdir(exist_ok=True)
    for part in done:
        for table in part.outcome.tables:
            _write_csv(tables / file_name(part, table), table.columns, table.rows)
    claims = (
        (p.experiment.id, p.experiment.document.name, c.says, c.number, c.ours, c.verdict, c.why)
        for p in done
        for c in p.outcome.claims
    )
    _write_csv(tables / "claims.csv", CLAIMS, claims)
    _write_csv(folder / "seeds.csv", ("id", "seed"), ((p.experiment.id, p.seed) for p in done))
    seconds = (
        (p.experiment.id, name, value) for p in done for name, value in sorted(p.seconds.items())
    )
    _write_csv(folder / "seconds.csv", ("id", "what", "seconds"), seconds)
    run = {
        "versions": parts.versions(),
        "experiments": {
            p.experiment.id: {
                "parameters": dict(p.parameters), "seed": p.seed, "data": dict(p.data),
            }
            for p in done
        },
    }  # fmt: skip
    with write_atomically(folder / "run.json") as stream:
        stream.write(json.dumps(run, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n")


def file_name(part: Part, table: Table) -> str:
    """Return the name of a table's file in ``csv/``."""
    return f"{part.experiment.id}-{table.name}.csv"


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([repr(c) if isinstance(c, float) else c for c in row] for row in rows)
    with write_atomically(path) as file:
        file.write(stream.getvalue().encode())
