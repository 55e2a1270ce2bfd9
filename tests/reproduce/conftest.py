"""Reproductions need packages; without them there is nothing to test here."""

import pytest
from tests.cli.conftest import said  # noqa: F401

from quot.reproduce.registry import PACKAGES


@pytest.fixture(autouse=True, scope="session")
def packages():
    for name in PACKAGES:
        pytest.importorskip(name)
