"""`quot register`: lay one cloud of points upon another."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from quot.certificate import Certificate
from quot.cli.common import (
    CERTIFIED,
    EXIT_CODES,
    NOT_CERTIFIED,
    Subparsers,
    add_json_argument,
    certificate_facts,
    print_json,
    print_table,
    progress,
    say_read,
)
from quot.io.cells import number
from quot.io.files import check_apart, check_writable


def add_parser(subparsers: Subparsers) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "register",
        help="lay one cloud of points upon another",
        description="Rigid registration, or with --scale by a similarity, of clouds of which each "
        "may be a part of the other only; no first guess is needed. Writes the moved cloud, the "
        "motion, and a picture of before, of what belongs together, and of after.",
        epilog="Clouds are .ply (extra `meshes`), .obj, .xyz (text, a point a line) or .npy; of a "
        f"mesh the vertices count. Files of more than 1 GiB are not read. {EXIT_CODES}",
    )
    parser.add_argument("source", metavar="SOURCE", help="cloud to move")
    parser.add_argument("target", metavar="TARGET", help="cloud to lay it upon")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="where to write the moved cloud"
    )
    parser.add_argument(
        "--motion", metavar="FILE",
        help="where to write the motion: a matrix as .txt or .npy, or .json (OUT with -motion.txt)",
    )  # fmt: skip
    parser.add_argument(
        "--picture", metavar="FILE", help="where to draw it (default: OUT with -picture.png)"
    )
    parser.add_argument("--scale", action="store_true", help="let the size change, too")
    parser.add_argument(
        "--mass-fraction", type=number, metavar="S",
        help="share of the smaller cloud that the plan moves (default: 0.9 of what lies near)",
    )  # fmt: skip
    parser.add_argument(
        "--regularizer", choices=("quadratic", "entropic"), default="quadratic",
        help="what smooths the plan (quadratic)",
    )  # fmt: skip
    parser.add_argument("--starts", type=int, default=60, help="rotations to start from (60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of what is drawn (0)")
    add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Register, write cloud, motion and picture, print the numbers."""
    from quot.applications.clouds import (
        MOTION_SUFFIXES,
        check_cloud_path,
        read_cloud,
        write_cloud,
        write_motion,
    )
    from quot.applications.images import FORMATS
    from quot.applications.registration import register
    from quot.plot.canvas import need_matplotlib
    from quot.plot.clouds import save_registration

    output = Path(args.output)
    motion = Path(args.motion or output.with_name(f"{output.stem}-motion.txt"))
    picture = Path(args.picture or output.with_name(f"{output.stem}-picture.png"))
    check_cloud_path(output)
    check_writable(motion, MOTION_SUFFIXES)
    check_writable(picture, tuple(FORMATS))
    written = [("-o", output), ("--motion", motion), ("--picture", picture)]
    check_apart(written, [("SOURCE", args.source), ("TARGET", args.target)])
    need_matplotlib()
    X, Y = read_cloud(args.source), read_cloud(args.target)
    read = f"{len(X):,} points in {X.shape[1]}-D to move, and {len(Y):,} in {Y.shape[1]}-D"
    say_read(args, read)
    with progress("register") as callback:
        found = register(
            X,
            Y,
            scale=args.scale,
            mass_fraction=args.mass_fraction,
            regularizer=args.regularizer,
            n_starts=args.starts,
            random_state=args.seed,
            callback=callback,
        )
    write_cloud(found.moved, output)
    write_motion(found.motion, motion)
    save_registration(found, picture)
    facts, certificate = found.summary(), found.result.certificate
    if args.json:
        files = {"output": str(output), "motion": str(motion), "picture": str(picture)}
        certified = certificate_facts(certificate)
        print_json({"read": read, **facts, "matrix": found.matrix, **files, **certified})
    else:
        files = {"moved cloud": str(output), "motion": str(motion), "picture": str(picture)}
        print_table([*_rows(facts, found.translation.tolist(), certificate), *files.items()])
    return CERTIFIED if found.converged else NOT_CERTIFIED


def _rows(
    facts: dict[str, Any], shift: list[float], certificate: Certificate
) -> list[tuple[str, str]]:
    """What there is to say about a registration, for a table."""
    rival = facts["rival"]
    others = f"fits {100 * rival:.0f} % as well" if rival else "fits less than a third as well"
    return [
        ("turn", f"{facts['angle']:.6g} degrees"),
        ("shift", ", ".join(f"{x:.6g}" for x in shift)),
        ("scale", f"{facts['scale']:.8g}"),
        ("overlap", f"{100 * facts['overlap']:.3g} % of the smaller cloud"),
        ("error", f"{facts['error']:.4g}, root of the mean square"),
        ("misfit", f"{facts['misfit']:.3g}; about 1 where both are one surface"),
        ("plan", f"{facts['nnz']} pairs carry mass"),
        ("next best", others),
        ("gap", f"{certificate.relative_gap:.1e} (relative)"),
        ("status", facts["status"]),
        ("seconds", f"{facts['seconds']:.3g}"),
    ]
