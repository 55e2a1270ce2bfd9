"""A5: registration over the share that moves: which method is cheaper, and what goes wrong."""

from __future__ import annotations

import numpy as np

from quot.reproduce import drawing
from quot.reproduce.aspot.annealing import CHOICES, Clouds, Run, by_scaling, by_trace, register
from quot.reproduce.aspot.axes import logarithmic
from quot.reproduce.aspot.traces import WAYS, Way
from quot.reproduce.experiment import Case, Document, Experiment
from quot.reproduce.outcome import Claim, Outcome, Picture, Table, judged

ASPOT, SINKHORN, BLOCKS = "ASPOT", "Sinkhorn", "three blocks"
METHODS = {ASPOT: WAYS[ASPOT], SINKHORN: WAYS[SINKHORN], BLOCKS: Way("three-block", "E2")}
# Degrees off beyond which clouds are misaligned.
OFF = 5.0


def run(case: Case) -> Outcome:
    """Register at every share, by each method; and by exp(-C/eps) as it is, ever colder."""
    clouds = Clouds.of(case)
    runs: dict[tuple[str, float], Run] = {}
    for share in case["shares"]:
        for name, way in METHODS.items():
            with case.clock(f"{name}, share {share:g}"):
                runs[name, share] = register(case, clouds, by_trace(way, case), share)
    with case.clock("warmer"):
        warm = _warm(case, clouds)
    with case.clock("exp as it is"):
        lost = _lost(case, clouds)
    cheaper, blocks = (_cheaper(case, runs, name, SINKHORN) for name in (ASPOT, BLOCKS))
    return Outcome(
        claims=(*_claims_of_cost(case, runs), *_claims_of_faults(case, runs, warm, lost)),
        pictures=(_totals(case, runs), _on_the_way(case, runs)),
        tables=(
            Table(
                "shares",
                "Iterations and passes in all rounds, and the motion found",
                ["share", "plans by", "rounds", "iterations", "passes", "error", "degrees off"],
                [[share, name, len(found.rounds), found.steps, found.passes,
                  found.rounds[-1].error, found.rounds[-1].wrong]
                 for (name, share), found in runs.items()],
            ),
        ),
        know=(
            f"Where little mass moves ASPOT does take fewer passes than Sinkhorn (shares of "
            f"{_list(cheaper)}); that is its third block, not its momentum: three blocks without "
            f"momentum do so, too (at {_list(blocks)}).",
        )
        if cheaper and blocks
        else (),
    )  # fmt: skip


def _cheaper(case: Case, runs: dict[tuple[str, float], Run], one: str, other: str) -> list[float]:
    """Shares at which a method takes fewer passes than another."""
    return [s for s in case["shares"] if runs[one, s].passes < runs[other, s].passes]


def _claims_of_cost(case: Case, runs: dict[tuple[str, float], Run]) -> tuple[Claim, ...]:
    large, small = case["shares"][0], case["shares"][-1]
    steps = {key: found.steps for key, found in runs.items()}
    passes = {key: found.passes for key, found in runs.items()}
    cheaper, blocks = (_cheaper(case, runs, name, SINKHORN) for name in (ASPOT, BLOCKS))
    momentum = _cheaper(case, runs, ASPOT, BLOCKS)
    return (
        judged(
            "Where a large share moves Sinkhorn is cheaper",
            ours=f"at {large:g} {steps[SINKHORN, large]:,} iterations and "
            f"{passes[SINKHORN, large]:,.0f} passes with Sinkhorn, {steps[ASPOT, large]:,} and "
            f"{passes[ASPOT, large]:,.0f} with ASPOT",
            holds=passes[SINKHORN, large] < passes[ASPOT, large]
            and steps[SINKHORN, large] < steps[ASPOT, large],
            why="It is not.",
        ),
        judged(
            "Where a small share moves ASPOT is cheaper",
            ours=f"at {small:g} {steps[ASPOT, small]:,} iterations and "
            f"{passes[ASPOT, small]:,.0f} passes with ASPOT, {steps[SINKHORN, small]:,} and "
            f"{passes[SINKHORN, small]:,.0f} with Sinkhorn; in passes ASPOT is cheaper at "
            f"{_list(cheaper)}",
            holds=small in cheaper and steps[ASPOT, small] < steps[SINKHORN, small],
            remark="It is the third block that does it, not momentum: three blocks without "
            f"momentum are cheaper than Sinkhorn at {_list(blocks)}, too, and ASPOT is cheaper "
            f"than these at {_list(momentum)}. With dummies nearly all mass is theirs, and the "
            "total that moves comes right slowly; a block of its own makes it exact at once.",
            why="It is not.",
        ),
    )  # fmt: skip


def _claims_of_faults(
    case: Case, runs: dict[tuple[str, float], Run], warm: float, lost: list[float]
) -> tuple[Claim, ...]:
    """What goes wrong where little moves; warm and lost are of `_warm` and `_lost`."""
    small = case["shares"][-1]
    least = {name: runs[name, small].rounds[-1].wrong for name in METHODS}
    wrong = [s for s in case["shares"] if runs[ASPOT, s].rounds[-1].wrong > OFF]
    nan = [s for s in case["shares"] if runs[SINKHORN, s].is_lost]
    return (
        judged(
            "Where a very small share moves ASPOT misaligns the clouds",
            ours=f"degrees off at {small:g}, "
            + ", ".join(f"{name}: {value:.1f}" for name, value in least.items())
            + f"; ASPOT is off by more than {OFF:g} at {_list(wrong)}",
            holds=least[ASPOT] > OFF,
            remark=f"So do {sum(v > OFF for v in least.values())} of {len(least)} methods: a "
            "plan of a small share finds pairs that fit anywhere, whoever makes it. From a "
            f"first temperature of {case['warmer']:g} instead of {case['first']:g} of the "
            f"largest cost it is {warm:.2g} degrees off.",
            why="Here it finds the motion.",
        ),
        judged(
            "There Sinkhorn comes to NaN",
            ours=f"in logarithms at {len(nan)} of {len(case['shares'])} shares; with exp(-C/eps) "
            f"as it is at a share of {small:g} and temperatures of {_list(lost)} of the largest "
            f"cost (of {_list(case['colder'])})",
            holds=bool(nan),
            why="exp(-C/eps) is 0 in floats for all pairs once the cheapest costs 745 times "
            "the temperature, and then there is no plan: a matter of the temperature and of "
            "how it is written, not of the share or the method."
            if lost
            else "It does not at these temperatures.",
        ),
    )  # fmt: skip


def _warm(case: Case, clouds: Clouds) -> float:
    """Degrees off at the smallest share, from a higher temperature."""
    warmer = Case({**case.parameters, "first": case["warmer"]}, case.data, case.seed)
    plans = by_trace(METHODS[BLOCKS], warmer)
    return register(warmer, clouds, plans, case["shares"][-1]).rounds[-1].wrong


def _lost(case: Case, clouds: Clouds) -> list[float]:
    """Temperatures, held fixed, at which plans without logarithms are not numbers."""
    small = case["shares"][-1]
    found = []
    for eps in case["colder"]:
        cold = {"first": eps, "last": eps, "rounds": 3}
        colder = Case({**case.parameters, **cold}, case.data, case.seed)
        if register(colder, clouds, by_scaling(case), small).is_lost:
            found.append(eps)
    return found


def _list(found: list[float]) -> str:
    return ", ".join(f"{each:g}" for each in found) or "none"


def _totals(case: Case, runs: dict[tuple[str, float], Run]) -> Picture:
    figure, axes = drawing.panels(3, columns=3, width=3.7, height=3.4)
    for place, name in enumerate(METHODS):
        found = [runs[name, share] for share in case["shares"]]
        style = {
            "color": drawing.COLORS[place], "marker": drawing.MARKS[place],
            "linestyle": "--" if name == BLOCKS else "-", "label": name,
        }  # fmt: skip
        axes[0].plot(case["shares"], [each.steps for each in found], **style)
        axes[1].plot(case["shares"], [each.passes for each in found], **style)
        axes[2].plot(case["shares"], [each.rounds[-1].wrong for each in found], **style)
    axes[2].axhline(OFF, color=drawing.INK, linewidth=1.0, linestyle=":")
    for ax, what in zip(axes, ("iterations", "passes", "degrees off"), strict=True):
        logarithmic(ax)
        ax.set(xlabel="share of blue that moves", ylabel=what)
    axes[1].legend(loc="upper center")
    return drawing.picture(
        figure,
        "Figures 5 and 6, in all rounds",
        caption=f"Iterations, passes over all pairs, and how far the motion is off, over the share "
        f"that moves; misaligned is what is above the dotted line, {OFF:g} degrees.",
        alt="Sinkhorn needs fewest passes at large shares and ever more as the share falls; those "
        "of ASPOT and of three blocks fall. All methods are off at the same shares.",
    )


def _on_the_way(case: Case, runs: dict[tuple[str, float], Run]) -> Picture:
    shares = case["shares"]
    shown = [shares[0], shares[len(shares) // 2], shares[-1]]
    figure, axes = drawing.panels(3, columns=3, width=3.7, height=3.2, sharey=True)
    for ax, share in zip(axes, shown, strict=True):
        for place, name in enumerate(METHODS):
            rounds = runs[name, share].rounds
            ax.plot(
                np.arange(1, len(rounds) + 1), np.cumsum([each.steps for each in rounds]),
                label=name, color=drawing.COLORS[place],
                linestyle="--" if name == BLOCKS else "-",
            )  # fmt: skip
        ax.set(title=f"share {share:g}", xlabel="round")
        ax.xaxis.get_major_locator().set_params(integer=True)
    logarithmic(axes[0], "y")
    axes[0].set_ylabel("iterations so far")
    axes[0].legend(loc="lower right")
    return drawing.picture(
        figure,
        "Figures 5 and 6, round by round",
        caption=f"Iterations that have been made, as in the document; one of ASPOT has "
        f"{runs[ASPOT, shares[0]].passes / runs[ASPOT, shares[0]].steps:.1f} passes, one of the "
        "others one.",
        alt="Iterations so far over rounds at three shares: Sinkhorn is lowest at the large share, "
        "and highest at the small one.",
    )


EXPERIMENT = Experiment(
    id="A5",
    document=Document.ASPOT,
    title="Registration over the share",
    shows="Figures 5 and 6",
    setup="The registration of A3, from a lower first temperature, at shares of blue from nearly "
    "all to next to nothing; three blocks without momentum are looked at, too, and Sinkhorn's "
    "method without logarithms at ever lower temperatures.",
    run=run,
    full={
        "points": 400,
        "degrees": 60.0,
        "shares": (0.9, 0.7, 0.5, 0.3, 0.1, 0.03, 0.01),
        "first": 0.02,
        "warmer": 0.1,
        "rate": 0.9,
        "last": 1e-3,
        "rounds": 100,
        "still": 1e-3,
        "steps": 1000,
        "enough": 1e-3,
        "colder": (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8),
    },
    quick={"points": 120, "shares": (0.9, 0.3, 0.03), "rate": 0.8},
    lost=CHOICES,
    needs=("meshes",),
)
