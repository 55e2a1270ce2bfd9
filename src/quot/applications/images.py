"""Pictures from and to files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError
from quot.io.files import PathLike, check_writable, write_atomically
from quot.optional import need

Bytes = NDArray[np.uint8]

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

    Greyscale, palette and CMYK pictures become RGB; transparency is kept; 16-bit greyscale is
    scaled to 8 bits; the orientation a camera wrote into the file is applied; of an animation the
    first picture counts.

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
        If the file is missing, truncated or no picture.
    MissingDependencyError
        If Pillow is not installed.
    """
    pil = need("PIL.Image", "pictures", "images", "pillow")
    ops = need("PIL.ImageOps", "pictures", "images", "pillow")
    if Path(path).is_dir():
        raise InvalidProblemError(f"`{path}` is a directory; name a picture in it.")
    try:
        with pil.open(path) as file:
            file.load()
            image = ops.exif_transpose(file)
            if image.mode.startswith("I;16") or image.mode == "I":
                image = pil.fromarray(
                    (np.clip(np.asarray(image), 0, 65535) // 257).astype(np.uint8)
                )
            clear = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
            return np.array(image.convert("RGBA" if clear else "RGB"), dtype=np.uint8)
    except FileNotFoundError as error:
        raise InvalidProblemError(
            f"`{path}` does not exist; check the name and the directory."
        ) from error
    except pil.UnidentifiedImageError as error:
        raise InvalidProblemError(
            f"`{path}` is not a picture that Pillow can read; pass a PNG or JPEG file."
        ) from error
    except _broken(pil) as error:
        raise InvalidProblemError(
            f"`{path}` cannot be read as a picture ({error}); it seems damaged. Export it again."
        ) from error


def check_image_path(path: PathLike, image: Bytes | None = None) -> None:
    """Raise early, before any work, if no picture, or no such `image`, can be written there."""
    check_writable(path, tuple(FORMATS))
    if image is not None and image.shape[2] == 4 and FORMATS[Path(path).suffix.lower()] == "JPEG":
        raise InvalidProblemError(
            f"`{path}` would be a JPEG, which has no transparency, and the picture has; write .png."
        )


def write_image(image: Bytes, path: PathLike) -> None:
    """Write 8-bit RGB or RGBA values as PNG, JPEG, TIFF or WebP, by the suffix.

    Only JPEG loses anything; it has no transparency, which is refused rather than dropped.
    """
    pil = need("PIL.Image", "pictures", "images", "pillow")
    check_image_path(path, image)
    kind = FORMATS[Path(path).suffix.lower()]
    with write_atomically(path) as stream:
        pil.fromarray(image).save(stream, format=kind, **_OPTIONS.get(kind, {}))


def as_image(value: Any, name: str) -> Bytes:
    """Return a picture from a path or from an array of 8-bit RGB or RGBA values."""
    if not isinstance(value, np.ndarray):
        return read_image(value)
    if value.dtype != np.uint8 or value.ndim != 3 or value.shape[2] not in (3, 4):
        raise InvalidProblemError(
            f"`{name}` is an array of {value.dtype} and shape {value.shape}; pass 8-bit values "
            "(uint8) of shape (height, width, 3), or 4 with transparency."
        )
    if not value.size:
        raise InvalidProblemError(f"`{name}` is empty, of shape {value.shape}; pass a picture.")
    return value


def _broken(pil: Any) -> tuple[type[Exception], ...]:
    """Return what Pillow raises on damaged files."""
    return (OSError, ValueError, SyntaxError, EOFError, IndexError, pil.DecompressionBombError)
