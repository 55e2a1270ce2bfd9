"""Pictures of plans: which cells, lines and dots are drawn, and what is refused."""

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot.exceptions import InvalidProblemError

pytest.importorskip("matplotlib")
from quot import plot


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(2)
    return rng.normal(size=(12, 2)), rng.normal(size=(9, 2)) + 1.0


@pytest.fixture(scope="module")
def result(points):
    return quot.solve_points(*points, reg=0.5, mass=0.6)


def cells(ax):
    (image,) = ax.images
    return np.ma.filled(image.get_array(), 0.0)


def segments(ax):
    (lines,) = ax.collections[:1]
    return np.array(lines.get_segments()), lines


# --- as a matrix -----------------------------------------------------------------------------


def test_a_cell_is_blue_where_a_pair_carries_mass(result):
    ax = plot.plan(result)
    P = np.asarray(result.plan)
    assert cells(ax).tolist() == (P > 1e-10).tolist()
    assert ax.get_title(loc="left") == f"sparsity {100 * result.plan.sparsity:.4g} %"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("column", "row")
    assert ax.images[0].get_extent() == [-0.5, 8.5, 11.5, -0.5]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first row is on top
    assert ax.get_aspect() == 1.0
    ax.figure.canvas.draw()


def test_values_are_those_of_the_plan_and_have_a_scale(result):
    ax = plot.plan(result, values=True)
    np.testing.assert_array_equal(cells(ax), np.asarray(result.plan))
    assert ax.images[0].get_clim() == (0.0, result.plan.values.max())
    assert ax.figure.axes[1].get_ylabel() == "mass"
    assert len(plot.plan(result).figure.axes) == 1


def test_a_threshold_is_that_of_sparsity():
    P = np.array([[0.5, 1e-10], [2e-10, 1e-3]])
    assert cells(plot.plan(P)).tolist() == [[1, 0], [1, 1]]
    ax = plot.plan(P, threshold=1e-3)
    assert cells(ax).tolist() == [[1, 0], [0, 0]]
    assert ax.get_title(loc="left") == "sparsity 75 %"


@pytest.mark.parametrize("values", [False, True])
def test_large_plans_share_cells_and_lose_nothing(values):
    rows, cols = np.array([0, 1, 998, 999]), np.array([0, 0, 5, 6])
    P = sp.csr_array((np.array([0.1, 0.2, 0.3, 0.4]), (rows, cols)), shape=(1000, 7))
    ax = plot.plan(P, cells=10, values=values)
    want = np.zeros((10, 7))
    want[[0, 9, 9], [0, 5, 6]] = [0.1 + 0.2, 0.3, 0.4] if values else 1.0
    np.testing.assert_allclose(cells(ax), want)
    assert ax.images[0].get_extent() == [-0.5, 6.5, 999.5, -0.5]
    assert ax.get_aspect() == "auto"
    if values:
        assert ax.figure.axes[1].get_ylabel() == "mass in a cell"


def test_plans_of_all_kinds(points, result):
    entropic = quot.solve_entropic(result.problem.cost, eps=0.05, mass=0.6)
    P = np.asarray(entropic.plan)
    assert 0.0 < P.min() < 1e-10 < P.max()
    assert cells(plot.plan(entropic)).tolist() == (P > 1e-10).tolist()
    np.testing.assert_allclose(cells(plot.plan(entropic.plan.T, values=True)), P.T, atol=1e-10)
    adaptive = quot.solve_adaptive(result.problem.cost, perplexity=3)
    assert cells(plot.plan(adaptive)).sum() == adaptive.plan.nnz
    assert cells(plot.plan(quot.Plan.empty((2, 3)), values=True)).tolist() == [[0] * 3] * 2
    assert cells(plot.plan([[1.0, 0.0]])).tolist() == [[1, 0]]


# --- as lines --------------------------------------------------------------------------------


def test_a_line_is_a_pair(points, result):
    ax = plot.lines(result)
    X, Y = points
    ends, drawn = segments(ax)
    plan = result.plan
    want = np.stack((X[plan.rows], Y[plan.cols]), axis=1)[np.argsort(plan.values, kind="stable")]
    np.testing.assert_array_equal(ends, want)
    assert ax.get_title(loc="left") == f"{plan.nnz} pairs, which carry 0.6"
    assert ax.get_aspect() == 1.0
    widths, alphas = drawn.get_linewidths(), drawn.get_colors()[:, 3]
    strength = np.minimum(np.sort(plan.values) / np.quantile(plan.values, 0.9), 1.0)
    np.testing.assert_allclose(widths, np.maximum(2.0 * strength, 0.4))
    assert (np.diff(alphas) >= 0.0).all()
    assert alphas[-1] > 0.75
    ax.figure.canvas.draw()


def test_dots_that_send_or_receive_nothing_are_hollow(points, result):
    X, Y = points
    sends, receives = result.plan.row_sums() > 0.0, result.plan.col_sums() > 0.0
    assert not sends.all()
    assert not receives.all()
    _, *dots = plot.lines(result).collections
    full_x, hollow_x, full_y, hollow_y = (np.asarray(k.get_offsets()) for k in dots)
    np.testing.assert_array_equal(full_x, X[sends])
    np.testing.assert_array_equal(hollow_x, X[~sends])
    np.testing.assert_array_equal(full_y, Y[receives])
    np.testing.assert_array_equal(hollow_y, Y[~receives])
    faces = [tuple(k.get_facecolor()[0]) for k in dots]
    assert faces[1] == faces[3] == (1.0, 1.0, 1.0, 1.0)
    assert len(set(faces)) == 3


def test_of_many_lines_those_are_drawn_that_share_the_mass():
    values = np.array([4.0, 1, 1, 1, 1, 4, 4, 4, 4, 8])
    line = np.arange(10.0)
    X, Y = np.stack((line, 0 * line), axis=1), np.stack((line, 0 * line + 1), axis=1)
    plan = quot.Plan.from_dense(np.diag(values))
    ends, _ = segments(plot.lines(plan, X=X, Y=Y, most=8))  # 2, 6, 10, ... of 32 in all
    assert sorted(ends[:, 0, 0].tolist()) == [0, 2, 5, 6, 7, 8, 9]  # the last twice
    assert plot.lines(plan, X=X, Y=Y, most=8).get_title(loc="left") == (
        "7 of 10 pairs, which carry 32"
    )
    ax = plot.lines(plan, X=X, Y=Y, most=0)
    assert segments(ax)[0].size == 0
    assert ax.get_title(loc="left") == "0 of 10 pairs, which carry 32"


def test_places_of_ones_own(points, result):
    rng = np.random.default_rng(0)
    far = quot.solve_points(rng.normal(size=(4, 5)), rng.normal(size=(3, 5)), reg=1.0)
    X, Y = rng.normal(size=(4, 2)), rng.normal(size=(3, 2))
    assert segments(plot.lines(far, X=X, Y=Y))[0].shape == (far.plan.nnz, 2, 2)
    other, _ = segments(plot.lines(result, X=points[0] + 5.0))
    ends, _ = segments(plot.lines(result))
    np.testing.assert_array_equal(other[:, 0], ends[:, 0] + 5.0)
    np.testing.assert_array_equal(other[:, 1], ends[:, 1])


def test_a_plan_of_nothing_has_points(points):
    X, Y = points
    ax = plot.lines(quot.Plan.empty((12, 9)), X=X, Y=Y)
    assert ax.get_title(loc="left") == "0 pairs, which carry 0"
    assert [len(k.get_offsets()) for k in ax.collections[1:]] == [0, 12, 0, 9]


# --- both ------------------------------------------------------------------------------------


@pytest.mark.parametrize("draw", [plot.plan, plot.lines])
def test_axes_of_ones_own(draw, result):
    from matplotlib.figure import Figure

    one, other = Figure().subplots(1, 2)
    assert draw(result, other) is other
    assert not one.images
    assert not one.collections


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda r: plot.plan("plan"), r"`plan` must be a result of transport, .*; got str"),
        (lambda r: plot.plan(None), r"`plan` must be a result of transport, .*; got NoneType"),
        (lambda r: plot.plan(np.ones(3)), r"`plan` must have 2 axes, as \(n, m\)"),
        (lambda r: plot.plan(np.ones((0, 3))), r"`plan` has shape \(0, 3\), and nothing to draw"),
        (lambda r: plot.plan([[np.nan]]), r"`plan` has entries that are NaN"),
        (lambda r: plot.plan(sp.csr_array([[np.nan]])), r"`plan` has entries that are NaN"),
        (lambda r: plot.plan(r, cells=0), r"`cells` must be at least 1; got 0"),
        (lambda r: plot.plan(r, threshold="low"), r"`threshold` must be a number"),
        (lambda r: plot.lines(r.plan), r"does not say where its points are; pass `X`.*\(12, 2\)"),
        (lambda r: plot.lines(r.plan, X=r.problem.cost.X), r"pass `Y`, of shape \(9, 2\)"),
        (lambda r: plot.lines(r, X=np.ones((12, 3))), r"`X` must have shape \(12, 2\) .* \(12, 3"),
        (lambda r: plot.lines(r, Y=np.ones((12, 2))), r"`Y` must have shape \(9, 2\) .* \(12, 2\)"),
        (lambda r: plot.lines(r, most=1.5), r"`most` must be an integer"),
        (lambda r: plot.lines(r, width=0), r"`width` must be positive"),
    ],
)
def test_what_is_refused(call, message, result):
    with pytest.raises(InvalidProblemError, match=message):
        call(result)


def test_a_flow_is_drawn_elsewhere():
    flow = quot.solve_graph(quot.graphs.grid((2, 2)), np.eye(4)[0], np.eye(4)[3], reg=1.0)
    with pytest.raises(InvalidProblemError, match=r"got GraphResult.*`quot\.plot\.flow`"):
        plot.plan(flow)
    with pytest.raises(InvalidProblemError, match=r"points of more coordinates choose two"):
        plot.lines(quot.solve_points(np.ones((2, 3)), np.ones((2, 3))))
