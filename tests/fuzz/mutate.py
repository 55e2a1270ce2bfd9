"""Files with faults: bytes changed blindly, and cells, elements and arrays by what they are.

Every mutation takes a file as bytes and a `random.Random`; the same of that gives the same file.
"""

import io
import re
import struct
import zipfile
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WORDS = (
    *(
        "",
        " ",
        "nan",
        "NaN",
        "NA",
        "inf",
        "-inf",
        "Infinity",
        "1e999",
        "1_000",
        "0x10",
        "１",
        "1,5",
    ),
    *("-0", "1e-320", "99999999999999999999", "abc", '"', '"a', "a b", "#", "1#2", "\0", "é", "0"),
    *(
        "1",
        "2",
        ".5",
        "TRUE",
        "no",
        "2020-01-01",
        "-1",
        "−1",
        "1e300",
        "-1e308",
        "a",
        "'",
        ";",
        "\t",
    ),
    *(
        "row",
        "0.1",
        "1.0",
        "true",
        "directed",
        "\u200b",
        "a\u0301",
        "<",
        "&",
        "&x;",
        "\ud7ff",
        "+5",
        "\r",
    ),
)
NUMBERS = (0, 1, 2, 127, 128, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1, 2**64 - 1)
TYPES = ("<f8", ">f8", "<f4", "<f2", "<i8", "<i4", "|i1", "|u1", "|b1", "<c16", "<U5", "|S3", "|O")
TYPES += ("|V8", "<M8[s]", "<f16", "<U99999999", "|V0", "<q8", "f8")


# --- any file ----------------------------------------------------------------------------------


def bytewise(data, random):
    """Flip, set, cut, drop, repeat or insert some bytes."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 2, 8))):
        at = random.randrange(len(data) + 1)
        size = random.choice((1, 2, 4, 16, max(len(data) // 4, 1)))
        kind = random.randrange(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << random.randrange(8)
        elif kind == 1 and at < len(data):
            data[at] = random.choice((0, 9, 10, 13, 34, 35, 44, 127, 255, random.randrange(256)))
        elif kind == 2 and random.random() < 0.3:
            del data[at:]
        elif kind == 3:
            del data[at : at + size]
        elif kind == 4:
            data[at:at] = data[at : at + size] * random.choice((1, 1, 3, 50, 400))
        elif kind == 5:
            width = random.choice((1, 2, 4, 8))
            number = random.choice(NUMBERS) % 256**width
            data[at : at + width] = number.to_bytes(width, random.choice(("little", "big")))
        elif kind == 6:
            data[at:at] = random.choice(WORDS).encode("utf-8", "surrogatepass")
    return bytes(data)


# --- text --------------------------------------------------------------------------------------


def table(data, random):
    """Change cells, lines, columns, separators, line ends or the encoding of a .csv."""
    lines = [line.split(",") for line in data.decode().splitlines()]
    separator, end, encoding = ",", "\n", "utf-8"
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(lines))
        line, kind = lines[at], random.randrange(14)
        if kind <= 3:
            line[random.randrange(len(line))] = random.choice(WORDS)
        elif kind == 4 and len(lines) > 1:
            del lines[at]
        elif kind == 5:
            lines.insert(random.randrange(len(lines) + 1), list(line))
        elif kind == 6:
            lines.insert(at, [random.choice(("", " ", "# a,b", ",", ",,,", '""'))])
        elif kind == 7:
            cells = [random.choice(WORDS) for _ in line]
            lines.insert(0, random.choice((cells, [str(k) for k in range(len(line))])))
        elif kind == 8:
            name = random.choice(("", "id", "index", "x"))
            names = [name] if random.random() < 0.7 else []
            count = range(random.randrange(2), len(lines) + 2)
            lines = [[(*names, *map(str, count))[k], *cells] for k, cells in enumerate(lines)]
        elif kind == 9:
            line.insert(random.randrange(len(line) + 1), random.choice(WORDS))
        elif kind == 10:
            separator = random.choice((";", "\t", " ", ", ", " , ", "|"))
        elif kind == 11:
            end = random.choice(("\r\n", "\r", "\n\n", " \n", ",\n", "\n\r", "\x0b", "\u2028"))
        elif kind == 12:
            encoding = random.choice(("utf-8-sig", "utf-16", "latin-1", "utf-32", "cp037"))
        elif random.random() < 0.1:
            size = random.choice((10, 1000, 100_000))
            line[random.randrange(len(line))] = random.choice(("1", "x", "0.", '"')) * size
    text = end.join(separator.join(cells) for cells in lines)
    return (text + random.choice(("", end))).encode(encoding, "replace")


def markup(data, random):
    """Change names, attributes and text, repeat, drop, nest or wrap elements of XML."""
    text = data.decode()
    for _ in range(random.choice((1, 1, 2, 4))):
        tags = list(re.finditer(r"<[^>]*>", text))
        if not tags:
            return text.encode()
        tag, kind = random.choice(tags), random.randrange(8)
        start, end, word = tag.start(), tag.end(), random.choice(WORDS)
        values = list(re.finditer(r'"[^"]*"', text))
        if kind == 0 and values:
            value = random.choice(values)
            new = random.choice((f'"{word}"', random.choice(values)[0]))
            text = text[: value.start()] + new + text[value.end() :]
        elif kind == 1:
            text = text[:start] + text[end:]
        elif kind == 2:
            other = random.choice(tags).end()
            low, high = min(start, other), max(start, other)
            text = text[:high] + text[low:high] * random.choice((1, 1, 30)) + text[high:]
        elif kind == 3:
            names = ("node", "edge", "graph", "data", "key", "port", "desc", "hyperedge", "y:X")
            text = text[:start] + re.sub(r"\w+", random.choice(names), tag[0], count=1) + text[end:]
        elif kind == 4:
            text = text[:end] + word + text[end:]
        elif kind == 5:
            depth = random.choice((1, 3, 30_000))
            name = random.choice(("desc", "graph", "data key='d0'", "x"))
            close = f"</{name.split()[0]}>"
            text = text[:end] + f"<{name}>" * depth + word + close * depth + text[end:]
        elif kind == 6:
            entity = f'<!DOCTYPE graphml [<!ENTITY x "{"ha" * 50}">]>'
            text = (
                text[:end]
                + random.choice((entity, "<!-- -->", "<![CDATA[1]]>", "&x;"))
                + text[end:]
            )
        else:
            text = re.sub('encoding="[^"]*"', f'encoding="{random.choice(ENCODINGS)}"', text)
    return text.encode("utf-8", "replace")


ENCODINGS = ("ascii", "utf-16", "latin-1", "utf-7", "cp1252", "big5", "none", "rot13", "utf-32")


# --- arrays ------------------------------------------------------------------------------------


def npy(data, random):
    """Change what the header of a .npy says, in its place."""
    at = data.find(b"{")
    size = struct.unpack("<H", data[8:10])[0] if len(data) > 10 else 0
    header = data[at : 10 + size].decode("latin-1")
    kind = random.randrange(4)
    if kind == 0:
        header = re.sub(r"'descr': '[^']*'", f"'descr': '{random.choice(TYPES)}'", header)
    elif kind == 1:
        numbers = [str(random.choice((*NUMBERS, -1, 3, 5))) for _ in range(random.randrange(4))]
        header = re.sub(r"\([^)]*\)", f"({''.join(k + ',' for k in numbers)})", header)
    elif kind == 2:
        header = header.replace("False", random.choice(("True", "None", "1", "[" * 200, "9**9**9")))
    else:
        header = bytewise(header.encode("latin-1"), random).decode("latin-1")
    header = header.rstrip() + "\n"
    return (
        data[:8]
        + struct.pack("<H", len(header) % 65536)
        + header.encode("latin-1")
        + data[10 + size :]
    )


def npz(data, random):
    """Change, drop, rename, repeat or compress the members of an archive; check sums are right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(random.choice((1, 1, 1, 2))):
        name, kind = random.choice(list(members)), random.randrange(8)
        if kind == 0:
            del members[name]
        elif kind == 1:
            members[random.choice(("C.npy", "X", "a.npy", "format.npy", "../x.npy", ""))] = members[
                name
            ]
        elif kind == 2:
            members[name] = npy(members[name], random)
        elif kind == 3:
            members[name] = bytewise(members[name], random)
        elif kind == 4:
            members[name] = members[random.choice(list(members))]
        else:
            members[name] = _array(_changed(members[name], random))
        if not members:
            break
    stream = io.BytesIO()
    method = random.choice((zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


def _array(array):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, allow_pickle=False)
    return stream.getvalue()


def _changed(content, random):
    """An array with other entries, another shape or type."""
    try:
        array = np.load(io.BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError, SyntaxError):
        return np.zeros(3)
    kind = random.randrange(5)
    if kind == 0 and array.size and array.dtype.kind in "fiu":
        array = array.copy()
        bad = (np.nan, np.inf, -1.0, 1e300, 5e-324, 0.0) if array.dtype.kind == "f" else (0, 1, 99)
        array.flat[random.randrange(array.size)] = random.choice(bad)
    elif kind == 1:
        shapes = (array.ravel(), array[None], array.T, array.ravel()[:-1], array[..., None])
        array = random.choice((*shapes, np.tile(array.ravel(), 2), array.ravel()[:1].squeeze()))
    elif kind == 2:
        with np.errstate(all="ignore"):
            try:
                array = array.astype(random.choice(TYPES[:12]))
            except (ValueError, TypeError):
                array = np.zeros(array.shape)
    elif kind == 3:
        array = np.array(
            random.choice(("dense", "points", "graph", "OPTIMAL", "x", 0, 1, 2, -1, 1e9))
        )
    else:
        array = np.zeros(0, array.dtype)
    return array


# --- parquet -----------------------------------------------------------------------------------


def parquet(data, random):
    """Change the columns of a table and how it is written."""
    whole = pq.read_table(io.BytesIO(data))
    columns, names = list(whole.columns), list(whole.column_names)
    metadata = dict(whole.schema.metadata or {})
    for _ in range(random.choice((1, 1, 2))):
        k, kind = random.randrange(len(names)), random.randrange(6)
        if kind <= 2:
            columns[k] = _column(columns[k], random)
        elif kind == 3:
            names[k] = random.choice(
                ("", "id", "index", "row", "x", "__index_level_0__", "é", names[0])
            )
        elif kind == 4 and len(names) > 1:
            del columns[k], names[k]
        else:
            metadata = {
                key: bytewise(text, random) if random.random() < 0.7 else b"[1, 2, 3]"
                for key, text in metadata.items()
            } or {b"pandas": b"{}", b"quot.shape": random.choice((b"[]", b"[1e9, 2]", b"x"))}
    whole = pa.table(columns, names=names).replace_schema_metadata(metadata)
    rows = random.choice((whole.num_rows, whole.num_rows, 0, 1))
    stream = io.BytesIO()
    pq.write_table(
        whole.slice(0, rows), stream, row_group_size=random.choice((None, 2)),
        compression=random.choice(("none", "snappy", "zstd")), use_dictionary=random.random() < 0.5,
    )  # fmt: skip
    return stream.getvalue() if random.random() < 0.7 else bytewise(stream.getvalue(), random)


def _column(column, random):
    """A column of as many rows, of another type or with gaps."""
    size = len(column)
    given = column.to_pylist()
    made = (
        lambda: pa.array([None, *given[1:]], column.type),
        lambda: pa.array([float("nan")] * size),
        lambda: pa.array([random.choice(WORDS) for _ in range(size)]),
        lambda: pa.array(range(size)),
        lambda: pa.array([-k for k in range(size)], pa.int8()),
        lambda: pa.array([2**64 - 1] * size, pa.uint64()),
        lambda: pa.array([[1.0, 2.0][: k % 3] for k in range(size)]),
        lambda: pa.array([[[1.0]]] * size),
        lambda: pa.array([{"a": 1}] * size),
        lambda: pa.array([True] * size),
        lambda: pa.nulls(size),
        lambda: pa.array([0] * size, pa.timestamp("ns")),
        lambda: pa.array([0.5] * size, pa.float16()),
        lambda: pa.array([0.5] * size, pa.float32()),
        lambda: pa.array([b"\0\xff"] * size),
        lambda: pa.array([1] * size).cast(pa.decimal128(20, 2)),
        lambda: pa.array(["a"] * size).dictionary_encode(),
        lambda: pa.array([1.5] * size).dictionary_encode(),
        lambda: pa.array([[1.0, 2.0]] * size, pa.list_(pa.float32(), 2)),
        lambda: pa.array([float("inf")] * size),
    )
    return random.choice(made)()


# --- pictures ----------------------------------------------------------------------------------


def picture(data, random):
    """Change the size a PNG claims, with the right check sum; of others some bytes near the top."""
    if data.startswith(b"\x89PNG") and random.random() < 0.7:
        size = struct.pack(
            ">II", *(random.choice((0, 1, 3, 4096, 20_000, 2**31 - 1)) for _ in "ab")
        )
        rest = bytes(random.choice((0, 1, 2, 3, 4, 6, 8, 16, 99)) for _ in "ab") + b"\0\0\0"
        header = b"IHDR" + size + (rest if random.random() < 0.5 else data[24:29])
        return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    size = min(len(data), random.choice((16, 64, 256)))
    return bytewise(data[:size], random) + data[size:]
