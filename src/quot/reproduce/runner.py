"""Experiments one after another; what is done is kept, and not done again."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

from quot import interrupts
from quot.exceptions import InvalidProblemError
from quot.optional import need
from quot.reproduce import parts
from quot.reproduce.data import Data
from quot.reproduce.drawing import style
from quot.reproduce.experiment import Case, Experiment
from quot.reproduce.parts import Part


def run_all(
    experiments: Sequence[Experiment],
    folder: Path,
    *,
    data: Data,
    is_quick: bool = False,
    seed: int = 0,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Part]:
    """Run experiments, or take what an earlier run has left in ``folder/parts``.

    An interrupt ends with KeyboardInterrupt; what was done until then is there.

    Parameters
    ----------
    experiments : sequence of Experiment
    folder : path
    data : Data
    is_quick : bool, default=False
    seed : int, default=0
    tell : callable, optional
        Called with a line on every experiment.

    Returns
    -------
    list of Part
    """
    where = folder / "parts"
    where.mkdir(parents=True, exist_ok=True)
    todo = []
    for experiment in experiments:  # what is run is what is there now, whatever is edited later
        case = Case(experiment.parameters(is_quick=is_quick), data, seed, is_quick)
        name = f"{experiment.id}-{parts.key(experiment, case)}.json"
        todo.append((experiment, case, where / name))
    done = []
    for experiment, case, path in todo:
        part = parts.read(path, experiment, case)
        if part is None:
            with interrupts.noted():
                part = _run(experiment, case)
            parts.write(part, path)
            tell(f"{experiment.id}: {part.seconds['all']:.1f} s")
        else:
            tell(f"{experiment.id}: was done")
        done.append(part)
    return done


def _run(experiment: Experiment, case: Case) -> Part:
    start = time.perf_counter()
    # Sums of one order, whatever the number of cores; quot's own are so anyway.
    limits = need("threadpoolctl", "reproductions", "reproduce", "scikit-learn").threadpool_limits
    with style(), limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of solvers that stop early: claims are about that
        outcome = experiment.run(case)
    seconds = {**case.seconds, "all": time.perf_counter() - start}
    return parts.part_of(experiment, case, outcome, seconds)


def check_folder(folder: Path) -> None:
    """Raise early, before any work, if nothing can be written there."""
    if folder.exists() and not folder.is_dir():
        raise InvalidProblemError(f"`{folder}` is a file; name a directory for the report.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidProblemError(
            f"`{folder}` cannot be made ({error.strerror}); choose another place."
        ) from error


def check_data(folder: Path | None) -> None:
    """Raise early if the folder of data is not there."""
    if folder is not None and not folder.is_dir():
        raise InvalidProblemError(
            f"`{folder}` is no directory; name the one that has photos/, digits/, cifar10-test/ "
            "and meshes/, or leave `--data` out and stand-ins are used."
        )
