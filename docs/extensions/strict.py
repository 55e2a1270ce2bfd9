"""Scripts of the gallery run as tests do: what warns fails."""

import contextlib
import warnings
from typing import Any

AS_BEFORE = contextlib.ExitStack()


def warnings_are_errors(gallery: Any, script: str | None, when: str) -> None:
    """Called by sphinx-gallery before and after each script."""
    AS_BEFORE.close()
    if script is not None and when == "before":
        AS_BEFORE.enter_context(warnings.catch_warnings())
        warnings.simplefilter("error")
