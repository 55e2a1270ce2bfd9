"""Paths and errors: a file is written whole or not at all, and what is wrong is said in words."""

from __future__ import annotations

import csv
import os
import re
import secrets
import shutil
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from quot.exceptions import InvalidProblemError
from quot.validation import received

PathLike = str | os.PathLike[str]

# What NumPy, SciPy, zipfile and pyarrow raise on files that are not what they claim to be.
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    TypeError,
    SyntaxError,
    IndexError,
    OverflowError,
    MemoryError,
    RuntimeError,
    AttributeError,
    struct.error,
    tokenize.TokenError,
    zlib.error,
    zipfile.BadZipFile,
)

# What Python shows of its own objects, which says nothing of a file.
_PYTHON = re.compile(r"[\s:]*<[^<>]* object at 0x[^<>]*>")
# How Excel is told the separator of a file.
_EXCEL = re.compile(r'"?sep=.?"?', re.IGNORECASE)
# How files begin that are taken for text, and what they are.
_WIDE = "in UTF-16, which Excel calls Unicode text; save it as UTF-8 (`CSV UTF-8`)"
_STARTS = {
    b"\xff\xfe": _WIDE,
    b"\xfe\xff": _WIDE,
    b"\x1f\x8b": "compressed by gzip; unpack it first",
    b"PK\x03\x04": "a workbook of Excel or another zip archive; save it as `CSV UTF-8`",
}


def check_path(path: Any) -> None:
    """Refuse what is no name of a file.

    Raises
    ------
    InvalidProblemError
        So it is, of an open file, too.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidProblemError(
            f"`path` must be the name of a file, text or a pathlib.Path; got {received(path)}."
        )


def check_first_line(path: PathLike, line: str) -> None:
    """Refuse the line that tells Excel which separator a file has.

    Raises
    ------
    InvalidProblemError
        If it is that one.
    """
    if _EXCEL.fullmatch(line.strip()):
        raise InvalidProblemError(
            f"the first line of `{path}` is `{line.strip()}`, which is for Excel alone; delete it."
        )


def check_quotes(path: PathLike, header: str, separator: str | None) -> None:
    """Refuse a header in which a quote is not closed: others read on in the lines below.

    Raises
    ------
    InvalidProblemError
        If there is one.
    """
    lines = [header.rstrip("\r\n") + "\n", "below\n"]
    rows = csv.reader(lines, delimiter=separator or " ", skipinitialspace=True)
    if len(list(rows)) < len(lines):
        raise InvalidProblemError(
            f"the header of `{path}` opens a quote and does not close it; write it in one line, "
            "close each quote where its name ends, and double the quotes inside."
        )


@contextmanager
def write_atomically(path: PathLike) -> Iterator[IO[bytes]]:
    """Open a file beside `path` for writing and put it in its place when all went well.

    A device or a pipe is written directly. A failure leaves the older file untouched.
    """
    target = Path(os.path.realpath(path))
    check_writable(path)
    part = target.with_name(f".quot-{secrets.token_hex(6)}.part")
    try:
        if target.exists() and not target.is_file():
            with target.open("wb") as stream:
                yield stream
            return
        with part.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            shutil.copymode(target, part)
        part.replace(target)
    except OSError as error:
        raise InvalidProblemError(
            f"`{path}` cannot be written ({error.strerror or error}); choose another place."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def check_writable(path: PathLike, suffixes: tuple[str, ...] = ()) -> None:
    """Raise early, before any work, if a file cannot go there; `suffixes` are those allowed."""
    target = Path(path)
    if suffixes and target.suffix.lower() not in suffixes:
        raise InvalidProblemError(
            f"`{path}` has the suffix {target.suffix!r}, which names no format to write; use "
            f"{' or '.join(filter(None, (', '.join(suffixes[:-1]), suffixes[-1])))}."
        )
    if target.is_dir():
        raise InvalidProblemError(f"`{path}` is a directory; name a file in it.")
    real = Path(os.path.realpath(target))
    for place, folder in ((target.absolute(), target.parent), (real, real.parent)):
        if not place.parent.is_dir():
            raise InvalidProblemError(
                f"`{path}` cannot be written: there is no directory `{folder}`; make it first."
            )
    is_device = real.exists() and not real.is_file()
    for place in (real,) if is_device else (real, real.parent):
        if place.exists() and not os.access(place, os.W_OK):
            closed = path if place is real else target.parent
            raise InvalidProblemError(
                f"`{path}` cannot be written: `{closed}` may not be changed; change its "
                "permissions, or choose another place."
            )


# What names each on the command line, such as "-o"; None where there is none.
Paths = Sequence[tuple[str, PathLike | None]]


def check_apart(outputs: Paths, inputs: Paths) -> None:
    """Raise early, before any work, if what is written would replace what is read or written.

    Parameters
    ----------
    outputs, inputs : sequence of (name, path)
        Devices and pipes, and files that are only read, may be named twice.
    """
    written = [(name, path) for name, path in outputs if path is not None]
    for k, (name, path) in enumerate(written):
        for other, second in inputs:
            if second is not None and _is_same(path, second):
                raise InvalidProblemError(
                    f"`{name}` names `{path}`, which is the file that `{other}` reads, and would "
                    "overwrite it; choose another name."
                )
        for other, second in written[:k]:
            if _is_same(second, path):
                both = f"both name `{path}`"
                if os.fspath(path) != os.fspath(second):
                    both = f"name one file, links and capitals apart, `{second}` and `{path}`"
                raise InvalidProblemError(
                    f"`{other}` and `{name}` {both}, and one would overwrite the other; choose two "
                    "names."
                )


def _is_same(one: PathLike, other: PathLike) -> bool:
    """Whether two paths lead to one file, by links, or on a system that takes b.csv for B.csv."""
    first, second = (Path(os.path.realpath(path)) for path in (one, other))
    if first.exists() and second.exists():
        return first.samefile(second) and first.is_file()
    return str(first).casefold() == str(second).casefold() and first.exists() == second.exists()


def unreadable(path: PathLike, expected: str, error: Exception) -> InvalidProblemError:
    """Return the error for a file that is missing or does not hold what is `expected`."""
    if isinstance(error, FileNotFoundError):
        return InvalidProblemError(f"`{path}` does not exist; check the name and the directory.")
    if isinstance(error, IsADirectoryError):
        return InvalidProblemError(f"`{path}` is a directory; name a file in it.")
    if isinstance(error, PermissionError):
        return InvalidProblemError(f"`{path}` may not be read; change its permissions.")
    if isinstance(error, MemoryError):
        return too_large(path, error)
    if isinstance(error, UnicodeDecodeError):
        return not_utf8(path)
    reason = _PYTHON.sub("", str(error).strip().split("\n")[0]).rstrip(".") or type(error).__name__
    return InvalidProblemError(
        f"`{path}` cannot be read ({reason}); it should hold {expected}. Write it again."
    )


def not_utf8(path: PathLike) -> InvalidProblemError:
    """Return the error for a file that should be text and is not, as UTF-8 has it."""
    with Path(path).open("rb") as stream:
        start = stream.read(4)
    for mark, what in _STARTS.items():
        if start.startswith(mark):
            return InvalidProblemError(f"`{path}` is {what}.")
    line, byte = bad_byte(path)
    return InvalidProblemError(
        f"`{path}` is not in UTF-8: line {line} has the byte {byte:#04x}. Save it as UTF-8 (Excel: "
        "`CSV UTF-8`)."
    )


def bad_byte(path: PathLike) -> tuple[int, int]:
    """Return the line, from 1, and the first byte there that is not UTF-8; (0, 0) if all is."""
    with Path(path).open("rb") as stream:
        for k, line in enumerate(stream):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return k + 1, line[error.start]
    return 0, 0


def too_large(path: PathLike, error: MemoryError) -> InvalidProblemError:
    """Return the error for a file that is in order but for its size."""
    reason = str(error).strip().rstrip(".") or "no memory is left"
    return InvalidProblemError(
        f"`{path}` does not fit into memory ({reason}); read it on a larger machine, or pass "
        "points or a sparse cost, which need much less than a full matrix."
    )
