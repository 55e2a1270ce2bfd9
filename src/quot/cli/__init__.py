"""The command line: ``quot solve``, ``graph``, ``recolor`` and others, a file for each verb.

Exit codes: 0 certified, 1 not certified, 2 bad input, 130 interrupted, 143
terminated, 141 nobody reads the output.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from quot import interrupts
from quot.cli.guarded import guarded

__all__ = ["command", "main"]


def command() -> NoReturn:
    """Run the command line as all that the process does."""
    raise SystemExit(guarded(lambda: _run(sys.argv[1:]), is_last=True))


def main(argv: list[str] | None = None) -> int:
    """Run the command line and return the exit code; it raises nothing on bad input."""
    return guarded(lambda: _run(sys.argv[1:] if argv is None else argv))


def _run(argv: list[str]) -> int:
    with interrupts.noted():  # an import is done or not
        import quot
        from quot.cli import adapt, check, graph, info, recolor, register, reproduce, solve
        from quot.cli.common import EXIT_CODES, Parser

    parser = Parser(
        prog="quot",
        description="Sparse, partial optimal transport, with a certificate for every answer.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"quot {quot.__version__}")
    subparsers = parser.add_subparsers(title="verbs", dest="verb", metavar="VERB", required=True)
    verbs = {
        "solve": solve,
        "graph": graph,
        "check": check,
        "recolor": recolor,
        "register": register,
        "adapt": adapt,
        "reproduce": reproduce,
        "info": info,
    }
    for verb in verbs.values():
        verb.add_parser(subparsers)
    args = parser.parse_args(argv)
    code: int = verbs[args.verb].run(args)
    return code
