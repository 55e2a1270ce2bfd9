"""Other things in the place of parts of quot, to look at it from outside while it works."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Change = Callable[[Callable[..., Any]], Callable[..., Any]]


@contextmanager
def replaced(changes: dict[str, Change]) -> Iterator[None]:
    """Put changed functions where "module:name" or "module:Class.name" says, while this lasts."""
    before = []
    try:
        for place, change in changes.items():
            module, _, path = place.partition(":")
            owner: Any = importlib.import_module(module)
            *classes, name = path.split(".")
            for part in classes:
                owner = getattr(owner, part)
            was = inspect.getattr_static(owner, name)
            is_of_class = isinstance(was, classmethod)
            before.append((owner, name, was))
            setattr(owner, name, classmethod(change(was.__func__)) if is_of_class else change(was))
        yield
    finally:
        for owner, name, was in reversed(before):
            setattr(owner, name, was)
