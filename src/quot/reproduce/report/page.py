"""The page: HTML that opens anywhere, loads nothing, and is the same in every run."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from quot.io.files import write_atomically
from quot.reproduce import parts
from quot.reproduce.data import SETS
from quot.reproduce.experiment import Document
from quot.reproduce.outcome import Cell, Picture, Verdict
from quot.reproduce.parts import Part
from quot.reproduce.report.files import file_name
from quot.reproduce.report.formulas import PROBLEMS, mathml

_TEMPLATES = Path(__file__).parent / "templates"
# Rows of a table that the page shows; the rest is in its file.
_ROWS = 40
_POWER = re.compile(r"\b(\d+(?:\.\d+)?)e([+-]?)(\d+)\b")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MINUS = re.compile(r"(?<![\w.)])-(?=\d)")


def write_page(done: Sequence[Part], path: Path, *, is_quick: bool) -> None:
    """Write the report of what was done as one HTML file.

    Parameters
    ----------
    done : sequence of Part
        In the order of the page.
    path : path
    is_quick : bool
        Whether the sizes were those of `--quick`; the page says so.
    """
    with write_atomically(path) as stream:
        stream.write(page(done, is_quick=is_quick).encode())


def page(done: Sequence[Part], *, is_quick: bool) -> str:
    """Return the report as HTML."""
    import jinja2
    from markupsafe import Markup

    loader = jinja2.FileSystemLoader(_TEMPLATES)
    environment = jinja2.Environment(
        loader=loader, autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"cell": cell, "pretty": pretty, "slug": slug, "source": source}
    style, script = (
        (_TEMPLATES / name).read_text(encoding="utf-8") for name in ("report.css", "report.js")
    )
    by_document = {
        document: [part for part in done if part.experiment.document is document]
        for document in Document
    }
    text: str = environment.get_template("report.html.j2").render(
        by_document={document: found for document, found in by_document.items() if found},
        claims=[(part, claim) for part in done for claim in part.outcome.claims],
        counts=_counts(done),
        file_name=file_name,
        formulas={document: Markup(mathml(text)) for document, text in PROBLEMS.items()},
        is_quick=is_quick,
        know=[(part, line) for part in done for line in part.outcome.know],
        most=_ROWS,
        policy=policy(style, script),
        script=Markup(script),
        seed=done[0].seed if done else 0,
        sets=SETS,
        stand_ins=_stand_ins(done),
        style=Markup(style),
        verdicts=list(Verdict),
        versions=parts.versions(),
    )
    return text


def policy(style: str, script: str) -> str:
    """Return the content-security policy: what is in the page, and nothing else."""
    return (
        "default-src 'none'; img-src data:; "
        f"style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def source(picture: Picture) -> str:
    """Return a picture as the address of an image."""
    return f"data:image/{picture.kind};base64,{base64.b64encode(picture.data).decode()}"


def cell(value: Cell) -> str:
    """Return a cell of a table as text: four digits are shown."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else value


def pretty(text: str) -> str:
    """Return a text with numbers as one writes them: powers of 10 for 3e-05, and minus signs."""

    def power(match: re.Match[str]) -> str:
        factor, sign, exponent = match.groups()
        raised = ("-" * (sign == "-") + str(int(exponent))).translate(_RAISED)
        return f"10{raised}" if factor == "1" else f"{factor}\u00b710{raised}"

    return _MINUS.sub("\u2212", _POWER.sub(power, text))


def slug(verdict: Verdict) -> str:
    """Return a verdict as the name of a class."""
    return verdict.replace(" ", "-")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _counts(done: Sequence[Part]) -> dict[Verdict, int]:
    found = Counter(claim.verdict for part in done for claim in part.outcome.claims)
    return {verdict: found[verdict] for verdict in Verdict}


def _stand_ins(done: Sequence[Part]) -> list[dict[str, Any]]:
    """Return the sets that something stood in for, and in which experiments."""
    return [
        {
            "name": name,
            "set": SETS[name],
            "ids": [p.experiment.id for p in done if p.data.get(name) == "stand-in"],
        }
        for name in SETS
        if any(p.data.get(name) == "stand-in" for p in done)
    ]
