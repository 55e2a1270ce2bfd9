"""The house: what is public, what is documented, what is imported, what is printed."""

import ast
import doctest
import enum
import importlib
import inspect
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import quot
import quot.applications
from quot import adaptive, plot

ROOT = Path(__file__).resolve().parents[1]
SRC = ROOT / "src" / "quot"
SOURCES = sorted(SRC.rglob("*.py"))


def relative(path):
    return str(path.relative_to(ROOT))


def modules():
    """All modules of quot that import without an optional package.

    But for the adapter to skada, which switches scikit-learn's metadata routing on.
    """
    found = []
    for info in pkgutil.walk_packages(quot.__path__, "quot."):
        if info.name.endswith(("__main__", "estimators.skada")):
            continue
        try:
            found.append(importlib.import_module(info.name))
        except ImportError as error:
            if (error.name or "quot").startswith("quot"):
                raise
    return found


def public():
    return [(name, getattr(quot, name)) for name in quot.__all__]


def test_all_resolves():
    assert len(set(quot.__all__)) == len(quot.__all__)
    for module in [quot, *modules()]:
        for name in getattr(module, "__all__", ()):
            assert getattr(module, name, None) is not None, f"{module.__name__}.{name}"


def test_the_public_face_is_the_one_promised():
    promised = {
        "solve", "solve_points", "Problem", "PointCost", "Tolerance", "Result", "Plan",
        "Certificate", "Status", "save", "load", "QuotError", "InvalidProblemError",
        "InfeasibleError", "MissingDependencyError", "QuotWarning", "NotConvergedWarning",
        "NumericalWarning",
    }  # fmt: skip
    assert promised <= set(quot.__all__)
    listed = set(re.findall(r"auto\w+:: (\w+)", (ROOT / "docs" / "api.md").read_text()))
    known = {*quot.__all__, *quot.graphs.__all__, *plot.__all__, *adaptive.__all__}
    colors = {"recolor", "Recoloring", "match_colors", "match_samples", "ColorMap", "SampleMap"}
    assert listed <= {*known, *colors, *estimators_there(), "TransportAdapter"}
    assert set(quot.__all__) - listed == {"adaptive", "graphs"}


def estimators_there():
    """Names of estimators; the test ends here without scikit-learn."""
    return pytest.importorskip("quot.estimators").__all__


def run(code):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )


def test_import_is_light():
    heavy = ["torch", "sklearn", "matplotlib", "PIL", "cvxpy", "rich", "pandas", "networkx"]
    done = run(f"import quot, sys; print([m for m in {heavy} if m in sys.modules])")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_solving_is_light():
    code = (
        "import quot, sys, numpy as np; quot.solve(np.eye(3), reg=0.1, mass=0.5);"
        "print([m for m in ('sklearn', 'matplotlib', 'PIL', 'cvxpy', 'rich') if m in sys.modules])"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_pictures_need_no_import_of_their_own():
    code = (
        "import quot, sys; assert 'quot.plot' not in sys.modules; quot.plot.flow;"
        "assert 'quot.applications' not in sys.modules; quot.recolor;"
        "print('matplotlib' in sys.modules, {'plot', 'recolor'} <= set(dir(quot)))"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "False True"
    with pytest.raises(AttributeError, match="module 'quot' has no attribute 'plots'"):
        quot.plots  # noqa: B018


def test_dir_is_what_is_public():
    assert dir(quot) == sorted(["__version__", "plot", "recolor", *quot.__all__])


def test_help_says_what_is_there():
    told = set(re.findall(r"`(\w+)`", quot.__doc__))
    assert told == {"plot", "recolor", *quot.__all__}
    assert max(map(len, quot.__doc__.splitlines())) <= 100


def test_import_leaves_global_state_alone():
    code = (
        "import numpy as np, warnings, logging;"
        "before = (np.random.get_state()[1].tolist(), np.geterr(), list(warnings.filters),"
        " list(logging.getLogger().handlers));"
        "import quot; quot.solve(np.eye(3), reg=0.1);"
        "after = (np.random.get_state()[1].tolist(), np.geterr(), list(warnings.filters),"
        " list(logging.getLogger().handlers));"
        "assert before[0] == after[0] and before[1] == after[1] and before[3] == after[3]"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr


def documented_parameters(thing):
    """Names in the Parameters section of a numpydoc docstring."""
    numpydoc = pytest.importorskip("numpydoc.docscrape")
    doc = numpydoc.NumpyDocString(inspect.getdoc(thing) or "")
    names = [part.strip() for entry in doc["Parameters"] for part in entry.name.split(",")]
    return [name.lstrip("*") for name in names]


def parameters(thing):
    return [
        name
        for name, p in inspect.signature(thing).parameters.items()
        if name not in ("self", "cls") and not name.startswith("_")
    ]


def documented():
    for name, thing in public():
        if inspect.isfunction(thing):
            yield name, thing
        elif inspect.isclass(thing):
            if not issubclass(thing, BaseException) and hasattr(thing, "__dataclass_fields__"):
                yield name, thing
            for attribute, member in vars(thing).items():
                if inspect.isfunction(member) and not attribute.startswith("_"):
                    yield f"{name}.{attribute}", member


def test_docstring_parameters_are_the_signature():
    for name, thing in documented():
        assert inspect.getdoc(thing), f"{name} has no docstring"
        names = documented_parameters(thing)
        if names or "." not in name:  # a method of one sentence may do without the section
            assert names == parameters(thing), name


def callables():
    """Functions, constructors and methods of all that is public, applications and pictures too."""
    applications = [
        importlib.import_module(f"quot.applications.{info.name}")
        for info in pkgutil.iter_modules(quot.applications.__path__)
    ]
    for module in (quot, quot.graphs, adaptive, plot, *applications):
        names = getattr(module, "__all__", [k for k in vars(module) if not k.startswith("_")])
        for name in names:
            thing = getattr(module, name)
            if not getattr(thing, "__module__", "").startswith("quot"):
                continue
            yield f"{module.__name__}.{name}", thing
            for attribute in vars(thing) if inspect.isclass(thing) else ():
                member = getattr(thing, attribute)
                if inspect.isroutine(member) and not attribute.startswith("_"):
                    yield f"{name}.{attribute}", member


def test_every_keyword_is_in_a_signature():
    """Editors and type checkers see it, and an error for a wrong one names what was called."""
    seen = 0
    for name, thing in callables():
        if inspect.isclass(thing) and issubclass(thing, (BaseException, enum.Enum)):
            continue
        if callable(thing):
            kinds = {p.kind for p in inspect.signature(thing).parameters.values()}
            assert not kinds & {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}, (
                f"{name} takes what its signature does not name"
            )
            seen += 1
    assert seen > 100


def test_points_are_solved_with_the_keywords_of_a_cost(monkeypatch):
    """The same names, defaults and types; and each arrives."""

    def keywords(function):
        kept = inspect.signature(function).parameters.values()
        return {p.name: (p.default, p.annotation) for p in kept if p.kind is p.KEYWORD_ONLY}

    points = keywords(quot.solve_points)
    assert points.pop("metric") == ("sqeuclidean", "str")
    assert points == keywords(quot.solve)
    with pytest.raises(TypeError, match=r"^solve_points\(\) got an unexpected keyword.*'regg'"):
        quot.solve_points(np.eye(2), np.eye(2), regg=1.0)
    given = {name: object() for name in points}
    monkeypatch.setattr("quot.api.plans.solve", lambda *args, **options: options)
    assert quot.solve_points(np.eye(2), np.eye(2), **given) == given


def test_public_docstrings_say_something():
    for name, thing in public():
        if not isinstance(thing, str):
            assert inspect.getdoc(thing).splitlines()[0].endswith((".", "?")), name


def test_stated_objective_is_the_objective(rng):
    """The formula in the docstrings, typed out here, is what is evaluated and minimised."""
    C = rng.random((4, 5))
    problem = quot.Problem(C, reg=0.7, mass=0.6)
    r = quot.solve(C, reg=0.7, mass=0.6)
    P = r.plan.to_dense()
    stated = (C * P).sum() + 0.7 / 2 * (P**2).sum()
    for doc in (quot.solve.__doc__, quot.Problem.__doc__, quot.Problem.objective.__doc__):
        assert "<C, P> + reg/2 ||P||^2" in doc
    assert problem.objective(r.plan) == pytest.approx(stated, rel=1e-14)
    assert r.value == pytest.approx(stated, rel=1e-14)
    # No feasible direction improves it: towards any other feasible plan the slope is >= 0.
    for seed in range(20):
        other = quot.solve(np.random.default_rng(seed).random((4, 5)), mass=0.6).plan.to_dense()
        assert ((C + 0.7 * P) * (other - P)).sum() >= -1e-9


@pytest.mark.parametrize(
    "module",
    [module for module in modules() if ">>>" in inspect.getsource(module)],
    ids=lambda module: module.__name__,
)
def test_doctests(module):
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted > 0
    assert result.failed == 0


def tracked():
    """Text files of the repository: tracked ones, and new ones that git does not ignore."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if listed.returncode:
        pytest.skip("not a git checkout")
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if not name or not path.is_file():
            continue
        try:
            yield name, path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_addresses_and_no_machine_paths():
    address = re.compile("htt" + r"ps?://[^\s)\"'>]+")
    path = re.compile(r"(?<![\w.])/(?:home|Users|root)/\w+")
    found = [
        f"{name}: {match.group()}"
        for name, text in tracked()
        for pattern in (address, path)
        for match in pattern.finditer(text)
    ]
    assert not found, found


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "docs/index.md",
        "docs/choosing.md",
        "docs/coming-from.md",
        "docs/labels.md",
        "docs/graphs.md",
        "docs/install.md",
        "docs/entropic.md",
        "docs/adaptive.md",
        "docs/adaptation.md",
        "docs/affinities.md",
        "docs/recolor.md",
        "docs/registration.md",
        "docs/pictures.md",
    ],
)
def test_code_on_pages_runs(page, tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), flags=re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    names: dict = {"__name__": "page"}
    for block in blocks:
        if ">>>" in block:
            test = doctest.DocTestParser().get_doctest(block, names, page, None, 0)
            outcome = doctest.DocTestRunner().run(test, clear_globs=False)
            assert outcome.failed == 0
            names.update(test.globs)
        else:
            exec(compile(block, page, "exec"), names)


def test_deprecations_are_not_overdue():
    for path in SOURCES:
        for match in re.finditer(r'removed_in="([\d.]+)"', path.read_text()):
            due = tuple(int(k) for k in match.group(1).split("."))
            now = tuple(int(k) for k in quot.__version__.split(".")[:3] if k.isdigit())
            assert now < due, f"{relative(path)}: due in {match.group(1)}"


KERNELS = [path for path in SOURCES if path.parent.name == "kernels"]


@pytest.fixture
def few(tmp_path):
    """A package of three kernels, each in a file of its own, that call one another."""
    package, path = tmp_path / "few", os.pathsep.join([str(tmp_path), str(SRC.parent)])
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "_jit.py").write_text((SRC / "kernels" / "_jit.py").read_text())
    for name, before in (("two", "one"), ("three", "two")):
        lines = f"from few._jit import kernel\nfrom few.{before} import {before}\n\n@kernel\n"
        (package / f"{name}.py").write_text(f"{lines}def {name}(x):\n    return {before}(x)\n")

    def say(number, code):
        """What a process prints where the kernel that calls no other adds a number."""
        one = f"from few._jit import kernel\n\n@kernel\ndef one(x):\n    return x + {number}.0\n"
        (package / "one.py").write_text(one)
        os.utime(package / "one.py", (number, number))
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env=os.environ | {"PYTHONPATH": path, "NUMBA_CACHE_DIR": str(tmp_path)},
        )  # fmt: skip
        return done.stdout.split()

    return say


def test_a_cached_kernel_is_compiled_again_where_what_it_calls_changes(few):
    """In the same process and in others, though its own file is the same."""
    ask = "from few.three import three; print(three(0.0), sum(three.stats.cache_hits.values()))"
    assert [few(number, ask) for number in (1, 1, 10)] == [
        ["1.0", "0"],
        ["1.0", "1"],
        ["10.0", "0"],
    ]


@pytest.mark.parametrize("is_tried", [True, False])
def test_what_kernels_call_is_compiled_for_itself_only_where_python_calls_it(few, is_tried):
    code = f"""
from quot.kernels import _callee
_callee.IS_TRIED = {is_tried}
from few.three import three
from few.two import one, two
print(three(1.0), len(one.signatures), len(two.signatures))
print(one(1.0), two(1.0), three(1.0), len(one.signatures), len(two.signatures))
"""
    before = "0" if is_tried else "1"
    assert few(1, code) == ["2.0", before, before, "2.0", "2.0", "2.0", "1", "1"]


def test_this_version_of_numba_has_been_tried():
    """If not, see whether all of the above holds with it, and say so there."""
    from quot.kernels import _callee

    assert _callee.IS_TRIED


def test_kernels_take_kernels_and_their_constants_from_other_files_only():
    for node in (node for path in KERNELS for node in ast.walk(ast.parse(path.read_text()))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("quot"):
            assert node.module.startswith("quot.kernels.")
            module = importlib.import_module(node.module)
            names = [alias.name for alias in node.names]
            # else nothing would be compiled again where a constant changes
            assert node.module == "quot.kernels._jit" or any(
                callable(getattr(module, name)) for name in names
            ), f"{node.module}: only {names}"
        if isinstance(node, ast.Import):
            assert not any(alias.name.startswith("quot") for alias in node.names)


def test_every_kernel_is_compiled_in_one_way_or_in_the_order_written():
    for path in KERNELS:
        if path.name.startswith("_"):
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef):
                names = [ast.unparse(d) for d in node.decorator_list]
                assert names in (["kernel"], ["exact_kernel"], ["inlined"], ["part"]), (
                    f"{relative(path)}: {node.name} has {names}"
                )
    text = (SRC / "kernels" / "_jit.py").read_text()
    assert text.count(", **options)") == text.count("njit(") == 2
    assert text.count("options.update(_WAYS)") == 1
    assert text.count("= _way(") == 4
    assert '{"nogil": True, "error_model": "numpy"' in text
    fast = ast.literal_eval(re.search(r"_SAFE_FASTMATH = (\{.*?\})", text).group(1))
    assert fast <= {"reassoc", "contract", "nsz", "arcp"}, "isnan(nan) would be False"


def _is_along(target, name):
    """Whether a store goes from one place to the next as the loop does: it may run in vectors."""
    if not isinstance(target, ast.Subscript):
        return False
    places = [node for node in ast.walk(target.slice) if isinstance(node, ast.Name)]
    return name in {node.id for node in places} and not any(
        isinstance(node, ast.Subscript) for node in ast.walk(target.slice)
    )


def _is_sum(node):
    """Whether a number is added up, not counted."""
    is_added = isinstance(node, ast.AugAssign) and isinstance(node.op, (ast.Add, ast.Sub))
    whole = (ast.IfExp, ast.Constant, ast.Compare)
    return is_added and isinstance(node.target, ast.Name) and not isinstance(node.value, whole)


def test_no_loop_stores_what_it_sums():
    """Or its sums would have another order where two small arrays lie next to each other.

    Compiled for vectors such a loop asks first whether arrays may overlap, and if they are near
    takes one number after the other instead.
    """
    found = []
    for path in KERNELS:
        for function in ast.parse(path.read_text()).body:
            ways = [ast.unparse(way) for way in getattr(function, "decorator_list", ())]
            if not ways or "exact_kernel" in ways:
                continue
            for loop in (node for node in ast.walk(function) if isinstance(node, ast.For)):
                inside = [node for node in ast.walk(loop) if node is not loop]
                if any(isinstance(node, (ast.For, ast.While, ast.Break)) for node in inside):
                    continue
                stores = [t for node in inside for t in getattr(node, "targets", ())]
                stores += [node.target for node in inside if isinstance(node, ast.AugAssign)]
                is_stored = any(_is_along(target, loop.target.id) for target in stores)
                if is_stored and any(_is_sum(node) for node in inside):
                    found.append(f"{path.name}: {function.name}, line {loop.lineno}")
    # what has been added up so far is what is stored: one number after the other in any case
    assert [line for line in found if "laplacian.py: factor" not in line] == []


def test_sizes(record_property):
    """A report, not a judgement: files past their budget."""
    budgets = [(SRC, 400), (ROOT / "tests", 400)]
    over = {
        relative(path): count
        for folder, budget in budgets
        for path in sorted(folder.rglob("*.py"))
        if (count := len(path.read_text().splitlines())) > budget
    }
    record_property("files over budget", over)
    helpers = [ROOT / "tests" / name for name in ("strategies.py", "checks.py", "conftest.py")]
    assert all(len(path.read_text().splitlines()) <= 300 for path in helpers)
