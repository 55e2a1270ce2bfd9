"""Clouds of points from and to files: .ply, .obj, .xyz and .npy."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.applications.motion import Motion
from quot.exceptions import InvalidProblemError
from quot.io.arrays import pick, read_arrays
from quot.io.files import PathLike, check_writable, unreadable, write_atomically
from quot.optional import need
from quot.validation import as_array

Floats = NDArray[np.float64]

SUFFIXES = (".ply", ".obj", ".xyz", ".npy")
MOTION_SUFFIXES = (".txt", ".npy", ".json")
# Larger files are not read; a header of a .ply ends within so many bytes.
MOST_BYTES = 1 << 30
_HEADER = 1 << 16
# What trimesh raises on files that are not what they claim to be.
_BROKEN = (
    OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RuntimeError,
    MemoryError, EOFError, SyntaxError, NotImplementedError,
)  # fmt: skip


def read_cloud(path: PathLike) -> Floats:
    """Read points: the vertices of a mesh, with faces or without, or rows of coordinates.

    Of an .obj the vertices count, whatever else it has or names: no other file is opened. Of an
    .xyz the first three columns, or both of two; lines that begin with # are left out.

    Parameters
    ----------
    path : str or path
        .ply (read by trimesh), .obj, .xyz or .npy.

    Returns
    -------
    array of shape (n, 3), or (n, 2)

    Raises
    ------
    InvalidProblemError
        If the file is missing, of another kind, damaged, larger than 1 GiB, or has no points.
    MissingDependencyError
        If it is a .ply and trimesh is not installed.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InvalidProblemError(
            f"`{path}` has the suffix {suffix!r}; clouds of points are read from "
            f"{', '.join(SUFFIXES[:-1])} and {SUFFIXES[-1]}."
        )
    if suffix == ".npy":
        return _points(pick(read_arrays(path), "X", path), path)
    try:
        size = Path(path).stat().st_size
        if size > MOST_BYTES:
            raise InvalidProblemError(
                f"`{path}` has {size:,} bytes, and clouds of at most {MOST_BYTES:,} are read; make "
                "it smaller, or pass an .npy, which is mapped."
            )
        if suffix == ".ply":
            return _points(_read_ply(path), path)
        return _points(_read_lines(path, b"v" if suffix == ".obj" else b""), path)
    except InvalidProblemError:
        raise
    except _BROKEN as error:
        raise unreadable(path, f"points as an {suffix} has them", error) from error


def _points(array: Any, path: PathLike) -> Floats:
    """Check what was read."""
    if np.size(array) == 0:
        raise InvalidProblemError(f"`{path}` has no points; pass a mesh with vertices, or a cloud.")
    points = as_array(array, "points", 2)
    if points.shape[1] not in (2, 3):
        raise InvalidProblemError(
            f"`{path}` has rows of {points.shape[1]} numbers; points have 2 or 3 coordinates."
        )
    return points


def _read_ply(path: PathLike) -> Any:
    trimesh = need("trimesh", "meshes", "meshes")
    _check_header(path)
    with Path(path).open("rb") as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = trimesh.load(stream, file_type="ply", process=False, skip_materials=True)
    return getattr(loaded, "vertices", np.empty((0, 3)))


def _check_header(path: PathLike) -> None:
    """Refuse a header that claims more than the file can hold, before room is made for it."""
    with Path(path).open("rb") as stream:
        head = stream.read(_HEADER)
    if not head.startswith(b"ply") or b"end_header" not in head:
        raise InvalidProblemError(f"`{path}` does not begin as a .ply does; export it again.")
    size = Path(path).stat().st_size
    for line in head.partition(b"end_header")[0].splitlines():
        words = line.split()
        if words[:1] != [b"element"]:
            continue
        if len(words) != 3 or not words[2].isdigit() or int(words[2]) > size:
            raise InvalidProblemError(
                f"`{path}` says `{line.decode('ascii', 'replace').strip()}` and has {size:,} "
                "bytes; it seems damaged. Export it again."
            )


def _read_lines(path: PathLike, mark: bytes) -> Floats:
    """The first three numbers of each line that begins with the mark."""
    skip = len(mark)
    rows = []
    with Path(path).open("rb") as stream:
        for k, line in enumerate(stream):
            words = line.split()
            if not words or words[0].startswith(b"#") or (mark and words[0] != mark):
                continue
            try:
                rows.append([float(word) for word in words[skip : skip + 3]])
            except ValueError:
                text = line.decode("ascii", "replace").strip()[:40]
                raise InvalidProblemError(
                    f"`{path}` has no point in line {k + 1}, `{text}`; a line has two or three "
                    "numbers, with blanks between."
                ) from None
            if len(rows[-1]) != len(rows[0]) or len(rows[0]) < 2:
                raise InvalidProblemError(
                    f"`{path}` has {len(rows[-1])} coordinates in line {k + 1}, and "
                    f"{len(rows[0])} before; all points have 2, or all have 3."
                )
    return np.array(rows)


def check_cloud_path(path: PathLike) -> None:
    """Raise early, before any work, if no cloud can be written there."""
    check_writable(path, SUFFIXES)


def write_cloud(points: Floats, path: PathLike) -> None:
    """Write points, without faces or colours, in the format of the suffix.

    Formats of meshes have three coordinates: points of the plane get a 0.
    """
    check_cloud_path(path)
    suffix = Path(path).suffix.lower()
    flat = suffix in (".ply", ".obj") and points.shape[1] == 2
    points = np.pad(points, ((0, 0), (0, 1))) if flat else points
    with write_atomically(path) as stream:
        if suffix == ".npy":
            np.lib.format.write_array(stream, points, allow_pickle=False)
        elif suffix == ".ply":
            names = "".join(f"property double {axis}\n" for axis in "xyz")
            head = f"ply\nformat binary_little_endian 1.0\nelement vertex {len(points)}\n{names}"
            stream.write(f"{head}end_header\n".encode("ascii"))
            stream.write(points.astype("<f8").tobytes())
        else:
            mark = "v " if suffix == ".obj" else ""
            lines = (mark + " ".join(map(repr, row)) for row in points.tolist())
            stream.write("".join(f"{line}\n" for line in lines).encode("ascii"))


def write_motion(motion: Motion, path: PathLike) -> None:
    """Write a motion: its matrix as .txt or .npy, or that and what it is made of as .json."""
    check_writable(path, MOTION_SUFFIXES)
    suffix = Path(path).suffix.lower()
    with write_atomically(path) as stream:
        if suffix == ".npy":
            np.lib.format.write_array(stream, motion.matrix, allow_pickle=False)
        elif suffix == ".txt":
            rows = (" ".join(f"{x:.17g}" for x in row) for row in motion.matrix)
            stream.write("".join(f"{row}\n" for row in rows).encode("ascii"))
        else:
            facts = {
                "matrix": motion.matrix.tolist(),
                "rotation": motion.rotation.tolist(),
                "translation": motion.translation.tolist(),
                "scale": motion.scale,
            }
            stream.write(f"{json.dumps(facts, indent=2)}\n".encode("ascii"))
