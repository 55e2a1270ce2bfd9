"""One adapter per solver: what is timed, and how its answer reads in the terms of quot.

An adapter takes a case and the settings, does what does not belong on the clock (arrays in the
layout the solver wants), and returns two functions: the call that is timed, and the reader of what
it returned. Nothing heavy is imported before an adapter runs.
"""

from __future__ import annotations

from benchmarks.peers import (
    adaptive,
    affinities,
    batches,
    clocked,
    entropic,
    flows,
    ours,
    paths,
    plans,
)
from benchmarks.peers.base import Adapter, Answer

__all__ = ["NAMES", "SOLVERS", "Adapter", "Answer"]

# Name in tables, package to import, adapter.
SOLVERS: dict[str, tuple[str, str, Adapter]] = {
    "quot": ("quot", "quot", ours.quot_solve),
    "clarabel": ("cvxpy + CLARABEL", "cvxpy", plans.cvxpy_clarabel),
    "grssn": ("regot qrot_grssn", "regot", plans.regot_grssn),
    "smooth": ("POT smooth_ot_dual", "ot", plans.pot_smooth),
    "emd": ("POT emd", "ot", plans.pot_emd),
    "partial": ("POT partial_wasserstein", "ot", plans.pot_partial),
    "flow clarabel": ("cvxpy + CLARABEL", "cvxpy", flows.cvxpy_clarabel),
    "flow osqp": ("cvxpy + OSQP", "cvxpy", flows.cvxpy_osqp),
    "football": ("Football", "quot", flows.football),
    "networkx": ("networkx network_simplex", "networkx", flows.networkx_simplex),
    "ortools": ("OR-tools SimpleMinCostFlow", "ortools", flows.ortools_flow),
    "splr": ("regot sinkhorn_splr", "regot", entropic.regot_splr),
    "ssns": ("regot sinkhorn_ssns", "regot", entropic.regot_ssns),
    "lbfgs": ("regot sinkhorn_lbfgs_dual", "regot", entropic.regot_lbfgs),
    "sinkhorn log": ("POT sinkhorn_log", "ot", entropic.pot_log),
    "entropic partial": ("POT entropic_partial", "ot", entropic.pot_partial),
    "entropic partial log": ("POT entropic_partial, log", "ot", entropic.pot_partial_log),
    "joint": ("SciPy L-BFGS-B", "scipy", adaptive.joint_lbfgsb),
    "pass": ("quot, one pass", "quot", ours.one_pass),
    "exponentials": ("exponentials of quot", "quot", ours.exponentials),
    "stress": ("quot", "quot", ours.stress),
    "share rows": ("quot.adaptive.share_rows", "quot", affinities.share_rows),
    "sklearn rows": ("scikit-learn t-SNE search", "sklearn", affinities.sklearn_rows),
    "affinities": ("quot.affinities", "quot", affinities.affinities),
    "clocked": ("quot, clocked", "quot", clocked.clocked),
    "batch": ("quot.solve_batch", "quot", batches.quot_batch),
    "quot loop": ("quot.solve, in a loop", "quot", batches.in_a_loop(ours.quot_solve)),
    "emd loop": ("POT emd, in a loop", "ot", batches.in_a_loop(plans.pot_emd)),
    "partial loop": (
        "POT partial_wasserstein, in a loop",
        "ot",
        batches.in_a_loop(plans.pot_partial),
    ),
    "grssn loop": ("regot qrot_grssn, in a loop", "regot", batches.in_a_loop(plans.regot_grssn)),
    "path": ("quot, a path", "quot", paths.path),
    "solves": ("quot.solve, one by one", "quot", paths.solves),
}
# Name in tables of everything that a line can be about.
NAMES = {key: name for key, (name, _, _) in SOLVERS.items()} | {"brute": "all pairs, one by one"}
