"""A pipeline of skada, in a process of its own: skada switches metadata routing on for all."""

import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

if find_spec("skada") is None:
    pytest.skip("skada is not installed", allow_module_level=True)

PIPELINE = """
import numpy as np, sklearn
from sklearn.datasets import make_moons
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import quot.estimators
assert not sklearn.get_config()["enable_metadata_routing"]

from skada import make_da_pipeline
from quot.estimators import TransportLabelPropagation
from quot.estimators.skada import TransportAdapter

turn = np.deg2rad(40)
turn = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
Xs, ys = make_moons(150, noise=0.05, random_state=0)
Xt, yt = make_moons(120, noise=0.05, random_state=1)
Xt = Xt @ turn
X, y, domain = np.concatenate((Xs, Xt)), np.concatenate((ys, yt)), np.repeat((1, -2), (150, 120))

right = {}
for name, steps in {
    "none": (SVC(),),
    "adapter": (TransportAdapter(mass=0.9), SVC()),
    "labels": (TransportLabelPropagation(mass=0.9),),
}.items():
    pipe = make_da_pipeline(StandardScaler(), *steps).fit(X, y.copy(), sample_domain=domain)
    found = pipe.predict(Xt, sample_domain=domain[150:])
    assert np.array_equal(found, pipe.predict(Xt))
    right[name] = (found == yt)[found != -1].mean()
    if name == "adapter":
        everywhere = pipe.predict(X, sample_domain=domain, allow_source=True)
        assert np.array_equal(everywhere[150:], found)
        assert (everywhere[:150] == ys).mean() > 0.9
        adapter = pipe["transportadapter"].base_estimator_
        assert abs(adapter.result_.plan.total - 0.9) < 1e-9 and adapter.result_.converged
    if name == "labels":
        assert 0.05 < (found == -1).mean() < 0.2
assert right["none"] + 0.05 < min(right["adapter"], right["labels"]), right
try:
    TransportAdapter().fit(X).transform(X, sample_domain=domain)
except ValueError as error:
    assert "allow_source" in str(error)
else:
    raise AssertionError
print("done")
"""


def test_in_a_pipeline_with_partial_mass():
    done = subprocess.run(
        [sys.executable, "-c", PIPELINE], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "done"
