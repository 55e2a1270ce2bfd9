"""One thread or two: the same bits. Sizes are such that threads are used."""

import numpy as np
import pytest

import quot
from quot import parallel

CASES = {
    "dense": lambda rng: (quot.solve, (rng.random((520, 450)),)),
    "points 2-D": lambda rng: (
        quot.solve_points,
        (rng.normal(size=(520, 2)), rng.normal(size=(450, 2))),
    ),
    "points 30-D": lambda rng: (
        quot.solve_points,
        (rng.normal(size=(520, 30)), rng.normal(size=(450, 30))),
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("options", [{"reg": 1.0, "mass": 0.7}, {"reg": 0.05}], ids=str)
def test_threads_do_not_matter(case, options, monkeypatch, rng):
    solve, data = CASES[case](rng)
    answers = []
    used = set()
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("QUOT_NUM_THREADS", threads)
        used.add(parallel.thread_count())
        r = solve(*data, **options)
        assert r.converged
        arrays = (r.plan.rows, r.plan.cols, r.plan.values, r.f, r.g)
        numbers = (r.lam, r.value, r.certificate.lower, r.certificate.upper)
        answers.append([x.tobytes() for x in arrays] + [np.array(numbers).tobytes()])
    assert used == {1, 2, 3}
    assert answers[0] == answers[1] == answers[2]
