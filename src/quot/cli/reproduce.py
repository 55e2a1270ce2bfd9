"""`quot reproduce`: run the figures and tables of four documents again, and make a report."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from quot import interrupts
from quot.cli.common import (
    CERTIFIED,
    Subparsers,
    add_json_argument,
    print_json,
    print_table,
)
from quot.cli.guarded import complain
from quot.compiling import is_quiet


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "reproduce",
        help="run the figures and tables of four documents again",
        description="What four documents on transport say, and what is so: every figure and table "
        "run again, with a verdict on each claim. Writes DIR/report.html, which needs no network, "
        "and every number as .csv. What was done is kept in DIR/parts: after an interrupt the same "
        "command goes on. Needs the extra `reproduce`.",
    )
    parser.add_argument(
        "ids", nargs="*", metavar="ID", help="experiments, as Q2 (default: all of them)"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR",
        help="folder with photos/, digits/, cifar10-test/ and meshes/; what is not there is "
        "replaced by a stand-in, and the report says so",
    )  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true", help="smaller sizes: minutes instead of an hour"
    )
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="(default: 0)")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="DIR", help="where to write it"
    )
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Run, write the report, say what came out; return the exit code."""
    with interrupts.noted():  # an import is done or not
        from quot.reproduce.data import SETS, Data
        from quot.reproduce.outcome import Verdict
        from quot.reproduce.registry import chosen
        from quot.reproduce.report.files import write_files
        from quot.reproduce.report.page import write_page
        from quot.reproduce.runner import check_data, check_folder, run_all

        wanted = chosen(args.ids)
    check_data(args.data)
    check_folder(args.output)
    data = Data(args.data)
    is_silent = args.json or is_quiet()
    missing = {
        name: ids
        for name in SETS
        if data.paths(name) is None and (ids := [e.id for e in wanted if name in e.needs])
    }
    if args.data is not None and not is_silent:
        for name, ids in missing.items():
            complain(
                f"`{args.data}` lacks {', '.join(data.missing(name))} for {', '.join(ids)}; in "
                f"their place: {SETS[name].stand_in}"
            )
    done = run_all(
        wanted,
        args.output,
        data=data,
        is_quick=args.quick,
        seed=args.seed,
        tell=(lambda text: None) if is_silent else complain,
    )
    report = args.output / "report.html"
    with interrupts.noted():
        write_files(done, args.output)
        write_page(done, report, is_quick=args.quick)
    if args.json:
        verdicts = {
            part.experiment.id: [str(claim.verdict) for claim in part.outcome.claims]
            for part in done
        }
        print_json({"report": str(report), "stand_ins": missing, "verdicts": verdicts})
        return CERTIFIED
    count = Counter(claim.verdict for part in done for claim in part.outcome.claims)
    print_table(
        [
            ("experiments", ", ".join(part.experiment.id for part in done)),
            *((str(verdict), f"{count[verdict]} claims") for verdict in Verdict),
            ("report", str(report)),
        ]
    )
    return CERTIFIED


def _seed(text: str) -> int:
    try:
        seed = int(text)
    except ValueError:
        seed = -1
    if seed < 0:
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more; got {text!r}")
    return seed
