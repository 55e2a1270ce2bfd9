"""Problems: what is to be solved, validated once and frozen. One file each."""

from __future__ import annotations

from copy import copy
from typing import TypeVar

from quot.problem.adaptive import AdaptiveProblem
from quot.problem.entropic import FORMULATIONS, LEFT, EntropicProblem
from quot.problem.graphs import GraphProblem
from quot.problem.quadratic import Problem
from quot.problem.transport import Transport
from quot.validation import Rescaled

P = TypeVar("P", Transport, GraphProblem)

__all__ = [
    "FORMULATIONS",
    "LEFT",
    "AdaptiveProblem",
    "EntropicProblem",
    "GraphProblem",
    "Problem",
    "Transport",
    "with_origin",
]


def with_origin(problem: P, round_off: float, rescaled: Rescaled | None) -> P:
    """Return the same problem with what was found of its masses when they came, long ago."""
    other = copy(problem)
    for name, value in (("round_off", round_off), ("rescaled", rescaled)):
        object.__setattr__(other, name, value)
    return other
