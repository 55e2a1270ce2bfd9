"""The same numbers give the same answer however they are held, and are never written to."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.checks import assert_solved
from tests.strategies import (
    DRESSES,
    nasty_problems,
    problems,
    sparse_problems,
    whole_problems,
)

import quot


def bits(r):
    arrays = (r.plan.rows, r.plan.cols, r.plan.values, r.f, r.g)
    return [x.tobytes() for x in arrays] + [r.lam, r.value, r.gap]


def content(x):
    """What an argument holds, and how."""
    return x if isinstance(x, list) else (x.tobytes(), x.dtype, x.strides, x.flags.writeable)


@given(problems())
def test_arguments_are_not_written_to(instance):
    held = [instance.C, instance.a, instance.b]
    before = [content(x) for x in held]
    quot.solve(*held, **instance.options)
    assert [content(x) for x in held] == before


@pytest.mark.parametrize("dress", DRESSES)
@settings(max_examples=15)
@given(instance=nasty_problems())
def test_nasty_arguments_in_any_dress_are_not_written_to(dress, instance):
    wear = DRESSES[dress]
    held = [wear(x) for x in (instance.C, instance.a, instance.b)]
    before = [content(list(x) if isinstance(x, list) else x) for x in held]
    r = quot.solve(*held, **instance.options)
    assert [content(x) for x in held] == before
    assert_solved(instance, r)
    assert bits(r) == bits(quot.solve(*instance.data, **instance.options))


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("metric", ["sqeuclidean", "cosine"])
def test_points_in_any_dress_are_not_written_to(dress, metric, rng):
    X, Y, a = rng.normal(size=(9, 3)), rng.normal(size=(7, 3)), rng.random(9)
    held = [DRESSES[dress](x) for x in (X, Y, a)]
    before = [content(list(x) if isinstance(x, list) else x) for x in held]
    options = {"reg": 0.1, "mass": 0.3, "metric": metric}
    dressed = quot.solve_points(*held, **options)
    assert [content(x) for x in held] == before
    assert bits(dressed) == bits(quot.solve_points(X, Y, a, **options))


@pytest.mark.parametrize(
    "dtype",
    ["f2", "f4", "f8", "g", "i1", "i4", "i8", "u1", "u8", "?"],
    ids=lambda k: np.dtype(k).name,
)
@settings(max_examples=15)
@given(data=st.data())
def test_any_type_of_number(dtype, data):
    """Solved as the same numbers in double precision are, and left alone."""
    instance = data.draw(whole_problems(dtype))
    held = [x.astype(dtype) for x in (instance.C, instance.a, instance.b)]
    before = [content(x) for x in held]
    r = quot.solve(*held, **instance.options)
    assert [content(x) for x in held] == before
    assert_solved(instance, r)
    assert bits(r) == bits(quot.solve(*instance.data, **instance.options))


@given(sparse_problems())
def test_sparse_arguments_are_not_written_to(instance):
    allowed = np.nonzero(np.isfinite(instance.C))  # all pairs may be, and cost nothing
    C = sp.csc_array((instance.C[allowed], allowed), shape=instance.shape)
    before = C.data.tobytes(), C.indices.tobytes(), C.indptr.tobytes()
    quot.solve(C, instance.a, instance.b, **instance.options)
    assert (C.data.tobytes(), C.indices.tobytes(), C.indptr.tobytes()) == before


@given(problems())
def test_the_answer_owns_its_memory(instance):
    """Writing to the arguments afterwards changes no plan and no potential."""
    C, a, b = instance.C.copy(), instance.a.copy(), instance.b.copy()
    r = quot.solve(C, a, b, **instance.options)
    before = bits(r)
    C[:], a[:], b[:] = -1.0, 7.0, 7.0
    assert bits(r) == before
    for x in (r.f, r.g, r.plan.values):
        assert not any(np.shares_memory(x, y) for y in (C, a, b))


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("mass", [None, 0.5])
def test_dress_does_not_matter(dress, mass, rng):
    C, a, b = rng.random((6, 8)), rng.random(6), rng.random(8)
    a, b = a / a.sum(), b / b.sum()
    wear = DRESSES[dress]
    plain = quot.solve(C, a, b, reg=0.1, mass=mass)
    dressed = quot.solve(wear(C), wear(a), wear(b), reg=0.1, mass=mass)
    assert bits(plain) == bits(dressed)


@pytest.mark.parametrize("dtype", [np.float32, np.int64, np.uint8, np.float16, bool])
def test_types_are_read_exactly(dtype, rng):
    C = rng.integers(0, 2, (6, 8)).astype(dtype)
    a, b = np.ones(6, dtype), np.full(8, 1, dtype)
    mass = np.float32(4.5)
    narrow = quot.solve(C, a, b, reg=np.float32(0.5), mass=mass)
    wide = quot.solve(C.astype(float), a.astype(float), b.astype(float), reg=0.5, mass=4.5)
    assert bits(narrow) == bits(wide)
    assert narrow.plan.values.dtype == narrow.f.dtype == np.float64


def test_float32_weights_need_not_sum_to_one_exactly(rng):
    """1/n in single precision: the totals differ by 1e-8, the fault of the format."""
    a, b = np.full(7, np.float32(1 / 7)), np.full(10, np.float32(1 / 10))
    assert a.astype(float).sum() != b.astype(float).sum()
    result = quot.solve(rng.random((7, 10)), a, b)
    assert result.converged
    assert result.rescaled is not None
    with pytest.raises(quot.InvalidProblemError, match="equal totals"):
        quot.solve(rng.random((7, 10)), a.astype(float), b.astype(float))
    assert quot.solve(rng.random((7, 10)), a, b, mass=0.5).converged


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "dok"])
def test_sparse_formats(form, rng):
    C = rng.random((6, 8)) + 0.1
    full = sp.coo_array(C)
    plain = quot.solve(full, reg=0.1, mass=0.5)
    assert bits(plain) == bits(quot.solve(full.asformat(form), reg=0.1, mass=0.5))
    assert bits(plain) == bits(quot.solve(sp.coo_matrix(C).asformat(form), reg=0.1, mass=0.5))


@given(problems())
def test_a_full_sparse_cost_is_a_dense_cost(instance):
    """The type of C decides the pricing, never the problem that is solved."""
    n, m = instance.shape
    i, j = np.divmod(np.arange(n * m), m)
    full = sp.coo_array((instance.C.ravel(), (i, j)), shape=(n, m))
    r = quot.solve(full, instance.a, instance.b, **instance.options)
    assert_solved(instance, r)


@given(problems())
def test_same_call_same_bits(instance):
    first = quot.solve(*instance.data, **instance.options)
    second = quot.solve(*instance.data, **instance.options)
    assert bits(first) == bits(second)


def test_suggested_reg_gives_the_neighbours_asked_for(rng):
    X, Y = rng.normal(size=(600, 2)), rng.normal(size=(500, 2))
    for mass, wanted in ((None, 6.0), (0.7, 20.0)):
        problem = quot.Problem(quot.PointCost(X, Y), mass=mass)
        reg = quot.suggest_reg(problem, neighbours=wanted)
        plan = quot.solve(problem.cost, reg=reg, mass=mass).plan
        assert plan.nnz / np.unique(plan.rows).size == pytest.approx(wanted, rel=0.25)


@pytest.mark.parametrize("neighbours", [1.0, 0.0, -3, np.nan, 501, "8"])
def test_suggested_reg_refuses_neighbours_out_of_range(neighbours):
    problem = quot.Problem(np.ones((4, 500)))
    with pytest.raises(quot.InvalidProblemError, match="neighbours"):
        quot.suggest_reg(problem, neighbours=neighbours)


def test_images_as_masses(rng):
    source, target = rng.random((3, 4)), rng.random((2, 5))
    cost, a, b = quot.PointCost.from_images(source, target, spacing=(1.0, 0.5))
    np.testing.assert_allclose(a.reshape(3, 4), source / source.sum())
    np.testing.assert_allclose(b.sum(), 1.0)
    pixel, other = np.ravel_multi_index((2, 3), (3, 4)), np.ravel_multi_index((1, 0), (2, 5))
    assert cost.at([pixel], [other])[0] == pytest.approx(1.0 + 1.5**2)


@pytest.mark.parametrize(
    ("source", "spacing", "match"),
    [
        (np.zeros((2, 2)), 1.0, "source"),
        (-np.ones((2, 2)), 1.0, "source"),
        (np.ones((2, 2, 3)), 1.0, "axes"),
        (np.ones((2, 2)), (1.0, 0.0), "spacing"),
        (np.ones((2, 2)), (1.0, 1.0, 1.0), "spacing"),
    ],
)
def test_images_that_are_none(source, spacing, match):
    with pytest.raises(quot.InvalidProblemError, match=match):
        quot.PointCost.from_images(source, np.ones((2, 2)), spacing=spacing)
