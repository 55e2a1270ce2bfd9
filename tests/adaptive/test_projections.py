"""Projections of rows, against roots by SciPy, CLARABEL, and what projections have in common."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.oracles.perplexity import nearest_row, perplexity, row_by_clarabel

from quot.adaptive import project_rows
from quot.adaptive.projections import project
from quot.exceptions import InfeasibleError, InvalidProblemError

BOTH = pytest.mark.parametrize("regularizer", ["quadratic", "entropic"])


def h(k, regularizer):
    """K of which k is h'(K)."""
    return k if regularizer == "quadratic" else np.exp(k)


@st.composite
def rows(draw):
    """k, a, xi: masses over 8 decades, k of any size next to its mass, often with ties."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    m = draw(st.integers(2, 12))
    a = 10.0 ** draw(st.integers(-4, 4))
    k = rng.normal(size=m) * 10.0 ** draw(st.integers(-2, 2))
    if draw(st.booleans()):
        k = np.round(k)
    xi = draw(st.one_of(st.integers(1, m - 1).map(float), st.floats(1.0, m - 0.01)))
    return k, a, xi


@BOTH
@given(rows())
def test_a_row_is_that_of_its_multiplier(regularizer, row):
    k, a, xi = row
    if regularizer == "quadratic":
        k = k * a
    p = project_rows(h(k, regularizer)[None], np.array([a]), xi, regularizer=regularizer)[0]
    assert p.min() >= 0.0
    assert p.sum() == pytest.approx(a, rel=1e-13)
    assert perplexity(p, regularizer) >= xi * (1 - 1e-11)
    np.testing.assert_allclose(p, nearest_row(k, a, xi, regularizer), atol=1e-8 * a)


@BOTH
def test_a_row_is_that_of_clarabel(rng, regularizer):
    for xi, ties in ((1.0, 1), (2.5, 1), (3.0, 3), (3.5, 3), (7.9, 2), (2.0, 4)):
        k, a = rng.normal(size=8), 10.0 ** rng.uniform(-2, 2)
        k[:ties] = k.max()
        k = k * a if regularizer == "quadratic" else k
        p = project_rows(h(k, regularizer)[None], np.array([a]), xi, regularizer=regularizer)[0]
        np.testing.assert_allclose(p, row_by_clarabel(k, a, xi, regularizer), atol=2e-5 * a)


@BOTH
def test_nothing_feasible_is_nearer(rng, regularizer):
    """The angle to any other feasible row is not acute."""
    K, a = np.exp(rng.normal(size=(1, 6))), np.array([2.0])
    p = project_rows(K, a, 3.3, regularizer=regularizer)
    away = K - p if regularizer == "quadratic" else np.log(K / p)
    for other in rng.normal(size=(300, 6)):
        near = project_rows(np.exp(2 * other)[None], a, 3.3, regularizer=regularizer)
        assert (away * (near - p)).sum() <= 1e-11


@BOTH
def test_projections_stay_where_they_are_and_follow_order_and_scale(rng, regularizer):
    K, a, xi = rng.random((20, 9)) ** 3, rng.random(20), rng.uniform(1, 9, 20)
    p = project_rows(K, a, xi, regularizer=regularizer)
    again = project_rows(p, a, xi, regularizer=regularizer)
    np.testing.assert_allclose(again, p, atol=1e-12)
    order, at = rng.permutation(20), rng.permutation(9)
    turned = project_rows(K[order][:, at], a[order], xi[order], regularizer=regularizer)
    np.testing.assert_allclose(turned, p[order][:, at], rtol=1e-12, atol=1e-15)
    for scale in (1e-8, 1e8):
        scaled = project_rows(scale * K, scale * a, xi, regularizer=regularizer)
        np.testing.assert_allclose(scaled, scale * p, rtol=1e-9, atol=1e-14 * scale)


def test_a_row_that_has_its_perplexity_is_only_given_its_mass(rng):
    K, a = rng.random((10, 7)) + 1.0, rng.random(10) + 5.0
    shifted = K + ((a - K.sum(axis=1)) / 7)[:, None]
    assert shifted.min() > 0.0
    np.testing.assert_allclose(project_rows(K, a, 1.5), shifted, rtol=1e-13)
    scaled = K * (a / K.sum(axis=1))[:, None]
    np.testing.assert_allclose(project_rows(K, a, 1.5, regularizer="entropic"), scaled, rtol=1e-13)


@BOTH
def test_ties_share_alike_and_do_for_a_perplexity_below_their_number(regularizer):
    k, a = np.array([[1.0, 4.0, 4.0, 4.0, -60.0]]), np.array([0.5])
    for xi in (1.0, 2.7, 3.0):
        p = project_rows(h(k, regularizer), a, xi, regularizer=regularizer)
        plain = project_rows(h(k, regularizer), a, 1.0, regularizer=regularizer)
        np.testing.assert_allclose(p, plain, rtol=1e-13)
    found = project(k, a, np.array([3.4]), regularizer)
    assert np.ptp(found.entries[0, 1:4]) == 0.0
    assert perplexity(found.entries[0], regularizer) == pytest.approx(3.4, rel=1e-12)
    assert found.stretch[0] > 1.0
    plain = project(np.zeros((1, 4)), a, None, regularizer)
    np.testing.assert_allclose(plain.entries, 0.125, rtol=1e-15)


@BOTH
@pytest.mark.parametrize("short", [1e-2, 1e-6, 1e-10, 1e-13])
def test_perplexities_near_the_number_of_columns(rng, regularizer, short):
    """Nearly uniform rows leave uniform along the centred k, as far as is left."""
    k, m = rng.normal(size=6), 6
    xi = m * (1 - short)
    short = (m - xi) / m
    p = project_rows(h(k, regularizer)[None], np.ones(1), xi, regularizer=regularizer)[0]
    away = (p - 1 / m) / np.linalg.norm(p - 1 / m)
    centred = (k - k.mean()) / np.linalg.norm(k - k.mean())
    np.testing.assert_allclose(away, centred, atol=2 * short**0.5 + 1e-8)
    # m |p - 1/m|^2 is how much is short: of 1/sum q^2, or twice that of the entropy.
    factor = 1.0 if regularizer == "quadratic" else 2.0
    length = (factor * short / m) ** 0.5
    assert np.linalg.norm(p - 1 / m) == pytest.approx(length, rel=3 * short**0.5 + 1e-7)
    full = project_rows(h(k, regularizer)[None], np.ones(1), m, regularizer=regularizer)
    np.testing.assert_allclose(full, 1 / m, rtol=1e-15)


@BOTH
def test_prices_and_stretches_make_the_rows(rng, regularizer):
    k, a, xi = rng.normal(size=(30, 8)), 10.0 ** rng.uniform(-4, 4, 30), rng.uniform(1, 8, 30)
    found = project(k, a, xi, regularizer)
    y = (k + found.price[:, None]) / found.stretch[:, None]
    made = np.maximum(y, 0.0) if regularizer == "quadratic" else np.exp(y)
    np.testing.assert_allclose(found.entries, made, rtol=1e-9, atol=1e-13)
    plain = project(k, a, None, regularizer)
    np.testing.assert_array_equal(plain.stretch, 1.0)
    has = found.stretch == 1.0
    np.testing.assert_allclose(found.entries[has], plain.entries[has], rtol=1e-14)
    assert 0 < has.sum() < 30


@BOTH
def test_wide_ranges(regularizer):
    """Where most is far below: logarithms to -1e6, entries of any size."""
    k = np.array([[0.0, -1.0, -1e3, -1e6], [0.0, 0.0, -5.0, -1e5], [-3.0, -1e5, -1e5, -2e5]])
    found = project(k, np.ones(3), np.full(3, 2.5), regularizer)
    for p in found.entries:
        assert perplexity(p, regularizer) == pytest.approx(2.5, rel=1e-11)
    big = project_rows(np.array([[1e200, 0.0, 3e199]]), np.array([1e-3]), 2.0)
    assert perplexity(big[0], "quadratic") == pytest.approx(2.0)


@BOTH
def test_rows_without_mass_are_zero(rng, regularizer):
    K = rng.random((3, 4))
    K[1] = 0.0
    p = project_rows(K, np.array([1.0, 0.0, 2.0]), 2.0, regularizer=regularizer)
    np.testing.assert_array_equal(p[1], 0.0)
    np.testing.assert_allclose(p.sum(axis=1), [1.0, 0.0, 2.0])
    assert project_rows(np.ones((0, 3)), np.ones(0), 2.0, regularizer=regularizer).shape == (0, 3)


def test_zeros_stay_zero():
    K = np.array([[0.0, 9.0, 1.0, 0.0, 1e-300]])
    p = project_rows(K, np.ones(1), 2.5, regularizer="entropic")
    np.testing.assert_array_equal(p[0, [0, 3]], 0.0)
    assert perplexity(p[0], "entropic") == pytest.approx(2.5, rel=1e-12)
    p = project_rows(K, np.ones(1), 3.0, regularizer="entropic")
    np.testing.assert_allclose(p[0], [0, 1 / 3, 1 / 3, 0, 1 / 3], rtol=1e-15)
    with pytest.raises(InfeasibleError, match=r"row 0 of `K` has 3 entries > 0.*3\.01.*lower"):
        project_rows(K, np.ones(1), 3.01, regularizer="entropic")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"perplexity": 0.5}, r"`perplexity` must be from 1 to 3.*got 0\.5 for row 0"),
        ({"perplexity": [1.0, 3.5]}, r"got 3\.5 for row 1"),
        ({"perplexity": [1.0, 2.0, 2.0]}, r"3 entries, but there are 2 rows"),
        ({"perplexity": "many"}, r"`perplexity` must"),
        ({"perplexity": np.nan}, r"`perplexity` must be finite"),
        ({"a": [1.0]}, r"`a` has 1 entries, but `K` has 2 rows"),
        ({"a": [1.0, -1.0]}, r"`a` must not be negative"),
        ({"K": np.array([[1.0, np.inf, 0.0]] * 2)}, r"`K` must be finite"),
        ({"regularizer": "none"}, r"`regularizer` must be one of"),
        (
            {"K": np.array([[1.0, 1.0, 1.0], [1.0, -2.0, 1.0]]), "regularizer": "entropic"},
            r"`K` must not be negative.*K\[1, 1\] is -2",
        ),
    ],
)
def test_bad_arguments_are_told(change, message):
    given = {"K": np.ones((2, 3)), "a": np.ones(2), "perplexity": 2.0} | change
    with pytest.raises(InvalidProblemError, match=message):
        project_rows(**given)
