"""Round-off of the type that masses came in is no error, and it is said what was done about it."""

import numpy as np
import pytest
import scipy.sparse as sp

import quot
from quot import GraphProblem, InvalidProblemError, Problem
from quot.cli import main
from quot.entropic.rounding import round_dense
from quot.problem import AdaptiveProblem, EntropicProblem

rng = np.random.default_rng(5)


def normalised(n, dtype, seed):
    a = np.random.default_rng(seed).random(n).astype(dtype)
    a /= a.sum()
    return a


def unequal(dtype):
    """Masses of which the totals differ by more than float64 excuses, of total one in `dtype`."""
    for seed in range(100):
        a, b = normalised(30, dtype, seed), normalised(40, dtype, seed + 1000)
        one, other = a.sum(dtype=float), b.sum(dtype=float)
        if abs(one - other) > 1e-8 and max(one, other) < 1.0:
            return a, b
    raise AssertionError


C = rng.random((30, 40))
KINDS = {
    "plan": lambda a, b, **o: quot.solve(C, a, b, reg=0.1, **o),
    "linear plan": lambda a, b, **o: quot.solve(C, a, b, **o),
    "entropic": lambda a, b, **o: quot.solve_entropic(C, a, b, eps=0.1, **o),
    "batch": lambda a, b, **o: quot.solve_batch([C, C], a, b, **o)[1],
    "graph": lambda a, b, **o: quot.solve_graph(
        quot.graphs.grid((7, 10)), np.append(a, 0 * b), np.append(0 * a, b), **o
    ),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float16], ids=["single", "half"])
@pytest.mark.parametrize("kind", KINDS)
def test_totals_that_differ_by_their_own_round_off(kind, dtype):
    a, b = unequal(dtype)
    least = min(a.sum(dtype=float), b.sum(dtype=float))
    result = KINDS[kind](a, b)
    assert result.converged
    assert result.plan.total == pytest.approx(least, rel=1e-12)
    assert result.rescaled.taken == pytest.approx(least, rel=1e-12)
    most = max(a.sum(dtype=float), b.sum(dtype=float))
    assert result.rescaled.given == pytest.approx(most, rel=1e-12)
    assert f"`{result.rescaled.name}` rescaled by 1 - " in repr(result)


@pytest.mark.parametrize("dtype", [np.float32, np.float16], ids=["single", "half"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("one", [1.0, 1, np.float32(1)], ids=["float", "int", "single"])
def test_a_mass_of_one_is_all_there_is(kind, dtype, one):
    a, b = unequal(dtype)
    result = KINDS[kind](a, b, mass=one)
    least = min(a.sum(dtype=float), b.sum(dtype=float))
    assert result.converged
    assert result.problem.mass == pytest.approx(least, rel=1e-12)
    assert result.rescaled == ("mass", 1.0, result.problem.mass)


def test_an_adaptive_problem_too():
    a, b = unequal(np.float32)
    result = quot.solve_adaptive(C, a, b, perplexity=3.0)
    assert result.converged
    assert result.rescaled is not None


def test_what_was_given_can_be_told():
    a, b = unequal(np.float32)
    problem = Problem(C, a, b)
    name, given, taken = problem.rescaled
    before = {"a": a, "b": b}[name].astype(float)
    np.testing.assert_allclose(getattr(problem, name) * (given / taken), before, rtol=1e-15)
    assert str(problem.rescaled).startswith(f"`{name}` rescaled by 1 - ")
    assert before.sum() == pytest.approx(given, rel=1e-15)


def test_the_advice_of_the_message_is_taken():
    a, b = normalised(30, np.float32, 0), 2 * normalised(40, np.float32, 1)
    with pytest.raises(InvalidProblemError, match=r"`mass=min\(a\.sum\(\), b\.sum\(\)\)`"):
        Problem(C, a, b)
    for least in (min(a.sum(), b.sum()), float(min(a.sum(), b.sum()))):
        assert Problem(C, a, b, mass=least).mass == pytest.approx(1.0, rel=1e-6)


MIXED = {
    "single and double": (np.float32, np.float64),
    "double and single": (np.float64, np.float32),
    "a list and single": (list, np.float32),
    "single and half": (np.float32, np.float16),
}


@pytest.mark.parametrize(("one", "other"), MIXED.values(), ids=MIXED)
def test_the_coarser_of_two_types_counts(one, other):
    def cast(x, kind):
        return x.tolist() if kind is list else x.astype(kind)

    a, b = cast(normalised(30, float, 0), one), cast(normalised(40, float, 1), other)
    Problem(C, a, b)
    wrong = [np.asarray(b, float) * (1 + 1e-4)]
    if np.float16 not in (one, other):
        with pytest.raises(InvalidProblemError, match="needs equal totals"):
            Problem(C, a, wrong[0].astype(np.asarray(b).dtype))


@pytest.mark.parametrize("factor", [1 + 1e-8, 1 - 1e-8])
@pytest.mark.parametrize("kind", [np.float64, list])
def test_doubles_are_judged_as_doubles(factor, kind):
    a, b = normalised(30, float, 0), normalised(40, float, 1) * factor
    if kind is list:
        a, b = a.tolist(), b.tolist()
    with pytest.raises(InvalidProblemError, match="needs equal totals"):
        Problem(C, a, b)
    with pytest.raises(InvalidProblemError, match="exceeds"):
        Problem(C, a, b, mass=1 + 1e-8)


def test_integers_are_exact():
    a, b = np.full(30, 4_000_000, np.uint32), np.full(40, 3_000_000, np.int64)
    assert Problem(C, a, b).rescaled is None
    b[0] += 1
    with pytest.raises(InvalidProblemError, match="needs equal totals"):
        Problem(C, a, b)


def test_doubles_stay_as_they_are_to_the_last_bit():
    a, b = normalised(30, float, 0), normalised(40, float, 1) * (1 + 5e-10)
    for problem in (
        Problem(C, a, b),
        EntropicProblem(C, a, b, eps=1.0),
        AdaptiveProblem(C, a, b, row_perplexity=2.0),
        GraphProblem(quot.graphs.grid((7, 10)), np.append(a, 0 * b), np.append(0 * a, b)),
    ):
        sides = ("source", "target") if isinstance(problem, GraphProblem) else ("a", "b")
        assert problem.rescaled is None
        for side, given in zip(sides, (a, b), strict=True):
            held = getattr(problem, side)
            assert held[held > 0].tolist() == given.tolist()
    assert Problem(C, a, b, mass=1 + 1e-13).rescaled is None


def test_singles_within_the_round_off_of_doubles_stay_too():
    a = np.full(30, 2.0**-5, np.float32)
    b = np.full(40, 0.75 * 2.0**-5, np.float32)
    problem = Problem(C, a, b)
    assert problem.rescaled is None
    assert problem.b.tolist() == b.tolist()


def test_a_path_up_to_all_mass():
    problem = Problem(C, *unequal(np.float32))
    path = quot.mass_path(problem, [0.5, 1.0])
    assert path.results[-1].converged
    assert path.results[-1].plan.total == pytest.approx(1.0, rel=1e-6)


def test_rounding_a_plan():
    a, b = unequal(np.float32)
    plan = round_dense(np.zeros((30, 40)), a, b, 1.0)
    assert plan.sum() == pytest.approx(1.0, rel=1e-6)


def test_a_graph_by_name_and_in_parts():
    """In each component the totals are off by their own round-off."""
    a, b = unequal(np.float32)
    edges = np.array([(i, i + 1) for i in range(69)])
    graph = quot.Graph(140, np.concatenate((edges, edges + 70)), np.ones(138))
    a, b = np.append(a, 0 * b), np.append(0 * a, b)
    result = quot.solve_graph(graph, np.append(a, b), np.append(b, a))
    assert result.converged
    named = dict(enumerate(np.append(a, b))), dict(enumerate(np.append(b, a)))
    assert quot.solve_graph(graph, *named).value == result.value


def test_forbidden_pairs_in_parts():
    (a, b), (p, q) = unequal(np.float32), unequal(np.float32)
    blocks = sp.block_diag((C, C.T), format="csr")
    result = quot.solve(blocks, np.append(a, q), np.append(b, p), reg=0.1)
    assert result.converged
    assert result.rescaled.name == "a, b"


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
@pytest.mark.parametrize("mass", [None, "1"])
def test_files_keep_the_type(tmp_path, capsys, suffix, mass):
    a, b = unequal(np.float32)
    if suffix == ".npz":
        np.savez(tmp_path / "p.npz", C=C, a=a, b=b)
        argv = [str(tmp_path / "p.npz")]
    else:
        for name, array in (("C", C), ("a", a), ("b", b)):
            np.save(tmp_path / f"{name}.npy", array)
        argv = [str(tmp_path / "C.npy"), "-a", str(tmp_path / "a.npy")]
        argv += ["-b", str(tmp_path / "b.npy")]
    argv += [] if mass is None else ["--mass", mass]
    assert main(["solve", *argv]) == 0
    name = "mass" if mass else Problem(C, a, b).rescaled.name
    assert f"`{name}` rescaled by 1 - " in capsys.readouterr().out
    assert main(["solve", *argv, "--json"]) == 0
    assert f'"name": "{name}"' in capsys.readouterr().out


@pytest.mark.parametrize("mass", [None, "1"])
def test_tables_keep_the_type(tmp_path, capsys, mass):
    pd, _ = (pytest.importorskip(name) for name in ("pandas", "pyarrow"))
    a, b = unequal(np.float32)
    argv = ["solve", str(tmp_path / "C.npy")]
    np.save(tmp_path / "C.npy", C)
    for name, masses in (("a", a), ("b", b)):
        pd.DataFrame({"id": range(masses.size), "mass": masses}).to_parquet(
            tmp_path / f"{name}.parquet"
        )
        argv += [f"-{name}", str(tmp_path / f"{name}.parquet")]
    argv += [] if mass is None else ["--mass", mass]
    assert main(argv) == 0
    assert " rescaled by 1 - " in capsys.readouterr().out


@pytest.mark.parametrize("option", [[], ["--mass", "1"], ["--mass-fraction", "1"]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_tables_of_nodes_keep_the_type(tmp_path, capsys, dtype, option):
    pd, _ = (pytest.importorskip(name) for name in ("pandas", "pyarrow"))
    a, b = unequal(np.float32)
    nodes = {"node": range(70), "a": np.append(a, 0 * b), "b": np.append(0 * a, b)}
    pd.DataFrame(nodes).astype({"a": dtype, "b": dtype}).to_parquet(tmp_path / "nodes.parquet")
    edges = pd.DataFrame({"u": range(69), "v": range(1, 70), "length": np.float32(1)})
    edges.to_parquet(tmp_path / "edges.parquet")
    argv = ["graph", "edges.parquet", "--nodes", "nodes.parquet", "--source", "a", "--target", "b"]
    argv = [str(tmp_path / k) if k.endswith("parquet") else k for k in argv] + option
    code, out = main(argv), capsys.readouterr()
    if dtype == np.float64 and option != ["--mass-fraction", "1"]:
        assert code == 2
        assert ("needs equal totals" if not option else "exceeds") in out.err
        return
    assert code == 0
    assert ("rescaled by 1 - " in out.out) == (option != ["--mass-fraction", "1"])
    assert main([*argv, "--json"]) == 0
    assert ('"taken"' in capsys.readouterr().out) == (option != ["--mass-fraction", "1"])


@pytest.mark.parametrize("kind", [*KINDS, "mass"])
def test_a_saved_result_says_so_too(tmp_path, kind):
    a, b = unequal(np.float32)
    result = quot.solve(C, a, b, mass=1.0) if kind == "mass" else KINDS[kind](a, b)
    quot.save(result, tmp_path / "r.npz")
    loaded = quot.load(tmp_path / "r.npz")
    assert loaded.rescaled == result.rescaled
    assert type(loaded.rescaled) is type(result.rescaled)
    assert loaded.problem.round_off == result.problem.round_off
    assert repr(loaded) == repr(result)


def test_a_saved_path_goes_on(tmp_path):
    """What the masses came in still says how far a total may be off."""
    result = quot.solve(C, *unequal(np.float32), reg=0.1)
    quot.save(result, tmp_path / "r.npz")
    quot.mass_path(quot.load(tmp_path / "r.npz").problem, [0.5, 1.0])


def test_a_result_saved_by_a_verb_says_so_too(tmp_path, capsys):
    a, b = unequal(np.float32)
    np.savez(tmp_path / "p.npz", C=C, a=a, b=b)
    saved = str(tmp_path / "r.npz")
    assert main(["solve", str(tmp_path / "p.npz"), "--save", saved]) == 0
    assert main(["check", saved]) == 0
    assert capsys.readouterr().out.count("rescaled by 1 - ") == 2
    assert quot.load(saved).rescaled == Problem(C, a, b).rescaled


@pytest.mark.parametrize("given", [[1.0], [[1.0, 0.5]], [-1.0, 0.5], [np.nan, 1.0], ["1", "2"]])
def test_a_file_that_says_nonsense_of_it(tmp_path, given):
    quot.save(quot.solve(C, *unequal(np.float32)), tmp_path / "r.npz")
    arrays = dict(np.load(tmp_path / "r.npz"))
    np.savez(tmp_path / "r.npz", **{**arrays, "rescaled": np.array(given)})
    with pytest.raises(InvalidProblemError, match=r"is damaged: "):
        quot.load(tmp_path / "r.npz")


VERBOSE = {
    **{name: KINDS[name] for name in KINDS if name != "batch"},
    "points": lambda a, b, **o: quot.solve_points(C[:, :3], C.T[:, :3], a, b, **o),
    "adaptive": lambda a, b, **o: quot.solve_adaptive(C, a, b, perplexity=3.0, **o),
    "approximate": lambda a, b, **o: quot.approximate_partial(
        C, a=a, b=b, mass=1.0, accuracy=0.1, **o
    ),
}


@pytest.mark.parametrize("kind", VERBOSE)
def test_a_verbose_solve_says_so(kind, capsys):
    a, b = unequal(np.float32)
    VERBOSE[kind](a, b, verbose=True)
    said = capsys.readouterr().err.splitlines()
    assert sum("rescaled by 1 - " in line for line in said) == 1
    VERBOSE[kind](a, b)
    assert capsys.readouterr().err == ""
    VERBOSE[kind](np.full(30, 1 / 24), np.full(40, 1 / 32), verbose=True)
    assert "rescaled" not in capsys.readouterr().err


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_negative_round_off_is_refused_with_what_to_do(dtype):
    """Nothing is changed in silence: whether it is round-off is for the user to say."""
    a = np.full(30, 1 / 30, dtype)
    a[3] = -1e-9
    with pytest.raises(InvalidProblemError) as caught:
        Problem(C, a)
    assert str(caught.value) == (
        "`a` must not be negative; a[3] is -1e-09. Masses are >= 0. If such numbers are round-off, "
        "pass `np.maximum(a, 0)`."
    )
    with pytest.raises(InvalidProblemError, match=r"pass `np\.maximum\(source, 0\)`\.$"):
        GraphProblem(quot.graphs.grid((5, 6)), a, a)
