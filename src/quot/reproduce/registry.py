"""All experiments: a file each, found by its name."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Sequence

from quot import reproduce
from quot.exceptions import InvalidProblemError
from quot.optional import need
from quot.reproduce.experiment import Document, Experiment

# What experiments and the report import, and what it is called where that differs.
PACKAGES = {
    "clarabel": None,
    "cvxpy": None,
    "h5py": None,
    "jinja2": None,
    "matplotlib": None,
    "PIL": "pillow",
    "scs": None,
    "sklearn": "scikit-learn",
}
# The file of an experiment is named after its id.
IS_EXPERIMENT = re.compile(r"[a-z]\w_\w+")


def experiments() -> dict[str, Experiment]:
    """Return all experiments by id, in the order of the documents.

    Raises
    ------
    MissingDependencyError
        If a package of the extra `reproduce` is not installed.
    """
    for module, package in PACKAGES.items():
        need(module, "reproductions", "reproduce", package)
    names = [
        info.name
        for info in pkgutil.walk_packages(reproduce.__path__, f"{reproduce.__name__}.")
        if IS_EXPERIMENT.fullmatch(info.name.rpartition(".")[2])
    ]
    found: list[Experiment] = [importlib.import_module(name).EXPERIMENT for name in names]
    order = list(Document)
    found.sort(key=lambda e: (order.index(e.document), e.id))
    return {experiment.id: experiment for experiment in found}


def chosen(ids: Sequence[str]) -> list[Experiment]:
    """Return the experiments with these ids, or all if there are none, in our order.

    Raises
    ------
    InvalidProblemError
        If an id is unknown.
    """
    known = experiments()
    by_name = {id.casefold(): id for id in known}
    wanted = []
    for id in ids:
        if id.casefold() not in by_name:
            raise InvalidProblemError(
                f"there is no experiment {id!r}; choose from {', '.join(known)}, or name none to "
                "run all."
            )
        wanted.append(by_name[id.casefold()])
    return [each for id, each in known.items() if not ids or id in wanted]
