"""A sample of what `make fuzz` does; it takes as many files as you like."""

import struct
import zipfile
import zlib

import numpy as np
import pytest
from tests.fuzz.readers import READERS, folder
from tests.fuzz.run import examine, examined, mutated

SAMPLE = 25  # files for a reader


@pytest.mark.parametrize("name", READERS)
def test_mutated_files(name):
    found = {seed: examine(name, seed) for seed in range(SAMPLE)}
    assert {seed: it for seed, it in found.items() if it.fault} == {}
    assert {it.code for it in found.values()} <= {0, 1, 2}


@pytest.mark.parametrize("name", READERS)
def test_files_without_a_fault_are_read(name):
    for path in folder().glob(f"seed-{name}-*"):
        found = examined(READERS[name], path)
        assert (found.fault, found.code) in {("", 0), ("", 1)}, (path.name, found)


def test_a_seed_is_a_file():
    for name in READERS:
        assert mutated(name, 7) == mutated(name, 7)
        assert len({mutated(name, seed) for seed in range(30)}) > 20


# --- files that ask for more than they hold ----------------------------------------------------


def _long_line(path, size=10_000_000):
    path.write_text("p,q\n0.5," + "1" * size + "\n")


def _long_name(path, size=10_000_000):
    path.write_text("from,to,length\n" + "a" * size + ",b,1\n")


def _deep(path):
    path.write_text("<graphml>" + "<desc>" * 200_000 + "</desc>" * 200_000 + "</graphml>")


def _entities(path):
    lines = "".join(f'<!ENTITY x{k} "{f"&x{k - 1};" * 10 if k else "ha"}">' for k in range(9))
    path.write_text(f"<!DOCTYPE graphml [{lines}]><graphml><desc>&x8;</desc></graphml>")


def _claims(path):
    """Of an array of 80 MB."""
    np.save(path, np.zeros((10, 10)))
    path.write_bytes(path.read_bytes().replace(b"(10, 10), }  ", b"(9999999,), }"))
    assert b"9999999" in path.read_bytes()


def _picture(path):
    data = (folder() / "seed-image-0.image").read_bytes()
    header = b"IHDR" + struct.pack(">II", 50_000, 50_000) + data[24:29]
    path.write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])


def _members(path):
    with zipfile.ZipFile(path, "w") as archive:
        for k in range(2000):
            archive.writestr(f"{k}.npy", b"")


GREEDY = {
    "a line of 10 MB": ("points", _long_line),
    "a name of 10 MB": ("edges", _long_name),
    "elements in elements": ("graphml", _deep),
    "entities of entities": ("graphml", _entities),
    "a header of more than there is": ("npy", _claims),
    "a picture of more pixels than there are": ("image", _picture),
    "members without anything": ("npz", _members),
}


@pytest.mark.parametrize(("name", "write"), GREEDY.values(), ids=GREEDY)
def test_greedy_files(tmp_path, name, write):
    path = tmp_path / f"it{READERS[name].suffix}"
    write(path)
    found = examined(READERS[name], path)
    assert found.fault == ""
    assert found.code == 2
    assert found.said.startswith("quot: error: ")
    assert len(found.said) < 1000
