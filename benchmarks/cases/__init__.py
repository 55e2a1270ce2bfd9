"""The instances: each is a few numbers, from which any process can rebuild it."""

from __future__ import annotations

from typing import Any

from benchmarks.cases.adaptive import AdaptiveCase, AdaptivePointsCase
from benchmarks.cases.affinities import AffinityCase
from benchmarks.cases.base import Instance
from benchmarks.cases.batch import BatchCase
from benchmarks.cases.dense import Case
from benchmarks.cases.entropic import EntropicCase, EntropicPointsCase
from benchmarks.cases.everyday import EverydayCase
from benchmarks.cases.graphs import GraphCase
from benchmarks.cases.histograms import HistogramCase
from benchmarks.cases.images import ImageCase
from benchmarks.cases.paths import PathCase
from benchmarks.cases.points import PointsCase
from benchmarks.cases.stress import StressCase

__all__ = [
    "AdaptiveCase",
    "AdaptivePointsCase",
    "AffinityCase",
    "BatchCase",
    "Case",
    "EntropicCase",
    "EntropicPointsCase",
    "EverydayCase",
    "GraphCase",
    "HistogramCase",
    "ImageCase",
    "Instance",
    "PathCase",
    "PointsCase",
    "StressCase",
    "rebuild",
]

KINDS: dict[str, type[Instance]] = {
    kind.kind: kind
    for kind in (
        Case,
        EverydayCase,
        BatchCase,
        PathCase,
        PointsCase,
        ImageCase,
        GraphCase,
        HistogramCase,
        EntropicCase,
        EntropicPointsCase,
        StressCase,
        AffinityCase,
        AdaptiveCase,
        AdaptivePointsCase,
    )
}


def rebuild(numbers: dict[str, Any]) -> Instance:
    """Return the instance that `as_dict` described."""
    fields = {name: value for name, value in numbers.items() if name != "kind"}
    return KINDS[numbers.get("kind", Case.kind)](**fields)
