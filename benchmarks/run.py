"""Measure quot against other libraries: ``make bench ARGS="--rows S1,S2"``.

Each row becomes a JSON file in benchmarks/results/ and a table on the screen; --write makes the
page of the documentation from all rows measured so far on this machine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from benchmarks import report  # noqa: E402
from benchmarks.measure import measure, source_digest  # noqa: E402
from benchmarks.rows import OURS, ROWS, Options, warming  # noqa: E402


def main(argv: list[str] | None = None) -> int:
    options = _arguments(argv)
    runs = 1 if options.quick else 5
    how = Options(
        options.quick,
        runs,
        options.time_limit,
        options.memory_limit,
        not options.inside,
        not options.ours_only,
    )
    if not options.render:
        if how.isolated:
            _say("kernels of quot")
            for case in warming(
                options.rows, quick=how.quick
            ):  # compiled and kept, off every clock
                measure("quot", case, OURS, runs=0)
        for key in options.rows:
            source = source_digest()
            lines = ROWS[key].run(how, _say)
            print(f"\n{key}: {ROWS[key].title}\n")
            print(report.tables([line.as_dict() for line in lines]))
            if source_digest() != source:
                _say(f"{key} is not kept: the source of quot changed while it was measured")
            elif how.rivals:
                _say(f"kept in {report.save(key, lines, quick=how.quick).relative_to(ROOT)}")
    if options.write is not None:
        before = options.write.read_text(encoding="utf-8") if options.write.exists() else ""
        options.write.write_text(report.page(before, quick=how.quick), encoding="utf-8")
        _say(f"wrote {options.write}")
    return 0


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, prog="benchmarks/run.py")
    parser.add_argument(
        "--rows",
        type=_rows,
        default=list(ROWS),
        help=f"comma-separated, of {', '.join(ROWS)}; default all",
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument(
        "--write",
        type=Path,
        metavar="PAGE",
        help="write the page; rows not measured here stay as they are there",
    )
    parser.add_argument("--render", action="store_true", help="measure nothing; for --write")
    parser.add_argument("--ours-only", action="store_true", help="no peers, and keep nothing")
    parser.add_argument("--inside", action="store_true", help="all in this process; for debugging")
    parser.add_argument("--time-limit", type=float, default=600.0, help="seconds for one solver")
    parser.add_argument("--memory-limit", type=float, default=16.0, help="GiB for one peer")
    return parser.parse_args(argv)


def _rows(text: str) -> list[str]:
    known = {key.upper(): key for key in ROWS}
    keys = [key.strip().upper() for key in text.split(",") if key.strip()]
    keys = [known.get(key, key) for key in keys]
    unknown = sorted(set(keys) - set(ROWS))
    if unknown or not keys:
        raise argparse.ArgumentTypeError(f"no such row: {', '.join(unknown) or 'none given'}")
    return keys


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
