"""Any picture that Pillow opens, as 8-bit sRGB values: bits, range, transparency, colour space."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from quot.exceptions import InvalidProblemError

Bytes = NDArray[np.uint8]

# Floats may be beyond black or white by so many roundings of their type.
_ROUNDINGS = 16
# What "I" means in these formats; elsewhere it is integers of 32 bits.
_SIXTEEN_BITS = ("PNG", "PPM")
_BITS_PER_SAMPLE = 258
# Directory and entry of a camera that says which colours it writes, and what it says of Adobe RGB.
_INTEROPERABILITY, _INDEX, _ADOBE = 0xA005, 1, "R03"
# The gamma of sRGB as PNG files state it, and how far it may be off.
_GAMMA, _NEAR = 1 / 2.2, 0.01
# A profile that changes no colour by more of 255 levels is that of sRGB.
_SAME = 2
# How such a profile says so.
_SAID = (b"sRGB", "sRGB".encode("utf-16-be"))
# Modes as colour profiles call them.
_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK", "LAB": "Lab"}


def to_bytes(image: Any, name: str) -> Bytes:
    """Return a picture of Pillow as 8-bit sRGB values.

    Parameters
    ----------
    image : PIL.Image.Image
        Of any mode, loaded; the orientation that a camera has noted is applied.
    name : str
        What to call it in messages.

    Returns
    -------
    uint8 array of shape (height, width, 3), or (height, width, 4) with transparency

    Raises
    ------
    InvalidProblemError
        If it is not known which of its numbers is white, or what its colours are.
    """
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(image)
    is_wide = image.mode.startswith(("I", "F"))
    base, alpha = _narrowed(upright, image, name) if is_wide else _split(upright)
    found = np.asarray(_to_srgb(base, image, name), dtype=np.uint8)
    return found if alpha is None else np.dstack((found, np.asarray(alpha, dtype=np.uint8)))


def narrow(values: NDArray[Any], name: str, white: float | None = None) -> Bytes:
    """Return numbers as 8-bit values: truth values, 8 or 16 bits, or floats from 0 to 1.

    Parameters
    ----------
    values : array
    name : str
        What to call it in messages.
    white : float, optional
        The number that is white, where it is not the largest of the type.

    Raises
    ------
    InvalidProblemError
        If it is not known which number is white.
    """
    if values.dtype == np.uint8:
        return values
    kind = values.dtype.kind
    if kind == "b":
        return values.astype(np.uint8) * np.uint8(255)
    if kind == "f":
        low, high = float(values.min()), float(values.max())
        off = _ROUNDINGS * float(np.finfo(values.dtype).eps)
        if not -off <= low <= high <= 1.0 + off:
            raise InvalidProblemError(
                f"`{name}` has {values.dtype} values from {low:.6g} to {high:.6g}, and floats must "
                "be from 0, black, to 1, white; divide by what is white, or convert to uint8."
            )
        values, white = np.maximum(values, 0.0), 1.0
    elif values.dtype.newbyteorder("=") == np.uint16:
        white = white or 65535.0
    else:
        raise InvalidProblemError(
            f"`{name}` has {values.dtype} values, of which nobody knows what is white; convert to "
            "uint8 (255 is white) or uint16 (65535), or divide, to floats from 0 to 1."
        )
    return np.rint(np.minimum(values * (255.0 / white), 255.0)).astype(np.uint8)


def _narrowed(upright: Any, image: Any, name: str) -> tuple[Any, Any]:
    """A grey picture of more than 8 bits as one of 8, and its transparency; with its file."""
    from PIL import Image

    values, white, clear = np.asarray(upright), None, image.info.get("transparency")
    if image.mode == "I" and image.format in _SIXTEEN_BITS:
        values = np.clip(values, 0, 65535).astype(np.uint16)
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))
    if image.mode.startswith("I;16"):
        white = 2.0 ** int(bits[0]) - 1.0
    alpha = None if clear is None else np.where(values == clear, 0, 255)
    return Image.fromarray(narrow(values, name, white)), alpha


def _split(image: Any) -> tuple[Any, Any]:
    """Colours, of a mode that a profile may be for, and transparency if there is any."""
    mode = {"La": "LA", "RGBa": "RGBA"}.get(image.mode, image.mode)
    is_clear = mode in {"LA", "PA", "RGBA"} or "transparency" in image.info
    if is_clear:
        mode = "LA" if mode in {"1", "L", "LA"} else "RGBA"
        image = image.convert(mode)
        return image.convert(mode[:-1]), image.getchannel("A")
    mode = "L" if mode == "1" else mode if mode in _SPACES else "RGB"
    return image.convert(mode), None


def _to_srgb(base: Any, image: Any, name: str) -> Any:
    """The colours as sRGB: by the profile, or as the file says otherwise."""
    profile, info = image.info.get("icc_profile"), image.info
    if profile:
        return _by_profile(base, profile, name)
    if base.mode == "LAB":
        return _by_profile(base, None, name)
    gamma = info.get("gamma", _GAMMA)
    if "srgb" not in info and not math.isclose(gamma, _GAMMA, rel_tol=_NEAR):
        raise InvalidProblemError(
            f"`{name}` has a gamma of {gamma:.6g}, not that of sRGB, {_GAMMA:.3g}; convert it to "
            "sRGB."
        )
    if _says_adobe(image):
        raise InvalidProblemError(
            f"`{name}` is in Adobe RGB, as the camera says, without a profile; convert it to sRGB."
        )
    return base.convert("RGB")


def _says_adobe(image: Any) -> bool:
    return bool(image.getexif().get_ifd(_INTEROPERABILITY).get(_INDEX) == _ADOBE)


def _by_profile(base: Any, profile: bytes | None, name: str) -> Any:
    """The colours as sRGB, by a profile; that of CIELAB if there is none."""
    from PIL import ImageCms, features

    if not features.check("littlecms2"):
        if profile is not None and any(text in profile for text in _SAID):
            return base.convert("RGB")
        raise InvalidProblemError(
            f"`{name}` has colours that are not sRGB, and this build of Pillow converts none "
            "(no littlecms2); convert it to sRGB."
        )
    try:
        given = ImageCms.ImageCmsProfile(
            ImageCms.createProfile("LAB") if profile is None else io.BytesIO(profile)
        )
        space = given.profile.xcolor_space.strip()
        if space != _SPACES[base.mode]:
            raise InvalidProblemError(
                f"`{name}` has a colour profile for {space}, but is {base.mode}; convert it to "
                "sRGB, or drop the profile."
            )
        transform = ImageCms.buildTransform(
            given,
            ImageCms.createProfile("sRGB"),
            base.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        probe = _probe(base.mode)
        if probe is not None:
            seen = (np.asarray(x, int) for x in (transform.apply(probe), probe.convert("RGB")))
            if np.abs(np.subtract(*seen)).max() <= _SAME:
                return base.convert("RGB")
        return transform.apply(base)
    except (ImageCms.PyCMSError, OSError) as error:
        raise InvalidProblemError(
            f"`{name}` has a colour profile that cannot be used ({error}); convert it to sRGB, or "
            "drop the profile."
        ) from error


def _probe(mode: str) -> Any:
    """A picture of colours of all kinds; None where no profile can be that of sRGB."""
    from PIL import Image

    level = np.linspace(0, 255, 9).astype(np.uint8)
    if mode == "RGB":
        cube = np.stack(np.meshgrid(level, level, level), axis=-1)
        return Image.fromarray(cube.reshape(27, 27, 3))
    return Image.fromarray(np.arange(256, dtype=np.uint8)[None]) if mode == "L" else None
