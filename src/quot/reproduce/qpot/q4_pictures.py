"""Q4: plans between two small pictures, as maps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from quot.reproduce import drawing
from quot.reproduce.experiment import Case, Document, Experiment, Lost
from quot.reproduce.outcome import Outcome, Picture, judged
from quot.reproduce.qpot.plans import KINDS, SOLVERS
from quot.reproduce.qpot.sweeps import EXACT, PUBLISHED, Floats, Problem, Sweep

SPARSE = 0.95


def run(case: Case) -> Outcome:
    """Solve between the pictures both ways."""
    pictures = [_masses(image, case["side"], case["smoothing"]) for image in _pair(case)]
    problem = Problem(_pixel_cost(case["side"]), *pictures)
    sweep = Sweep(case, problem)
    share, (first, second) = case["share"], case["eps"]
    sweep.solve([(first, share)]).solve([(second, share)], ways=(EXACT,))
    one, other = (sweep.at("QPOT", EXACT, eps, share).plan for eps in case["eps"])
    apart = float(np.abs(one - other).max() / one.max())
    quadratic, entropic = (sweep.at(kind, EXACT, first, share).sparsity for kind in KINDS)
    told = {kind: sweep.at(kind, PUBLISHED, first, share) for kind in KINDS}
    return Outcome(
        claims=(
            judged(
                "QPOT's plan is sparse",
                ours=f"sparsity {quadratic:.4f} exactly, {told['QPOT'].sparsity:.3f} from CLARABEL",
                holds=quadratic > SPARSE,
            ),
            judged(
                "EPOT's plan is dense",
                ours=f"sparsity {entropic:.4f} exactly; {told['EPOT'].sparsity:.3f} from SCS, "
                f"which misses rows, columns or mass by {told['EPOT'].violation:.1g}",
                holds=entropic < SPARSE,
                why="At this ε the exact entropic plan is as sparse as the quadratic one; the "
                "dense map is how far SCS got.",
            ),
            judged(
                "ε is 2e-7 in the text and 1e-7 in the caption",
                ours=f"the two QPOT plans differ by {apart:.1g} of the largest entry",
                holds=apart < 1e-4,
                remark="Both are so small that the plan is that of the linear problem: it does not "
                "matter which is meant.",
                why="Not the same plan.",
            ),
        ),
        pictures=(_maps(case, sweep, pictures),),
        tables=(sweep.table("sparsity", "Sparsity of each plan"),),
    )


def _pair(case: Case) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return case.data.small_pictures()


def _masses(image: NDArray[np.uint8], side: int, smoothing: float) -> Floats:
    """Return the grey values of a picture made smaller, as masses that sum to 1."""
    from PIL import Image

    small = Image.fromarray(image).convert("L").resize((side, side), Image.Resampling.BOX)
    grey = np.asarray(small, dtype=float).ravel()
    masses: Floats = grey / grey.sum() + smoothing
    masses /= masses.sum()
    return masses


def _pixel_cost(side: int) -> Floats:
    place = np.indices((side, side)).reshape(2, -1).T.astype(float)
    apart: Floats = ((place[:, None] - place) ** 2).sum(axis=2)
    apart /= apart.max()
    return apart


def _maps(case: Case, sweep: Sweep, pictures: list[Floats]) -> Picture:
    figure, axes = drawing.panels(6, columns=3, width=3.2, height=3.2)
    side, eps, share = case["side"], case["eps"][0], case["share"]
    for ax, values, title in zip(axes[:2], pictures, ("source", "target"), strict=True):
        ax.imshow(values.reshape(side, side), cmap="gray")
        ax.set_title(title)
    plans = [
        (f"{kind}, {way}" + (f" ({SOLVERS[kind]})" if way == PUBLISHED else ""), kind, way)
        for way in (EXACT, PUBLISHED)
        for kind in KINDS
    ]
    for ax, (title, kind, way) in zip(axes[2:], plans, strict=True):
        solved = sweep.at(kind, way, eps, share)
        ax.imshow(np.log10(np.maximum(solved.plan, 1e-12)), vmin=-12, vmax=-2)
        ax.set_title(f"{title}: {solved.sparsity:.3f}")
    for ax in axes:
        ax.set(xticks=[], yticks=[])
        ax.grid(visible=False)
    return drawing.picture(
        figure,
        "Figure 4, two pictures and the plans between them",
        caption="Rows are pixels of the source, columns those of the target; the colour is the "
        "logarithm of an entry, from 1e-12 (black) to 1e-2. Numbers are sparsities.",
        alt="Two small grey pictures and four maps of plans: both exact ones are black but for a "
        "thin pattern; those of the solvers have noise.",
        is_dense=True,
    )


EXPERIMENT = Experiment(
    id="Q4",
    document=Document.QPOT,
    title="Two pictures of CIFAR-10",
    shows="Figure 4",
    setup="Two pictures, grey, made smaller to 10 x 10 pixels; the brightness of a pixel is its "
    "mass, and the cost the squared distance of two pixels over the largest.",
    run=run,
    full={
        "side": 10,
        "smoothing": 1e-6,
        "eps": (1e-7, 2e-7),
        "share": 0.7,
        "tolerances": (1e-8, 1e-4),
        "steps": 2000,
    },
    quick={"side": 8, "steps": 1000},
    lost=(
        Lost("which two pictures", "the first ship and the first horse of the files at hand"),
        Lost("how they are made smaller", "means over boxes"),
        Lost("ε: about 2e-7 in the text, 1e-7 in the caption", "both"),
    ),
    needs=("cifar10",),
)
