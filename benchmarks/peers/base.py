"""What an adapter is, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from benchmarks.cases import Instance

Adapter = Callable[[Instance, dict[str, Any]], tuple[Callable[[], Any], Callable[[Any], "Answer"]]]


@dataclass
class Answer:
    """A plan as the solver left it, and potentials if it has them.

    The plan is (n, n), scipy.sparse or a `quot.GibbsPlan`; on a graph it is the flow, one number an
    edge. None where there is only work to report. Multipliers are those of adaptive transport.
    """

    plan: Any
    f: Any = None
    g: Any = None
    lam: float = 0.0
    note: str = ""
    detail: dict[str, float] = field(default_factory=dict)  # parts of the time
    work: dict[str, float] = field(default_factory=dict)  # counts
    multipliers: tuple[Any, Any] | None = None  # of rows and of columns
