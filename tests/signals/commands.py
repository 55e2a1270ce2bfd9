"""The command line: one process a signal, sent while it works; what is left is judged."""

import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

import quot

# How large each command is in the long run and in the short one, and its words.
COMMANDS = {
    "points": ((60_000, 3_000), "solve --points X.npy Y.npy --reg {reg} -o P.npz --save R.npz"),
    "matrix": ((2_500, 400), "solve C.npy --reg 1e-3 --mass 1 -o P.csv --save R.npz"),
    "linear": ((2_500, 400), "solve C.npy -o P.npz --save R.npz"),
    "entropic": ((2_000, 300), "solve --points X.npy Y.npy --eps 1e-2 --save R.npz"),
    "adaptive": ((2_000, 200), "solve --points X.npy Y.npy --perplexity 20 -o P.csv --save R.npz"),
    "graph": ((90_000, 2_500), "graph E.csv --nodes N.csv --source s --target t --reg .1 -o F.csv"),
    "check": ((20_000, 1_000), "check saved.npz"),
    "recolor": ((128, 32), "recolor A.png B.png -o O.png --colors {size}"),
    "register": ((3_000, 300), "register X.npy Y.npy -o M.xyz"),
    "adapt": ((700, 100), "adapt S.csv T.csv -o L.csv --mass knee"),
}
SIGNALS = {"INT": signal.SIGINT, "TERM": signal.SIGTERM}
PATIENCE = 120.0  # seconds until a process counts as hung
LAST = {"INT": "quot: interrupted", "TERM": "quot: ended by SIGTERM"}


@dataclass(frozen=True)
class Outcome:
    """What a signal has led to; `fault` is empty where that is as promised."""

    what: str
    fault: str = ""
    after: float = 0.0  # seconds from the signal to the end
    at: float = 0.0  # seconds after which it came


def prepare(name, folder, *, short=False):
    """Write what a command reads; return its arguments."""
    size = COMMANDS[name][0][short]
    rng = np.random.default_rng(0)
    words = COMMANDS[name][1].format(reg=30.0 / size, size=size)
    X, Y = rng.normal(size=(2, size, 2))
    if "--points" in words:
        np.save(folder / "X.npy", X)
        np.save(folder / "Y.npy", Y + 0.5)
    elif "C.npy" in words:
        np.save(folder / "C.npy", rng.random((size, size)))
    elif name == "graph":
        _write_graph(folder, round(size**0.5), rng)
    elif name == "recolor":
        for letter, colors in (("A", X), ("B", Y + 1.0)):
            levels = 128 + 30 * np.column_stack((colors, colors[:, :1] ** 2))
            picture = levels[rng.integers(0, size, (2 * size, size))]
            picture += 5.0 * rng.normal(size=picture.shape)
            Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(folder / f"{letter}.png")
    elif name == "register":
        cloud = np.column_stack((X, np.sin(2 * X[:, 0]) + 0.3 * X[:, 1]))
        turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        np.save(folder / "X.npy", cloud)
        np.save(folder / "Y.npy", cloud[: 4 * size // 5] @ turn.T + [3.0, 1.0, 0.0])
    elif name == "adapt":
        _write_samples(folder / "S.csv", X, X[:, 0] > 0)
        _write_samples(folder / "T.csv", Y + 0.5)
    else:
        quot.save(quot.solve_points(X, Y, reg=30.0 / size, tol=1e-6), folder / "saved.npz")
    return words.split()


def _write_graph(folder, side, rng):
    graph = quot.graphs.grid((side, side))
    lengths = rng.uniform(1.0, 2.0, graph.n_edges)
    edges = np.column_stack((graph.edges, lengths))
    np.savetxt(folder / "E.csv", edges, "%d,%d,%g", header="u,v,length", comments="")
    masses = rng.integers(0, 9, (graph.n_nodes, 2))
    nodes = np.column_stack((np.arange(graph.n_nodes), masses[:, 0], masses[::-1, 0]))
    np.savetxt(folder / "N.csv", nodes, "%d,%d,%d", header="node,s,t", comments="")


def _write_samples(path, X, *labels):
    names = ("x", "y", *("label" for _ in labels))
    columns = np.column_stack((X, *labels))
    np.savetxt(path, columns, "%.17g", ",", header=",".join(names), comments="")


def begun(words, folder):
    """The process, as soon as it takes signals."""
    process = subprocess.Popen(
        [sys.executable, "-m", "quot", *words],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while process.poll() is None and not _takes(process.pid):
        time.sleep(0.001)
    return process


def _takes(pid):
    """Whether a process has a handler for SIGTERM: Python itself has none."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        time.sleep(0.3)
        return True
    caught = re.search(r"SigCgt:\s*(\w+)", status.read_text())
    return bool(int(caught[1], 16) >> (signal.SIGTERM - 1) & 1) if caught else False


def undisturbed(words, folder):
    """How long a command takes by itself, and what it prints."""
    start = time.monotonic()
    process = begun(words, folder)
    out, _ = process.communicate(timeout=10 * PATIENCE)
    clean(folder)
    return time.monotonic() - start, lasting(out)


def lasting(out):
    """Of what was printed that which neither time nor round-off changes: what was solved."""
    kept = ("shape", "reg", "eps", "mass", "palettes", "target", "labelled", "overlap")
    return [line for line in out.splitlines() if line.startswith(kept)]


WRITTEN = ("P.npz", "P.csv", "R.npz", "F.csv", "O.png", "O-plan.png", "L.csv")
WRITTEN += ("M.xyz", "M-motion.txt", "M-picture.png")


def outputs(folder):
    return [folder / name for name in WRITTEN]


def clean(folder):
    for path in outputs(folder):
        path.unlink(missing_ok=True)


def attempt(words, folder, kind, delay, said):
    """Send a signal after some seconds; return what came of it.

    What a command says that ends by itself is what it had said undisturbed.
    """
    clean(folder)
    process = begun(words, folder)
    time.sleep(delay)
    sent = time.monotonic()
    if process.poll() is None:
        process.send_signal(SIGNALS[kind])
    try:
        out, err = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Outcome("hung", "it hangs", PATIENCE, delay)
    after, code = time.monotonic() - sent, process.returncode
    what, fault = judge(out, err, code, kind, folder)
    if what == "done" and lasting(out) != said:
        fault = f"another answer: {out}"
    return Outcome(what, fault, after, delay)


def judge(out, err, code, kind, folder):
    """What has come of it, and what is wrong with that."""
    lines = err.splitlines()
    if any(not line.startswith("quot: ") for line in lines) or len(lines) > 2:
        return "noise", f"exit code {code}, on stderr: {err[-1500:]}"
    left = [path.name for path in folder.iterdir() if path.name.startswith(".quot-")]
    if left:
        return "litter", f"exit code {code}, left over: {left}"
    for path in outputs(folder):
        if path.exists() and not _is_whole(path):
            return "torn", f"exit code {code}, half-written: {path.name}"
    if code == 128 + SIGNALS[kind]:
        is_right = lines == [LAST[kind]]
        return "ended", "" if is_right else f"on stderr: {err}"
    if code == 0:
        return "done", ""
    is_right = code == 1 and "STOPPED" in out
    return ("stopped", "") if is_right else ("wrong", f"exit code {code}, said {out} {err}")


def _is_whole(path):
    try:
        if path.name == "R.npz":
            return bool(np.isfinite(quot.load(path).certificate.gap))
        if path.suffix == ".png":
            with Image.open(path) as picture:
                return picture.load() is not None
        if path.suffix == ".npz":
            with np.load(path) as arrays:
                return all(arrays[name] is not None for name in arrays.files)
        return path.read_bytes().endswith(b"\n")
    except Exception:
        return False


def attempts(words, folder, kinds, *, count, seed, longest=np.inf):
    """(kind, outcome) at random moments of a command, in order."""
    most, said = undisturbed(words, folder)
    most = min(most, longest)
    rng = np.random.default_rng(seed)
    for k in range(count):
        for kind in kinds:
            moment = (k + rng.uniform()) / count * most
            yield kind, attempt(words, folder, kind, moment, said)
