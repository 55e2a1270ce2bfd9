"""``quot info``: versions, threads, the cache of compiled kernels, and the extras present."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

import quot
import quot.kernels
from quot.cli import common
from quot.parallel import thread_count

_LIBRARIES = ("numpy", "scipy", "numba")
# A requirement of an extra, as `rich>=13.7; extra == 'cli'`.
_REQUIREMENT = re.compile(r"([\w.-]+).*;.*\bextra == ['\"]([\w-]+)['\"]")


def add_parser(subparsers: common.Subparsers) -> None:
    """Add the verb."""
    parser = subparsers.add_parser(
        "info",
        help="versions, threads, compiled kernels, extras",
        description="Say what this quot consists of and what it would use.",
    )
    common.add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Print; return the exit code."""
    cache = kernel_cache()
    present = extras()
    facts: dict[str, Any] = {
        "quot": quot.__version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _LIBRARIES},
        "threads": thread_count(),
    }
    if args.json:
        common.print_json({**facts, "kernel_cache": cache, "extras": present})
        return common.CERTIFIED
    rows = [(name, str(value)) for name, value in facts.items()]
    rows.append(("kernel cache", f"{cache['directory']} ({cache['files']} kernel files)"))
    rows += [(f"extra {name}", _describe(name, packages)) for name, packages in present.items()]
    common.print_table(rows)
    return common.CERTIFIED


def kernel_cache() -> dict[str, Any]:
    """Return where Numba keeps the compiled kernels, and how many files of them there are."""
    for module in pkgutil.iter_modules(quot.kernels.__path__, "quot.kernels."):
        for kernel in vars(importlib.import_module(module.name)).values():
            directory = getattr(getattr(kernel, "stats", None), "cache_path", None)
            if directory:
                return {
                    "directory": directory,
                    "files": sum(1 for _ in Path(directory).glob("*.nbc")),
                }
    return {"directory": None, "files": 0}


def extras() -> dict[str, dict[str, str | None]]:
    """Return the packages of each extra with their versions; None for one that is missing."""
    found: dict[str, dict[str, str | None]] = {}
    for requirement in metadata.requires("quot") or []:
        match = _REQUIREMENT.match(requirement)
        if match and match[2] != "all":
            found.setdefault(match[2], {})[match[1]] = _version(match[1])
    return found


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _describe(extra: str, packages: dict[str, str | None]) -> str:
    missing = [name for name, version in packages.items() if version is None]
    if missing:
        return f'missing {", ".join(missing)}; pip install "quot[{extra}]"'
    return ", ".join(f"{name} {version}" for name, version in packages.items())
