"""`quot recolor`: give a photograph the colours of another."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quot.applications.spaces import SPACES
from quot.cli.common import (
    CERTIFIED,
    EXIT_CODES,
    NOT_CERTIFIED,
    Subparsers,
    add_json_argument,
    certificate_facts,
    hushed,
    in_brackets,
    print_json,
    print_table,
    progress,
    say_read,
)
from quot.io.cells import number
from quot.io.files import check_apart


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "recolor",
        help="give a photograph the colours of another",
        description="Colour transfer by sparse partial transport between palettes. Writes the "
        "photograph at full size, and a picture of what went where. How many pixels move is read "
        "off what one more costs, and said.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("source", metavar="SOURCE", help="photograph to recolour")
    parser.add_argument("reference", metavar="REFERENCE", help="photograph to take colours from")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="where to write it")
    parser.add_argument(
        "--mass", type=number, metavar="M",
        help="share of the pixels that move, 0 .. 1 (default: the knee of what moving one more "
        "costs, from half of them on)",
    )  # fmt: skip
    parser.add_argument("--reg", type=number, help="strength of the quadratic term (default: fits)")
    size = parser.add_mutually_exclusive_group()
    size.add_argument(
        "--colors", type=int, default=256, metavar="K", help="size of the palettes (default: 256)"
    )
    size.add_argument(
        "--full", action="store_true",
        help="no palettes: match all colours; 256 x 256 pixels take a quarter of a minute or more",
    )  # fmt: skip
    parser.add_argument(
        "--space", choices=SPACES, default="lab",
        help="where colours are compared: lab (CIELAB, close to what the eye sees), rgb, or "
        "chromaticity, in which brightness stays as it was (default: lab)",
    )  # fmt: skip
    parser.add_argument(
        "--smooth", type=int, default=16, metavar="N",
        help="pixels over which flat parts are averaged, up to their edges, before a colour is "
        "looked up; 0: every pixel by its own colour (default: 16)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="seed of the palettes (default: 0)")
    parser.add_argument(
        "--picture", metavar="FILE", help="where to draw the plan (default: OUT with -plan.png)"
    )
    add_json_argument(parser)


def read_photograph(path: str) -> NDArray[np.uint8]:
    """Read a picture; what is wrong with it is said once."""
    from quot.applications.images import read_image

    with hushed():
        return read_image(path)


def run(args: argparse.Namespace) -> int:
    """Recolour, write both pictures, print the numbers."""
    from quot.applications.color import recolor
    from quot.applications.images import check_image_path, write_image
    from quot.applications.picture import draw_recoloring

    output = Path(args.output)
    picture = Path(args.picture) if args.picture else output.with_name(f"{output.stem}-plan.png")
    check_image_path(output)
    check_image_path(picture)
    photographs = [("SOURCE", args.source), ("REFERENCE", args.reference)]
    check_apart([("-o", output), ("--picture", picture)], photographs)
    source, reference = read_photograph(args.source), read_photograph(args.reference)
    check_image_path(output, source)
    sizes = [_size(source, args.source), _size(reference, args.reference)]
    read = f"a photograph of {sizes[0]} and one of {sizes[1]}"
    say_read(args, read)
    with progress("recolor") as callback:
        outcome = recolor(
            source,
            reference,
            mass=args.mass,
            reg=args.reg,
            colors=None if args.full else args.colors,
            space=args.space,
            smooth=args.smooth,
            random_state=args.seed,
            callback=callback,
        )
    write_image(outcome.image, output)
    draw_recoloring(outcome, picture)
    facts = outcome.summary()
    if args.json:
        files = {"output": str(output), "picture": str(picture)}
        print_json(
            {"read": read, **facts, **files, **certificate_facts(outcome.result.certificate)}
        )
    else:
        print_table(
            [
                ("palettes", f"{facts['source_colors']} x {facts['reference_colors']} colours"),
                ("plan", f"{facts['nnz']} pairs carry mass, {100 * facts['sparsity']:.2f} % zeros"),
                ("mass", f"{facts['mass']:.6g}{_origin(facts['knee'])}"),
                ("gap", f"{facts['relative_gap']:.1e} (relative)"),
                ("status", facts["status"]),
                ("seconds", f"{facts['solve_seconds']:.3g} for the plan"),
                ("photograph", str(output)),
                ("picture", str(picture)),
            ]
        )
    return CERTIFIED if outcome.result.converged else NOT_CERTIFIED


def _size(photograph: NDArray[np.uint8], path: str) -> str:
    from quot.applications.images import count_pictures

    height, width = photograph.shape[:2]
    with hushed():
        count = count_pictures(path)
    note = in_brackets(f"the first of {count} pictures" if count > 1 else "")
    return f"{width} x {height} pixels{note}"


def _origin(knee: float | None) -> str:
    return "" if knee is None else ", the knee of the price; --mass sets another"
