"""The toy histograms: samples of a distribution in bins over their own range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.reproduce.experiment import Case, Lost
from quot.reproduce.qpot.sweeps import Problem

Floats = NDArray[np.float64]

NAMES = {
    "G": "Gamma(7, 1)",
    "P": "Poisson(5)",
    "Bi": "Binomial(10, 0.4)",
    "Be": "Beta(2, 2)",
    "MG": "a mixture of N(1, 2) and N(10, 1.5)",
}
SETUP = (
    "Samples as histograms over their own range, and the plans that move part of the mass: with a "
    "quadratic term (QPOT) and with an entropy (EPOT)."
)
LOST = (
    Lost("sparsity, defined as a number of entries", "their share, as the figures have it"),
    Lost("weights of the mixture", "1/2 and 1/2"),
    Lost("smoothing of the histograms", "1e-6 added to each bin, then normalised"),
    Lost("iterations that SCS is allowed", "`steps` of them; it needs all where ε is small"),
    Lost("cost", "squared distance of bin numbers, divided by the largest"),
)


def histogram(case: Case, name: str) -> Floats:
    """Return shares of the samples in ``case["bins"]`` bins, smoothed; they sum to 1."""
    count = case["samples"]
    rng = case.rng(list(NAMES).index(name))
    if name == "G":
        x = rng.gamma(7.0, 1.0, count)
    elif name == "P":
        x = rng.poisson(5.0, count).astype(float)
    elif name == "Bi":
        x = rng.binomial(10, 0.4, count).astype(float)
    elif name == "Be":
        x = rng.beta(2.0, 2.0, count)
    else:
        is_first = rng.random(count) < 0.5
        x = np.where(is_first, rng.normal(1.0, 2.0, count), rng.normal(10.0, 1.5, count))
    shares: Floats = np.histogram(x, bins=case["bins"])[0] / count + case["smoothing"]
    shares /= shares.sum()
    return shares


def bin_cost(bins: int) -> Floats:
    """Return squared distances of bin numbers over the largest, (bins, bins)."""
    place = np.arange(bins, dtype=float)
    return (place[:, None] - place) ** 2 / (bins - 1) ** 2


def problem_of(case: Case, one: str, other: str) -> Problem:
    """Return the histograms of two distributions, with the cost of their bins."""
    return Problem(bin_cost(case["bins"]), histogram(case, one), histogram(case, other))
