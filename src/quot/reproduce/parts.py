"""Outcomes on disk, a file each: what was done is not done again.

A part is taken for an experiment if parameters, seed, data, code and versions of libraries are the
same.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import platform
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import quot
from quot.io.files import write_atomically
from quot.reproduce.experiment import Case, Experiment
from quot.reproduce.outcome import Claim, Outcome, Picture, Table, Verdict, plain_map
from quot.reproduce.registry import IS_EXPERIMENT

LIBRARIES = (
    "numpy", "scipy", "numba", "cvxpy", "clarabel", "scs", "scikit-learn", "matplotlib", "pillow",
)  # fmt: skip
_ROOT = Path(quot.__file__).parent
# What changes no outcome: the command line, the report, and experiments but for the one at hand.
_ASIDE = ("cli/", "reproduce/report/")


@dataclasses.dataclass(frozen=True)
class Part:
    """An experiment with its outcome.

    Parameters
    ----------
    experiment : Experiment
    parameters : mapping
    seed : int
    data : mapping
        What each set was: a digest of its files, or "stand-in".
    outcome : Outcome
    seconds : mapping
        By what they were spent on; "all" is the whole.
    """

    experiment: Experiment
    parameters: Mapping[str, Any]
    seed: int
    data: Mapping[str, str]
    outcome: Outcome
    seconds: Mapping[str, float]


def key(experiment: Experiment, case: Case) -> str:
    """Return what a part is known by: a digest of all that its outcome follows from."""
    facts = {
        "id": experiment.id,
        "parameters": plain_map(case.parameters),
        "seed": case.seed,
        "quick": case.is_quick,
        "data": fingerprints(experiment, case),
        "code": code_version(experiment.run.__module__),
        "versions": versions(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def fingerprints(experiment: Experiment, case: Case) -> dict[str, str]:
    """Return a digest of each data set of an experiment."""
    return {name: case.data.fingerprint(name) for name in experiment.needs}


@cache
def versions() -> dict[str, str]:
    """Return the versions of quot, of Python and of all that computes or draws."""
    return {
        "quot": quot.__version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in LIBRARIES},
    }


@cache
def code_version(module: str) -> str:
    """Return a digest of the sources that an experiment in `module` is made of."""
    own = Path(*module.split(".")[1:]).with_suffix(".py").as_posix()
    digest = hashlib.sha256()
    for path in sorted(_ROOT.rglob("*.py")):
        name = path.relative_to(_ROOT).as_posix()
        is_other = name.startswith("reproduce/") and IS_EXPERIMENT.fullmatch(path.stem)
        if name.startswith(_ASIDE) or (is_other and name != own):
            continue
        digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def write(part: Part, path: Path) -> None:
    """Write a part, whole or not at all."""
    outcome = dataclasses.asdict(part.outcome)
    for picture in outcome["pictures"]:
        picture["data"] = base64.b64encode(picture["data"]).decode()
    facts = {"outcome": outcome, "seconds": dict(part.seconds)}
    with write_atomically(path) as stream:
        stream.write(json.dumps(facts, sort_keys=True).encode())


def read(path: Path, experiment: Experiment, case: Case) -> Part | None:
    """Read the part of an experiment, None if there is none that is whole."""
    try:
        facts = json.loads(path.read_bytes())
        kept = facts["outcome"]
        outcome = Outcome(
            claims=tuple(Claim(**{**c, "verdict": Verdict(c["verdict"])}) for c in kept["claims"]),
            pictures=tuple(
                Picture(**{**p, "data": base64.b64decode(p["data"])}) for p in kept["pictures"]
            ),
            tables=tuple(Table(**t) for t in kept["tables"]),
            know=tuple(kept["know"]),
        )
        seconds = {str(name): float(value) for name, value in facts["seconds"].items()}
    except (OSError, ValueError, KeyError, TypeError, AssertionError):
        return None
    return part_of(experiment, case, outcome, seconds)


def part_of(
    experiment: Experiment, case: Case, outcome: Outcome, seconds: Mapping[str, float]
) -> Part:
    """Return an outcome with what it follows from."""
    return Part(
        experiment,
        plain_map(case.parameters),
        case.seed,
        fingerprints(experiment, case),
        outcome,
        seconds,
    )
