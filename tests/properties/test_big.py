"""One problem of the size people have, once."""

import zlib

import numpy as np
import pytest

import quot


@pytest.mark.slow
def test_979_by_20000():
    """Colours of an image against a large palette: n far from m, partial."""
    rng = np.random.default_rng(979)
    X, Y = rng.random((979, 3)), rng.beta(2, 3, size=(20_000, 3))
    C = ((X[:, None] - Y) ** 2).sum(axis=2)
    a, b = rng.uniform(0.5, 1.5, 979), rng.uniform(0.5, 1.5, 20_000)
    a, b = a / a.sum(), b / b.sum()
    before = [zlib.crc32(x) for x in (C, a, b)]
    r = quot.solve(C, a, b, reg=10.0, mass=0.7)
    assert [zlib.crc32(x) for x in (C, a, b)] == before
    assert r.converged
    assert np.isfinite([*r.plan.values, *r.f, *r.g, r.lam, r.value, r.gap]).all()
    assert r.certificate.pairs == 979 * 20_000
    assert r.plan.nnz < 20 * 20_000
    assert abs(r.plan.total - 0.7) <= 1e-13
    assert (r.plan.row_sums() <= a * (1 + 1e-12)).all()
    assert (r.plan.col_sums() <= b * (1 + 1e-12)).all()
    Y_dual = r.f[:, None] + r.g + r.lam - C
    lower = r.f @ a + r.g @ b + 0.7 * r.lam - (np.maximum(Y_dual, 0) ** 2).sum() / 20.0
    upper = C[r.plan.rows, r.plan.cols] @ r.plan.values + 5.0 * (r.plan.values**2).sum()
    assert 0 <= upper - lower + 1e-14 <= 1e-9 * upper + 2e-14
