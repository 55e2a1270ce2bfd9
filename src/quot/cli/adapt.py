"""`quot adapt`: bring the labels of one set of samples to another."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.api import SIDES
from quot.cli import common
from quot.cli.transport import check_shared
from quot.costs import METRICS
from quot.io.cells import number
from quot.io.files import check_apart, check_writable
from quot.io.samples import LABEL_SUFFIXES, Samples, read_samples, write_labels
from quot.io.tables import check_table_path
from quot.perplexity import REGULARIZERS

_KNEE = "knee"


def add_parser(subparsers: common.Subparsers) -> None:
    """Add the verb to the command line."""
    parser = subparsers.add_parser(
        "adapt",
        help="bring the labels of one set of samples to another",
        description="Domain adaptation: an optimal plan between samples with labels and samples "
        "without gives each of these the label from which most of its mass comes. With --mass "
        "below 1 samples that receive nothing stay unlabelled. Files are .csv with a header or "
        ".parquet, every column a feature but that of labels, matched by name; or .npz with "
        "arrays X and y, or .npy.",
        epilog=common.EXIT_CODES,
    )
    parser.add_argument("source", metavar="SOURCE", help="samples with labels")
    parser.add_argument("target", metavar="TARGET", help="samples without")
    parser.add_argument(
        "-o", "--output", required=True, metavar="LABELS",
        help="write label and share there, .csv or .parquet; or all shares, .npz",
    )  # fmt: skip
    parser.add_argument(
        "--label", metavar="COL", help="column of labels (default: label or class), or array (y)"
    )
    parser.add_argument(
        "--mass", type=_mass, metavar="S", help="share of the samples that are matched, or knee: "
        "as much as is cheap (default: 1, all)",
    )  # fmt: skip
    parser.add_argument(
        "--reg", type=number, metavar="R", help="strength of the quadratic term (default: fits)"
    )
    parser.add_argument(
        "--eps", type=number, metavar="E", help="temperature: an entropy instead of the squares"
    )
    parser.add_argument(
        "--perplexity", type=number, metavar="K",
        help="how many others a sample shares its mass with at least, instead of a strength",
    )  # fmt: skip
    parser.add_argument(
        "--on", choices=SIDES, help="whose samples share, with --perplexity (default: target)"
    )
    parser.add_argument(
        "--regularizer", choices=REGULARIZERS,
        help="what perplexity is measured by, with --perplexity (default: quadratic)",
    )  # fmt: skip
    parser.add_argument(
        "--metric", choices=METRICS, default="sqeuclidean",
        help="cost between two samples (default: sqeuclidean)",
    )  # fmt: skip
    parser.add_argument("--tol", type=number, metavar="T", help="relative tolerance")
    common.add_json_argument(parser)


def run(args: argparse.Namespace) -> int:
    """Read, bring the labels over, write, print; return the exit code."""
    from quot.estimators import TransportLabelPropagation

    files = [("SOURCE", args.source), ("TARGET", args.target)]
    check_writable(args.output, LABEL_SUFFIXES)
    if not str(args.output).lower().endswith(".npz"):
        check_table_path(args.output)
    check_apart([("-o", args.output)], files)
    check_shared(args)
    source = read_samples(args.source, args.label, has_labels=True)
    target = read_samples(args.target, source.label, has_labels=False)
    features = target.ordered_as(source)
    assert source.labels is not None
    read = f"source of {_said(source)}, target of {_said(target)}"
    common.say_read(args, read)
    regularizer = "entropic" if args.eps is not None else "quadratic"
    model = TransportLabelPropagation(
        regularizer=args.regularizer or regularizer,
        reg=args.reg,
        eps=args.eps,
        perplexity=args.perplexity,
        on=args.on or "target",
        mass=args.mass,
        metric=args.metric,
        tol=args.tol,
        unlabelled=_unlabelled(source.labels),
    )
    model.fit_domains(source.X, features, source.labels)
    write_labels(model.transduction_, model.label_distributions_, model.classes_, args.output)
    facts = _facts(model, source, target)
    certificate = model.result_.certificate
    if args.json:
        said = {"read": read, **facts, **common.certificate_facts(certificate)}
        common.print_json({**said, "output": args.output})
    else:
        counts = ", ".join(f"{name}: {count:,}" for name, count in facts["labelled"].items())
        common.print_table(
            [
                ("target", f"{facts['target_samples']:,} samples"),
                ("labelled", counts or "none"),
                ("unlabelled", f"{facts['unlabelled']:,}"),
                ("mass moved", f"{facts['mass_moved']:.6g}"),
                *([("reg", f"{facts['reg']:.6g}")] if facts["reg"] is not None else []),
                *common.certificate_rows(certificate),
                ("status", f"{facts['status']}, {model.result_.status.advice}"),
                ("seconds", f"{facts['seconds']:.3g}"),
                ("labels", args.output),
            ]
        )
    return common.CERTIFIED if model.result_.converged else common.NOT_CERTIFIED


def _mass(text: str) -> float | str:
    try:
        return _KNEE if text == _KNEE else number(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a number S, or knee; got {text!r}") from error


def _said(samples: Samples) -> str:
    n, d = samples.X.shape
    size = f"{n:,} samples of {d} feature{'s' * (d != 1)}"
    return size + common.in_brackets(samples.note)


def _unlabelled(labels: NDArray[Any]) -> int | str:
    """What stands for no label in an array: no class."""
    return "" if labels.dtype.kind == "U" else min(-1, int(labels.min()) - 1)


def _facts(model: Any, source: Samples, target: Samples) -> dict[str, Any]:
    """What there is to say, for JSON."""
    result, shares = model.result_, model.label_distributions_
    has_one = shares.any(axis=1)
    names, counts = np.unique(model.transduction_[has_one], return_counts=True)
    return {
        "source_samples": len(source.X),
        "target_samples": len(target.X),
        "features": source.X.shape[1],
        "labelled": dict(zip(names.tolist(), counts.tolist(), strict=True)),
        "unlabelled": int((~has_one).sum()),
        "mass_moved": result.plan.total,
        "reg": getattr(result.problem, "reg", None),
        "eps": getattr(result.problem, "eps", None),
        "perplexity": model.perplexity,
        "status": result.status.name,
        "converged": result.converged,
        "seconds": result.seconds,
    }
