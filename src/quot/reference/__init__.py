"""Reference solvers: the whole problem handed to a solver of another library through cvxpy.

Slow and limited to small problems, but they share nothing with the engine: use them to check it.
They need the extra ``reference`` (cvxpy with CLARABEL, SCS and OSQP).
"""

from quot.reference.flows import GRAPH_REFERENCE_METHODS, solve_graph_reference
from quot.reference.plans import REFERENCE_METHODS, solve_entropic_reference, solve_reference

__all__ = [
    "GRAPH_REFERENCE_METHODS",
    "REFERENCE_METHODS",
    "solve_entropic_reference",
    "solve_graph_reference",
    "solve_reference",
]
