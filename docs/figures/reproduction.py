"""What the report says, in short: the part of docs/reproduction.md between its two marks.

Run it from the root of the repository, on what a run of all experiments has left:
``quot reproduce --data DATA -o DIR``, then ``python docs/figures/reproduction.py DIR``.
"""

from __future__ import annotations

import collections
import json
import sys
from pathlib import Path

from quot.reproduce.experiment import Document
from quot.reproduce.outcome import Verdict
from quot.reproduce.registry import experiments
from quot.reproduce.report.page import pretty

PAGE = Path(__file__).resolve().parents[1] / "reproduction.md"
BEGIN, END = "<!-- found -->\n", "<!-- end -->\n"


def found(folder: Path) -> str:
    """Return the verdicts on the claims of each document, and what a reader should know."""
    verdicts = {document: collections.Counter[str]() for document in Document}
    lines = []
    for id, experiment in experiments().items():
        (part,) = (folder / "parts").glob(f"{id}-*.json")
        outcome = json.loads(part.read_bytes())["outcome"]
        verdicts[experiment.document].update(claim["verdict"] for claim in outcome["claims"])
        lines += [f"* {pretty(line)} ({id})" for line in outcome["know"]]
    table = [
        f"| claims of | {' | '.join(Verdict)} |",
        f"|---|{'---|' * len(Verdict)}",
        *(
            f"| {document.value} | {' | '.join(str(counts[each]) for each in Verdict)} |"
            for document, counts in verdicts.items()
        ),
    ]
    return "\n".join([*table, "", *lines, ""])


if __name__ == "__main__":
    text = PAGE.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(before + BEGIN + "\n" + found(Path(sys.argv[1])) + "\n" + END + after)
