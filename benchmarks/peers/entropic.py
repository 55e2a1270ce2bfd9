"""Peers that solve entropic transport.

Their potentials are left out: every plan is judged by the same bound, from ours.
"""

from __future__ import annotations

from typing import Any

from benchmarks.cases import Instance
from benchmarks.peers.base import Answer


def _answer(plan: Any, note: str = "") -> Answer:
    import numpy as np

    plan = np.asarray(plan)
    if not np.isfinite(plan).all():
        raise FloatingPointError(f"the plan has entries that are not finite; {note}".rstrip("; "))
    return Answer(plan, note=note)


def _regot(name: str):
    """Return the adapter of one of the solvers of regot (C++), balanced only."""

    def adapter(case: Instance, settings: dict[str, Any]):
        import numpy as np
        import regot

        if case.mass is not None:
            raise NotImplementedError("regot solves balanced problems only")
        C, a, b, eps, _ = case.dense()
        C = np.asfortranarray(C)

        def call():
            return getattr(regot, name)(C, a, b, eps, **settings)

        def read(raw):
            return _answer(raw.plan, f"{int(raw.niter)} iterations")

        return call, read

    return adapter


regot_splr = _regot("sinkhorn_splr")
regot_ssns = _regot("sinkhorn_ssns")
regot_lbfgs = _regot("sinkhorn_lbfgs_dual")


def pot_log(case: Instance, settings: dict[str, Any]):
    """Sinkhorn's method in the log domain, `ot.sinkhorn`; balanced only."""
    import ot

    C, a, b, eps, _ = case.dense()

    def call():
        return ot.sinkhorn(a, b, C, eps, method="sinkhorn_log", log=True, **settings)

    def read(raw):
        plan, log = raw
        return _answer(plan, f"{int(log['niter']) + 1} iterations")

    return call, read


def _pot_partial(method: str):
    """Return the adapter of one of the two ways of `ot.partial.entropic_partial_wasserstein`."""

    def adapter(case: Instance, settings: dict[str, Any]):
        import ot.partial

        C, a, b, eps, mass = case.dense()
        how = settings | {"m": mass, "method": method, "log": True}

        def call():
            return ot.partial.entropic_partial_wasserstein(a, b, C, eps, **how)

        def read(raw):
            plan, log = raw
            return _answer(plan, f"its error {log['err'][-1]:.1e}" if log["err"] else "")

        return call, read

    return adapter


pot_partial = _pot_partial("sinkhorn")
pot_partial_log = _pot_partial("sinkhorn_log")
