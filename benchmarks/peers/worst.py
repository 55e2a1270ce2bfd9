"""Many answers judged one by one, with the numbers of the worst."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from benchmarks.peers.base import Answer


def worst(problems: Iterable[Any], answers: Iterable[Answer]) -> dict[str, float]:
    """Return the largest residual and relative gap by `quot.certify`, and how many there are."""
    import numpy as np

    from quot import Plan, certify

    judged = []
    for problem, answer in zip(problems, answers, strict=True):
        plan = answer.plan if isinstance(answer.plan, Plan) else Plan.from_sparse(answer.plan)
        judged.append(certify(problem, plan, answer.f, answer.g, answer.lam))
    return {
        "residual": float(np.max([c.primal_residual for c in judged])),
        "gap": float(np.max([c.relative_gap for c in judged])),
        "instances": float(len(judged)),
    }
