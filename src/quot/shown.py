"""What nouns say of themselves in a notebook: a small table, text only."""

from __future__ import annotations

from abc import abstractmethod
from html import escape
from typing import Any

_LEFT = ' style="text-align: left"'


class Shown:
    """What a notebook shows as a table of facts."""

    @abstractmethod
    def _facts(self) -> dict[str, Any]:
        """What there is to say, by name: numbers and text."""

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th{_LEFT}>{escape(name)}</th><td{_LEFT}>{escape(_text(fact))}</td></tr>"
            for name, fact in self._facts().items()
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"


def ends(values: Any) -> str:
    """Return the smallest and the largest of numbers, or the one that all are."""
    low, high = float(values.min()), float(values.max())
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def _text(fact: Any) -> str:
    if isinstance(fact, float):
        return f"{fact:.10g}"
    return f"{fact:,}" if isinstance(fact, int) else str(fact)
