"""An experiment, and what it is run with."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np

from quot import interrupts
from quot.reproduce.data import Data
from quot.reproduce.outcome import Outcome


class Document(Enum):
    """The four documents, in the order of the report."""

    QPOT = "Sparse partial optimal transport via quadratic regularization"
    OTARI = "Optimal transport with adaptive regularisation"
    ASPOT = "Accelerated Sinkhorn algorithms for partial optimal transport"
    GRAPHS = "Quadratically regularised optimal transport on graphs (student report)"


@dataclass(frozen=True)
class Case:
    """What an experiment is run with.

    Parameters
    ----------
    parameters : mapping
        By name, those of the full or of the quick size.
    data : Data
        Photographs, digits and others, from a folder or their stand-ins.
    seed : int
    is_quick : bool
    seconds : dict
        Filled by `clock`.
    """

    parameters: Mapping[str, Any]
    data: Data
    seed: int = 0
    is_quick: bool = False
    seconds: dict[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Any:
        return self.parameters[name]

    def rng(self, *keys: int) -> np.random.Generator:
        """Return a generator of its own for every key, by the seed."""
        return np.random.default_rng([self.seed, *keys])

    def integer_seed(self, key: int = 0) -> int:
        """Return a seed for what takes no generator, as scikit-learn."""
        return 1000 * self.seed + key

    @contextmanager
    def clock(self, name: str) -> Iterator[None]:
        """Add the seconds of what is inside; they go to seconds.csv, never into the report."""
        start = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start

    def check(self) -> None:
        """End here if a signal came: for loops that call others than quot."""
        interrupts.check()


@dataclass(frozen=True)
class Lost:
    """What the document leaves open, or our copy of it has lost, and what is put in its place."""

    what: str
    ours: str


@dataclass(frozen=True)
class Experiment:
    """A figure, a table or a claim of a document, to be run.

    Parameters
    ----------
    id : str
        As "Q2"; its file is named after it, "q2_masses.py".
    document : Document
    title : str
    shows : str
        What it redraws, as "Figure 2".
    setup : str
        What is done, in a sentence or two.
    run : callable
        ``run(case) -> Outcome``.
    full : mapping
        Parameters, all that can be varied.
    quick : mapping, optional
        Those that are smaller with `--quick`, for about ten seconds on two cores.
    lost : tuple of Lost, optional
    needs : tuple of str, optional
        Names of the data sets that it reads: see `data.SETS`.
    """

    id: str
    document: Document
    title: str
    shows: str
    setup: str
    run: Callable[[Case], Outcome]
    full: Mapping[str, Any]
    quick: Mapping[str, Any] = field(default_factory=dict)
    lost: tuple[Lost, ...] = ()
    needs: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert set(self.quick) <= set(self.full), f"{self.id}: quick has parameters of its own"

    def parameters(self, *, is_quick: bool) -> dict[str, Any]:
        """Return the parameters of a size."""
        return {**self.full, **(self.quick if is_quick else {})}
