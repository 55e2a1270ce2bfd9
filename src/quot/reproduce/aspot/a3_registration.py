"""A3: registration of two clouds, by plans of two methods."""

from __future__ import annotations

from typing import Any

from quot.reproduce import drawing
from quot.reproduce.aspot.annealing import CHOICES, Clouds, Run, by_trace, register
from quot.reproduce.aspot.axes import logarithmic
from quot.reproduce.aspot.traces import WAYS
from quot.reproduce.experiment import Case, Document, Experiment, Lost
from quot.reproduce.outcome import Claim, Outcome, Picture, Table, judged

ASPOT, SINKHORN = "ASPOT", "Sinkhorn"


def run(case: Case) -> Outcome:
    """Register by both methods, each at its share and at that of the other."""
    clouds = Clouds.of(case)
    runs: dict[tuple[str, float], Run] = {}
    for share in case["shares"]:
        for name in (ASPOT, SINKHORN):
            with case.clock(f"{name}, share {share:g}"):
                runs[name, share] = register(case, clouds, by_trace(WAYS[name], case), share)
    rows = [
        [name, share, len(found.rounds), found.steps, found.passes, found.rounds[-1].error,
         found.rounds[-1].wrong]
        for (name, share), found in runs.items()
    ]  # fmt: skip
    return Outcome(
        claims=_claims(case, runs),
        pictures=(_before_and_after(clouds, runs[ASPOT, case["shares"][0]]), _errors(case, runs)),
        tables=(
            Table(
                "registrations",
                "Rounds, iterations and passes in all, and the motion found",
                ["plans by", "share", "rounds", "iterations", "passes", "error", "degrees off"],
                rows,
            ),
            _table_of_rounds(runs),
        ),
    )


def _claims(case: Case, runs: dict[tuple[str, float], Run]) -> tuple[Claim, ...]:
    low, high = case["shares"]
    one, other, same = runs[ASPOT, low], runs[SINKHORN, high], runs[SINKHORN, low]
    worst = max(each.rounds[-1].wrong for each in runs.values())
    each = one.passes / one.steps
    fewer = one.steps < min(other.steps, same.steps)
    return (
        judged(
            "Registration with ASPOT takes fewer rounds than with Sinkhorn",
            number="41 against 43",
            ours=f"{len(one.rounds)} with ASPOT at a share of {low:g}, {len(other.rounds)} "
            f"with Sinkhorn at {high:g}, {len(same.rounds)} with Sinkhorn at {low:g}",
            holds=len(one.rounds) < len(other.rounds),
            remark="How many rounds there are is what the annealing says: it takes "
            f"{_rounds(case)} to the last temperature, whatever makes the plans.",
            why="How many rounds there are is what the annealing says: it takes "
            f"{_rounds(case)} to the last temperature, whatever makes the plans.",
        ),
        judged(
            "It takes fewer inner iterations",
            ours=f"{one.steps:,} in all with ASPOT at {low:g}; {other.steps:,} with Sinkhorn "
            f"at {high:g}, {same.steps:,} at {low:g}. In passes over all pairs "
            f"{one.passes:,.0f}, {other.passes:,.0f} and {same.passes:,.0f}",
            holds=fewer,
            remark=f"In iterations; one of ASPOT has {each:.1f} passes."
            if one.passes >= min(other.passes, same.passes)
            else "",
            why="Not at these shares: which method is cheaper depends on the share that moves, "
            f"see A5; and an iteration of ASPOT has {each:.1f} passes.",
        ),
        judged(
            "Both find the motion",
            ours=f"off by at most {worst:.2g} degrees of {case['degrees']:g}, at both shares",
            holds=worst < 2.0,
            remark="Plans of both are those of nearly one problem, and lead to one motion.",
            why="The last error is that of another motion.",
        ),
    )  # fmt: skip


def _rounds(case: Case) -> int:
    """Temperatures from the first to the last."""
    count, eps = 1, case["first"]
    while eps > case["last"]:
        count, eps = count + 1, max(case["last"], case["rate"] * eps)
    return count


def _table_of_rounds(runs: dict[tuple[str, float], Run]) -> Table:
    rows: list[list[Any]] = [
        [name, share, k + 1, *each]
        for (name, share), found in runs.items()
        for k, each in enumerate(found.rounds)
    ]
    columns = ["plans by", "share", "round", "temperature", "iterations", "passes", "error",
               "degrees off"]  # fmt: skip
    return Table("rounds", "Round by round", columns, rows, is_shown=False)


def _before_and_after(clouds: Clouds, found: Run) -> Picture:
    figure, axes = drawing.panels(2, width=4.2, height=4.0, sharex=True, sharey=True)
    shown = {"before": clouds.blue, "after, by ASPOT": found.motion.transform(clouds.blue)}
    for ax, (name, points) in zip(axes, shown.items(), strict=True):
        ax.scatter(*clouds.red[:, :2].T, s=16, color=drawing.COLORS[1], linewidths=0, alpha=0.55)
        ax.scatter(*points[:, :2].T, s=6, color=drawing.COLORS[0], linewidths=0)
        ax.set(aspect="equal", title=name, xticks=[], yticks=[])
    return drawing.picture(
        figure,
        "Figure 3, two clouds",
        caption="Seen along the third axis. Blue has half of the points of red, turned and "
        "shifted.",
        alt=f"Blue points askew over red ones; after registration they lie on red points, "
        f"{found.rounds[-1].wrong:.2g} degrees off.",
        is_dense=True,
    )


def _errors(case: Case, runs: dict[tuple[str, float], Run]) -> Picture:
    figure, axes = drawing.panels(2, width=4.6, height=3.5)
    for place, ((name, share), found) in enumerate(runs.items()):
        index = range(1, len(found.rounds) + 1)
        style = {
            "color": drawing.COLORS[[ASPOT, SINKHORN].index(name)],
            "linestyle": "-" if share == case["shares"][0] else "--",
            "label": f"{name}, share {share:g}",
            "linewidth": 2.6 - 0.4 * place,
        }
        axes[0].plot(index, [each.wrong for each in found.rounds], **style)
        total = 0
        sums = [total := total + each.passes for each in found.rounds]
        axes[1].plot(index, sums, **style)
    for ax, what in zip(axes, ("degrees off", "passes so far"), strict=True):
        ax.set(xlabel="round", ylabel=what)
        logarithmic(ax, "y")
    axes[0].legend(loc="upper right", fontsize=8)
    return drawing.picture(
        figure,
        "Rounds, by method and share",
        caption="Left how far the motion is from the truth, right passes over all pairs, round by "
        "round.",
        alt="The motion comes near the truth at the same rounds for both methods; the passes that "
        "were needed differ.",
    )


EXPERIMENT = Experiment(
    id="A3",
    document=Document.ASPOT,
    title="Registration",
    shows="Figure 3",
    setup="Two clouds in space, blue with half of the points of red, turned and shifted: a plan of "
    "a share of blue and the motion that is best for it take turns, at a temperature that falls "
    "from round to round.",
    run=run,
    full={
        "points": 800,
        "degrees": 60.0,
        "shares": (0.5, 0.9),
        "first": 0.1,
        "rate": 0.9,
        "last": 1e-3,
        "rounds": 100,
        "still": 1e-3,
        "steps": 1000,
        "enough": 1e-3,
    },
    quick={"points": 120, "rate": 0.8},
    lost=(Lost("shares s", "0.5 for ASPOT and 0.9 for Sinkhorn"), *CHOICES),
    needs=("meshes",),
)
