"""Errors and warnings of quot."""


class QuotError(Exception):
    """Base of every error that quot raises on purpose."""


class InvalidProblemError(QuotError, ValueError):
    """The input does not describe a problem: wrong shape, sign, value or option."""


class InfeasibleError(QuotError):
    """The problem is well formed, but no plan satisfies its constraints."""


class ProblemTooLargeError(QuotError, MemoryError):
    """The machine has not the memory that the problem would take."""


class MissingDependencyError(QuotError, ImportError):
    """An optional package is needed for what was asked."""


class NotConvergedError(QuotError):
    """The solver stopped short of the tolerance and ``on_failure="raise"`` was asked for."""


class SolverError(QuotError):
    """A solver of another library failed; its own error is the cause of this one."""


class QuotWarning(UserWarning):
    """Base of every warning of quot."""


class NotConvergedWarning(QuotWarning):
    """The result is the best found, but not within the tolerance."""


class MassLostWarning(QuotWarning):
    """Entries that were left out as asked have mass; the message says how much."""


class NumericalWarning(QuotWarning):
    """The answer stands, but round-off limits what can be said about it."""
