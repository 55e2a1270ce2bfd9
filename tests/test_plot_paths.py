"""Pictures of paths: what is drawn, and what is refused."""

import dataclasses

import numpy as np
import pytest

import quot
from quot.exceptions import InvalidProblemError

pytest.importorskip("matplotlib")
from quot import plot


@pytest.fixture(scope="module")
def C():
    return np.random.default_rng(5).random((8, 9))


def lines(ax):
    """The line itself, and the marks on it."""
    solid = [k for k in ax.lines if k.get_linestyle() == "-"]
    marks = [k for k in ax.lines if k.get_marker() == "o"]
    return solid, marks


def test_against_mass_the_lines_are_the_exact_curve(C):
    path = quot.mass_path(quot.Problem(C), count=4)
    price, cost, sparsity = plot.path(path)
    (line,), marks = lines(price)
    assert line.get_ydata().tolist() == np.repeat(path.slopes, 2).tolist()
    assert line.get_xdata()[[0, -1]].tolist() == [0.0, path.breakpoints[-1]]
    assert not marks
    (line,), (dots,) = lines(cost)
    assert line.get_xdata().tolist() == path.breakpoints.tolist()
    assert dots.get_xdata().tolist() == path.masses.tolist()
    np.testing.assert_allclose(np.interp(path.masses, *line.get_data()), path.costs)
    (line,), (dots,) = lines(sparsity)
    assert line.get_ydata().tolist() == dots.get_ydata().tolist() == path.sparsities.tolist()
    assert f"knee at {path.knee():.4g}" in [text.get_text() for text in price.texts]
    assert sparsity.get_xlabel() == "mass moved"
    price.figure.canvas.draw()


def test_a_path_without_a_knee_has_no_mark():
    C = np.full((4, 4), 9.0)
    np.fill_diagonal(C, [1.0, 2.0, 3.0, 4.0])
    path = quot.mass_path(quot.Problem(C))
    price = plot.path(path)[0]
    assert path.knee() == path.masses[-1]
    assert not price.texts
    assert len(lines(price)[0]) == len(price.lines) == 1


def test_against_reg_the_axis_has_a_place_for_0(C):
    path = quot.reg_path(quot.Problem(C, mass=0.5), [1.0, 0.0, 0.01])
    axes = plot.path(path)
    axes[-1].figure.canvas.draw()
    assert [ax.get_xscale() for ax in axes] == ["log"] * 3
    assert axes[-1].get_xlabel() == "reg"
    names = [text.get_text() for text in axes[-1].get_xticklabels()]
    assert names == ["0", "0.01", "0.1", "1"]
    (_,), (dots,) = lines(axes[0])
    np.testing.assert_allclose(dots.get_xdata(), [0.001, 0.01, 1.0])
    assert dots.get_ydata().tolist() == path.lams[[1, 2, 0]].tolist()
    assert len(plot.path(quot.reg_path(quot.Problem(C), [0.0, 1.0]))) == 2  # balanced: no price


def test_a_ring_is_not_certified(C):
    path = quot.mass_path(quot.Problem(C, reg=1.0), [0.2, 0.4, 0.6])
    wrong = dataclasses.replace(path[1].certificate, primal_residual=1.0)
    bad = dataclasses.replace(path[1], certificate=wrong)
    path = dataclasses.replace(path, results=(path[0], bad, path[2]))
    _, (dots, rings) = lines(plot.path(path, of="cost")[0])
    assert rings.get_markerfacecolor() == "white"
    assert dots.get_markerfacecolor() == dots.get_color()
    assert rings.get_xdata().tolist() == [0.4]


def test_drawn_where_asked(C):
    from matplotlib.figure import Figure

    path = quot.mass_path(quot.Problem(C, reg=1.0), [0.2, 0.4])
    given = Figure().subplots(2, 1)
    assert plot.path(path, given, of=["cost", "lam"]) == tuple(given)
    assert given[0].get_title(loc="left") == "cost"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda path: plot.path([path]), "`path` must be a path with a result in it"),
        (lambda path: plot.path(path, of="mass"), "`of` must be one of"),
        (lambda path: plot.path(path, object()), "`ax` must be axes of matplotlib.*got a object"),
    ],
)
def test_what_is_refused(call, message, C):
    path = quot.mass_path(quot.Problem(C), [0.2, 0.4])
    with pytest.raises(InvalidProblemError, match=message):
        call(path)
