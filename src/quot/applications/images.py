"""Pictures from and to files."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot import memory
from quot.applications.modes import narrow, to_bytes
from quot.exceptions import InvalidProblemError
from quot.io.files import PathLike, check_writable, write_atomically
from quot.optional import need
from quot.validation import as_real

Bytes = NDArray[np.uint8]

# What Pillow raises on damaged files, and what is raised where they say what cannot be.
_BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, ArithmeticError, TypeError,
    AttributeError, RuntimeError, struct.error, zlib.error,
)  # fmt: skip
# Bytes for a pixel at the peak (measured).
_A_PIXEL = 20
# Suffixes that can be written, and what Pillow calls the format.
FORMATS = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"lossless": True},
    "TIFF": {"compression": "tiff_deflate"},
}


def read_image(path: PathLike) -> Bytes:
    """Read a picture as 8-bit sRGB values, upright.

    Pictures of any mode become RGB, by their colour profile if they have one; transparency is kept;
    16 bits, and floats from 0 to 1, are scaled to 8 bits; the orientation a camera wrote into the
    file is applied; of an animation the first picture counts. What leaves open which number is
    white, or what its colours are, is refused.

    Parameters
    ----------
    path : str or path
        Anything Pillow can read.

    Returns
    -------
    uint8 array of shape (height, width, 3), or (height, width, 4) with transparency

    Raises
    ------
    InvalidProblemError
        If the file is missing, truncated or no picture, if it is larger than Pillow reads, or its
        values or colours are not known.
    MissingDependencyError
        If Pillow is not installed.
    """
    pil = need("PIL.Image", "pictures", "images", "pillow")
    if Path(path).is_dir():
        raise InvalidProblemError(f"`{path}` is a directory; name a picture in it.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # large, or damaged where it does not show
            with pil.open(path) as file:
                memory.check_bytes(_A_PIXEL * file.width * file.height)
                file.load()
                return to_bytes(file, str(path))
    except FileNotFoundError as error:
        raise InvalidProblemError(
            f"`{path}` does not exist; check the name and the directory."
        ) from error
    except pil.UnidentifiedImageError as error:
        raise InvalidProblemError(
            f"`{path}` is not a picture that Pillow can read; pass a PNG or JPEG file."
        ) from error
    except pil.DecompressionBombError as error:
        raise InvalidProblemError(
            f"`{path}` has more than {2 * pil.MAX_IMAGE_PIXELS:,} pixels, the most that Pillow "
            "reads; make it smaller."
        ) from error
    except InvalidProblemError:
        raise
    except MemoryError as error:
        reason = str(error) or "no memory is left"
        raise InvalidProblemError(
            f"`{path}` does not fit into memory ({reason}); make it smaller."
        ) from error
    except _BROKEN as error:
        raise InvalidProblemError(
            f"`{path}` cannot be read as a picture ({error}); it seems damaged. Export it again."
        ) from error


def count_pictures(path: PathLike) -> int:
    """Return how many pictures there are in a file that `read_image` has read."""
    pil = need("PIL.Image", "pictures", "images", "pillow")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pil.open(path) as file:
            try:
                return int(getattr(file, "n_frames", 1))
            except _BROKEN:  # those behind the first
                return 1


def check_image_path(path: PathLike, image: Bytes | None = None) -> None:
    """Raise early, before any work, if no picture, or no such `image`, can be written there."""
    check_writable(path, tuple(FORMATS))
    if image is not None and image.shape[2] == 4 and FORMATS[Path(path).suffix.lower()] == "JPEG":
        raise InvalidProblemError(
            f"`{path}` would be a JPEG, which has no transparency, and the picture has; write .png."
        )


def write_image(image: Bytes, path: PathLike) -> None:
    """Write 8-bit sRGB values, or these with transparency, as PNG, JPEG, TIFF or WebP, by suffix.

    No colour profile is written: without one pictures are sRGB.
    Only JPEG loses anything; it has no transparency, which is refused rather than dropped.
    """
    pil = need("PIL.Image", "pictures", "images", "pillow")
    check_image_path(path, image)
    kind = FORMATS[Path(path).suffix.lower()]
    with write_atomically(path) as stream:
        pil.fromarray(image).save(stream, format=kind, **_OPTIONS.get(kind, {}))


def as_image(value: Any, name: str) -> Bytes:
    """Return a picture from a path, a picture of Pillow, or an array, as 8-bit RGB or RGBA values.

    Arrays are of shape (height, width), or (height, width, 3), or 4 with transparency: of uint8,
    uint16 (65535 is white), truth values, or floats from 0 to 1.
    """
    if isinstance(value, (str, os.PathLike)):
        return read_image(value)
    if hasattr(value, "convert") and hasattr(value, "getbands"):
        return to_bytes(value, name)
    array = as_real(value, name)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim != 2 and (array.ndim != 3 or array.shape[2] not in (3, 4)):
        first = array.ndim == 3 and array.shape[0] in (3, 4)
        advice = f" (`np.moveaxis({name}, 0, -1)`)" if first else ""
        raise InvalidProblemError(
            f"`{name}` is an array of {array.dtype} and shape {array.shape}; pass shape (height, "
            f"width, 3), or 4 with transparency, or (height, width) of grey{advice}."
        )
    if not array.size:
        raise InvalidProblemError(f"`{name}` is empty, of shape {array.shape}; pass a picture.")
    image = narrow(array, name)
    return np.dstack((image,) * 3) if image.ndim == 2 else image
