"""Give a reader a mutated file and look at what it says and takes."""

import contextlib
import io
import json
import math
import os
import signal
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path
from random import Random
from typing import NamedTuple

from tests.fuzz.readers import READERS, folder

from quot.cli import main

MOST = 200_000_000  # bytes beside ten times the file
A_PIXEL = 20  # and for each pixel: no part of a picture need be in the file
HANG = 60  # seconds of the processor for a file, and for the kernels that are compiled for it


class Found(NamedTuple):
    """What is wrong, nothing if all is well; the exit code; and what was printed."""

    fault: str
    code: int
    said: str


class LateError(BaseException):
    """Nothing in between catches it."""


def mutated(name, seed):
    """The bytes of a file; the same for the same seed."""
    random = Random(f"{name} {seed}")
    seeds = sorted(folder().glob(f"seed-{name}-*"))
    data = random.choice(seeds).read_bytes()
    with contextlib.suppress(Exception):
        data = random.choice(READERS[name].mutations)(data, random)  # as far as it can be written
    if random.random() < 0.05:
        other, cut = random.choice(seeds).read_bytes(), random.random()
        data = data[: int(cut * len(data))] + other[int(cut * len(other)) :]
    return data


def examine(name, seed):
    """Read the file of this seed, and judge."""
    reader = READERS[name]
    path = folder() / f"it{reader.suffix}"
    path.write_bytes(mutated(name, seed))
    return examined(reader, path)


def examined(reader, path):
    """Read a file by the command line, and judge."""
    out, err, began = io.StringIO(), io.StringIO(), _memory("VmRSS")
    with _stderr() as deep, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            with _in_time(), warnings.catch_warnings():
                warnings.simplefilter("error")
                warnings.filterwarnings("ignore", "Reading `.npy` or `.npz` file required add")
                call = reader.argv(str(path))
                code = call() if callable(call) else main(call)
        except BaseException as error:
            text = "".join(traceback.format_exception(error)[-2:])
            return Found(f"{type(error).__name__}: {error}", -1, text)
    said, more = err.getvalue(), deep()
    fault = _form(code, said) or (f"printed by a library: {more}" if more else "")
    told = json.loads(out.getvalue()) if not fault and code != 2 else {}
    taken, pixels = _memory("VmHWM") - began, told.get("pixels", (0,))
    if not fault and taken > MOST + 10 * path.stat().st_size + A_PIXEL * math.prod(pixels):
        fault = f"takes {taken / 1e6:.0f} MB for {path.stat().st_size} bytes"
    if told and not fault and reader.judge is not None:
        try:
            fault = reader.judge(path, told)
        except Exception as error:
            fault = f"is read, but not by another: {type(error).__name__}: {error}"
    return Found(fault, code, said or out.getvalue())


def _form(code, said):
    """What is wrong with an exit code and what stands on stderr."""
    lines = [k for k in said.splitlines() if not k.startswith("quot: warning: ")]
    if code not in (0, 1, 2):
        return f"exit code {code}"
    if code == 2 and (len(lines) != 1 or not lines[0].startswith("quot: error: ")):
        return f"{len(lines)} lines for an error"
    if code != 2 and lines:
        return "lines on stderr"
    return "not in the words of quot" if "Traceback" in said or " object at 0x" in said else ""


@contextlib.contextmanager
def _in_time():
    def late(*_):
        raise LateError(f"not done in {HANG} seconds")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, HANG)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@contextlib.contextmanager
def _stderr():
    """What compiled libraries print; gives a function that returns it, after the end."""
    with tempfile.TemporaryFile() as stream:
        kept = os.dup(2)
        os.dup2(stream.fileno(), 2)

        def written():
            stream.seek(0)
            return stream.read().decode(errors="replace")

        found = []
        try:
            yield lambda: found[0]
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            found.append(written())


def _memory(name):
    """Bytes of this process, now or at most since the last time "VmRSS" was asked; 0 elsewhere."""
    try:
        if name == "VmRSS":
            Path("/proc/self/clear_refs").write_text("5", "ascii")
        lines = Path("/proc/self/status").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next(int(k.split()[1]) * 1024 for k in lines if k.startswith(name))


def work(name, first, count):
    """Examine many; write a line of JSON for each fault, and the seed before each try."""
    begun = time.monotonic()
    codes = {}
    for seed in range(first, first + count):
        Path(folder() / "seed").write_text(str(seed))
        found = examine(name, seed)
        codes[found.code] = codes.get(found.code, 0) + 1
        if found.fault:
            _tell({"seed": seed, "fault": found.fault, "said": found.said})
    _tell({"codes": codes, "seconds": time.monotonic() - begun})


def _tell(fact):
    sys.stdout.write(json.dumps(fact) + "\n")
    sys.stdout.flush()
