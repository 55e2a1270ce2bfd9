"""TransportMapper and TransportLabelPropagation: what they say, and what they refuse."""

import inspect
import re
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("sklearn")

import quot
from quot.estimators import TransportLabelPropagation, TransportMapper


@pytest.fixture
def moved(rng):
    """Three classes, moved and turned: Xs, ys, Xt, yt; and strays in the target."""
    centres = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    ys, yt = np.repeat(np.arange(3), 20), np.repeat(np.arange(3), 15)
    Xs = centres[ys] + 0.5 * rng.normal(size=(60, 2))
    Xt = centres[yt] + 0.5 * rng.normal(size=(45, 2)) + [1.0, 0.5]
    return Xs, ys, np.concatenate((Xt, [[40.0, 40.0]] * 5)), yt


# --- what they say ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"reg": 5.0},
        {"reg": 5.0, "mass": 0.7},
        {"reg": 0.0},
        {"regularizer": "entropic", "eps": 0.5, "mass": 0.7},
        {"perplexity": 5.0},
        {"perplexity": 5.0, "on": "average", "regularizer": "entropic"},
        {"reg": 5.0, "metric": "euclidean", "tol": 1e-6},
    ],
    ids=str,
)
def test_fitted_samples_go_where_the_plan_sends_them(moved, options):
    Xs, _, Xt, _ = moved
    mapper = TransportMapper(**options).fit_domains(Xs, Xt)
    assert mapper.result_.converged
    images = mapper.result_.plan.barycentric(Xt, X=Xs)
    assert mapper.transform(Xs) == pytest.approx(images, rel=1e-13, abs=1e-13)
    again = quot.certify(
        *(getattr(mapper.result_, k) for k in ("problem", "plan", "f", "g", "lam")),
        multipliers=_multipliers(mapper.result_),
    )
    assert again.relative_gap == pytest.approx(mapper.result_.certificate.relative_gap, abs=1e-12)
    assert again.primal_residual <= 1e-12


def _multipliers(result):
    if isinstance(result, quot.AdaptiveResult):
        return result.row_multipliers, result.col_multipliers
    return None


def test_results_are_those_of_the_solvers(moved):
    Xs, _, Xt, _ = moved
    cost = quot.PointCost(Xs, Xt, "cityblock")
    ours = TransportMapper(reg=5.0, mass=0.7, metric="cityblock").fit_domains(Xs, Xt)
    assert ours.result_.value == pytest.approx(quot.solve(cost, reg=5.0, mass=0.7).value)
    ours = TransportMapper(perplexity=(4, 3), on="both", metric="cityblock").fit_domains(Xs, Xt)
    assert ours.result_.cost == pytest.approx(
        quot.solve_adaptive(cost, perplexity=(4, 3), on="both").cost
    )
    options = {"eps": 0.5, "mass": 0.7}
    ours = TransportMapper(regularizer="entropic", metric="cityblock", **options)
    ours.fit_domains(Xs, Xt)
    assert ours.result_.value == pytest.approx(quot.solve_entropic(cost, **options).value)


def test_without_a_strength_a_point_has_about_eight_others(rng):
    Xs, Xt = rng.normal(size=(2, 200, 2))
    plan = TransportMapper().fit_domains(Xs, Xt).result_.plan
    assert 6 <= plan.nnz / 200 <= 10


def test_a_fraction_of_the_mass(moved):
    Xs, ys, Xt, _ = moved
    for make in (TransportMapper, TransportLabelPropagation):
        for options in ({}, {"regularizer": "entropic", "eps": 0.5}):
            found = make(mass_fraction=0.6, **options).fit_domains(Xs, Xt, ys).result_
            same = make(mass=0.6, **options).fit_domains(Xs, Xt, ys).result_
            assert found.plan.total == pytest.approx(0.6)
            assert found.value == same.value
    model = TransportLabelPropagation(mass_fraction=0.8).fit_domains(Xs, Xt, ys)
    assert set(model.transduction_[45:].tolist()) == {-1}


def test_what_sends_nothing_stays(moved):
    Xs, _, Xt, _ = moved
    mapper = TransportMapper(reg=5.0, mass=0.6).fit_domains(Xs, Xt)
    stays = mapper.result_.plan.row_sums() == 0.0
    assert 0 < stays.sum() < len(Xs)
    assert np.array_equal(mapper.transform(Xs)[stays], Xs[stays])
    assert mapper.transform([[-80.0, -80.0]]).tolist() == [[-80.0, -80.0]]
    moves_nothing = TransportMapper(mass=0.0).fit_domains(Xs, Xt)
    assert np.array_equal(moves_nothing.transform(Xs + 0.5), Xs + 0.5)


def test_samples_of_the_target_stay_and_others_move(moved):
    Xs, _, Xt, _ = moved
    X, sample_domain = np.concatenate((Xt, Xs)), [-1] * len(Xt) + [2] * len(Xs)
    mapper = TransportMapper(reg=5.0).fit(X, sample_domain=sample_domain)
    assert mapper.result_.problem.shape == (len(Xs), len(Xt))
    mapped = mapper.transform(X, sample_domain=sample_domain)
    assert np.array_equal(mapped[: len(Xt)], Xt)
    assert np.array_equal(mapped[len(Xt) :], mapper.transform(Xs))


def test_alone_samples_are_mapped_among_themselves(moved):
    Xs, ys, _, _ = moved
    assert TransportMapper(reg=0.0).fit_transform(Xs) == pytest.approx(Xs, rel=1e-15)
    smoothed = TransportMapper().fit_transform(Xs)
    assert 0.0 < np.abs(smoothed - Xs).max() < 2.0
    assert TransportLabelPropagation().fit(Xs, ys).score(Xs, ys) == 1.0


@pytest.mark.parametrize("options", [{}, {"perplexity": 5.0}, {"mass": "knee"}], ids=str)
def test_labels_are_brought_to_the_target(moved, options):
    Xs, ys, Xt, yt = moved
    model = TransportLabelPropagation(**options).fit_domains(Xs, Xt[:45], ys)
    named = model.transduction_ != -1
    assert named.sum() >= 40
    right = (model.transduction_ == yt)[named].mean()
    assert right >= 0.97
    new = Xt[:45] + 0.1
    assert model.score(new[named], yt[named]) >= 0.97
    assert model.predict_proba(new)[named].sum(axis=1) == pytest.approx(1.0)


def test_distributions_are_those_of_the_plan(moved):
    Xs, ys, Xt, _ = moved
    model = TransportLabelPropagation(reg=5.0, mass=0.7).fit_domains(Xs, Xt, ys)
    shares = np.nan_to_num(model.result_.plan.T.barycentric(np.eye(3)[ys]))
    assert model.label_distributions_ == pytest.approx(shares, rel=1e-13)
    assert np.array_equal(model.predict_proba(Xt), model.label_distributions_)


@pytest.mark.parametrize(
    ("names", "mark", "given"),
    [
        (np.array([0, 1, 2]), -1, None),
        (np.array([0, 1, 2], np.uint8), -1, None),
        (np.array([0.0, 1.0, 2.0]), -1.0, None),
        (np.array(["no", "yes", "may be"]), "", None),
        (np.array(["no", "yes", "may be"], object), "", None),
        (np.array([-1, 0, 1]), -9, -9),
        (np.array(["no", "yes", "may be"]), "nobody knows", "nobody knows"),
    ],
    ids=str,
)
def test_what_receives_nothing_stays_unlabelled(moved, names, mark, given):
    Xs, ys, Xt, yt = moved
    model = TransportLabelPropagation(mass=0.8, unlabelled=given)
    found = model.fit_domains(Xs, Xt, names[ys]).transduction_
    assert set(found[45:].tolist()) == {mark}
    assert np.array_equal(model.predict(Xt), found)
    assert (model.label_distributions_[45:] == 0.0).all()
    named = found != mark
    assert np.array_equal(found[named], names[yt][named[:45]])
    assert model.predict([[-70.0, 3.0], Xt[0]]).tolist() == [mark, names[yt[0]]]
    assert np.array_equal(model.classes_, np.unique(names))


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_labels_are_the_target_if_nothing_else_says_so(moved, missing):
    Xs, ys, Xt, _ = moved
    X, names = np.concatenate((Xs, Xt)), np.array(["a", "b", "c"], object)
    model = TransportLabelPropagation(mass=0.8).fit(X, [*names[ys], *[missing] * len(Xt)])
    by_hand = TransportLabelPropagation(mass=0.8).fit_domains(Xs, Xt, names[ys])
    assert model.transduction_.tolist() == by_hand.transduction_.tolist()
    y = np.concatenate((ys.astype(float), np.full(len(Xt), np.nan)))
    assert TransportLabelPropagation().fit(X, y).transduction_.size == len(Xt)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mass": 0.7},
        {"reg": 0.0},
        {"reg": 1.0},
        {"mass": "knee"},
        {"perplexity": (4.0, 2.0), "on": "both"},
        {"regularizer": "entropic", "eps": 0.1, "mass": 0.7},
    ],
    ids=str,
)
def test_the_order_of_samples_does_not_matter(rng, options):
    Xs, Xt, new = rng.normal(size=(3, 60, 2))
    ys = (Xs[:, 0] > 0).astype(int)
    one, other = rng.permutation(60), rng.permutation(60)
    for make in (TransportMapper, TransportLabelPropagation):
        plain = make(**options).fit_domains(Xs, Xt, ys)
        mixed = make(**options).fit_domains(Xs[one], Xt[other], ys[one])
        apply = "transform" if make is TransportMapper else "predict_proba"
        for X in (Xs, Xt, new):
            there, here = getattr(plain, apply)(X), getattr(mixed, apply)(X)
            assert np.array_equal(there, here)
        P, Q = np.asarray(plain.result_.plan), np.asarray(mixed.result_.plan)
        assert np.abs(Q - P[one][:, other]).max() <= 1e-12


# --- frames ----------------------------------------------------------------------------------


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_columns_of_frames_are_matched_by_name(moved, package):
    frames = pytest.importorskip(package)
    Xs, ys, Xt, _ = moved
    source = frames.DataFrame({"x": Xs[:, 0], "y": Xs[:, 1]})
    target = frames.DataFrame({"y": Xt[:, 1], "x": Xt[:, 0]})
    labels = frames.Series(["abc"[k] for k in ys])
    model = TransportLabelPropagation(mass=0.8).fit_domains(source, target, labels)
    plain = TransportLabelPropagation(mass=0.8).fit_domains(Xs, Xt, np.array(list("abc"))[ys])
    assert model.transduction_.tolist() == plain.transduction_.tolist()
    assert model.feature_names_in_.tolist() == ["x", "y"]
    assert model.predict(target[["x", "y"]]).tolist() == plain.transduction_.tolist()
    with pytest.raises(ValueError, match="in the same order"):
        model.predict(target)
    with pytest.raises(quot.InvalidProblemError, match="`Xs` has the columns 'x', 'y' and `Xt`"):
        model.fit_domains(source, target.rename({"x": "z"} if package == "polars" else str.upper,
                          **({} if package == "polars" else {"axis": 1})), labels)  # fmt: skip
    mapper = TransportMapper().set_output(transform=package).fit_domains(source, target)
    mapped = mapper.transform(source)
    assert list(mapped.columns) == ["x", "y"]
    assert mapped.to_numpy() == pytest.approx(TransportMapper().fit_domains(Xs, Xt).transform(Xs))


# --- samples that are few, or all alike ------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"reg": 0.0}, {"mass": 0.5}], ids=str)
def test_few_samples(options):
    one, two = np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [3.0, 4.0]])
    for Xs, Xt in ((one, one), (one, two), (two, one), (two, two)):
        mapper = TransportMapper(**options).fit_domains(Xs, Xt)
        model = TransportLabelPropagation(**options).fit_domains(Xs, Xt, ["a"] * len(Xs))
        assert mapper.transform(Xs) == pytest.approx(np.broadcast_to(Xt[0], Xs.shape))
        assert model.transduction_.tolist() == ["a"] * len(Xt)
        assert model.predict_proba(Xt).tolist() == [[1.0]] * len(Xt)


def test_copies_of_samples_get_the_same(moved):
    Xs, ys, Xt, _ = moved
    X, y = np.concatenate((Xs, Xs)), np.concatenate((ys, ys))
    model = TransportLabelPropagation().fit_domains(X, np.concatenate((Xt, Xt[:9])), y)
    assert np.array_equal(model.label_distributions_[:9], model.label_distributions_[50:])
    assert model.result_.converged


# --- what they refuse ------------------------------------------------------------------------

X = np.arange(12.0).reshape(6, 2)
DOMAIN = [1, 1, 1, -2, -2, -2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reg": 1.0, "perplexity": 2.0}, "`reg` and `perplexity` both say how smooth a plan is"),
        ({"eps": 1.0}, "`eps` is no strength of regularizer='quadratic'; pass `reg`"),
        ({"regularizer": "entropic", "reg": 1.0}, "`reg` is no strength of regularizer='entropic'"),
        ({"regularizer": "entropic"}, 'regularizer="entropic" needs a strength; pass `eps`'),
        ({"regularizer": "entropic", "eps": 0.0}, "`eps` must be positive; got 0."),
        ({"regularizer": "cubic"}, "`regularizer` must be one of 'entropic', 'quadratic'; got"),
        ({"metric": "chebyshev"}, "`metric` must be one of"),
        ({"on": "me"}, "`on` must be one of"),
        ({"perplexity": 2.0, "mass": 0.5}, "with `perplexity` all mass moves; leave out `mass`"),
        ({"perplexity": 9.0}, "must be at least 1 and less than 3"),
        ({"perplexity": [2.0, 2.0]}, "`perplexity` must be a number; got [2.0, 2.0]"),
        ({"mass": 1.5}, "`mass` must be from 0 to 1, a share of the samples, or 'knee'; got 1.5."),
        ({"mass": "all"}, "`mass` must be a number; got 'all'"),
        (
            {"mass_fraction": 1.5},
            "`mass_fraction` must be from 0 to 1, a share of the samples; got",
        ),
        ({"mass_fraction": "knee"}, "`mass_fraction` must be a number; got 'knee'"),
        ({"mass_fraction": 0.5, "mass": 0.5}, "`mass` and `mass_fraction` both say how much moves"),
        ({"perplexity": 2.0, "mass_fraction": 0.5}, "with `perplexity` all mass moves; leave out"),
        ({"reg": -1.0}, "`reg` must not be negative; got -1."),
        ({"tol": 0.0}, "`tol`"),
    ],
    ids=str,
)
@pytest.mark.parametrize("make", [TransportMapper, TransportLabelPropagation])
def test_parameters(make, options, message):
    model = make(**options)
    with pytest.raises(quot.InvalidProblemError, match=re.escape(message)):
        model.fit(X, list("aabbbb"), sample_domain=DOMAIN)


class Tensor:
    """A tensor of another library that refuses to become an array."""

    shape, ndim = (3, 2), 2

    def __len__(self):
        return 3

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach()")


@pytest.mark.parametrize(
    ("name", "call"),
    {
        "X": lambda x: TransportMapper().fit(x),
        "Xs": lambda x: TransportMapper().fit_domains(x, np.eye(2)),
        "Xt": lambda x: TransportMapper().fit_domains(np.eye(2), x),
        "y": lambda x: TransportLabelPropagation().fit(np.eye(3), x),
    }.items(),
)
def test_tensors_that_refuse(name, call):
    """In words of scikit-learn, or of torch."""
    text = f"`{name}` requires grad, and its gradient would be lost; pass `{name}.detach()`."
    with pytest.raises(quot.InvalidProblemError, match=re.escape(text)):
        call(Tensor())


def test_new_samples_that_refuse():
    mapper = TransportMapper(reg=0.1).fit_domains(np.eye(2), np.eye(2))
    with pytest.raises(quot.InvalidProblemError, match="`X` requires grad"):
        mapper.transform(Tensor())


@pytest.mark.parametrize(
    ("sample_domain", "message"),
    [
        ([1] * 6, "all 6 samples are of the source, by `sample_domain`; those of the target need"),
        ([-1] * 6, "all 6 samples are of the target, by `sample_domain`; those of the source need"),
        ([1.0, np.nan] * 3, "`sample_domain` must have 6 integers"),
        ([1, -1], "`sample_domain` must have 6 integers, one a sample, >= 0 for those of the"),
        (list("sssttt"), "`sample_domain` must have 6 integers"),
    ],
)
@pytest.mark.parametrize("make", [TransportMapper, TransportLabelPropagation])
def test_domains(make, sample_domain, message):
    with pytest.raises(quot.InvalidProblemError, match=re.escape(message)):
        make().fit(X, list("aabbbb"), sample_domain=sample_domain)


@pytest.mark.parametrize("make", [TransportMapper, TransportLabelPropagation])
def test_samples(make):
    with pytest.raises(ValueError, match="Input X contains NaN"):
        make().fit_domains([[np.nan, 0.0]], X, ["a"])
    with pytest.raises(ValueError, match="Input Xt contains NaN"):
        make().fit_domains(X, [[np.nan, 0.0]], list("aabbbb"))
    with pytest.raises(quot.InvalidProblemError, match="`Xs` has 2 features and `Xt` has 1;"):
        make().fit_domains(X, X[:, :1], list("aabbbb"))
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        make().fit_domains(X, X[:0], list("aabbbb"))


@pytest.mark.parametrize(
    ("labels", "options", "message"),
    [
        (None, {}, "TransportLabelPropagation requires y to be passed, but the target y is None"),
        ([1, 2], {}, "inconsistent numbers of samples"),
        ([0.5, 1.25, 2.0, 0, 0, 0], {}, "Unknown label type: continuous"),
        ([np.nan, 1, 2, 0, 0, 0], {}, "Input y contains NaN"),
        ([-1, 1, 2, 0, 0, 0], {"mass": 0.5}, "`unlabelled=-1` is one of the classes"),
        (["", "a", "a", *"bbb"], {"mass": 0.5}, "`unlabelled=''` is one of the classes"),
        ([1, 2, 3, 0, 0, 0], {"mass": 0.5, "unlabelled": "?"}, "`unlabelled='?'` is no number"),
        ([*"aabbbb"], {"mass": 0.5, "unlabelled": -1}, "`unlabelled=-1` is no text"),
    ],
)
def test_labels(labels, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        TransportLabelPropagation(**options).fit(X, labels, sample_domain=DOMAIN)


# --- what is said of them --------------------------------------------------------------------


@pytest.mark.parametrize("make", [TransportMapper, TransportLabelPropagation])
def test_docstrings_have_the_parameters(make):
    docscrape = pytest.importorskip("numpydoc.docscrape")
    for thing in (make, *(v for k, v in vars(make).items() if callable(v) and k[0] != "_")):
        doc = docscrape.NumpyDocString(inspect.getdoc(thing))
        if not inspect.isfunction(thing) and not inspect.isclass(thing):
            continue  # what scikit-learn adds
        named = [entry.name for entry in doc["Parameters"]]
        assert named == [k for k in inspect.signature(thing).parameters if k != "self"]


def test_importing_quot_does_not_import_scikit_learn():
    code = "import quot, quot.cli, sys; assert 'sklearn' not in sys.modules; import quot.estimators"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_without_scikit_learn_one_sentence_says_what_to_do():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "try:\n    import quot.estimators\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith(
        "and estimators need it (extra `estimators`); install it with "
        "`pip install 'quot[estimators]'`.\n"
    )
