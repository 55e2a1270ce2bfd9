"""The rows: what is measured against what, and what we aim at."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.cases import (
    AdaptiveCase,
    AdaptivePointsCase,
    Case,
    EntropicCase,
    GraphCase,
    ImageCase,
    Instance,
)
from benchmarks.rows import adaptive
from benchmarks.rows.affinities import affinities
from benchmarks.rows.anatomy import s0c
from benchmarks.rows.batches import s0b
from benchmarks.rows.brute import bf
from benchmarks.rows.clouds import clouds
from benchmarks.rows.duels import OURS, duels_of, s1, s2, s3, s8
from benchmarks.rows.entropic import balanced, large, partial, robust
from benchmarks.rows.first import s9
from benchmarks.rows.graphs import football, linear, million, program, units
from benchmarks.rows.histograms import s10
from benchmarks.rows.images import images
from benchmarks.rows.lines import Line, Options
from benchmarks.rows.methods import passes
from benchmarks.rows.paths import p
from benchmarks.rows.scale import s4, s5, s6, s7
from benchmarks.rows.small import s0, s0d
from benchmarks.rows.strengths import gaussian, spiral

__all__ = ["OURS", "ROWS", "Line", "Options", "Row", "warming"]


class Row(NamedTuple):
    """A title, what to run, and what to say about the data where it is not that of all rows."""

    title: str
    run: Callable[[Options, Callable[[str], None]], list[Line]]
    about: str = ""


POINTS = """\
Points as they are, no matrix: X ~ N(0, I_d), Y ~ 0.7 N(0, I_d) + 1, both scaled by one number that
makes 1 the largest squared distance between their bounding boxes; masses 1/n. reg is given in units
of the squared distance before scaling."""

HALVES = """\
Along the edges of a graph: n uniform points in the unit square, each joined to its 12 nearest; mass
1 spread evenly over the left half moves to the right half. The objective is Σ l |w| + reg/2 w² over
the edges, l their lengths."""

ENTROPIC = """\
The data of this page, but the objective is ⟨C, P⟩ + eps Σ P (log P - 1), and every solver has one
thread."""

RESIDUAL = """\
*L1 residual* is computed by the same code for everybody, from the plan as the solver returned it:
what rows, columns and the total have too much or too little, over all mass, plus the relative gap
between the value after repair and the bound of our potentials f, g. What a row may keep in a
partial problem is no fault: it counts with |min(-f a/eps, a - P 1)|, columns alike. A peer that
fails or is above 1e-4 has no ratio."""

ADAPTIVE = """\
X ~ N(0, I_2), Y ~ 0.7 N(0, I_2) + 1, cost the squared distance over its maximum. ⟨C, P⟩ is
minimised over plans in which each point of the source, or of the target, has the perplexity given,
at least. Every solver has one thread."""

LBFGSB = """\
Masses are 1/n. No package solves this problem; the peer is SciPy's general optimiser on the dual,
in all prices and multipliers at once, begun anew where its line search fails. It has up to 100
times our seconds, or as many as there are for one solver. *residual* has in it by which part a
perplexity is missed; *relative gap* is that of its plan, once repaired, over the bound of its own
multipliers."""

TURNS = """\
All solvers of a problem share one process, with two threads at most, and are called in turns, once
and then for a second or more each. *seconds* is the shortest of the *runs*, *ratio* that of two
shortest ones; *first call* may compile."""

ROWS: dict[str, Row] = {
    "S0": Row(
        "One call on a small problem",
        s0,
        f"{TURNS} *least ms* is the shortest run once more.",
    ),
    "S0b": Row(
        "Many small problems in one call",
        s0b,
        f"{TURNS}\nEach problem is one of two clouds as above, drawn from a seed of its own. "
        "*ms each* is a problem's\nshare, and *ratio* is of these: regot solves the first few "
        "problems only (*instances*). Residual and\ngap are those of the worst answer, each "
        "judged by `quot.certify`.",
    ),
    "S0c": Row(
        "Where the time of one call goes",
        s0c,
        f"{TURNS}\n*call*, and its parts, are microseconds. The parts are those of the shortest "
        "of as many calls with a\nclock at the doors of each, which takes some microseconds "
        "itself: *validation* of the input;\n*linear*, the problem without its quadratic term; "
        "*way up* from there;\n*repair*, to exact marginals; *certificate*; *result*, to the "
        "object returned; and the *rest*.",
    ),
    "S0d": Row(
        "One call on a small problem that is not plain",
        s0d,
        f"{TURNS}\n*integer costs*: 0 to 9, masses 1/n. *distances of bins*: of a line, masses of "
        "two Gaussians. Of these\nmany plans are the cheapest; ours is the one of smallest norm, "
        "the peer's a vertex. *without mass*:\ntwo clouds as above, masses random, three in ten of "
        "them 0.",
    ),
    "S1": Row("Partial, quadratic, against an interior point", duels_of(s1)),
    "S2": Row("Balanced, quadratic, n = 1000", duels_of(s2)),
    "S3": Row("Balanced, quadratic, n = 2000", duels_of(s3)),
    "S4": Row("A hundred thousand points a side", s4, POINTS),
    "S5": Row("A million points a side", s5, POINTS),
    "S6": Row(
        "Points in 250 dimensions",
        s6,
        "Points on a noisy spiral, two turns to radius 1 in a plane of R^250 under noise of length "
        "0.1 in\nall directions: with themselves (X = Y), and with a second draw. 56 s on 4 cores "
        "were published\nfor X = Y. And Gaussian points without any structure, reg at n and n/10 "
        "times their mean cost.",
    ),
    "S7": Row(
        "Growth with the number of points",
        s7,
        POINTS + "\n*slope* is that of log seconds over log n, fitted to this line and all above.",
    ),
    "S8": Row("Unregularised, partial and balanced, against the network simplex", duels_of(s8)),
    "S9": Row("First solve in a fresh process", s9),
    "S10": Row(
        "Histograms, against the network simplex",
        duels_of(s10),
        "Two histograms over the same bins, each with total 1; cost the distance of bins, or its "
        "square, over\nits maximum. *line*: Gaussians on n bins in a row, means 0.2 n and 0.6 n, "
        "deviations 0.05 n and 0.1 n;\n*shuffled*: the same, the bins of either side in an order "
        "of their own; *blobs*: two Gaussian blobs a\nside on a square of n pixels. Where reg is "
        "small the peer solves the problem of reg = 0, as a\nyardstick.",
    ),
    "P": Row(
        "Paths over reg and over the mass, against single solves",
        p,
        f"{TURNS}\nA path over ten values of reg from 1 to 0.001, evenly apart in their "
        "logarithms, or over twenty masses\nevenly apart up to all; over *breakpoints*, the same "
        "masses and all masses at which the price of a unit\nrises. *random*: costs uniform in "
        "[0, 1]. *ms each* is a result's share; *pivots* are of all results and of\nthe way "
        "through the breakpoints, *steps* of all results. Residual and gap are those of\nthe worst "
        "result, each judged by `quot.certify`. A prototype took 1 to 11 ms for a solve of\n"
        "n = 1000 from one nearby.",
    ),
    "IMG": Row(
        "Pictures, against the network simplex",
        images,
        "Grey levels of two pictures of scikit-image, camera and astronaut (their middle square, "
        "resized),\neach with total 1; cost the squared distance between pixels in the unit "
        "square. A peer needs the matrix\nof all pairs of pixels.",
    ),
    "CLOUDS": Row(
        "Clouds of other shapes",
        clouds,
        POINTS
        + "\nThe other shapes in place of N(0, I): 20 clusters of width 0.1, Student's t with 2 "
        "degrees of\nfreedom, points that each occur about ten times, and Gaussian on a line in "
        "the plane.",
    ),
    "BF": Row(
        "The bound of the certificate, by brute force",
        bf,
        POINTS
        + "\nA plain NumPy loop over all pairs, sharing no code with quot, computes the value of "
        "the dual from\nthe potentials returned; *difference* relates it to the lower bound of "
        "the certificate.",
    ),
    "E-A": Row(
        "Entropic, partial, against both ways of a peer",
        partial,
        f"{ENTROPIC}\n{RESIDUAL}\n*passes* are those over all pairs, in which exponentials are "
        "taken or a stored plan is read.",
    ),
    "E-B": Row(
        "Entropic, balanced, against the best of four",
        balanced,
        f"{ENTROPIC}\n{RESIDUAL}\nThe best peer is the fastest that has a ratio.",
    ),
    "E-C": Row(
        "Entropic, partial: passes of every method",
        passes,
        "The objective with an entropy, on two kinds of data: the clouds, and *palette*, shades of "
        "a dozen colours\nunder two lights in the unit cube with masses of a heavy tail; cost the "
        "squared distance over its\nmaximum. All methods are our own. *passes* is how often they "
        "pass over all pairs until rows, columns\nand the total miss 1e-6 in all, none where 6000 "
        "(20,000 of three blocks) do not do; *missing* is what is\nmissing then. tuned-sinkhorn "
        "ends where it finds that its temperature is worth no more. E1, E2 and\nE3 are different "
        "problems; *linear error* is ⟨C, P⟩ after repair less that of the best plan without\n"
        "entropy, 1 being the largest cost.",
    ),
    "E-D": Row(
        "Entropic: large matrices, and points without one",
        large,
        f"{ENTROPIC}\n*of C* is the peak of memory less what the process had before it made the "
        "data, over that of the\nmatrix, which is part of it. In space no matrix is made: one pass "
        "over all pairs computes costs,\nexponentials, and sums of rows and columns; beside it the "
        "exponentials alone, as many.",
    ),
    "E-E": Row(
        "Entropic: random problems that are meant to be hard",
        robust,
        "Up to 60 rows and columns; costs that are distances, that tie, or have both signs; "
        "temperatures of\n1e-9 to 1e3 of the largest cost; masses even, uneven, over 12 decades, "
        "or with zeros; parts of the\nsmaller total up to all of it. Every answer is judged again "
        "by `quot.certify`, from its entries. A\nwarning is an exception. Faulty seeds are told.",
    ),
    "O-A": Row(
        "Adaptive, quadratic, against a general optimiser",
        adaptive.quadratic,
        f"{ADAPTIVE}\n{LBFGSB}",
    ),
    "O-B": Row(
        "Adaptive, entropic, against a general optimiser",
        adaptive.entropic,
        f"{ADAPTIVE}\n{LBFGSB}",
    ),
    "O-C": Row(
        "Adaptive: many points",
        adaptive.points,
        "Two Gaussian clouds in the plane, equal masses, quadratic. Costs are computed from "
        "points, never as a\nmatrix. Each line is the first solve of a process with two threads; "
        "*peak GiB* is all of it.",
    ),
    "O-E": Row(
        "Adaptive: low perplexities, uneven masses",
        adaptive.low,
        f"{ADAPTIVE}\nMasses are those of a flat Dirichlet distribution.",
    ),
    "O-F": Row(
        "Affinities: perplexities of rows, and doubly stochastic",
        affinities,
        "Points in five dimensions, ten clusters of widths 1 to 3. Rows: squared distances to the "
        "91 nearest are\ngiven, and the strength is found at which each row has the perplexity. "
        "*off* is the most by which one\nmisses it, relative. Doubly stochastic: from points to "
        "the matrix; *problem gap* is that to a lower bound\non <C, P>, *neglected* the mean mass "
        "that pairs left out would have of a row, 0 where none is missing.\nEverybody has one "
        "thread. openTSNE and TorchDR are not among the peers: they were not installed.",
    ),
    "G-A": Row(
        "Graphs: the quadratic program of the source",
        program,
        HALVES
        + " *seconds* and *ratio* are of the whole call, in which cvxpy builds\nits model anew; "
        "*solver alone* is what the solver says it took, *its ratio* that over our whole call.\n"
        "*published* is what the source says its quadratic program took, in seconds.",
    ),
    "G-B": Row(
        "Graphs: the Football approximation",
        football,
        HALVES
        + " Football, three least squares, is our own\nimplementation: as printed, which need not "
        "bring the mass where it is wanted (*residual*), and\nmended, which does. *cost ratio* is "
        "its objective over the optimal one as its flow is, *after repair*\nonce that balances "
        "every node.",
    ),
    "G-C": Row(
        "Graphs: a million nodes",
        million,
        "Along the edges of a graph: a square grid with edges of length 1, and uniform points in a "
        "square of\narea n, each joined to its 8 nearest. Masses of source and target are uniform "
        "in [0, 1] at every\nnode, the target scaled to the total of the source. The objective "
        "is Σ l |w| + reg/2 w² over the\nedges, l their lengths. Each line is the first solve of a "
        "process.",
    ),
    "G-D": Row(
        "Graphs: unregularised, against minimum cost flow",
        linear,
        "Along the edges of a graph: a square grid with random lengths of 1 to 100, and uniform "
        "points in a\nsquare of area n, each joined to its 8 nearest, distances in hundredths. "
        "Masses are 0 to 9 units at\nevery node. These peers want integers, and are given two "
        "arcs an edge; the graph of networkx is built\noff the clock. *difference* relates the "
        "cost to ours; it must be 0 up to round-off.",
    ),
    "G-E": Row(
        "Graphs: few sources on a large grid",
        units,
        "Along the edges of a graph: a square grid with edges of length 1, 1 to 9 units of mass at "
        "each of 1000\nrandom nodes, to be moved to 1000 others. *difference* relates the cost of "
        "the peer to ours; it must be\n0 up to round-off.",
    ),
}
# Rows on matrices, pictures, graphs, in many dimensions; all others are on points in few.
_MATRICES, _PICTURES, _HIGH = {"S1", "S2", "S3", "S8", "S9", "S10", "P"}, {"IMG"}, {"S6"}
_GRAPHS = {"G-A", "G-B", "G-C", "G-D", "G-E"}
_SMALL = {"S0", "S0b", "S0c", "S0d"}
# Entropic ones that are timed; the pass over points warms itself up.
_ENTROPIC = {"E-A", "E-B", "E-D"}
_ADAPTIVE = {"O-A", "O-B", "O-C", "O-E"}
# These are not, or compile off the clock by themselves.
_UNTIMED = {"E-C", "E-E", "O-F"}


def warming(keys: list[str], *, quick: bool) -> list[Instance]:
    """Return what to solve off every clock so that the kernels of these rows are compiled."""
    wanted: list[Instance] = []
    if set(keys) & _MATRICES:
        n = 50 if quick else 1200
        wanted += [Case(n, reg, mass) for reg in (0.0, 0.01, 1.0) for mass in (None, 0.7)]
    if set(keys) & _SMALL:
        n = 20 if quick else 100
        wanted += [Case(n, reg, mass) for reg in (0.0, 0.01, 1.0) for mass in (None, 0.7)]
    if set(keys) & _PICTURES:
        side = 8 if quick else 64
        wanted += [ImageCase(side, reg, mass) for reg in (0.0, 1.0) for mass in (None, 0.8)]
    if set(keys) & _HIGH:
        n = 60 if quick else 3000
        wanted += [spiral(n, 20 if quick else 250, same=same) for same in (True, False)]
    if set(keys) & _GRAPHS:
        # Large enough for all that only large graphs need.
        n, few = (100, 64) if quick else (22_500, 2_500)
        wanted += [GraphCase(n, reg, shape) for shape in ("grid", "points") for reg in (1.0, 0.01)]
        wanted += [GraphCase(few, 1.0, "halves"), GraphCase(few, 0.0, "integer grid")]
    if set(keys) & _ENTROPIC:
        n = 50 if quick else 1000
        for eps in (1e-2, 1e-4):
            wanted += [EntropicCase(n, eps, mass) for mass in (None, 0.5)]
    if set(keys) & _ADAPTIVE:
        n = 30 if quick else 100
        for name in ("quadratic", "entropic"):
            wanted += [AdaptiveCase(n, n, 5.0, xi, name) for xi in (None, 8.0)]
    if "O-C" in keys:
        # Large enough for multigrid.
        n = 30 if quick else 12_000
        wanted += [AdaptivePointsCase(n, 2, 5.0, xi) for xi in (None, 8.0)]
    known = (_MATRICES, _SMALL, _PICTURES, _HIGH, _GRAPHS, _ENTROPIC, _ADAPTIVE, _UNTIMED)
    if set(keys).difference(*known):
        # Large enough for all that only large clouds need.
        wanted += [gaussian(100 if quick else 20_000, d) for d in (2, 3)]
    return wanted
