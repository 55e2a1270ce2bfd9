"""Pictures of every mode: bits, range, transparency and colours are read rightly, or refused."""

import io
import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

import quot
from quot.applications.color import recolor
from quot.applications.images import as_image, read_image, write_image
from quot.applications.modes import narrow
from quot.applications.spaces import lab_to_rgb
from quot.cli import main

RGB = np.array([[[255, 0, 0], [0, 128, 0]], [[10, 20, 30], [200, 200, 200]]], np.uint8)
GREY = np.array([[0, 255], [7, 128]], np.uint8)
ALPHA = np.array([[255, 0], [100, 1]], np.uint8)


def grey(values):
    return np.dstack((values,) * 3)


@pytest.fixture
def file(tmp_path):
    """Write a picture of Pillow, or bytes, to a file; return its path."""

    def write(picture, name="x.png", **options):
        path = tmp_path / name
        if isinstance(picture, bytes):
            path.write_bytes(picture)
        else:
            picture.save(path, **options)
        return path

    return write


def of(values, mode):
    """A picture of 8-bit bands."""
    return Image.merge(mode, [Image.fromarray(v) for v in np.moveaxis(values, -1, 0)])


PALETTE = Image.fromarray(RGB).quantize(4)
CLEAR = np.dstack((RGB, ALPHA))
MODES = {
    "1.png": (Image.fromarray(GREY).point(lambda v: 255 * (v > 50), "1"), grey((GREY > 50) * 255)),
    "L.png": (Image.fromarray(GREY), grey(GREY)),
    "P.png": (PALETTE, np.asarray(PALETTE.convert("RGB"))),
    "LA.png": (of(np.dstack((GREY, ALPHA)), "LA"), np.dstack((grey(GREY), ALPHA))),
    "RGB.png": (Image.fromarray(RGB), RGB),
    "RGBA.png": (Image.fromarray(CLEAR), CLEAR),
    "RGB.tif": (Image.fromarray(RGB), RGB),
    "LA.tif": (of(np.dstack((GREY, ALPHA)), "LA"), np.dstack((grey(GREY), ALPHA))),
    "PA.tif": (
        of(np.dstack((grey(GREY), ALPHA)), "RGBA").convert("PA"),
        np.dstack((grey(GREY), ALPHA)),
    ),
    "RGBX.tif": (of(np.dstack((RGB, 0 * ALPHA)), "RGBX"), RGB),
    "CMYK.tif": (of(np.dstack((255 - RGB, 0 * ALPHA)), "CMYK"), RGB),
    "RGBA.webp": (Image.fromarray(CLEAR), CLEAR),
    "I;16.png": (Image.fromarray(GREY.astype(np.uint16) * 257), grey(GREY)),
    "I;16.tif": (Image.fromarray(GREY.astype(np.uint16) * 257), grey(GREY)),
    "I;16B.tif": (Image.fromarray((GREY.astype(np.uint16) * 257).astype(">u2")), grey(GREY)),
    "F.tif": (Image.fromarray(GREY.astype(np.float32) / 255), grey(GREY)),
}


@pytest.mark.parametrize("name", MODES)
def test_every_mode_has_its_colors(file, name):
    picture, wanted = MODES[name]
    options = {"lossless": True, "exact": True} if name.endswith("webp") else {}
    found = read_image(file(picture, name.replace(";", ""), **options))
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, wanted)


def test_ycbcr(file):
    found = read_image(file(Image.fromarray(RGB).convert("YCbCr"), "x.tif"))
    np.testing.assert_allclose(found.astype(int), RGB, atol=2)


@pytest.mark.parametrize(
    ("lab", "rgb"), [((50, 0, 0), (119, 119, 119)), ((54, 81, 70), (255, 0, 0))]
)
def test_lab(file, lab, rgb):
    """CIELAB of a file is relative to D50; of grey that is no difference."""
    values = np.array([[lab]]) * (255 / 100, 1, 1)
    bands = np.round(values[..., :1]), values[..., 1:] + 128
    picture = of(np.concatenate(bands, axis=2).astype(np.uint8), "LAB")
    found = read_image(file(picture, "x.tif"))
    np.testing.assert_allclose(found[0, 0].astype(int), rgb, atol=6)
    if rgb[0] == rgb[1]:
        exact = 255 * lab_to_rgb(np.array(lab, float))
        np.testing.assert_allclose(exact, rgb, atol=1)


def png(values, *chunks):
    """A PNG file of 16 bits, written by hand: Pillow writes none in colour."""

    def chunk(name, data):
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    h, w, bands = values.shape
    head = struct.pack(">IIBBBBB", w, h, 16, {1: 0, 2: 4, 3: 2, 4: 6}[bands], 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    parts = (b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
def test_sixteen_bits_in_png(file, bands):
    values = np.random.default_rng(bands).integers(0, 65536, (5, 6, bands)).astype(np.uint16)
    values[0, 0] = 65535
    found = read_image(file(png(values))).astype(int)
    shown = grey(values[..., 0]) if bands < 3 else values[..., :3]
    np.testing.assert_allclose(found[..., :3], shown / 257, atol=1)
    if bands in {2, 4}:
        np.testing.assert_allclose(found[..., 3], values[..., -1] / 257, atol=1)


def test_transparency_of_one_grey_of_sixteen_bits(file):
    values = np.array([[[257 * 9], [257 * 10]]], np.uint16)
    found = read_image(file(png(values, (b"tRNS", struct.pack(">H", 257 * 9)))))
    assert found.tolist() == [[[9, 9, 9, 0], [10, 10, 10, 255]]]


def test_twelve_bits(file):
    """A TIFF file of 12 bits: 4095 is white."""
    data = bytes([0x00, 0x0F, 0xFF])  # two pixels, 0 and 4095
    stream = io.BytesIO()
    entries = [
        (256, 3, 1, 2), (257, 3, 1, 1), (258, 3, 1, 12), (259, 3, 1, 1), (262, 3, 1, 1),
        (273, 4, 1, 8), (277, 3, 1, 1), (278, 3, 1, 1), (279, 4, 1, len(data)),
    ]  # fmt: skip
    stream.write(struct.pack("<2sHI", b"II", 42, 12) + data + b"\0")
    stream.write(struct.pack("<H", len(entries)))
    for tag, kind, count, value in entries:
        stream.write(struct.pack("<HHII", tag, kind, count, value))
    stream.write(struct.pack("<I", 0))
    assert read_image(file(stream.getvalue(), "x.tif"))[0, :, 0].tolist() == [0, 255]


RANGES = {
    "int32": (
        Image.fromarray(GREY.astype(np.int32)),
        "has int32 values, of which nobody knows what is white; convert to uint8 (255 is white) or "
        "uint16 (65535), or divide, to floats from 0 to 1.",
    ),
    "floats to 255": (
        Image.fromarray(GREY.astype(np.float32)),
        "has float32 values from 0 to 255, and floats must be from 0, black, to 1, white; divide "
        "by what is white, or convert to uint8.",
    ),
    "floats below 0": (
        Image.fromarray(GREY.astype(np.float32) / 255 - 0.5),
        "has float32 values from -0.5 to 0.5, and floats must be from 0",
    ),
    "NaN": (Image.fromarray(np.full((2, 2), np.nan, np.float32)), "has float32 values from nan"),
}


@pytest.mark.parametrize(("picture", "text"), RANGES.values(), ids=RANGES)
def test_ranges_that_nobody_knows(file, capsys, picture, text):
    path = file(picture, "x.tif")
    with pytest.raises(quot.InvalidProblemError) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"`{path}` {text}")
    assert main(["recolor", str(path), str(path), "-o", str(path.with_name("out.png"))]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"quot: error: `{path}` {text}")
    assert shown.err.count("\n") == 1


ARRAYS = {
    "bytes": (RGB, RGB),
    "bytes and transparency": (CLEAR, CLEAR),
    "grey": (GREY, grey(GREY)),
    "grey of one band": (GREY[:, :, None], grey(GREY)),
    "floats": (RGB / 255, RGB),
    "single precision": (RGB.astype(np.float32) / np.float32(255), RGB),
    "floats with transparency": (CLEAR / 255, CLEAR),
    "sixteen bits": (RGB.astype(np.uint16) * 257, RGB),
    "sixteen bits, big-endian": ((RGB.astype(np.uint16) * 257).astype(">u2"), RGB),
    "truth": (GREY > 50, grey((GREY > 50) * np.uint8(255))),
    "nested lists": ((RGB / 255).tolist(), RGB),
    "of Pillow": (Image.fromarray(RGB), RGB),
    "of Pillow, in hue": (Image.fromarray(np.full((2, 2, 3), 255, np.uint8)).convert("HSV"),
        np.full((2, 2, 3), 255)),
}  # fmt: skip


@pytest.mark.parametrize(("given", "wanted"), ARRAYS.values(), ids=ARRAYS)
def test_arrays(given, wanted):
    found = as_image(given, "source")
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, wanted)


def test_bytes_are_not_copied():
    assert as_image(RGB, "source") is RGB


BAD_ARRAYS = {
    "integers": (RGB.astype(int), "`source` has int64 values, of which nobody knows what is white"),
    "floats to 255": (RGB.astype(float), "`source` has float64 values from 0 to 255, and floats"),
    "bands first": (
        np.moveaxis(RGB.repeat(4, axis=0).repeat(4, axis=1), -1, 0),
        "`source` is an array of uint8 and shape (3, 8, 8); pass shape (height, width, 3), or 4 "
        "with transparency, or (height, width) of grey (`np.moveaxis(source, 0, -1)`).",
    ),
    "a list of words": (["a", "b"], "`source` has dtype <U1, which is not real numbers"),
    "nothing": (None, "`source` is None; pass numbers."),
}


@pytest.mark.parametrize(("given", "text"), BAD_ARRAYS.values(), ids=BAD_ARRAYS)
def test_arrays_that_are_ambiguous(given, text):
    with pytest.raises(quot.InvalidProblemError) as caught:
        recolor(given, RGB)
    assert str(caught.value).startswith(text)


# --- colour spaces -------------------------------------------------------------------------------

# Primaries relative to D50, and gamma.
ADOBE = ([0.60974, 0.31111, 0.01947], [0.20528, 0.62567, 0.06087], [0.14919, 0.06322, 0.74457], 2.2)
P3 = ([0.51512, 0.2412, -0.00105], [0.29198, 0.69225, 0.04189], [0.1571, 0.06657, 0.78407], 2.2)
SRGB = ([0.43607, 0.22249, 0.01392], [0.38515, 0.71687, 0.09708], [0.14307, 0.06061, 0.7141])


def profile(primaries=None, gamma=2.2, space=b"RGB "):
    """A colour profile, written by hand: primaries and a gamma, or a gamma of grey."""

    def fixed(*values):
        return b"".join(struct.pack(">i", round(v * 65536)) for v in values)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    white = b"XYZ \0\0\0\0" + fixed(0.9642, 1.0, 0.8249)
    text = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(78)
    tags = {b"desc": text + bytes(-len(text) % 4), b"wtpt": white, b"cprt": b"text\0\0\0\0none"}
    if primaries is None:
        tags[b"kTRC"] = curve
    else:
        for name, xyz in zip((b"r", b"g", b"b"), primaries, strict=True):
            tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + fixed(*xyz)
            tags[name + b"TRC"] = curve
    at, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += data
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02100000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2026, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += fixed(0.9642, 1.0, 0.8249)
    return head + bytes(128 - len(head)) + table + body


def by_hand(values, primaries, gamma):
    """What colours of other primaries are in sRGB."""
    linear = (values / 255) ** gamma @ np.array(primaries) @ np.linalg.inv(np.array(SRGB))
    linear = np.clip(linear, 0, 1)
    curve = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return 255 * curve


@pytest.mark.parametrize("space", [ADOBE, P3], ids=["Adobe RGB", "Display P3"])
@pytest.mark.parametrize("kind", ["x.png", "x.tif", "x.jpg"])
@pytest.mark.parametrize("clear", [False, True], ids=["opaque", "clear"])
def test_colors_by_their_profile(file, space, kind, clear):
    *primaries, gamma = space
    values = np.full((16, 16, 3), (100, 160, 90), np.uint8)
    values[:8] = 180, 120, 140
    given = np.dstack((values, np.full((16, 16), 77, np.uint8))) if clear else values
    if clear and kind == "x.jpg":
        pytest.skip("no transparency")
    options = {"quality": 100, "subsampling": 0} if kind == "x.jpg" else {}
    path = file(Image.fromarray(given), kind, icc_profile=profile(primaries, gamma), **options)
    found = read_image(path)
    wanted = by_hand(values, primaries, gamma)
    assert np.abs(wanted - values).max() > 8
    np.testing.assert_allclose(found[..., :3], wanted, atol=2.5)
    if clear:
        assert (found[..., 3] == 77).all()


def test_grey_by_its_profile(file):
    level = np.arange(0, 256, 15, dtype=np.uint8)[None]
    found = read_image(file(Image.fromarray(level), icc_profile=profile(None, 1.8, b"GRAY")))
    wanted = by_hand(grey(level), SRGB, 1.8)
    np.testing.assert_allclose(found, wanted, atol=2.5)


def test_colors_with_the_profile_of_srgb_stay_as_they_are(file):
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    values = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        read_image(file(Image.fromarray(values), icc_profile=icc)), values
    )


def adobe_of_a_camera():
    exif = Image.Exif()
    exif[0x8769] = {0xA001: 65535, 0xA005: {1: "R03"}}
    return exif


SPACES = {
    "of another mode": (
        {"icc_profile": profile(None, 2.2, b"GRAY")},
        "has a colour profile for GRAY, but is RGB; convert it to sRGB, or drop the profile.",
    ),
    "damaged": (
        {"icc_profile": b"nothing"},
        "has a colour profile that cannot be used (",
    ),
    "Adobe RGB of a camera": (
        {"exif": adobe_of_a_camera()},
        "is in Adobe RGB, as the camera says, without a profile; convert it to sRGB.",
    ),
}


@pytest.mark.parametrize(("options", "text"), SPACES.values(), ids=SPACES)
def test_colors_that_nobody_knows(file, options, text):
    path = file(Image.fromarray(RGB), "x.jpg", **options)
    with pytest.raises(quot.InvalidProblemError) as caught:
        read_image(path)
    assert str(caught.value).startswith(f"`{path}` {text}")


@pytest.mark.parametrize("gamma", [45455, 100000])
@pytest.mark.parametrize("srgb", [False, True])
def test_gamma(file, gamma, srgb):
    chunks = [(b"gAMA", struct.pack(">I", gamma)), *([(b"sRGB", b"\0")] if srgb else [])]
    path = file(png(RGB.astype(np.uint16) * 257, *chunks))
    if gamma == 45455 or srgb:
        np.testing.assert_array_equal(read_image(path), RGB)
        return
    with pytest.raises(quot.InvalidProblemError, match=r"a gamma of 1, not that of sRGB, 0\.455"):
        read_image(path)


def test_colors_without_littlecms(file, monkeypatch):
    monkeypatch.setattr("PIL.features.check", lambda _: False)
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(read_image(file(Image.fromarray(RGB), icc_profile=icc)), RGB)
    path = file(Image.fromarray(RGB), icc_profile=profile(ADOBE[:3]))
    with pytest.raises(quot.InvalidProblemError, match=r"this build of Pillow converts none"):
        read_image(path)


# --- the rest ------------------------------------------------------------------------------------


def test_orientation_of_a_camera(file):
    exif = Image.Exif()
    exif[0x0112] = 6  # the top is on the right
    path = file(Image.fromarray(RGB[:1]), exif=exif)
    np.testing.assert_array_equal(read_image(path), np.rot90(RGB[:1], -1))


def test_of_an_animation_the_first_counts(file):
    second = Image.fromarray(255 - RGB)
    path = file(Image.fromarray(RGB), save_all=True, append_images=[second], duration=10)
    np.testing.assert_array_equal(read_image(path), RGB)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_round_off_of_floats_is_no_error(dtype):
    eps = np.finfo(dtype).eps
    found = narrow(np.array([-4 * eps, 0.5, 1 + 4 * eps], dtype), "it")
    assert found.tolist() == [0, 128, 255]
    for wrong in (-20 * eps, 1 + 20 * eps):
        with pytest.raises(quot.InvalidProblemError, match="floats must be from 0, black, to 1"):
            narrow(np.array([0.5, wrong], dtype), "it")


def test_pictures_too_large(file, monkeypatch):
    path = file(Image.fromarray(RGB))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(read_image(path), RGB)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    with pytest.raises(quot.InvalidProblemError) as caught:
        read_image(path)
    assert str(caught.value) == (
        f"`{path}` has more than 2 pixels, the most that Pillow reads; make it smaller."
    )


def test_what_is_written_is_read_again(tmp_path):
    for name, picture in (("x.png", CLEAR), ("x.tif", CLEAR), ("x.webp", RGB)):
        write_image(picture, tmp_path / name)
        np.testing.assert_array_equal(read_image(tmp_path / name), picture)
