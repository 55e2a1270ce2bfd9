"""scikit-learn's own checks, all of them; none is expected to fail."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from quot.estimators import (
    ColorTransfer,
    RigidRegistration,
    TransportLabelPropagation,
    TransportMapper,
)


@parametrize_with_checks(
    [
        TransportMapper(),
        TransportMapper(regularizer="entropic", eps=0.1, mass=0.9),
        TransportLabelPropagation(),
        ColorTransfer(),
        RigidRegistration(),
    ]
)
def test_check(estimator, check):
    check(estimator)


@pytest.fixture
def domains(rng):
    """Two classes, shifted: samples, labels, domains."""
    Xs, Xt = rng.normal(size=(2, 30, 2))
    ys = np.arange(30) % 2
    Xs[ys == 1] += 4.0
    Xt[ys == 1] += 4.0
    X, y = np.concatenate((Xs, Xt + 1.5)), np.concatenate((ys, np.full(30, -1)))
    return X, y, np.repeat((1, -2), 30), ys


def test_domains_are_fitted_by_either_call(domains):
    X, y, sample_domain, ys = domains
    by_mask = TransportLabelPropagation(mass=0.8).fit(X, y, sample_domain=sample_domain)
    by_hand = TransportLabelPropagation(mass=0.8).fit_domains(X[:30], X[30:], ys)
    assert np.array_equal(by_mask.label_distributions_, by_hand.label_distributions_)
    assert np.array_equal(by_mask.predict(X[30:]), by_hand.transduction_)
    one = TransportMapper(mass=0.8).fit(X, sample_domain=sample_domain)
    two = TransportMapper(mass=0.8).fit_domains(X[:30], X[30:])
    assert np.array_equal(one.transform(X[:30]), two.transform(X[:30]))
    mapped = TransportMapper(mass=0.8).fit_transform(X, sample_domain=sample_domain)
    assert np.array_equal(mapped[:30], two.transform(X[:30]))
    assert np.array_equal(mapped[30:], X[30:])


def test_in_a_pipeline_with_routing(domains):
    """The domains of the samples are asked for without more words, where routing is on."""
    import sklearn

    X, _, sample_domain, ys = domains
    with sklearn.config_context(enable_metadata_routing=True):
        pipe = make_pipeline(StandardScaler(), TransportMapper(), SVC())
        pipe.fit(X, np.concatenate((ys, ys)), sample_domain=sample_domain)
        steps = pipe[:2].transform(X, sample_domain=sample_domain)
    assert np.array_equal(steps[30:], pipe[0].transform(X)[30:])
    assert not np.array_equal(steps[:30], pipe[0].transform(X)[:30])


def test_pickled_and_cloned(domains):
    X, y, sample_domain, _ = domains
    for model in (
        TransportLabelPropagation(mass=0.5, unlabelled=-7),
        TransportLabelPropagation(perplexity=(3, 2), on="both"),
        TransportLabelPropagation(regularizer="entropic", eps=0.5),
    ):
        model.fit(X, y, sample_domain=sample_domain)
        new = X + 0.1
        assert np.array_equal(pickle.loads(pickle.dumps(model)).predict(new), model.predict(new))
        again = clone(model)
        assert again.get_params() == model.get_params()
        assert not hasattr(again, "result_")
