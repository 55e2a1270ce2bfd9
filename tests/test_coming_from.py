"""Calls of other libraries and those of quot beside them, as a page has them, do the same."""

import importlib
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "coming-from.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(.+)` \| `(.+)` \|$", PAGE, flags=re.MULTILINE)
# What names of others on the page are, and where they come from.
OTHERS = {
    "ot": "ot",
    "linear": "ott.solvers.linear",
    "pointcloud": "ott.geometry.pointcloud",
    "geometry": "ott.geometry.geometry",
    "regot": "regot",
    "nx": "networkx",
    "linear_sum_assignment": "scipy.optimize",
    "wasserstein_distance": "scipy.stats",
}
# What others reach, of the largest entry.
NEAR = 2e-3


@pytest.fixture(scope="module")
def page():
    pytest.importorskip("networkx")
    estimators = pytest.importorskip("quot.estimators")
    names: dict = {"TransportMapper": estimators.TransportMapper}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        if "clarabel" not in block:
            exec(block, names)
    return names


def theirs(call, page):
    """The value of a call of another library; the test ends here where it is not installed."""
    names = dict(page)
    for name in set(re.findall(r"[A-Za-z_]\w*", call)) & set(OTHERS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = pytest.importorskip(OTHERS[name])
        for part in ("smooth", "partial", "da"):
            if name == "ot" and f"ot.{part}." in call:
                importlib.import_module(f"ot.{part}")
        names[name] = getattr(module, name, module)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return eval(call, names)


@pytest.mark.parametrize(("call", "ours"), ROWS, ids=[call[:40] for call, _ in ROWS])
def test_calls_do_the_same(call, ours, page):
    mine = np.asarray(eval(ours, page), dtype=np.float64)
    assert np.isfinite(mine).all()
    other = np.asarray(theirs(call, page), dtype=np.float64)
    assert mine.shape == other.shape
    np.testing.assert_allclose(mine, other, rtol=0.0, atol=NEAR * np.abs(other).max())


def test_the_page_has_calls_of_all():
    assert len(ROWS) >= 20
    assert {re.findall(r"[A-Za-z_]\w*", call)[0] for call, _ in ROWS} >= set(OTHERS) - {
        "pointcloud", "geometry",
    }  # fmt: skip
