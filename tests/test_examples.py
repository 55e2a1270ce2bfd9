"""The examples do what they say."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_million_points_on_few(tmp_path):
    """From two files of points to a plan on disk, which SciPy reads, and a picture."""
    pytest.importorskip("matplotlib")
    script = [sys.executable, str(EXAMPLES / "million_points.py"), "--points", "500"]
    done = subprocess.run(script, cwd=tmp_path, capture_output=True, text=True, check=True)
    plan = sparse.csr_array(sparse.load_npz(tmp_path / "demo-output" / "points-plan.npz"))
    assert plan.sum() == pytest.approx(0.7, abs=1e-12)
    assert plan.sum(axis=1).max() <= (1 + 1e-12) / 500
    assert 4 <= np.diff(plan.indptr)[np.diff(plan.indptr) > 0].mean() <= 12
    assert "optimal: gap and residuals" in done.stdout
    assert "relative gap" in done.stdout
    assert (tmp_path / "demo-output" / "points.png").stat().st_size > 10_000
