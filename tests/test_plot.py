"""Pictures of histories: what is drawn, where, and what is refused."""

import dataclasses
import math

import numpy as np
import pytest

import quot
from quot.exceptions import InvalidProblemError, MissingDependencyError

pytest.importorskip("matplotlib")
from quot import plot


@pytest.fixture(scope="module")
def C():
    rng = np.random.default_rng(3)
    return np.abs(rng.normal(size=(12, 1)) - rng.normal(size=(1, 9)))


def solved(C, method="three-block", **options):
    given = {"eps": 0.1, "mass": 0.6, "on_failure": "ignore", **options}
    return quot.solve_entropic(C, method=method, **given)


def drawn(ax):
    """The points of each line with a name."""
    return {k.get_label(): k for k in ax.lines if not k.get_label().startswith("_")}


def with_history(result, residuals, **more):
    """The same result, were its history this one."""
    eps = result.problem.eps
    told = [
        quot.Iterate(residual, 1, 1, 0, eps, 1, iteration=k, seconds=0.1 * k, passes=3.0 * k)
        for k, residual in enumerate(residuals, 1)
    ]
    return dataclasses.replace(result, history=tuple(told), **more)


def labels(ax):
    ax.figure.canvas.draw()
    return {
        text.get_text(): place
        for text, place in zip(ax.get_yticklabels(), ax.get_yticks(), strict=True)
    }


def test_a_line_is_the_history(C):
    r = solved(C, max_iter=40)
    ax = plot.convergence(r)
    line = max(ax.lines, key=lambda k: len(k.get_xdata()))
    assert line.get_xdata().tolist() == [k.passes for k in r.history]
    assert line.get_ydata().tolist() == [k.residual for k in r.history]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    ax.figure.canvas.draw()


def test_mass_and_seconds(C):
    r = solved(C, max_iter=40)
    ax = plot.convergence(r, against="seconds", of="mass")
    line = max(ax.lines, key=lambda k: len(k.get_xdata()))
    assert line.get_xdata().tolist() == [k.seconds for k in r.history]
    np.testing.assert_allclose(line.get_ydata(), [k.residual / 9 for k in r.history])
    assert ax.get_xlabel() == "seconds"


def test_a_dot_is_certified_and_a_ring_is_not(C):
    ax = plot.convergence({"whole": solved(C), "stopped": solved(C, max_iter=3)})
    ends = drawn(ax)
    assert ends["whole"].get_markerfacecolor() == ends["whole"].get_color()
    assert ends["stopped"].get_markerfacecolor() == "white"
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["whole", "stopped"]


def test_what_was_solved_on_the_way_is_dotted(C):
    """Of Newton's method all but the last iterations are at other temperatures."""
    r = solved(C, "newton", eps=0.01)
    assert [k.reg == 0.01 for k in r.history] == [False] * (len(r.history) - 1) + [True]
    dotted, own, _ = plot.convergence(r).lines
    assert dotted.get_linestyle() == ":"
    assert np.isfinite(own.get_ydata()).tolist() == [k.reg == 0.01 for k in r.history]
    other = plot.convergence(solved(C, max_iter=5)).lines
    assert [k.get_linestyle() for k in other] == ["-", "-"]


def test_names_tell_results_apart(C):
    results = [
        solved(C, "newton", formulation="E1", eps=0.2),
        solved(C, "newton", formulation="E2", eps=0.2),
        solved(C, "aam", eps=0.5),
    ]
    names = ["newton, E1, eps=0.2", "newton, E2, eps=0.2", "aam, E2, eps=0.5"]
    assert list(drawn(plot.convergence(results))) == names
    assert list(drawn(plot.convergence(results[1:2]))) == ["newton"]
    assert list(drawn(plot.convergence(results, labels=["a", "b", "c"]))) == ["a", "b", "c"]


def test_zero_is_at_the_bottom_and_says_so(C):
    r = with_history(solved(C), [1.0, 1e-3, 0.0])
    ax = plot.convergence(r)
    (zero,) = [place for text, place in labels(ax).items() if text == "0"]
    assert drawn(ax)["three-block"].get_ydata()[-1] == pytest.approx(zero)
    assert ax.get_ylim()[0] < zero < 1e-3
    ax = plot.convergence(with_history(solved(C), [0.0, 0.0]))
    assert "0" in labels(ax)


@pytest.mark.parametrize("residual", [1e-9, 1.0, 3e4, 0.0])
def test_one_iteration_is_a_dot(C, residual):
    ax = plot.convergence(with_history(solved(C), [residual]))
    (low, high), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    assert 0.0 < low < 3.0 < high
    assert 0.0 < bottom < top
    assert residual == 0.0 or bottom < residual < top
    assert len(labels(ax)) >= 2


def test_numbers_that_are_none_are_left_out(C):
    ax = plot.convergence(with_history(solved(C), [math.inf, 1.0, math.nan, 0.1]))
    assert max(ax.lines, key=lambda k: len(k.get_xdata())).get_ydata().tolist() == [1.0, 0.1]


def test_lines_that_coincide_are_all_seen(C):
    """Each is narrower than those beneath it; what runs elsewhere is as wide as the last."""
    r = solved(C, max_iter=60)
    other = with_history(r, [3.0 * 0.9**k for k in range(40)])
    ax = plot.convergence({"a": r, "b": r, "c": r, "d": r, "other": other})
    widths = [k.get_linewidth() for k in drawn(ax).values()]
    assert all(np.diff(widths[:4]) < -1.0)
    assert widths[3] == widths[4]


def test_ways_that_coincide_make_no_line_wide(C):
    """What is dotted is thin, whatever runs beneath it."""
    ax = plot.convergence([solved(C, "newton", eps=eps) for eps in (0.01, 0.005)])
    assert [k.get_linewidth() for k in drawn(ax).values()] == [1.7, 1.7]
    assert len([k for k in ax.lines if k.get_linestyle() == ":"]) == 2


def test_eight_are_told_apart_and_more_are_dashed(C):
    r = solved(C, max_iter=5)
    lines = drawn(plot.convergence({f"{k}": r for k in range(10)})).values()
    looks = {(k.get_color(), k.get_linestyle()) for k in lines}
    assert len(looks) == 10
    assert [k.get_linestyle() for k in lines] == ["-"] * 8 + ["--"] * 2
    assert max(k.get_linewidth() for k in lines) < 15.0


def test_axes_of_ones_own(C):
    from matplotlib.figure import Figure

    one, other = Figure().subplots(1, 2)
    assert plot.convergence(solved(C, max_iter=5), other, legend=False) is other
    assert other.get_legend() is None
    assert other.lines
    assert not one.lines


def test_quadratic_results_and_flows(C):
    results = {
        "linear": quot.solve(C, mass=0.6),
        "quadratic": quot.solve(C, reg=1.0, mass=0.6),
        "flow": quot.solve_graph(quot.graphs.grid((3, 3)), np.eye(9)[0], np.eye(9)[8], reg=1.0),
    }
    ax = plot.convergence(results, against="seconds")
    assert list(drawn(ax)) == list(results)
    with pytest.raises(InvalidProblemError, match=r"'auto' counts no passes.*'iterations'"):
        plot.convergence(results, against="passes")


def test_iterations_are_counted_where_passes_are_not(C):
    r = quot.solve(C, reg=1.0, mass=0.6)
    ax = plot.convergence(r)
    line = max(ax.lines, key=lambda k: len(k.get_xdata()))
    assert line.get_xdata().tolist() == [k.iteration for k in r.history]
    assert (ax.get_xlabel(), ax.get_xscale(), ax.get_yscale()) == ("iterations", "linear", "log")
    assert ax.get_xlim() == (0.5, len(r.history) + 0.5)
    other = solved(C, max_iter=5)
    ax = plot.convergence(other, against="iterations")
    assert max(len(k.get_xdata()) for k in ax.lines) == len(other.history)
    both = plot.convergence([r, solved(C, max_iter=5)])
    assert both.get_xlabel() == "iterations"


def test_what_is_refused(C, monkeypatch):
    r = solved(C, max_iter=5)
    with pytest.raises(
        InvalidProblemError, match=r"`against` must be one of 'passes', 'iterations'"
    ):
        plot.convergence(r, against="steps")
    with pytest.raises(InvalidProblemError, match=r"`of` must be one of 'residual', 'mass'"):
        plot.convergence(r, of="cost")
    with pytest.raises(InvalidProblemError, match=r"`results` is empty"):
        plot.convergence([])
    with pytest.raises(InvalidProblemError, match=r"mapping of names to them; got int"):
        plot.convergence(3)
    with pytest.raises(InvalidProblemError, match=r"results of quot only.* got str"):
        plot.convergence({"a": r, "b": "newton"})
    with pytest.raises(InvalidProblemError, match=r"`labels` has 1 names for 2 results"):
        plot.convergence([r, r], labels=["a"])
    with pytest.raises(InvalidProblemError, match=r"'nothing' has no history to draw"):
        plot.convergence({"nothing": with_history(r, [])})
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'quot\[images\]'"):
        plot.convergence(r)
