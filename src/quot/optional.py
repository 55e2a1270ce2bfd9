"""Packages that come with an extra: imported where they are used, or one sentence on what to do."""

from __future__ import annotations

import importlib
from typing import Any

from quot.exceptions import MissingDependencyError


def need(module: str, user: str, extra: str, package: str | None = None) -> Any:
    """Import a module of an optional package.

    Parameters
    ----------
    module : str
    user : str
        What needs it, several of them: "pictures".
    extra : str
        The extra that it comes with.
    package : str, optional
        What the package is called; by default as the module.

    Returns
    -------
    module

    Raises
    ------
    MissingDependencyError
        If it is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        name = package or module.partition(".")[0]
        how = "is not installed"
        if not isinstance(error, ModuleNotFoundError):
            how = f"cannot be imported ({error})"
        raise MissingDependencyError(
            f"`{name}` {how}, and {user} need it (extra `{extra}`); install it with "
            f"`pip install 'quot[{extra}]'`."
        ) from error
