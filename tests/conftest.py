"""Runs before anything of quot is imported: where kernels are cached, how hypothesis behaves."""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
KERNELS = ROOT / "src" / "quot" / "kernels"

if str(ROOT) not in sys.path:  # helpers are imported as `tests.strategies`, `tests.oracles`, ...
    sys.path.insert(0, str(ROOT))


def kernel_cache() -> str:
    """Return a directory named by the kernels' text: an edit is never answered by an old binary."""
    digest = hashlib.sha256()
    for path in sorted(KERNELS.glob("*.py")):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return str(Path(tempfile.gettempdir()) / f"quot-kernels-{digest.hexdigest()[:16]}")


assert "numba" not in sys.modules, "numba must not be imported before its cache is named"
os.environ["NUMBA_CACHE_DIR"] = kernel_cache()
os.environ["QUOT_QUIET"] = "1"  # what a test expects on stderr is there in every run

_COMMON = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}
# The same examples in every run; HYPOTHESIS_PROFILE=explore looks further, at random.
settings.register_profile("reproducible", derandomize=True, max_examples=40, **_COMMON)
settings.register_profile("explore", max_examples=1000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "reproducible"))


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than ten seconds")


@pytest.fixture
def tune():
    """Change settings until the end of the test: ``tune(complete=8)``."""
    from contextlib import ExitStack

    from quot.settings import using

    with ExitStack() as stack:
        yield lambda **changes: stack.enter_context(using(**changes))


@pytest.fixture
def rng():
    """A generator with a fixed seed: the same numbers in every run."""
    import numpy as np

    return np.random.default_rng(20250811)
